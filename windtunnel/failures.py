"""Failures as a server words them: what a workflow catches when an activity or a child has come to nothing."""

from __future__ import annotations

from typing import Final

from temporalio.exceptions import ActivityError, CancelledError, ChildWorkflowError, RetryState

NAMESPACE: Final = "windtunnel"


def of_activity(name: str, activity_id: str, state: RetryState, cause: BaseException) -> ActivityError:
    """An activity has failed for good."""
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=name,
        activity_id=activity_id,
        retry_state=state,
    )
    error.__cause__ = cause
    return error


def of_child(name: str, workflow_id: str, run_id: str, cause: BaseException) -> ChildWorkflowError:
    """A child has failed, was cancelled or terminated."""
    error = ChildWorkflowError(
        "Child Workflow execution failed",
        namespace=NAMESPACE,
        workflow_id=workflow_id,
        run_id=run_id,
        workflow_type=name,
        initiated_event_id=0,
        started_event_id=0,
        retry_state=RetryState.RETRY_POLICY_NOT_SET,
    )
    error.__cause__ = cause
    return error


def of_given_up_child(name: str, workflow_id: str) -> ChildWorkflowError:
    """A child that its parent has cancelled, and does not wait for."""
    return of_child(name, workflow_id, "", CancelledError("Child Workflow execution cancelled"))
