"""What makes no sense in how cases run is refused, with the line to look at."""

import pytest

from domain import policy_packs
from domain.case_checks import case_contradictions, remedies
from domain.policy import NOTHING_CAME, Reason, Remedy
from domain.policy_packs import PackError
from tests.domain.packs import TEXT, changed

RESALE = policy_packs.load("resale-v1").policy
MEDIA = TEXT[TEXT.index("media_types = ") : TEXT.index("\n", TEXT.index("media_types = "))]


@pytest.mark.parametrize(
    ("block", "old", "new", "message"),
    [
        ("reasons.damaged", '"return_for_refund"', '"cancellation"', "`cancellation` is for goods that never came"),
        ("reasons.damaged", '"return_for_refund"', '"partial_refund"', "`partial_refund` needs an amount"),
        ("reasons.damaged", '"return_for_refund"', '"release"', "write `return_for_refund` or `refund_and_keep`"),
        ("reasons.late", '"cancellation"', '"return_for_refund"', "`return_for_refund` needs goods that have arrived"),
        ("reasons.changed_mind.fast_track", "[]", '["USD 5.00"]', "`reasons.changed_mind.reply.on_silence` gives to"),
        ("reasons.damaged", '"platform"', '"support"', "write `platform` or `buyer` or `seller`"),
        ("transit", '"platform"', '"carrier"', "`carrier` cannot bear it"),
        ("returns", '"platform"', '"buyer"', "since the buyer is refunded: write `platform` or `seller`"),
        ("reasons.damaged", '"delivered"', '"estimate"', "needs goods: write `delivered`"),
        ("support", '"EUR 460.00"', '"USD 460.00"', "has two amounts in USD: take one out"),
        ("seller_protection", '"USD 750.00"', '"USD -1.00"', "USD -1.00 is less than nothing"),
        ("reasons.damaged.fast_track", '"USD 150.00"', '"USD 0.00"', "USD 0.00 approves nothing"),
        ("reasons.damaged", '"photo_front"', '"photo_back"', "names `photo_back` twice"),
        ("evidence", MEDIA, "media_types = []", "allows no file at all"),
        ("evidence", '"image/png"', '"png"', "'png' is not a media type: write for example image/jpeg"),
        ("evidence", "phones =", '" " =', "' ' is no category"),
        ("evidence", "phones =", f'"{"x" * 65}" =', "is no category"),
        ("evidence", '["serial_number"]', "[]", "asks nothing for 'phones'"),
        ("evidence", "most_items = 30", "most_items = 5", "5 leaves no room for a checklist of 6"),
        ("support", '"negotiating"', '"with_support"', "in `with_support` the desk itself must act"),
        ("limits", "100_000", "3_999", "4000 is more than `limits.conversation_characters` (3999)"),
    ],
)
def test_a_contradiction_is_told_with_its_line(block: str, old: str, new: str, message: str) -> None:
    """Each contradiction is told once, on the line of the setting to look at."""
    text, line = changed(block, old, new)

    with pytest.raises(PackError) as refused:
        policy_packs.read(text)

    found = [problem.line for problem in refused.value.problems if message in problem.message]
    # A text that is too long for its conversation is told where the text is bounded.
    assert [TEXT[: TEXT.index("text_characters =")].count("\n") + 1 if block == "limits" else line] == found


def test_no_second_pair_of_eyes_is_needed_from_nothing_on() -> None:
    """An amount of nothing is a limit that everything is above: each ruling is confirmed."""
    text, _ = changed("support", '"USD 500.00"', '"USD 0.00"')

    assert () == tuple(case_contradictions(policy_packs.read(text).policy))


@pytest.mark.parametrize("reason", Reason)
def test_goods_go_back_exactly_where_goods_have_come(reason: Reason) -> None:
    """A return and a cancellation exclude each other; a refund without a return fits everywhere."""
    fitting = remedies(reason)

    came = reason not in NOTHING_CAME
    assert came is (Remedy.RETURN_FOR_REFUND in fitting)
    assert came is not (Remedy.CANCELLATION in fitting)
    assert Remedy.REFUND_AND_KEEP in fitting


def test_our_pack_gives_every_reason_a_remedy_that_fits() -> None:
    """Nothing that was never received has to be sent back."""
    given = {reason: rule.remedy for reason, rule in RESALE.reasons.items()}

    cancelled = {reason for reason, remedy in given.items() if remedy is Remedy.CANCELLATION}
    assert {Reason.NOT_RECEIVED, Reason.LATE, Reason.LOST} == cancelled
    assert Remedy.REFUND_AND_KEEP is given[Reason.COUNTERFEIT]
