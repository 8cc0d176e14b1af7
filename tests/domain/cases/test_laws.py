"""The laws of cases, over whole lives of them: whatever people, carrier and bank say, and in whatever order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cases import returns
from domain.cases.case import CaseFile, CaseProgress, CaseRecord
from domain.cases.preview import ACTIONS, preview
from domain.cases.record import EvidenceItem, OfferState, StandingRule
from domain.cases.statements import statements
from domain.docket_state import DocketState
from domain.duties import Silence
from domain.histories import BuyerHistory, Histories, SellerHistory
from domain.messages import ChargebackState, Finding
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind, Reason, Remedy
from domain.preview import Intent
from domain.settlement import division
from domain.story import JournalState
from tests.domain.cases.a_case import (
    GOOD,
    PRICE,
    Sitting,
    a_file,
    a_photo,
    a_policy,
    complete,
    dear,
    proposal,
    usd,
    words,
)

MOST_LAPSES = 60
"""More than a case can need to end if everybody stays silent: a few duties for each decision, two appeals at most."""

SIDE = st.sampled_from((Role.BUYER, Role.SELLER))
ANYBODY = st.sampled_from((Role.BUYER, Role.SELLER, Role.SUPPORT, Role.CARRIER))
AGENT = st.sampled_from(("kim", "lee", "mia", "s-4"))
REMEDY = st.sampled_from(Remedy)
MINOR = st.one_of(st.none(), st.integers(-1, 100_000), st.sampled_from((1, 5_000, 12_899, 12_900, 60_000)))
ITEM = st.one_of(
    st.builds(a_photo, st.sampled_from(EvidenceKind), st.sampled_from(("", "a", "b", "c"))),
    st.builds(words, st.sampled_from(("It was fine.", "It was not.", ""))),
    st.builds(a_photo, st.just("hologram"), st.just(""), size=st.integers(-1, 1)),
)
ITEMS = st.lists(ITEM, max_size=3).map(tuple)
PROPOSAL = st.builds(proposal, MINOR, REMEDY)

Act: TypeAlias = tuple[str, dict[str, Any]]


def _said(action: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    return st.tuples(st.just(action), st.fixed_dictionaries(fields))


SAID = st.one_of(
    _said("respond", accept=st.booleans(), offer=st.one_of(st.none(), PROPOSAL), evidence=ITEMS),
    _said("offer", by=ANYBODY, proposal=PROPOSAL),
    _said("offer", by=SIDE, proposal=st.builds(proposal, st.integers(1, 12_000))),
    _said("answer_offer", by=ANYBODY, accept=st.booleans()),
    _said("evidence", by=ANYBODY, items=ITEMS),
    _said("request_evidence", agent=AGENT, of=SIDE, kinds=st.lists(st.sampled_from(EvidenceKind), max_size=1)),
    _said(
        "message",
        by=ANYBODY,
        text=st.sampled_from(("Hello?", "")),
        channel=st.sampled_from(("mail", "pigeon")),
        internal=st.booleans(),
    ),
    _said("assign", agent=AGENT),
    _said(
        "rule",
        agent=AGENT,
        remedy=REMEDY,
        amount=st.builds(lambda m: proposal(m)["amount"], MINOR),
        reason=st.just("So."),
    ),
    _said("confirm", agent=AGENT, agree=st.booleans()),
    _said("undo", agent=AGENT, text=st.just("A slip.")),
    _said("inspect", finding=st.sampled_from(Finding), evidence=ITEMS, deduction=st.just(proposal(900)["amount"])),
    _said("appeal", by=SIDE, evidence=ITEMS),
)
HAPPENS: st.SearchStrategy[Act] = st.one_of(
    st.tuples(st.sampled_from(("lapse", "lapse", "lapse", "send", "send", "arrive", "lose", "unclaimed")), st.just({})),
    st.tuples(st.just("wait"), st.builds(lambda hours: {"hours": hours}, st.integers(1, 100))),
    st.tuples(st.just("bank"), st.fixed_dictionaries({"state": st.sampled_from(ChargebackState)})),
    st.sampled_from(
        (*[("lapse", {})] * 6, *[("bank", {"state": "lost", "left": 500})] * 3, ("overtaken", {}), ("withdraw", {}))
    ),
)
FITTING: st.SearchStrategy[Act] = st.tuples(
    st.just("fitting"), st.builds(lambda dice: {"dice": dice}, st.integers(0, 99))
)
"""Something that fits the state in which the case is then: most of what is said at random is refused."""
# Not by `one_of`, which would give each kind of message the weight of all that fits.
ANYTHING = st.integers(0, 7).flatmap(lambda one: {6: SAID, 7: HAPPENS}.get(one, FITTING))
_CONTESTED: list[Act] = [("respond", {"accept": False})]
_RETURN: list[Act] = [
    *_CONTESTED,
    ("rule", {"agent": "kim", "remedy": Remedy.RETURN_FOR_REFUND, "reason": "So."}),
    ("confirm", {"agent": "lee"}),
    ("lapse", {}),
]
_PARTIAL: list[Act] = [
    *_CONTESTED,
    ("rule", {"agent": "kim", "remedy": Remedy.PARTIAL_REFUND, "amount": proposal(5_000)["amount"], "reason": "So."}),
    ("lapse", {}),
]
_BY_BUYER: Act = ("appeal", {"by": Role.BUYER, "evidence": (words("The buyer's receipt."),)})
_BY_SELLER: Act = ("appeal", {"by": Role.SELLER, "evidence": (words("The seller's receipt."),)})
_OFFERED: list[Act] = [("offer", {"by": Role.BUYER, "proposal": proposal(4_000)})]
SO_FAR: list[list[Act]] = [
    [],
    [],
    _OFFERED,
    [*_CONTESTED, *_OFFERED],
    _CONTESTED,
    _RETURN,
    [*_RETURN, ("send", {})],
    [*_RETURN, ("send", {}), _BY_SELLER],
    [*_RETURN, ("send", {}), ("arrive", {})],
    _PARTIAL,
    [*_PARTIAL, _BY_BUYER],
]
"""How far a case has come when it is left to chance."""
LIFE = st.builds(
    lambda begun, rest: [*begun, *rest], st.sampled_from(SO_FAR), st.lists(ANYTHING, min_size=10, max_size=24)
)

FILE = st.builds(
    lambda reason, price, late, shown, standing, rule, answers: a_file(
        price,
        reason=reason,
        late=late,
        refunded_before=usd(2_000) if late else None,
        from_buyer=shown or not late,
        evidence=complete(reason) if shown else (),
        standing=standing,
        policy=a_policy(
            reason, {**rule, "reply": a_policy().reasons[reason].reply.model_copy(update={"on_silence": answers})}
        ),
    ),
    reason=st.sampled_from(Reason),
    price=st.sampled_from((PRICE, dear())),
    late=st.sampled_from((False, False, False, True)),
    shown=st.booleans(),
    standing=st.lists(st.builds(StandingRule, by=SIDE, remedy=REMEDY, percent=st.integers(1, 100)), max_size=2).map(
        tuple
    ),
    rule=st.fixed_dictionaries({"label_paid_by": st.sampled_from((Role.BUYER, Role.SELLER, Role.PLATFORM))}),
    answers=st.sampled_from((Silence.ASK_SUPPORT, Silence.REFUND, Silence.RELEASE)),
)
HISTORIES = st.sampled_from((None, GOOD, Histories(buyer=BuyerHistory(orders=9, complaints=9), seller=SellerHistory())))


@dataclass
class Life:
    """A case and all that happens in it."""

    file: CaseFile
    histories: Histories | None
    acts: list[Act]

    def begin(self) -> Sitting:
        """The case as it is opened."""
        return Sitting(self.file, histories=self.histories, matches={"photo_back": None, "photo_defect": False})

    def play(self) -> Sitting:
        """The case after all of it."""
        sitting = self.begin()
        for act in self.acts:
            happen(sitting, act)
        return sitting


LIVES = st.builds(Life, FILE, HISTORIES, LIFE)


def fitting(sitting: Sitting) -> list[Act]:
    """What can well happen in the state in which the case is."""
    lapse: Act = ("lapse", {})
    new = (words(f"Look at this, number {len(sitting.record.evidence)}."),)
    appeals: list[Act] = [("appeal", {"by": by, "evidence": new}) for by in (Role.BUYER, Role.SELLER)]
    carried: list[Act] = [(what, {}) for what in ("send", "arrive", "arrive", "lose", "unclaimed")]
    remedies = [*Remedy, Remedy.RETURN_FOR_REFUND, Remedy.RETURN_FOR_REFUND]
    rulings: list[Act] = [
        ("rule", {"agent": agent, "remedy": remedy, "amount": proposal(5_000)["amount"], "reason": "So."})
        for remedy in remedies
        for agent in ("kim", "lee", "mia")
    ]
    answers: list[Act] = [
        ("answer_offer", {"by": by, "accept": accept}) for by in (Role.BUYER, Role.SELLER) for accept in (True, False)
    ]
    offers: list[Act] = [
        ("offer", {"by": by, "proposal": proposal(4_000, remedy)})
        for by in (Role.BUYER, Role.SELLER, Role.SUPPORT)
        for remedy in (Remedy.PARTIAL_REFUND, Remedy.RETURN_FOR_REFUND)
    ]
    asked: list[Act] = [("request_evidence", {"agent": "kim", "of": of}) for of in (Role.BUYER, Role.SELLER)]
    shown: list[Act] = [("evidence", {"by": by, "items": new}) for by in (Role.BUYER, Role.SELLER)]
    match sitting.state:
        case CaseState.AWAITING_SELLER:
            return [("respond", {"accept": True}), ("respond", {"accept": False}), *offers, *shown, lapse]
        case CaseState.NEGOTIATING:
            return [*answers, *offers, lapse]
        case CaseState.AWAITING_CONFIRMATION:
            return [
                *(("confirm", {"agent": agent}) for agent in ("lee", "mia", "zoe")),
                ("confirm", {"agent": "ann", "agree": False}),
                lapse,
            ]
        case CaseState.DECIDED:
            return [("undo", {"agent": "kim", "text": "A slip."}), lapse, lapse, lapse, *carried]
        case CaseState.AWAITING_RETURN | CaseState.RETURNING:
            return [*carried, *carried, *appeals, lapse]
        case CaseState.INSPECTING:
            cent = proposal(900)["amount"]
            return [
                *(("inspect", {"finding": one, "deduction": cent, "evidence": new}) for one in Finding),
                *appeals,
                lapse,
            ]
        case CaseState.SETTLED:
            return [*appeals, lapse]
    return [*rulings, *offers, *asked, *shown, *carried, lapse, lapse]


def happen(sitting: Sitting, act: Act) -> None:
    """One thing happens: in time, at the bank, on the road, or by what somebody says."""
    what, fields = act
    if what == "fitting":
        fit = fitting(sitting)
        # Hypothesis likes to draw zero; by the steps so far, that is something else each time.
        what, fields = fit[(fields["dice"] + 7 * len(sitting.steps)) % len(fit)]
    match what:
        case "lapse":
            sitting.lapse()
        case "wait":
            sitting.wait(**fields)
        case "bank":
            sitting.bank(**fields)
        case "overtaken":
            sitting.overtaken()
        case "send" | "arrive" | "lose" | "unclaimed":
            _carried(sitting, what)
        case _:
            sitting.say(what, **fields)


def _carried(sitting: Sitting, what: str) -> None:
    """The carrier has news of a return, if there is one; also of one that nobody waits for any more."""
    trip = sitting.record.trip
    if sitting.record.over or trip is None or trip.label is None or trip.back_at:
        return
    match what:
        case "send" if trip.sent_at is None:
            sitting.sent_back()
        case "arrive" if trip.sent_at:
            sitting.came_back()
        case "lose" if trip.sent_at and not trip.over:
            sitting.take(returns.lost(sitting.matter))
        case "unclaimed" if trip.sent_at and not trip.over:
            sitting.take(returns.unclaimed(sitting.matter))


@settings(deadline=None)
@given(LIVES)
def test_no_remedy_goes_beyond_what_was_captured(life: Life) -> None:
    """What a decision gives lies between nothing and what is at stake, and its division adds up to the total."""
    sitting = life.play()

    for one in (*sitting.record.resolutions, *sitting.told):
        assert 0 <= one.amount.minor <= sitting.file.at_stake.minor
        parts = division(sitting.file.price, one.amount, one.costs)
        assert sitting.file.price.total == parts.buyer + parts.seller + parts.platform + parts.tax


@settings(deadline=None)
@given(LIVES)
def test_each_duty_ends_exactly_once(life: Life) -> None:
    """Every duty that was opened was closed, replaced or lapsed once, or is open; a case that has ended has none."""
    sitting = life.play()

    opened = Counter(duty.kind for duty in sitting.opened)
    ended = Counter(kind for kind, _ in sitting.ended)
    assert opened == ended + Counter(list(sitting.duties))
    assert set(sitting.steps[-1].duties) == set(sitting.duties)
    assert not (sitting.record.over and sitting.duties)


@settings(deadline=None)
@given(LIVES)
def test_nothing_is_taken_back(life: Life) -> None:
    """A case only grows: what was sealed or said stays as it was, and each decision keeps its number."""
    sitting = life.begin()

    for act in life.acts:
        before = sitting.record
        happen(sitting, act)
        after = sitting.record

        assert before.conversation == after.conversation[: len(before.conversation)]
        for old, new in zip(before.evidence, after.evidence, strict=False):
            assert (old.id, old.sha256, old.at, old.by) == (new.id, new.sha256, new.at, new.by)
        for known, now in zip(before.resolutions, after.resolutions, strict=False):
            assert (known.number, known.at, known.remedy, known.rule) == (now.number, now.at, now.remedy, now.rule)
        for were, are in ((before.evidence, after.evidence), (before.resolutions, after.resolutions)):
            assert len(were) <= len(are)
        assert [*range(1, len(after.resolutions) + 1)] == [one.number for one in after.resolutions]


@settings(deadline=None)
@given(LIVES)
def test_the_order_is_told_what_stands(life: Life) -> None:
    """Each decision is told once it takes effect, in order and once; a case that is resolved has told its last."""
    sitting = life.play()

    numbers = [one.number for one in sitting.told]
    assert sorted(set(numbers)) == numbers
    assert all(one.effective_at and not one.undone_by for one in sitting.told)
    if sitting.state is CaseState.RESOLVED:
        assert sitting.decision == sitting.told[-1]


@settings(deadline=None)
@given(LIVES)
def test_the_open_offer_can_be_answered(life: Life) -> None:
    """An offer is open in the record exactly as long as somebody owes an answer to it."""
    sitting = life.begin()

    for act in life.acts:
        happen(sitting, act)

        is_open = [offer.id for offer in sitting.record.offers if offer.state is OfferState.OPEN]
        assert len(is_open) == ("answer_offer" in sitting.duties)


@settings(deadline=None)
@given(LIVES)
def test_a_state_tells_who_is_waited_for(life: Life) -> None:
    """Whoever the state says is waited for owes something, and the desk has a case only if neither side does."""
    waited = {
        CaseState.AWAITING_SELLER: "answer_case",
        CaseState.NEGOTIATING: "answer_offer",
        CaseState.AWAITING_EVIDENCE: "add_evidence",
        CaseState.DECIDED: "take_effect",
        CaseState.INSPECTING: "inspect",
    }
    sitting = life.begin()

    for act in life.acts:
        happen(sitting, act)

        assert waited.get(sitting.state, "none") in {*sitting.duties, "none"}
        with_desk = sitting.state in (CaseState.WITH_SUPPORT, CaseState.WITH_LEAD, CaseState.APPEALED)
        assert not (with_desk and {"answer_offer", "add_evidence"} & set(sitting.duties))


@settings(deadline=None)
@given(LIVES, st.lists(st.one_of(SAID, HAPPENS), min_size=1, max_size=5))
def test_a_case_that_is_over_accepts_nothing(life: Life, acts: list[Act]) -> None:
    """Whatever is said or happens afterwards: people are refused, and record and duties do not change."""
    sitting = life.play()
    silent(sitting)
    record, steps = sitting.record, len(sitting.steps)

    replies = [sitting.say(what, **fields) for what, fields in acts if what in ACTIONS]
    for act in acts:
        happen(sitting, act)

    assert {"case_over"} >= {reply.code for reply in replies}
    assert record == sitting.record
    assert all(not step.opened and not step.closed for step in sitting.steps[steps:])


@settings(deadline=None)
@given(LIVES, SIDE, ITEMS)
def test_an_appeal_without_new_evidence_changes_nothing(life: Life, by: Role, items: tuple[EvidenceItem, ...]) -> None:
    """What the case has seen already, or cannot take, is no ground to decide anew."""
    sitting = life.play()
    usable = {item.sha256 for item in sitting.record.evidence if item.usable}
    known = tuple(item for item in items if item.sha256 in usable)
    record, duties = sitting.record, sitting.matter.duties

    reply = sitting.say("appeal", by=by, evidence=known)

    assert reply.refused
    assert (record, duties) == (sitting.record, sitting.duties)


@settings(deadline=None)
@given(LIVES)
def test_the_same_life_gives_the_same_case(life: Life) -> None:
    """Identical inputs give identical decisions, duties, notes and replies."""
    first, second = life.play(), life.play()

    assert (first.record, first.duties, first.notes) == (second.record, second.duties, second.notes)
    assert [step.reply for step in first.steps] == [step.reply for step in second.steps]


def silent(sitting: Sitting) -> int:
    """Everybody stays silent until the case is over; the bank has its last word. Gives how many duties lapsed."""
    if sitting.record.freeze:
        sitting.bank(ChargebackState.WON)
    for lapses in range(MOST_LAPSES):
        if sitting.record.over:
            return lapses
        trip = sitting.record.trip
        if trip and trip.sent_at and not trip.back_at and not trip.over:
            # The carrier's own silence ends here: what is never found counts as lost.
            sitting.take(returns.lost(sitting.matter))
        assert sitting.lapse() or sitting.record.over, f"nothing moves a case that is {sitting.state}"
    return MOST_LAPSES


@settings(deadline=None)
@given(LIVES)
def test_silence_ends_every_case(life: Life) -> None:
    """From wherever a case is, it ends by itself if nobody does anything more."""
    sitting = life.play()

    silent(sitting)

    assert sitting.record.over
    assert sitting.record.decision is not None


@settings(deadline=None)
@given(LIVES)
def test_every_statement_is_founded_and_worded(life: Life) -> None:
    """At each moment every decision is explained in both languages, with something behind each sentence."""
    sitting = life.begin()

    for act in (("wait", {"hours": 0}), *life.acts):
        happen(sitting, act)
        for made in statements(sitting.matter):
            for sentence in made.sentences:
                assert all(sentence.text.values()), sentence.code
                assert "?" not in "".join(sentence.text.values()), sentence
                assert sentence.code not in sentence.text.values()


@settings(deadline=None)
@given(LIVES, SAID)
def test_a_preview_is_what_the_action_does(life: Life, act: Act) -> None:
    """A preview changes nothing and gives the reply, duties and refund that the action then has."""
    sitting = life.play()
    what, fields = act
    record, duties = sitting.record, sitting.matter.duties
    said = json.loads(json.dumps(fields, default=lambda model: model.model_dump(mode="json")))

    seen = preview(sitting.matter, Intent(message=what, fields=said))

    assert (record, duties) == (sitting.record, sitting.duties)
    sitting._errands = False
    steps = len(sitting.steps)
    assert seen.reply == sitting.say(what, **fields)
    done = [*sitting.steps[steps:]]
    assert {owed.kind for owed in seen.opens} == {duty.kind for step in done for duty in step.opened}
    assert set(seen.closes) == {kind for step in done for kind in step.closed}
    if seen.refund is not None:
        assert seen.refund == sitting.decision.amount


@settings(deadline=None)
@given(LIVES)
def test_a_case_survives_being_written_down(life: Life) -> None:
    """What a run hands to the next one, as JSON, is read back as it was; kinds that are unknown here too."""
    sitting = life.play()
    docket = DocketState(duties=tuple(sitting.duties.values()))
    progress = CaseProgress(record=sitting.record, docket=docket, journal=JournalState())

    read = CaseProgress.model_validate_json(progress.model_dump_json())

    assert progress == read
    assert sitting.record == CaseRecord.model_validate(sitting.record.model_dump())
