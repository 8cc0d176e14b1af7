"""What the bank gets to read in a chargeback."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.cases.record import Channel, Evidence, Said
from domain.chargeback_bundle import DisputeFacts, bundle
from domain.ledger import Account, Entry, EntryKind
from domain.money import Money
from domain.order import Line
from domain.parcel import Shipment
from domain.parties import Role
from domain.policy import EvidenceKind
from domain.requests import LARGEST_SUBMISSION, LARGEST_TEXT

NOW = datetime(2026, 11, 5, 18, tzinfo=UTC)
SHA = "ab" * 32


def usd(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor=minor, currency="USD")


FACTS = DisputeFacts(
    order_id="A-1",
    payment_ref="ch_1",
    chargeback_id="dp_1",
    amount=usd(12_900),
    pack="resale-v1",
    lines=(Line(listing_id="L-1", price=usd(5_500), quantity=2, category="dress"),),
    shipment=Shipment(carrier="sandbox", tracking_number="TN-123"),
    scanned_at=NOW - timedelta(days=5),
    delivered_at=NOW - timedelta(days=2),
    signed=True,
)


def item(number: int, kind: EvidenceKind = EvidenceKind.PHOTO_FRONT, matches: bool | None = True) -> Evidence:
    """A file of the seller, numbered and a minute later for each number."""
    return Evidence(
        id=f"e{number}",
        kind=kind,
        by=Role.SELLER,
        at=NOW + timedelta(minutes=number),
        sha256=SHA,
        uri=f"s3://files/{number}",
        media_type="image/jpeg",
        size=9,
        matches=matches,
    )


def said(number: int, text: str = "hello", *, internal: bool = False) -> Said:
    """A message of the buyer, a minute later for each number."""
    at = NOW + timedelta(minutes=number)
    return Said(number=number, at=at, by=Role.BUYER, channel=Channel.CHAT, text=text, internal=internal)


def test_a_bundle_states_the_facts_in_the_providers_names() -> None:
    """Items, carrier, number and dates stand where the bank looks for them."""
    made = bundle(FACTS, (), ())
    expected = {
        "product_description": "Order A-1\n2 x L-1 (dress), USD 55.00 each",
        "refund_policy_disclosure": "The order has been under the rules of resale-v1 since its purchase.",
        "shipping_carrier": "sandbox",
        "shipping_tracking_number": "TN-123",
        "shipping_date": "2026-10-31",
        "uncategorized_text": "The dispute is about USD 129.00.\n"
        "The carrier took the parcel on 2026-10-31 18:00 UTC.\n"
        "The carrier delivered it on 2026-11-03 18:00 UTC, against a signature.",
    }
    assert ("A-1", "ch_1", "dp_1", {}) == (made.order_id, made.payment_ref, made.chargeback_id, made.files)
    assert expected == made.texts


def test_an_order_that_was_never_shipped_claims_nothing_of_a_parcel() -> None:
    """What is not known is left out, not guessed."""
    bare = DisputeFacts(order_id="A-1", payment_ref="ch_1", chargeback_id="dp_1", amount=usd(1), pack="resale-v1")
    texts = bundle(bare, (), ()).texts
    assert {"product_description", "refund_policy_disclosure", "uncategorized_text"} == set(texts)


def test_a_refund_already_paid_is_submitted_as_such() -> None:
    """The bank reads what was refunded, when, and by which reference, so that it is not paid again."""
    refund = Entry(
        key="refund-A-1-1",
        kind=EntryKind.REFUNDED,
        source=Account.ESCROW,
        target=Account.BUYER,
        amount=usd(5_000),
        at=NOW,
        reference="re_7",
    )
    text = bundle(FACTS.model_copy(update={"refunds": (refund, refund)}), (), ()).texts["refund_refusal_explanation"]
    assert text.startswith("USD 100.00 of this payment has already been refunded and must not be paid a second time:")
    assert "USD 50.00 on 2026-11-05 18:00 UTC, reference re_7" in text


def test_the_record_is_told_in_the_order_in_which_it_happened() -> None:
    """Evidence and messages stand in one chronology, each with who, when and what it is known by."""
    text = bundle(FACTS, (item(2),), (said(1, "it is green"), said(3, "keep it"))).texts["uncategorized_text"]
    assert text.endswith(
        "\n\nThe record of the case:"
        "\n2026-11-05 18:01 UTC, buyer (chat): it is green"
        f"\n2026-11-05 18:02 UTC, seller: evidence e2, photo_front, SHA-256 {SHA}"
        "\n2026-11-05 18:03 UTC, buyer (chat): keep it"
    )


def test_internal_notes_are_never_handed_out() -> None:
    """What support writes for itself does not leave the house."""
    made = bundle(FACTS, (), (said(1, "seller looks shady", internal=True),))
    assert bundle(FACTS, (), ()) == made


def test_files_go_where_the_provider_looks_for_their_kind() -> None:
    """Each file is a URI with its hash; those of one name share it, and a file that changed is kept back."""
    kinds = (EvidenceKind.RECEIPT, EvidenceKind.CORRESPONDENCE, EvidenceKind.PACKING, EvidenceKind.SERIAL_NUMBER)
    evidence = tuple(item(number, kind) for number, kind in enumerate(kinds, 1))
    made = bundle(FACTS, (*evidence, item(5, matches=None), item(6, matches=False)), ())
    expected = {
        "receipt": f"s3://files/1 {SHA}",
        "customer_communication": f"s3://files/2 {SHA}",
        "shipping_documentation": f"s3://files/3 {SHA}",
        "uncategorized_file": f"s3://files/4 {SHA}\ns3://files/5 {SHA}",
    }
    assert expected == made.files
    assert "evidence e6, photo_front, SHA-256 " + SHA + ", not handed in" in made.texts["uncategorized_text"]


def test_the_oldest_is_left_out_first_and_the_text_says_so() -> None:
    """Of what does not fit, the newest messages stay whole."""
    made = bundle(FACTS, (), tuple(said(number, str(number) * 2_600) for number in range(1, 10)))
    text = made.texts["uncategorized_text"]
    assert "without its 2 oldest entries, since a text may have 20,000 characters:" in text
    assert text.endswith("9" * 2_600)
    assert ("1" * 2_600 in text, "3" * 2_600 in text) == (False, True)


def test_one_message_beyond_the_limit_is_cut_and_says_so() -> None:
    """A single text that fits nowhere is shortened rather than lost."""
    made = bundle(FACTS, (), (said(1, "x" * 200_000),))
    assert LARGEST_TEXT == len(made.texts["uncategorized_text"])
    assert made.texts["uncategorized_text"].endswith("x [the rest is left out: too long for one submission]")


def test_an_order_of_very_many_lines_is_described_as_far_as_it_fits() -> None:
    """The bank takes no more of one text, however many items there were."""
    lines = tuple(FACTS.lines[0].model_copy(update={"listing_id": "L" * 64, "category": "d" * 64}) for _ in range(200))
    described = bundle(FACTS.model_copy(update={"lines": lines}), (), ()).texts["product_description"]
    assert len(described) == LARGEST_TEXT
    assert described.endswith("[the rest is left out: too long for one submission]")


@given(
    st.lists(st.integers(0, 60_000), max_size=12),
    st.lists(st.sampled_from(EvidenceKind), max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_no_bundle_is_larger_than_the_provider_takes(
    lengths: list[int], kinds: list[EvidenceKind], internal: list[bool]
) -> None:
    """Whatever was said and shown, the provider takes it, and the same record gives the same bundle."""
    talk = tuple(said(number, "x" * length, internal=internal[number]) for number, length in enumerate(lengths))
    evidence = tuple(item(number, kind) for number, kind in enumerate(kinds))
    made = bundle(FACTS, evidence, talk)
    assert made.size <= LARGEST_SUBMISSION
    assert all(len(text) <= LARGEST_TEXT for text in made.texts.values())
    assert made == bundle(FACTS, evidence, talk)
    assert all(made.texts.values())
