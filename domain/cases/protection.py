"""Seller protection: the cases that are decided for the seller by rule, where a person would decide otherwise."""

from __future__ import annotations

from domain.cases.case import CaseFile
from domain.cases.record import Ground
from domain.policy import limit_of
from domain.wording import moment


def signature_needed(file: CaseFile) -> bool:
    """Whether a parcel of such a value counts as delivered only against a signature."""
    limit = limit_of(file.policy.seller_protection.signature_above, file.at_stake.currency)
    return limit is not None and limit < file.at_stake


def protection(file: CaseFile) -> tuple[str, tuple[Ground, ...]] | None:
    """The rule that protects the seller and what it rests on; none if no rule does.

    A parcel shipped in time and delivered by its tracking, above an amount only against a signature; or a delay that
    a disruption explains.
    """
    rules, delivery = file.policy.seller_protection, file.delivery
    if file.late:
        return None
    if file.reason in rules.tracked_delivery and delivery.delivered_at and not delivery.shipped_late:
        limit = limit_of(rules.signature_above, file.at_stake.currency)
        if not signature_needed(file) or delivery.signed:
            rule = file.rule("seller_protection.tracked_delivery")
            facts = {"at": moment(delivery.delivered_at), "shipment": str(delivery.shipment or "?")}
            grounds = [Ground(code="delivered_by_tracking", facts=facts, basis=(f"rule:{rule}", "event:delivered"))]
            if limit is not None:
                code = "signed" if delivery.signed else "no_signature_needed"
                signature = file.rule("seller_protection.signature_above")
                basis = (f"rule:{signature}", "event:delivered")
                grounds.append(Ground(code=code, facts={"limit": str(limit)}, basis=basis))
            return rule, tuple(grounds)
    if file.reason in rules.disruption and delivery.disrupted_by:
        rule = file.rule("seller_protection.disruption")
        facts = {"disruption": ", ".join(delivery.disrupted_by)}
        return rule, (Ground(code="disrupted", facts=facts, basis=(f"rule:{rule}", "event:disruption")),)
    return None
