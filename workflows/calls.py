"""Calls to activities that more than one workflow makes."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.outcomes import OutcomeActivities
from activities.payments import PaymentActivities
from domain.requests import Submission
from domain.story import Outcome
from workflows.options import ASK_ONCE, KEEP, described


async def keep(outcome: Outcome) -> Outcome:
    """Record the outcome of an order, from which it can be taken up again; tried until it is there. Gives it as kept.

    A message that comes meanwhile may undo this workflow task, after it has recorded an outcome without the message:
    where that one stands, this one is the next revision.
    """
    options = described(KEEP, "Keep the outcome for analysis")
    while not await workflow.execute_local_activity_method(OutcomeActivities.record, outcome, **options):
        outcome = outcome.model_copy(update={"revision": outcome.revision + 1})
    return outcome


async def hand_in(submission: Submission) -> bool:
    """Hand the evidence for a chargeback in; false if the payment provider takes none now."""
    options = described(ASK_ONCE, f"Hand in the evidence for chargeback {submission.chargeback_id}")
    try:
        await workflow.execute_activity_method(PaymentActivities.submit_evidence, submission, **options)
    except ActivityError:
        workflow.logger.warning("the evidence bundle was not taken", extra={"chargeback": submission.chargeback_id})
        return False
    return True
