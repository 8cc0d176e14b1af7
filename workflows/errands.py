"""What a case asks of the world outside: files, histories, labels, the bank, and its order."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.carriers import CarrierActivities
from activities.evidence import UNAVAILABLE, EvidenceActivities
from activities.outcomes import OutcomeActivities
from domain.cases.case import CaseFile, CaseRecord, Freeze
from domain.cases.protection import signature_needed
from domain.cases.record import Evidence, Resolution
from domain.chargeback_bundle import bundle
from domain.histories import Histories
from domain.requests import FileCheck, FileChecks, FilesFound, HistoryQuery, Label, LabelFact, LabelRefund, LabelRequest
from workflows.calls import hand_in
from workflows.options import ASK_ONCE, READ_FILES, TRADE_LABEL, described


class Errands:
    """Each errand is bounded in time, and says by its result whether it could be done."""

    def __init__(self, case: CaseFile) -> None:
        self._case = case

    async def check_files(self, items: tuple[Evidence, ...]) -> dict[str, bool | None]:
        """For each item whether its file has the hash that was sealed; none if it could not be read."""
        files = tuple(FileCheck(item=item.id, uri=item.uri, sha256=item.sha256) for item in items)
        options = described(READ_FILES, f"Compare {len(files)} files with their hashes")
        matches: dict[str, bool | None] = {item.id: None for item in items}
        try:
            found = await workflow.execute_activity_method(EvidenceActivities.check, FileChecks(files=files), **options)
        except ActivityError as error:
            workflow.logger.warning("some files of the evidence could not be read")
            if not isinstance(error.cause, ApplicationError) or error.cause.type != UNAVAILABLE:
                return matches
            # One silent file must not hide that another one is not what was sealed.
            found = FilesFound.model_validate(error.cause.details[0])
        return matches | {one.item: one.matches for one in found.files}

    async def histories(self) -> Histories | None:
        """What both sides have been like before; none if that cannot be learnt, and then nothing is automatic."""
        case = self._case
        query = HistoryQuery(
            order_id=case.order_id, marketplace=case.marketplace, buyer_id=case.buyer.id, seller_id=case.seller.id
        )
        options = described(ASK_ONCE, "Look up what both sides have been like")
        try:
            return await workflow.execute_activity_method(OutcomeActivities.histories, query, **options)
        except ActivityError:
            workflow.logger.warning("the histories could not be looked up")
            return None

    async def buy_label(self, number: int) -> Label | None:
        """Buy the return label, once for its number; none if the carrier sells none now."""
        case = self._case
        request = LabelRequest(
            reference=f"label-{case.case_id}-{number}",
            order_id=case.order_id,
            case_id=case.case_id,
            sender=case.buyer.id,
            receiver=case.seller.id,
            pickup=case.policy.returns.pickup,
            currency=case.at_stake.currency,
            signature=signature_needed(case),
            value=case.at_stake,
            clock=case.clock,
        )
        options = described(TRADE_LABEL, f"Buy the return label {request.reference}")
        try:
            return await workflow.execute_activity_method(CarrierActivities.buy_label, request, **options)
        except ActivityError as error:
            workflow.logger.warning("no return label could be bought", extra={"cause": str(error.cause)})
            return None

    async def refund_label(self, label: Label) -> bool | None:
        """Give an unused label back: whether its price comes back; none if the carrier gave no answer."""
        refund = LabelRefund(reference=label.reference, shipment=label.shipment, clock=self._case.clock)
        options = described(TRADE_LABEL, f"Give the unused label {label.reference} back")
        try:
            return await workflow.execute_activity_method(CarrierActivities.refund_label, refund, **options)
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.non_retryable:
                return False
            return None

    async def hand_over(self, record: CaseRecord, freeze: Freeze) -> bool:
        """Hand the evidence bundle of a chargeback in; false if the provider takes none."""
        if freeze.facts is None:
            return False
        return await hand_in(bundle(freeze.facts, record.evidence, record.conversation))

    async def tell_order(self, decision: Resolution) -> bool:
        """Tell the order that a decision takes effect; false if it is gone."""
        return await self._signal("case_decided", decision)

    async def tell_label(self, label: Label, *, refunded: bool) -> bool:
        """Tell the order what a label has cost, or what came back for it."""
        fact = LabelFact(reference=label.reference, cost=label.cost, refunded=refunded)
        return await self._signal("case_label", fact)

    async def _signal(self, name: str, fact: Resolution | LabelFact) -> bool:
        parent = workflow.info().parent
        if parent is None:
            return False
        try:
            await workflow.get_external_workflow_handle(parent.workflow_id).signal(name, fact)
        except ApplicationError:
            workflow.logger.warning("the order of this case is gone", extra={"said": name})
            return False
        return True
