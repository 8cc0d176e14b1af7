"""The checklist: what the buyer should show, and what of it is missing."""

from __future__ import annotations

from domain.cases.case import CaseFile, CaseRecord
from domain.cases.record import AnyKind
from domain.parties import Role


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
