"""The storefront's side of Redress: start orders, pass on what people say, ask how things stand.

    redress = await Redress.connect()
    await redress.start(OrderDraft(order_id="A-1", ...))
    await redress.ship("A-1", Shipped(carrier="ups", tracking_number="1Z..."))
    reply = await redress.complain("A-1", Complaint(reason=Reason.DAMAGED, text="Cracked"))
    await redress.respond(reply.case_id, Response(accept=True))
    for statement in await redress.reasons(reply.case_id): ...

Errors are in `storefront/errors.py`. Workflows and messages go by the names of the contract, so that a storefront
imports neither workflows nor activities; any Temporal SDK can do the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

import runtime
from domain.base import Model
from domain.cases.conversation import Conversation
from domain.cases.exhibits import Exhibits
from domain.cases.record import Resolution, Said
from domain.cases.statements import Statement
from domain.clock import REAL_TIME, Clock
from domain.duties import Receipt
from domain.messages import (
    Acceptance,
    Appeal,
    Assignment,
    Cancel,
    CaseMessage,
    Chargeback,
    Complaint,
    Confirmation,
    Disruption,
    EvidenceRequest,
    EvidenceSent,
    Extend,
    Inspection,
    Message,
    OfferAnswer,
    OfferMade,
    Reply,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Undo,
    Withdrawal,
)
from domain.order import Order
from domain.policy_packs import Pack
from domain.preview import Intent, Preview
from domain.requests import RecallQuery
from domain.settlement import Ending
from domain.story import Outcome, Status, StoryEntry
from storefront import once
from storefront.draft import OWN_PREFIXES, REOPENED, OrderDraft, overdue, too_early
from storefront.errors import (
    BadInput,
    DuplicateOrder,
    MessageRefused,
    NotAnswered,
    OrderClosed,
    RedressError,
    TooLarge,
    UnknownOrder,
)
from storefront.listing import Listed, query_of
from workflows import search_attributes
from workflows.search_attributes import of_new_order

if TYPE_CHECKING:
    from workflows.order import OrderWorkflow

LARGEST: Final = 512 * 1024
"""The most bytes that go into one order or message; the server warns from there on, and refuses at 2 MB."""

_GLANCE: Final = 0.05

CLOCK_MEMO: Final = "clock"
"""Under this name an order in fast motion carries its clock, so that messages can be stamped in its time."""

_Said = TypeVar("_Said", bound=Message)
_Got = TypeVar("_Got")


class Redress:
    """Orders and cases, by their ids.

    `patience` bounds every wait for a worker, `task_queue` names its queue. `now` gives real time (UTC).
    A message without `submitted_at` is stamped with the moment of the call, in its order's own time.
    Messages carry a `request_id`: a repetition with the same one is kept once, answered the same and changes nothing.
    """

    def __init__(
        self,
        client: Client,
        *,
        task_queue: str = runtime.TASK_QUEUE,
        patience: timedelta = timedelta(seconds=10),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.client = client
        self._task_queue = task_queue
        self._patience = patience
        self._now = now
        self._clocks: dict[str, Clock] = {}

    @classmethod
    async def connect(cls, address: str | None = None) -> Self:
        """A client as the settings say. Raises `runtime.Unreachable`, and `runtime.SettingsError` for wrong ones."""
        settings = runtime.load_settings()
        return cls(await runtime.connect(address), task_queue=settings.task_queue)

    def as_of(self, instant: datetime) -> Self:
        """This client for what was said at `instant` (real time, UTC) and is only now passed on."""
        then = copy.copy(self)
        then._now = lambda: instant  # noqa: SLF001 -- it is one of us
        return then

    def within(self, patience: timedelta) -> Self:
        """This client with another patience."""
        other = copy.copy(self)
        other._patience = patience  # noqa: SLF001 -- it is one of us
        return other

    # --- orders ---

    async def start(
        self, draft: OrderDraft, *, pack: Pack | None = None, backdated: bool = False
    ) -> WorkflowHandle[OrderWorkflow, Outcome]:
        """Start an order whose payment has been captured; `pack` replaces the pack it names.

        Raises BadInput for an unknown pack and, unless it is `backdated`, for a purchase in the future and for a
        deadline to ship that has passed; DuplicateOrder if the id was used before.
        """
        order = draft.order(pack)
        now = order.clock.now(self._now())
        wrong = too_early(order, now) or overdue(order, now)
        if wrong and not backdated:
            raise BadInput(f"Order {order.order_id} cannot be started", [wrong])
        subject = f"order-{order.order_id}"
        _small_enough(f"Order {order.order_id}", order)
        self._clocks[subject] = order.clock
        async with self._answers(subject):
            try:
                return await self.client.start_workflow(
                    "OrderWorkflow",
                    order,
                    result_type=Outcome,
                    id=subject,
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    static_summary=summary(order),
                    search_attributes=of_new_order(order),
                    memo=None if order.clock == REAL_TIME else {CLOCK_MEMO: order.clock},
                )
            except WorkflowAlreadyStartedError:
                raise DuplicateOrder(order.order_id) from None

    async def ship(self, order_id: str, message: Shipped, *, request_id: str = "") -> None:
        """The seller says that the parcel is on its way, and may show what was packed.

        What is not accepted shows in the timeline.
        """
        await self._signal(order_of(order_id), "shipped", message, request_id)

    async def tracking(self, order_id: str, message: Tracking, *, request_id: str = "") -> None:
        """The carrier's webhook has news of the parcel. If it was refunded as lost, a delivery reopens its order."""
        try:
            await self._signal(order_of(order_id), "tracking", message, request_id)
        except OrderClosed as closed:
            if closed.ending not in (Ending.LOST, Ending.CASE) or not message.tells_of_delivery:
                raise
            await self._reopen(order_id, "tracking", message, request_id)

    async def accept(self, order_id: str, message: Acceptance | None = None, *, request_id: str = "") -> None:
        """The buyer is content. What is not accepted shows in the timeline."""
        await self._signal(order_of(order_id), "buyer_accepts", message or Acceptance(), request_id)

    async def chargeback(self, order_id: str, message: Chargeback, *, request_id: str = "") -> None:
        """The payment provider reports a chargeback or its result; one that comes late reopens a closed order.

        Banks take longer than Temporal keeps what has ended: an order that it no longer knows is looked up among the
        recorded outcomes, and a failed `reopened-...` shows an id that was none.
        """
        try:
            await self._signal_or_reopen(order_id, "chargeback", message, request_id)
        except UnknownOrder:
            self._clocks.setdefault(order_of(order_id), REAL_TIME)
            await self._reopen(order_id, "chargeback", message, request_id)

    async def disrupt(self, subject: str, message: Disruption, *, request_id: str = "") -> None:
        """A storm, strike or outage moves clocks of this order or case."""
        await self._signal(subject, "disruption", message, request_id)

    async def complain(
        self, order_id: str, message: Complaint, *, request_id: str = "", lenient: bool = False
    ) -> Reply:
        """The buyer reports a problem; the reply has the id of the case.

        `evidence` may come with it, and what the buyer agrees to beforehand (`standing`): both can settle it at once.
        `lenient` only leaves it with the order, also while no worker runs, and gives an empty acceptance:
        what cannot be accepted is answered with a notice, and after the order has closed support looks at it.
        Otherwise raises MessageRefused or NotAnswered.
        """
        if lenient:
            await self._signal_or_reopen(order_id, "buyer_complaint", message, request_id)
            return Reply.yes("complaint_left")
        try:
            reply = await self._update(order_of(order_id), "open_case", message, request_id)
        except OrderClosed as closed:
            if closed.ending is None:
                raise
            await self._reopen(order_id, "buyer_complaint", message, request_id)
            return Reply.yes("complaint_late")
        await self._appeared(reply.case_id)
        return reply

    async def cancel(self, order_id: str, message: Cancel, *, request_id: str = "") -> Reply:
        """Buyer or seller cancels, or the seller answers. Raises MessageRefused or NotAnswered."""
        return await self._update(order_of(order_id), "cancel", message, request_id)

    async def extend(self, order_id: str, message: Extend, *, request_id: str = "") -> Reply:
        """The seller asks for, or the buyer grants, more time. Raises MessageRefused or NotAnswered."""
        return await self._update(order_of(order_id), "extend", message, request_id)

    async def outcome(self, order_id: str) -> Outcome:
        """What became of the order, as soon as it has ended.

        Raises OrderClosed if it was ended from outside, and so has no outcome.
        """
        subject = order_of(order_id)
        async with self._answers(subject):
            try:
                return await self._result(subject, Outcome)
            except WorkflowFailureError as error:
                raise OrderClosed(subject, None) from error

    # --- cases ---

    async def respond(self, case_id: str, message: Response, *, request_id: str = "") -> Reply:
        """The seller accepts, contests or proposes something else. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "respond", message, request_id)

    async def offer(self, case_id: str, message: OfferMade, *, request_id: str = "") -> Reply:
        """A side or an agent proposes a settlement; the reply's `instant` is when it expires.

        Raises MessageRefused or NotAnswered.
        """
        return await self._update(case_of(case_id), "offer", message, request_id)

    async def answer_offer(self, case_id: str, message: OfferAnswer, *, request_id: str = "") -> Reply:
        """A side takes or leaves the open offer. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "answer_offer", message, request_id)

    async def withdraw(self, case_id: str, message: Withdrawal | None = None, *, request_id: str = "") -> Reply:
        """The buyer takes the complaint back. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "withdraw", message or Withdrawal(), request_id)

    async def evidence(self, case_id: str, message: EvidenceSent, *, request_id: str = "") -> None:
        """A side or an agent hands evidence in: references, never bytes. What is not taken shows in the timeline."""
        await self._signal(case_of(case_id), "evidence", message, request_id)

    async def message(self, case_id: str, message: CaseMessage, *, request_id: str = "") -> None:
        """Somebody writes in the case, or support keeps a note. What is not accepted shows in the timeline."""
        await self._signal(case_of(case_id), "message", message, request_id)

    async def track_return(self, case_id: str, message: Tracking, *, request_id: str = "") -> None:
        """The carrier's webhook has news of the goods on their way back."""
        await self._signal(case_of(case_id), "tracking", message, request_id)

    async def inspect(self, case_id: str, message: Inspection, *, request_id: str = "") -> Reply:
        """The seller says what came back. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "inspect", message, request_id)

    async def appeal(self, case_id: str, message: Appeal, *, request_id: str = "") -> Reply:
        """A side appeals with new evidence; the reply's `instant` is by when another agent decides.

        Raises MessageRefused or NotAnswered.
        """
        return await self._update(case_of(case_id), "appeal", message, request_id)

    # --- cases, on the support desk ---

    async def assign(self, case_id: str, message: Assignment, *, request_id: str = "") -> Reply:
        """The case is given to an agent. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "assign", message, request_id)

    async def request_evidence(self, case_id: str, message: EvidenceRequest, *, request_id: str = "") -> Reply:
        """An agent asks a side for evidence; the reply's `instant` is by when. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "request_evidence", message, request_id)

    async def rule(self, case_id: str, message: Ruling, *, request_id: str = "") -> Reply:
        """An agent decides; the reply's `instant` is when it takes effect, or by when another agent confirms it.

        Raises MessageRefused or NotAnswered.
        """
        return await self._update(case_of(case_id), "rule", message, request_id)

    async def confirm(self, case_id: str, message: Confirmation, *, request_id: str = "") -> Reply:
        """Another agent confirms a ruling, or gives the case back. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "confirm", message, request_id)

    async def undo(self, case_id: str, message: Undo, *, request_id: str = "") -> Reply:
        """Support takes a ruling back before money has moved. Raises MessageRefused or NotAnswered."""
        return await self._update(case_of(case_id), "undo", message, request_id)

    # --- questions about cases ---

    async def conversation(self, case_id: str) -> Conversation:
        """What was said as both sides may read it, oldest first, and who must answer next by when (UTC)."""
        return await self._query(case_of(case_id), "conversation", Conversation)

    async def exhibits(self, case_id: str) -> Exhibits:
        """The evidence of both sides beside each other, and what of the checklist the buyer has not shown."""
        return await self._query(case_of(case_id), "exhibits", Exhibits)

    async def notes(self, case_id: str) -> tuple[Said, ...]:
        """Support's internal notes: never for the sides."""
        return await self._query(case_of(case_id), "notes", tuple[Said, ...])

    async def reasons(self, case_id: str) -> tuple[Statement, ...]:
        """The statement of reasons of each decision, oldest first; none as long as nothing is decided."""
        return await self._query(case_of(case_id), "reasons", tuple[Statement, ...])

    # --- questions, about orders and cases ---

    async def status(self, subject: str) -> Status:
        """Where an order or case stands, what happens next and when."""
        return await self._query(subject, "status", Status)

    async def receipt(self, subject: str) -> Receipt:
        """For each party, what is owed, by when, and what happens if nobody acts."""
        return await self._query(subject, "receipt", Receipt)

    async def timeline(self, subject: str) -> tuple[StoryEntry, ...]:
        """What happened to an order or case, oldest first."""
        return await self._query(subject, "timeline", tuple[StoryEntry, ...])

    async def preview(self, subject: str, intent: Intent) -> Preview:
        """What an action would do now in an order or case, in money and duties, without doing it.

        What would be refused, and an unknown or malformed action, has a refusal for its reply; nothing is raised.
        """
        if "submitted_at" not in intent.fields:
            now = (await self._clock(subject_of(subject))).now(self._now())
            intent = intent.model_copy(update={"fields": intent.fields | {"submitted_at": now}})
        return await self._query(subject, "preview", Preview, intent)

    async def list(
        self, query: str = "", *, cases: bool = False, closed: bool = False, limit: int = 1000
    ) -> tuple[Listed, ...]:
        """Orders (or cases) that a visibility query finds, soonest deadline first; open ones unless `closed`.

        `query` is in Temporal's list filter language, for example `SellerId = "s-4"`. At most `limit` are read, and
        what has just changed may show a second later: for looking, never for deciding. Raises BadInput for a
        malformed query.
        """
        wanted = query_of(query, cases=cases, closed=closed)
        try:
            async with self._answers("the list"):
                rows = [Listed.of(found) async for found in self.client.list_workflows(wanted, limit=limit)]
        except BadInput as error:
            known = ", ".join(key.name for key in search_attributes.ALL)
            advice = f"Compare one of {known}; texts stand in quotes, as in SellerId = 's-4'."
            raise BadInput(f"{error}. {advice}") from error
        return tuple(sorted(rows, key=lambda row: row.urgency))

    async def purchase(self, order_id: str) -> Order:
        """The order as it was started, with its policy. Needs no worker, as long as Temporal keeps the order.

        Raises UnknownOrder.
        """
        subject = order_behind(subject_of(order_id))
        history = self.client.get_workflow_handle(subject).fetch_history_events(page_size=1, rpc_timeout=self._patience)
        async with self._answers(subject):
            began = (await anext(history)).workflow_execution_started_event_attributes
            (order,) = await once.converter(self.client, subject).decode(began.input.payloads, [Order])
        return Order.model_validate(order)

    async def is_open(self, subject: str) -> bool:
        """Whether the order or case still runs. Needs no worker. Raises UnknownOrder."""
        subject = subject_of(subject)
        async with self._answers(subject):
            return await self._status_of(subject) is WorkflowExecutionStatus.RUNNING

    # --- sending ---

    async def _signal(self, subject: str, signal: str, message: Message, request_id: str = "") -> None:
        subject = subject_of(subject)
        stamped = await self._stamped(subject, message)
        async with self._answers(subject), asyncio.timeout(self._patience.total_seconds()):
            await once.signal(self.client, subject, signal, stamped, request_id=request_id, patience=self._patience)

    async def _signal_or_reopen(self, order_id: str, signal: str, message: Message, request_id: str) -> None:
        try:
            await self._signal(order_of(order_id), signal, message, request_id)
        except OrderClosed as closed:
            if closed.ending is None:
                raise  # ended by operations: there is no outcome to take up
            await self._reopen(order_id, signal, message, request_id)

    async def _reopen(self, order_id: str, signal: str, message: Message, request_id: str) -> None:
        """Take a closed order up again from its recorded outcome, or tell it if that has been done already."""
        order = order_of(order_id)
        stamped = await self._stamped(order, message)
        name = order.removeprefix("order-")
        clock = await self._clock(order)
        async with self._answers(order):
            await once.signal_with_start(
                self.client,
                "ReopenedOrderWorkflow",
                RecallQuery(order_id=name),
                workflow_id=f"{REOPENED}{name}",
                task_queue=self._task_queue,
                name=signal,
                message=stamped,
                request_id=request_id,
                summary=f"{name}: reopened by a late {signal}",
                memo={} if clock == REAL_TIME else {CLOCK_MEMO: clock},
                patience=self._patience,
            )

    async def _update(self, subject: str, update: str, message: Message, request_id: str) -> Reply:
        subject = subject_of(subject)
        stamped = await self._stamped(subject, message)
        request_id = request_id or str(uuid.uuid4())
        handle = self.client.get_workflow_handle(subject)
        async with self._answers(subject, request_id, stamped):
            try:
                reply: Reply = await handle.execute_update(
                    update, stamped, id=request_id, result_type=Reply, rpc_timeout=self._patience
                )
            except WorkflowUpdateFailedError as error:
                # The order ended between taking the message and answering it, or runs under another version.
                if closed := await self._closed(subject):
                    raise closed from error
                raise RedressError(f"{subject} could not handle the message: {error.cause}") from error
        if reply.refused:
            raise MessageRefused(reply)
        return reply

    async def _query(self, subject: str, query: str, model: type[_Got], *asked: Model) -> _Got:
        subject = subject_of(subject)
        handle = self.client.get_workflow_handle(subject)
        # The SDK repeats a question that a dead worker was asked, each time with all of the patience.
        async with self._answers(subject), asyncio.timeout(self._patience.total_seconds()):
            got: _Got = await handle.query(query, args=asked, result_type=model, rpc_timeout=self._patience)
        return got

    async def _appeared(self, case_id: str) -> None:
        """Wait for a case that its order is just opening, so that it can be spoken to; not longer than `patience`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience.total_seconds()):
                while True:
                    with contextlib.suppress(UnknownOrder):
                        await self.is_open(case_id)
                        return
                    await asyncio.sleep(_GLANCE)

    async def _stamped(self, subject: str, message: _Said) -> _Said:
        _small_enough("The message", message)
        if message.submitted_at is not None:
            return message
        clock = await self._clock(subject)
        return message.model_copy(update={"submitted_at": clock.now(self._now())})

    async def _clock(self, subject: str) -> Clock:
        """The clock that an order was started with; a case has that of its order."""
        order = order_behind(subject)
        if order not in self._clocks:
            async with self._answers(subject):
                described = await self.client.get_workflow_handle(order).describe(rpc_timeout=self._patience)
                self._clocks[order] = await described.memo_value(CLOCK_MEMO, REAL_TIME, type_hint=Clock)
        return self._clocks[order]

    # --- errors ---

    @contextlib.asynccontextmanager
    async def _answers(self, subject: str, request_id: str = "", message: Message | None = None) -> AsyncIterator[None]:
        """Turn what temporalio raises into the errors of `storefront/errors.py`."""
        try:
            yield
        except (TimeoutError, RPCTimeoutOrCancelledError) as error:
            raise NotAnswered(subject, self._patience.total_seconds(), request_id, message) from error
        except RPCError as error:
            match error.status:
                case RPCStatusCode.NOT_FOUND:
                    raise (await self._closed(subject) or UnknownOrder(subject)) from error
                case RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED | RPCStatusCode.FAILED_PRECONDITION:
                    raise NotAnswered(subject, self._patience.total_seconds(), request_id, message) from error
                case RPCStatusCode.INVALID_ARGUMENT:
                    raise BadInput(f"Temporal refuses {subject}: {error.message}") from error
                case _:
                    raise

    async def _closed(self, subject: str) -> OrderClosed | None:
        """The error for what has ended; none if it still runs or never was."""
        try:
            status = await self._status_of(subject)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        if status is WorkflowExecutionStatus.RUNNING:
            return None
        if status is not WorkflowExecutionStatus.COMPLETED:
            return OrderClosed(subject, None)
        if subject.startswith("case-"):
            resolution = await self._result(subject, Resolution)
            return OrderClosed(subject, resolution.remedy or ("withdrawn" if resolution.agreed else "overtaken"))
        outcome = await self._result(subject, Outcome)
        return OrderClosed(subject, outcome.decision.ending)

    async def _status_of(self, subject: str) -> WorkflowExecutionStatus:
        # Not by `handle.describe`, which fails on attributes that were unset: the test server gives null for them.
        asked = DescribeWorkflowExecutionRequest(
            namespace=self.client.namespace, execution=WorkflowExecution(workflow_id=subject)
        )
        found = await self.client.workflow_service.describe_workflow_execution(asked, timeout=self._patience)
        return WorkflowExecutionStatus(found.workflow_execution_info.status)

    async def _result(self, subject: str, model: type[_Got]) -> _Got:
        result: _Got = await self.client.get_workflow_handle(subject, result_type=model).result()
        return result


def subject_of(name: str) -> str:
    """The workflow id behind an order id; the id of a case, or of an order's workflow, stands for itself."""
    return name if name.startswith(OWN_PREFIXES) else f"order-{name}"


def order_of(name: str) -> str:
    """The workflow id of an order. Raises BadInput for the id of a case, which has no such messages."""
    subject = subject_of(name)
    if subject.startswith("case-"):
        order_id = order_behind(name).removeprefix("order-")
        raise BadInput(f"{name} is a case, and this goes to its order: give {order_id}.")
    return subject


def case_of(name: str) -> str:
    """The id of a case. Raises BadInput for that of an order, which has no such messages."""
    if not name.startswith("case-"):
        raise BadInput(f"{name} is not a case: give its id, as in case-A-1-1; `list --cases` has those that are open.")
    return name


def order_behind(subject: str) -> str:
    """The workflow id of the order that this is, or that this case is about."""
    if subject.startswith(REOPENED):
        return f"order-{subject.removeprefix(REOPENED)}"
    return subject if subject.startswith("order-") else f"order-{subject.removeprefix('case-').rpartition('-')[0]}"


def summary(order: Order) -> str:
    """What lists and the Web UI show of an order in one line of at most 200 bytes."""
    text = (
        f"{order.order_id}: {order.price.total}, buyer {order.buyer.id}, seller {order.seller.id}, {order.policy.pack}"
    )
    return text if len(text) <= 200 else f"{text[:197]}..."  # noqa: PLR2004 -- Temporal's limit, as the docstring says


def _small_enough(what: str, model: Model) -> None:
    size = len(model.model_dump_json().encode())
    if size > LARGEST:
        raise TooLarge(what, size, LARGEST)
