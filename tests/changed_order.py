"""An order workflow with an edit that breaks replay: the negative control of the replay tests."""

from datetime import timedelta

from temporalio import workflow

from domain.order import Order
from domain.story import Outcome
from workflows.order import OrderWorkflow


@workflow.defn(name="OrderWorkflow")
class ChangedOrder(OrderWorkflow):
    """Waits a second before it begins, which no recorded order did."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: Order) -> Outcome:
        """One timer more than before."""
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(order)
