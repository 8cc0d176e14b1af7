"""Offers: their bounds, counters and expiry, and the rules by which a side agrees beforehand."""

from datetime import timedelta
from typing import Any

import pytest

from domain.cases.record import OfferState, StandingRule
from domain.duties import DutyKind, Silence
from domain.messages import Reply, Verdict
from domain.money import Money
from domain.order import PriceSplit
from domain.parties import Role
from domain.policy import CaseState, Reason, Remedy
from tests.domain.cases.a_case import OPENED, Sitting, a_file, complete, gives, owed, proposal, takes, usd

SHOWN = complete()


def asked(**changes: Any) -> Sitting:
    """A case that waits for its seller."""
    return Sitting(a_file(evidence=SHOWN, **changes))


def offers(sitting: Sitting, by: Role, minor: int | None = 5_000, **fields: Any) -> Reply:
    """A side offers a partial refund, or what is given."""
    return sitting.say("offer", **({"by": by, "proposal": proposal(minor)} | fields))


def answers(sitting: Sitting, by: Role, *, accept: bool, **fields: Any) -> Reply:
    """A side answers the open offer."""
    return sitting.say("answer_offer", by=by, accept=accept, **fields)


def states(sitting: Sitting) -> list[OfferState]:
    """What became of the offers."""
    return [offer.state for offer in sitting.record.offers]


def test_an_offer_of_the_seller_is_the_sellers_answer() -> None:
    """The seller owes no answer any more; the buyer owes one to the offer."""
    sitting = asked()

    reply = sitting.say("respond", accept=False, offer=proposal(5_000))

    assert (Verdict.ASKED, OPENED + timedelta(hours=48)) == (reply.verdict, reply.instant)
    assert CaseState.NEGOTIATING is sitting.state
    assert {DutyKind.ANSWER_OFFER, DutyKind.LAST_RESORT} == owed(sitting)
    assert Role.BUYER is sitting.duties[DutyKind.ANSWER_OFFER].owner


def test_an_offer_of_the_buyer_leaves_the_seller_their_time() -> None:
    """The buyer's offer stands beside the seller's answer, which is still owed."""
    sitting = asked()

    offers(sitting, Role.BUYER)

    assert CaseState.AWAITING_SELLER is sitting.state
    assert {DutyKind.ANSWER_CASE, DutyKind.ANSWER_OFFER, DutyKind.LAST_RESORT} == owed(sitting)


def test_silence_on_an_offer_of_the_buyer_only_ends_the_offer() -> None:
    """What the seller is told of silence is what follows: while their answer is owed, support is not asked yet."""
    sitting = asked()
    offers(sitting, Role.BUYER)
    duty = sitting.duties[DutyKind.ANSWER_OFFER]

    sitting.at(duty.agreed_due)

    assert Silence.CONTINUE is duty.on_silence
    assert (CaseState.AWAITING_SELLER, [OfferState.EXPIRED]) == (sitting.state, states(sitting))


@pytest.mark.parametrize(("minor", "code"), [(0, "amount_beyond"), (1, "offer_made"), (12_899, "offer_made")])
def test_amounts_lie_between_nothing_and_all(minor: int, code: str) -> None:
    """A part is more than nothing and less than what is at stake."""
    assert code == offers(asked(), Role.SELLER, minor).code


@pytest.mark.parametrize(
    ("proposed", "code"),
    [
        (proposal(12_900), "amount_beyond"),
        (proposal(-1), "amount_beyond"),
        (proposal(None), "amount_missing"),
        (proposal(100) | {"amount": Money(minor=100, currency="EUR")}, "amount_currency"),
        (proposal(None, Remedy.CANCELLATION), "remedy_needs_no_delivery"),
    ],
)
def test_what_cannot_be_given_cannot_be_offered(proposed: dict[str, Any], code: str) -> None:
    """No offer goes beyond what is at stake, is in another currency, or of a remedy that does not fit."""
    assert code == asked().say("offer", by=Role.SELLER, proposal=proposed).code


def test_goods_that_never_came_cannot_be_returned() -> None:
    """A return is no offer where nothing has arrived."""
    sitting = asked(reason=Reason.LOST)

    assert "remedy_needs_goods" == offers(sitting, Role.SELLER, proposal=proposal(None, Remedy.RETURN_FOR_REFUND)).code


def test_acceptance_settles() -> None:
    """Both want it, so it takes effect at once and nobody appeals."""
    sitting = asked()
    offers(sitting, Role.SELLER)

    reply = answers(sitting, Role.BUYER, accept=True)

    assert "offer_accepted" == reply.code
    assert (CaseState.RESOLVED, usd(5_000), True) == (sitting.state, sitting.decision.amount, sitting.decision.agreed)
    assert [5_000] == [one.amount.minor for one in sitting.told]


def test_an_accepted_return_waits_for_the_goods() -> None:
    """A return for refund that both want pays once the goods are back."""
    sitting = asked()
    offers(sitting, Role.SELLER, proposal=proposal(None, Remedy.RETURN_FOR_REFUND))

    answers(sitting, Role.BUYER, accept=True)

    assert CaseState.AWAITING_RETURN is sitting.state
    assert [] == sitting.told


def test_a_counter_offer_replaces_the_offer() -> None:
    """The other side counters with their own; only the last one is open, and the answer is owed by its other side."""
    sitting = asked()
    offers(sitting, Role.SELLER, 2_000)

    offers(sitting.wait(hours=3), Role.BUYER, 6_000)

    assert [OfferState.COUNTERED, OfferState.OPEN] == states(sitting)
    assert Role.SELLER is sitting.duties[DutyKind.ANSWER_OFFER].owner
    assert sitting.now + timedelta(hours=48) == sitting.duties[DutyKind.ANSWER_OFFER].due


def test_nobody_offers_twice_in_a_row_nor_more_often_than_the_policy_allows() -> None:
    """A side waits for an answer to its offer, and makes three at most."""
    sitting = asked()
    offers(sitting, Role.SELLER, 1_000)
    twice = offers(sitting, Role.SELLER, 1_500).code
    for minor in (2_000, 3_000):
        offers(sitting, Role.BUYER, 9_000)
        offers(sitting, Role.SELLER, minor)
    offers(sitting, Role.BUYER, 8_000)

    assert "offer_open_already" == twice
    assert "offers_used_up" == offers(sitting, Role.SELLER, 4_000).code


def test_nobody_answers_their_own_offer() -> None:
    """Only the other side takes an offer or leaves it, and only the one that is open."""
    sitting = asked()
    offers(sitting, Role.SELLER)

    assert "offer_not_yours" == answers(sitting, Role.SELLER, accept=True).code
    assert "offer_not_yours" == answers(sitting, Role.SUPPORT, accept=True).code
    assert "offer_not_open" == answers(sitting, Role.BUYER, accept=True, offer_id="o9").code
    assert "offer_not_open" == answers(asked(), Role.BUYER, accept=True).code


def test_refusing_brings_in_support() -> None:
    """The seller's offer was their answer: when it is refused, the sides have not settled."""
    sitting = asked()
    offers(sitting, Role.SELLER)

    answers(sitting, Role.BUYER, accept=False)

    assert (CaseState.WITH_SUPPORT, [OfferState.REFUSED]) == (sitting.state, states(sitting))


def test_refusing_the_buyers_offer_leaves_the_seller_their_answer() -> None:
    """The seller still has to say what they think of the complaint."""
    sitting = asked()
    offers(sitting, Role.BUYER)

    answers(sitting, Role.SELLER, accept=False)

    assert CaseState.AWAITING_SELLER is sitting.state
    assert DutyKind.ANSWER_CASE in sitting.duties


def test_an_offer_expires() -> None:
    """At the due instant the offer is over, and support takes the case; an answer that was sent before still counts."""
    sitting = asked()
    offers(sitting, Role.SELLER)
    due = sitting.duties[DutyKind.ANSWER_OFFER].due
    assert due is not None
    sitting.now = due

    assert "offer_expired" == answers(sitting, Role.BUYER, accept=True).code
    sitting.at(due)
    assert (CaseState.WITH_SUPPORT, [OfferState.EXPIRED]) == (sitting.state, states(sitting))


@pytest.mark.parametrize(("hours", "stands"), [(10, 10), (48, 48), (90, 48)])
def test_an_offer_may_expire_sooner_never_later(hours: int, stands: int) -> None:
    """The policy's time to answer is the longest."""
    sitting = asked()

    offers(sitting, Role.SELLER, expires=OPENED + timedelta(hours=hours))

    duty = sitting.duties[DutyKind.ANSWER_OFFER]
    assert OPENED + timedelta(hours=stands) == duty.due == sitting.record.offers[0].expires
    assert all(reminder < duty.agreed_due for reminder in duty.reminders)


def test_an_offer_that_is_over_when_made_is_refused() -> None:
    """Nobody can answer what has expired."""
    sitting = asked()

    assert "offer_expired" == offers(sitting, Role.SELLER, expires=OPENED).code
    assert () == sitting.record.offers


def test_what_support_proposes_needs_both() -> None:
    """The first yes is kept and the other side asked until the same instant; the second one settles."""
    sitting = asked().contested()
    offers(sitting, Role.SUPPORT, author="kim")
    due = sitting.duties[DutyKind.ANSWER_OFFER].due

    half = answers(sitting, Role.SELLER, accept=True)

    assert ("offer_half_accepted", due) == (half.code, half.instant)
    assert Role.BUYER is sitting.duties[DutyKind.ANSWER_OFFER].owner
    assert "offer_not_yours" == answers(sitting, Role.SELLER, accept=True).code
    assert not answers(sitting, Role.BUYER, accept=True).refused
    assert (CaseState.RESOLVED, True) == (sitting.state, sitting.decision.agreed)


def test_support_proposes_only_what_it_has_on_the_desk() -> None:
    """An agent who is no party makes an offer, and only once the sides have not settled."""
    assert "not_with_support" == offers(asked(), Role.SUPPORT, author="kim").code
    assert "agent_is_party" == offers(asked().contested(), Role.SUPPORT, author="b-17").code
    assert "not_a_side" == offers(asked(), Role.CARRIER).code


def test_the_desks_clocks_stand_still_while_an_offer_is_open() -> None:
    """Support waits for the sides, and has the time that it had left when they do not settle."""
    sitting = asked().contested()
    offers(sitting, Role.BUYER)
    waiting = sitting.duties[DutyKind.DECIDE_CASE].due
    answers(sitting.wait(hours=4), Role.SELLER, accept=False)

    assert waiting is None
    assert CaseState.WITH_SUPPORT is sitting.state
    assert sitting.duties[DutyKind.DECIDE_CASE].due is not None


def test_an_offer_leaves_open_that_evidence_is_waited_for() -> None:
    """Evidence that comes does not end the negotiation, and an offer that is refused does not end the asking."""
    sitting = asked().contested()
    sitting.say("request_evidence", agent="kim", of=Role.SELLER, kinds=("packing",))
    offers(sitting, Role.BUYER)
    negotiating = sitting.state
    answers(sitting, Role.SELLER, accept=False)

    asking = sitting.state
    offers(sitting, Role.BUYER, 4_000)
    sitting.until(DutyKind.ADD_EVIDENCE)

    assert [CaseState.NEGOTIATING, CaseState.AWAITING_EVIDENCE] == [negotiating, asking]
    assert CaseState.NEGOTIATING is sitting.state


def test_a_breached_case_comes_back_to_the_lead() -> None:
    """After all clocks of the desk have run out, an offer that fails brings no fresh ones."""
    sitting = asked().contested().until(DutyKind.LEAD_DECIDES)
    offers(sitting, Role.BUYER)

    answers(sitting, Role.SELLER, accept=False)

    assert CaseState.WITH_LEAD is sitting.state
    assert {DutyKind.LAST_RESORT} == owed(sitting)


def test_no_offers_after_the_decision() -> None:
    """Once a ruling stands, even undone still, the sides settle no more."""
    sitting = asked().contested()
    sitting.ruled(Remedy.RELEASE)

    assert "offer_after_decision" == offers(sitting, Role.SELLER).code


# --- rules beforehand: `percent` is of the items, USD 110.00 ---


@pytest.mark.parametrize(
    ("standing", "amount"),
    [
        ((gives(30), takes(30)), 3_300),
        ((gives(40), takes(30)), 3_300),
        ((gives(50), takes(20), takes(40), takes(60)), 4_400),
        ((gives(29), takes(30)), None),
        ((gives(30),), None),
        ((gives(100, Remedy.CANCELLATION), takes(10, Remedy.CANCELLATION)), None),
        ((gives(100, Remedy.RELEASE), takes(1, Remedy.RELEASE)), None),
        ((gives(100, Remedy.REFUND_AND_KEEP), takes(30, Remedy.REFUND_AND_KEEP)), None),
    ],
    ids=["meet", "overlap", "the buyer's best", "miss", "one side", "unfit", "nothing", "all is more than the items"],
)
def test_rules_of_both_sides_settle_at_what_the_buyer_takes(
    standing: tuple[StandingRule, ...], amount: int | None
) -> None:
    """Where the rules meet the case is settled at once, at most at what the seller gives beforehand."""
    sitting = asked(standing=standing)

    decision = sitting.record.decision
    assert amount == (decision.amount.minor if decision else None)
    assert (CaseState.RESOLVED if amount else CaseState.AWAITING_SELLER) is sitting.state


@pytest.mark.parametrize(
    ("remedy", "takes_percent", "settled"),
    [
        (Remedy.CANCELLATION, 10, None),
        (Remedy.PARTIAL_REFUND, 100, None),
        (Remedy.PARTIAL_REFUND, 99, 10_890),
        (Remedy.REFUND_AND_KEEP, 50, 11_000),
    ],
)
def test_rules_settle_only_what_could_be_offered(remedy: Remedy, takes_percent: int, settled: int | None) -> None:
    """A remedy that does not fit, or a part that is all, is not settled beforehand either."""
    price = PriceSplit(items=usd(11_000), shipping=usd(0), tax=usd(0), platform_fee=usd(100))
    sitting = Sitting(a_file(price, evidence=SHOWN, standing=(gives(100, remedy), takes(takes_percent, remedy))))

    decision = sitting.record.decision
    assert settled == (decision.amount.minor if decision else None)


def test_an_offer_that_meets_a_rule_settles_at_once() -> None:
    """The buyer's rule takes the seller's offer of enough, the seller's rule the buyer's wish of little enough."""
    by_seller, by_buyer = asked(standing=(takes(30),)), asked(standing=(gives(30),))

    assert "offer_made" == offers(asked(standing=(takes(30),)), Role.SELLER, 3_299).code
    assert "offer_met_rule" == offers(by_seller, Role.SELLER, 3_300).code
    assert "offer_made" == offers(asked(standing=(gives(30),)), Role.BUYER, 3_301).code
    assert "offer_met_rule" == offers(by_buyer, Role.BUYER, 3_300).code
    for sitting, basis in ((by_seller, "standing:buyer"), (by_buyer, "standing:seller")):
        assert CaseState.RESOLVED is sitting.state
        assert basis in sitting.decision.grounds[0].basis


def test_a_rule_is_over_once_its_order_has_closed() -> None:
    """What a seller agreed to beforehand takes no money back after the end; they are asked, and a person may look."""
    sitting = Sitting(a_file(late=True, refunded_before=usd(0), standing=(gives(30),)))

    assert "offer_made" == offers(sitting, Role.BUYER, 3_300).code


def test_a_rule_takes_only_its_own_remedy() -> None:
    """Who keeps the goods for a third off has not agreed to a return."""
    sitting = asked(standing=(takes(1),))

    assert "offer_made" == offers(sitting, Role.SELLER, proposal=proposal(None, Remedy.RETURN_FOR_REFUND)).code
