"""The exhibits of a case: the evidence of both sides beside each other, and what the checklist still lacks."""

from __future__ import annotations

from domain.base import Model
from domain.cases.case import Matter
from domain.cases.checklist import checklist, missing
from domain.cases.record import AnyKind, Evidence
from domain.parties import Role
from domain.policy import EvidenceKind

PAIRED = {EvidenceKind.UNBOXING: EvidenceKind.PACKING}
"""What the buyer films on unpacking stands beside what the seller filmed on packing."""


class Exhibit(Model):
    """All that shows one thing, by who handed it in; each in the order of arrival."""

    kind: AnyKind
    buyer: tuple[Evidence, ...] = ()
    seller: tuple[Evidence, ...] = ()
    support: tuple[Evidence, ...] = ()


class Exhibits(Model):
    """The exhibits in the order of the checklist, then of arrival; `missing` is what the buyer has not shown yet.

    An item with `matches` false has a file that is not what was sealed, and does not count.
    """

    exhibits: tuple[Exhibit, ...]
    missing: tuple[AnyKind, ...]


def exhibits(matter: Matter) -> Exhibits:
    """The evidence of the case, side by side."""
    items = matter.record.evidence
    kinds = dict.fromkeys((*checklist(matter.file), *(_group(item.kind) for item in items)))
    return Exhibits(
        exhibits=tuple(_exhibit(kind, items) for kind in kinds),
        missing=missing(matter.file, matter.record),
    )


def _exhibit(kind: AnyKind, items: tuple[Evidence, ...]) -> Exhibit:
    shown = [item for item in items if _group(item.kind) == kind]

    def by(role: Role) -> tuple[Evidence, ...]:
        return tuple(item for item in shown if item.by is role)

    return Exhibit(kind=kind, buyer=by(Role.BUYER), seller=by(Role.SELLER), support=by(Role.SUPPORT))


def _group(kind: AnyKind) -> AnyKind:
    return PAIRED.get(kind, kind) if isinstance(kind, EvidenceKind) else kind
