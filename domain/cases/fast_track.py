"""The fast track: complaints that are approved at once, without a person; every limit is policy."""

from __future__ import annotations

from domain.cases.case import CaseFile, CaseRecord
from domain.cases.checklist import checklist
from domain.cases.record import Evidence, Ground
from domain.histories import in_good_standing, trusted
from domain.money import Money
from domain.parties import Role
from domain.policy import limit_of


def approval(file: CaseFile, record: CaseRecord) -> tuple[Ground, ...]:
    """What the approval rests on, one ground for each condition; nothing if one of them does not hold.

    The item value is within the reason's limit, the checklist is complete with files that are what was sealed, the
    buyer is in good standing and the seller is no trusted one, who would be heard first.
    """
    limit = _limit(file)
    if limit is None or record.histories is None or not possible(file, record):
        return ()
    histories, standing = record.histories, file.policy.standing
    if not in_good_standing(histories.buyer, standing) or trusted(histories.seller, standing):
        return ()
    shown = tuple(f"evidence:{item.id}" for item in _shown(file, record))
    rule = file.rule(f"reasons.{file.reason}.fast_track")
    return (
        Ground(
            code="within_limit", facts={"amount": str(file.price.items), "limit": str(limit)}, basis=(f"rule:{rule}",)
        ),
        Ground(
            code="evidence_complete",
            facts={"kinds": ", ".join(checklist(file))},
            basis=(f"rule:{file.rule(f'reasons.{file.reason}.evidence')}", *shown),
        ),
        Ground(
            code="good_standing",
            facts={"complaints": str(histories.buyer.complaints), "orders": str(histories.buyer.orders)},
            basis=(f"rule:{file.rule('standing')}", "record:buyer"),
        ),
        Ground(
            code="seller_not_trusted",
            facts={"orders": str(histories.seller.orders), "upheld": str(histories.seller.upheld)},
            basis=(f"rule:{file.rule('standing')}", "record:seller"),
        ),
    )


def possible(file: CaseFile, record: CaseRecord) -> bool:
    """Whether value and evidence would do; histories apart."""
    limit = _limit(file)
    within = limit is not None and file.price.items <= limit and not file.late
    complete = set(checklist(file)) <= {item.kind for item in _shown(file, record)}
    return within and complete and all(item.checked for item in record.evidence)


def _shown(file: CaseFile, record: CaseRecord) -> list[Evidence]:
    """What the buyer has shown of the checklist, with files that were read and are what was sealed."""
    asked = checklist(file)
    return [item for item in record.evidence if item.by is Role.BUYER and item.matches and item.kind in asked]


def _limit(file: CaseFile) -> Money | None:
    return limit_of(file.policy.reasons[file.reason].fast_track.largest, file.price.items.currency)
