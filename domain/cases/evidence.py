"""Evidence: what is asked for, and how it is sealed when it arrives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from domain.cases import clocks
from domain.cases.case import CaseFile, CaseRecord, Matter
from domain.cases.record import AnyKind, Evidence, EvidenceAsked, EvidenceItem
from domain.cases.step import SIDES, WITH_AGENTS, Step, barred, conflict
from domain.duties import Duty, DutyKind
from domain.messages import EvidenceRequest, EvidenceSent, Reply
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind
from domain.rights import too_long

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_URI = 2_000
NEED_A_FILE = frozenset(EvidenceKind) - {
    EvidenceKind.SERIAL_NUMBER,
    EvidenceKind.STATEMENT,
    EvidenceKind.CORRESPONDENCE,
    EvidenceKind.OTHER,
}
"""What a text cannot show."""


def checklist(file: CaseFile) -> tuple[AnyKind, ...]:
    """What the buyer should show: by the reason, and by the categories of what was bought."""
    rules = file.policy.evidence.by_category
    asked = list(file.policy.reasons[file.reason].evidence)
    asked += [kind for category in file.categories for kind in rules.get(category, ())]
    return tuple(dict.fromkeys(asked))


def missing(file: CaseFile, record: CaseRecord) -> tuple[AnyKind, ...]:
    """What of the checklist the buyer has not shown, or not with a file that is what was sealed."""
    shown = {item.kind for item in record.evidence if item.by is Role.BUYER and item.usable}
    return tuple(kind for kind in checklist(file) if kind not in shown)


def seal(step: Step, items: Sequence[EvidenceItem], by: Role) -> tuple[tuple[Evidence, ...], tuple[Reply, ...]]:
    """Seal these items into the record; gives those that are new to the case, and why others could not be taken."""
    faults = []
    sealed: list[Evidence] = []
    for item in items:
        known = (*step.record.evidence, *sealed)
        if fault := _fault(step, item, sum(one.by is by for one in known)):
            faults.append(fault)
            continue
        digest = item.sha256.lower() if item.uri else sha256(item.text.encode()).hexdigest()
        # A file that turned out to be another one may be handed in once more, from where it really is.
        if all(digest != other.sha256 for other in known if other.usable):
            sealed.append(
                Evidence(
                    id=f"e{len(known) + 1}",
                    kind=item.kind,
                    by=by,
                    at=step.now,
                    sha256=digest,
                    uri=item.uri,
                    media_type=item.media_type if item.uri else "",
                    size=item.size if item.uri else 0,
                    text=item.text,
                    checked=not item.uri,
                    matches=None if item.uri else True,
                )
            )
    if sealed:
        step.change(evidence=(*step.record.evidence, *sealed))
        step.note("evidence_sealed", by=by, items=", ".join(f"{item.id} {item.kind}" for item in sealed))
    return tuple(sealed), tuple(faults)


def _fault(step: Step, item: EvidenceItem, known: int) -> Reply | None:
    rules, rule = step.policy.evidence, step.file.rule
    if known >= rules.most_items:
        return Reply.no("evidence_full", rule("evidence.most_items"), most=rules.most_items)
    if refusal := too_long(step.policy, item.text):
        return refusal
    if not item.uri and item.kind in NEED_A_FILE:
        return Reply.no("evidence_needs_file", rule("evidence"), kind=item.kind)
    if not item.uri:
        return None if item.text.strip() else Reply.no("evidence_empty", rule("evidence"))
    if len(item.uri) > _LONGEST_URI or "://" not in item.uri:
        return Reply.no("evidence_uri", rule("evidence"))
    if not _SHA256.fullmatch(item.sha256.lower()):
        return Reply.no("evidence_hash", rule("evidence"))
    if item.media_type not in rules.media_types:
        types = ", ".join(rules.media_types)
        return Reply.no("evidence_type", rule("evidence.media_types"), type=item.media_type[:40] or "?", types=types)
    if not 0 < item.size <= rules.largest_bytes:
        most = f"{rules.largest_bytes:,}"
        return Reply.no("evidence_size", rule("evidence.largest_bytes"), size=f"{item.size:,}", most=most)
    return None


def add(matter: Matter, message: EvidenceSent) -> Step:
    """A side or an agent hands evidence in; it is sealed as far as it can be."""
    step = Step(matter)
    if refusal := barred(step, frozen_too=True):
        return step.refuse(refusal)
    if message.by not in (*SIDES, Role.SUPPORT):
        return step.refuse(Reply.no("not_a_side"))
    if step.record.state is CaseState.SETTLED:
        return step.refuse(Reply.no("evidence_by_appeal", step.file.rule("appeals.window")))
    new, faults = seal(step, message.items, message.by)
    if not new:
        known = Reply.no("evidence_known", step.file.rule("evidence"))
        return step.refuse(faults[0] if faults else known)
    for fault in faults:
        step.note("refused_item", message.by, code=fault.code, **fault.facts)
    handed_in(step, message.by)
    return step.answer("evidence_sealed", step.file.rule("evidence"), items=", ".join(item.id for item in new))


def handed_in(step: Step, by: Role) -> None:
    """A side that was asked for evidence, and has now shown all of it, owes none any more."""
    duty = step.duties.get(DutyKind.ADD_EVIDENCE)
    if duty is None or duty.owner is not by:
        return
    request = next(asked for asked in reversed(step.record.asked) if asked.of is by)
    shown = {item.kind for item in step.record.evidence if item.by is by and item.usable}
    if set(request.kinds) <= shown:
        _answered(step, by)


def _answered(step: Step, by: Role) -> None:
    asked = tuple(one.model_copy(update={"answered": True}) if one.of is by else one for one in step.record.asked)
    step.change(asked=asked)
    step.close(DutyKind.ADD_EVIDENCE)
    back_to_agents(step)


def back_to_agents(step: Step) -> None:
    """What the agents waited for has come, or will not: their clocks run on, unless they wait for something else."""
    if step.record.state not in (CaseState.AWAITING_EVIDENCE, CaseState.NEGOTIATING) or not step.on_the_desk:
        return
    if DutyKind.ANSWER_OFFER in step.duties:
        step.change(state=CaseState.NEGOTIATING)
    elif DutyKind.ADD_EVIDENCE in step.duties:
        step.change(state=CaseState.AWAITING_EVIDENCE)
    elif step.record.escalated:
        step.change(state=CaseState.WITH_LEAD)
    else:
        step.change(state=CaseState.APPEALED if step.record.open_appeal else CaseState.WITH_SUPPORT)


def ask_buyer(step: Step) -> None:
    """What the checklist still lacks is asked for when the case is opened."""
    lacking = missing(step.file, step.record)
    if lacking:
        ask(step, Role.BUYER, lacking, by="")


def ask(step: Step, of: Role, kinds: Iterable[AnyKind], by: str) -> Duty:
    """Ask a side for evidence, until the policy's time for it has passed."""
    kinds = tuple(kinds)
    duty = clocks.add_evidence(step.file, of, step.now)
    step.open(duty)
    step.change(asked=(*step.record.asked, EvidenceAsked(of=of, at=step.now, by=by, kinds=kinds)))
    step.note("evidence_asked", of, of=of, kinds=", ".join(kinds) or "other", due=duty.agreed_due)
    return duty


def request(matter: Matter, message: EvidenceRequest) -> Step:
    """An agent asks a side for evidence, as often as the policy allows; the agents' clocks stand still meanwhile."""
    step = Step(matter)
    if refusal := barred(step, message.text) or conflict(step, message.agent):
        return step.refuse(refusal)
    rule = step.file.rule("evidence.requests")
    if step.record.state not in WITH_AGENTS:
        return step.refuse(Reply.no("not_with_support", rule))
    if message.of not in SIDES:
        return step.refuse(Reply.no("not_a_side", rule))
    if DutyKind.ADD_EVIDENCE in step.duties:
        return step.refuse(Reply.no("evidence_asked_already", rule, step.duties[DutyKind.ADD_EVIDENCE].due))
    times = sum(asked.of is message.of and bool(asked.by) for asked in step.record.asked)
    if times >= step.policy.evidence.requests:
        return step.refuse(Reply.no("evidence_round_over", rule, side=message.of))
    step.keep(Role.SUPPORT, message.text, message.agent)
    duty = ask(step, message.of, message.kinds, by=message.agent)
    step.change(state=CaseState.AWAITING_EVIDENCE, answered=True)
    step.close(DutyKind.FIRST_ANSWER, DutyKind.NEXT_ANSWER)
    return step.answer("evidence_requested", rule, duty.agreed_due, side=message.of)


def not_handed_in(step: Step) -> None:
    """The time to hand evidence in is over: the case is decided on what there is."""
    step.note("evidence_round_over", Role.SUPPORT)
    back_to_agents(step)


def checked(matter: Matter, matches: dict[str, bool | None]) -> Step:
    """The files were looked at: what differs from its hash is shown as such, and counts no more."""
    step = Step(matter)
    items = tuple(
        item.model_copy(update={"checked": True, "matches": matches[item.id]}) if item.id in matches else item
        for item in step.record.evidence
    )
    step.change(evidence=items)
    for item in items:
        if item.id in matches and item.matches is False:
            step.note("evidence_differs", item.by, item=item.id)
    return step
