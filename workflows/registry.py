"""Every workflow of Redress, for workers and replayers."""

from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow
from workflows.reconcile import ReconcileWorkflow
from workflows.reopened import ReopenedOrderWorkflow

WORKFLOWS = (OrderWorkflow, CaseWorkflow, ReopenedOrderWorkflow, ReconcileWorkflow)
