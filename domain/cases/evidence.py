"""Evidence: what can be taken, and how it is sealed when it arrives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from domain.cases.case import Matter
from domain.cases.evidence_round import handed_in
from domain.cases.record import Evidence, EvidenceItem
from domain.cases.step import SIDES, Step, barred
from domain.messages import EvidenceSent, Reply
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
            step.note("evidence_differs", item.by, Role.SUPPORT, item=item.id)
    return step
