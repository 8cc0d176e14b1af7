"""Previews of an order's actions, without a workflow: the same judgment as the action's, and money that adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import clocks, rights
from domain.cases.case import Delivery
from domain.cases.record import EvidenceItem, StandingRule
from domain.duties import DutyKind, Shift
from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.messages import Acceptance, Cancel, Complaint, Extend, Message, Reply, Shipped
from domain.order_preview import ACTIONS, Prospect, divided, preview
from domain.parcel import Parcel, TrackingStatus
from domain.parties import Role
from domain.policy import EvidenceKind, Reason
from domain.preview import Intent, Preview
from domain.rights import Standing
from domain.settlement import Decision, Ending, capture, charged_back, division
from tests.play import scan
from tests.world import BEGINNING, SHIPMENT, an_order, la, ny, usd

ORDER = an_order(BEGINNING)
SCANNED = Parcel().hearing([scan(ny(11, 2, 12))])[0]
DELIVERED = SCANNED.hearing([scan(ny(11, 5, 12), TrackingStatus.DELIVERED)])[0]
ENDED = Decision(ending=Ending.ACCEPTED, refund=usd(0), rule="resale-v1/protection.window", at=ny(11, 6, 12))
PLACED = Standing(
    order=ORDER,
    parcel=Parcel(),
    duties={DutyKind.SHIP: clocks.ship(ORDER), DutyKind.SHIP_FINAL: clocks.ship_final(ORDER)},
)
ASKED = replace(
    PLACED,
    duties={
        **PLACED.duties,
        DutyKind.ANSWER_CANCELLATION: clocks.answer_cancellation(ORDER, BEGINNING),
        DutyKind.ANSWER_EXTENSION: clocks.answer_extension(ORDER, BEGINNING),
    },
    extension_asked=la(11, 8, 12),
    extensions_asked=1,
)
ARRIVED = Standing(order=ORDER, parcel=DELIVERED, duties={DutyKind.REPORT: clocks.report(ORDER, ny(11, 5, 12))})
STANDINGS = (PLACED, ASKED, replace(PLACED, parcel=SCANNED), ARRIVED, replace(ARRIVED, decision=ENDED))
PHOTOS = (
    EvidenceKind.PHOTO_FRONT,
    EvidenceKind.PHOTO_BACK,
    EvidenceKind.PHOTO_SIDES,
    EvidenceKind.PHOTO_PARCEL,
    EvidenceKind.PHOTO_DEFECT,
)

instants = st.integers(0, 30 * 24).map(lambda hours: BEGINNING + timedelta(hours=hours))
answers = st.sampled_from([None, "agree", "refuse"])
roles = st.sampled_from(["buyer", "seller", "support"])
actions = st.one_of(
    st.just(("shipped", {"carrier": SHIPMENT.carrier, "tracking_number": SHIPMENT.tracking_number})),
    st.just(("shipped", {"carrier": "sandbox", "tracking_number": "?"})),
    st.just(("buyer_accepts", {})),
    st.builds(lambda by, answer: ("cancel", {"by": by, "answer": answer}), roles, answers),
    st.builds(
        lambda by, answer, until: ("extend", {"by": by, "answer": answer, "until": until}),
        roles,
        answers,
        st.none() | instants,
    ),
    st.builds(
        lambda name, reason: (name, {"reason": reason}),
        st.sampled_from(["open_case", "buyer_complaint"]),
        st.sampled_from([*Reason, "ugly"]),
    ),
)


def previewed(standing: Standing, message: str, at: datetime, /, **fields: Any) -> Preview:
    """What the action would do at that instant."""
    intent = Intent(message=message, fields={**fields, "submitted_at": at})
    return preview(standing, capture(standing.order), intent, BEGINNING, Prospect(Delivery()))


def judged(standing: Standing, message: Message, at: datetime) -> Reply:
    """What the rules say to the action."""
    match message:
        case Shipped():
            return rights.shipped(standing, message, at)
        case Complaint():
            return rights.complain(standing, message, at)
        case Cancel():
            return rights.cancel(standing, message, at)
        case Extend():
            return rights.extend(standing, message, at)
        case _:
            assert isinstance(message, Acceptance)
            return rights.accept(standing, at)


def charged(minor: int) -> Ledger:
    """The ledger of the order after the bank has taken an amount."""
    ledger = capture(ORDER)
    for entry in charged_back(ORDER, ledger, usd(minor), "cb_1", BEGINNING) if minor else ():
        ledger = ledger.record(entry)
    return ledger


@given(standing=st.sampled_from(STANDINGS), action=actions, at=instants)
def test_a_preview_is_judged_as_its_action(
    standing: Standing, action: tuple[str, dict[str, Any]], at: datetime
) -> None:
    """Whatever is tried, and whenever: the reply is that of the action, and a refusal ends nothing."""
    name, fields = action

    shown = previewed(standing, name, at, **fields)

    reply = judged(standing, ACTIONS[name].model_validate(fields), at)
    assert reply == shown.reply.model_copy(update={"case_id": reply.case_id})
    if reply.refused:
        assert (None, None, ()) == (shown.refund, shown.money, shown.closes)


@given(standing=st.sampled_from(STANDINGS), action=actions, at=instants)
def test_a_preview_closes_only_what_is_open(
    standing: Standing, action: tuple[str, dict[str, Any]], at: datetime
) -> None:
    """What would be closed is owed now, and what would be opened is not closed by the same action."""
    name, fields = action

    shown = previewed(standing, name, at, **fields)

    assert set(shown.closes) <= set(standing.duties)
    assert not set(shown.closes) & {duty.kind for duty in shown.opens}


@given(
    refund=st.integers(0, 12_900),
    bank=st.integers(0, 12_900),
    label=st.integers(0, 900),
    borne_by=st.sampled_from([Role.SELLER, Role.PLATFORM]),
)
def test_money_adds_up(refund: int, bank: int, label: int, borne_by: Role) -> None:
    """The parts are the whole, whatever the bank took and labels cost; the buyer keeps what the bank gave."""
    ledger = charged(bank)
    if label:
        bought = Entry(
            key="label-1",
            kind=EntryKind.LABEL,
            source=Account.PLATFORM,
            target=Account.CARRIER,
            amount=usd(label),
            at=BEGINNING,
        )
        ledger = ledger.record(bought)
    decision = ENDED.model_copy(update={"refund": usd(refund), "borne_by": borne_by})

    money = divided(ORDER, ledger, decision, BEGINNING)

    assert ORDER.price.total == money.buyer + money.seller + money.platform + money.tax
    assert usd(max(refund, bank)) == money.buyer


@given(refund=st.integers(0, 12_900))
def test_money_of_an_untouched_order_is_the_division(refund: int) -> None:
    """While nothing has moved, the ledger divides as the price does."""
    decision = ENDED.model_copy(update={"refund": usd(refund)})

    assert division(ORDER.price, usd(refund)) == divided(ORDER, capture(ORDER), decision, BEGINNING)


@pytest.mark.parametrize("name", ["ship", "", "chargeback", "case_decided"])
def test_only_actions_of_people_can_be_tried(name: str) -> None:
    """What nobody does by hand is unknown to a preview, and the refusal lists what can be tried."""
    reply = previewed(PLACED, name, BEGINNING).reply

    assert (True, "preview_unknown") == (reply.refused, reply.code)
    assert all(action in reply.text for action in ACTIONS)


@pytest.mark.parametrize("fields", [{}, {"by": "queen"}, {"by": "buyer", "answer": "perhaps"}])
def test_malformed_fields_are_named(fields: dict[str, Any]) -> None:
    """The refusal of an action that cannot be read names the field."""
    reply = previewed(PLACED, "cancel", BEGINNING, **fields).reply

    assert (True, "preview_malformed") == (reply.refused, reply.code)
    assert ("answer" if "answer" in fields else "by") in reply.facts["wrong"]


def test_a_case_that_may_be_fast_names_the_rule() -> None:
    """With a complete checklist the fast track could decide at once; what both sides have been like is not known."""
    files = tuple(
        EvidenceItem(kind=kind, uri=f"s3://files/{kind}", sha256=f"{number:064x}", media_type="image/jpeg", size=9)
        for number, kind in enumerate(PHOTOS)
    )
    fields: dict[str, Any] = {"reason": Reason.DAMAGED, "evidence": [file.model_dump() for file in files]}

    complete = previewed(ARRIVED, "open_case", ny(11, 6, 12), **fields)
    lacking = previewed(ARRIVED, "open_case", ny(11, 6, 12), reason=Reason.DAMAGED)

    assert complete.could_decide.endswith("reasons.damaged.fast_track")
    assert {DutyKind.ANSWER_CASE, DutyKind.LAST_RESORT} == {duty.kind for duty in complete.opens}
    assert "" == lacking.could_decide
    assert DutyKind.ADD_EVIDENCE in {duty.kind for duty in lacking.opens}


def test_standing_rules_settle_in_a_preview() -> None:
    """Where the standing rules of both sides meet, the settlement is foretold in money."""
    gives = StandingRule(by=Role.SELLER, percent=30)
    takes = StandingRule(by=Role.BUYER, percent=30)
    order = ORDER.model_copy(update={"standing": (gives,)})

    shown = previewed(
        replace(ARRIVED, order=order), "open_case", ny(11, 6, 12), reason="damaged", standing=[takes.model_dump()]
    )

    assert usd(3_300) == shown.refund
    assert division(order.price, usd(3_300)) == shown.money


def test_delays_in_force_move_what_would_be_opened() -> None:
    """A duty is shown with the instant that it would get, not with the one that was agreed."""
    day = timedelta(days=1)
    storm = Shift(cause="storm", since=BEGINNING, until=BEGINNING + day, longest=day)
    prospect = Prospect(Delivery(), moved=lambda duty: duty.shifted(storm))
    intent = Intent(message="extend", fields={"by": "seller", "until": la(11, 8, 12)})

    (asked,) = preview(PLACED, capture(ORDER), intent, BEGINNING, prospect).opens

    assert clocks.answer_extension(ORDER, BEGINNING).agreed_due + day == asked.due


@pytest.mark.parametrize(
    "fields", [{"carrier": "", "tracking_number": "1Z"}, {"carrier": "ups", "tracking_number": ""}]
)
def test_what_is_no_shipment_is_refused_in_a_preview(fields: dict[str, Any]) -> None:
    """A preview of a shipment without carrier or number answers as the signal would, and does not fail."""
    intent = Intent(message="shipped", fields=fields)

    assert preview(PLACED, capture(ORDER), intent, BEGINNING, Prospect(Delivery())).reply.refused
