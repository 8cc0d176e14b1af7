"""The SDK's client with a tunnel behind it answers, and raises, what it does on a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, CancelledError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from tests.windtunnel.test_engine import BEGAN, Script, a_tunnel
from tests.windtunnel.tiny import HOUR, Begin, Counts, Fails, Parent, Text, Waits
from windtunnel.client import client_of
from windtunnel.engine import Tunnel

QUEUE = "nobody listens"
Waiting = WorkflowHandle[Waits, tuple[str, ...]]


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    """A tunnel with the tiny workflows."""
    with a_tunnel(Script()) as tunnel:
        yield tunnel


@pytest.fixture
def client(tunnel: Tunnel) -> Client:
    """Its client."""
    return client_of(tunnel, pydantic_data_converter)


async def waits(client: Client) -> Waiting:
    """A workflow that waits for a word."""
    return await client.start_workflow(Waits.run, Text(text="begun"), id="w", task_queue=QUEUE)


async def test_what_is_said_is_heard_and_the_result_has_its_type(client: Client) -> None:
    """Start, signal, update, query and result speak the workflow's own types, by method and by name."""
    handle = await waits(client)
    await handle.signal(Waits.tell, Text(text="hello"))
    echoed = await handle.execute_update(Waits.echo, Text(text="again"))
    by_name = await handle.query("all")
    heard = await handle.query(Waits.all)
    await handle.signal("tell", Text(text="end"))

    assert ("again", ["begun", "hello"], ("begun", "hello")) == (echoed, by_name, heard)
    assert ("begun", "hello", "end") == await client.get_workflow_handle_for(Waits.run, "w").result()


async def test_what_follows_at_the_same_instant_has_happened_when_a_call_returns(client: Client) -> None:
    """A child that its parent starts at once can be spoken to; nobody waits in a loop."""
    await client.start_workflow(Parent.run, Begin(kind="Waits", text="a child"), id="p", task_queue=QUEUE)
    child = client.get_workflow_handle_for(Waits.run, "child")

    assert ("a child",) == await child.query(Waits.all)


async def test_to_await_an_answer_or_a_result_lets_time_pass(client: Client, tunnel: Tunnel) -> None:
    """An update that takes an hour is answered after an hour; a result follows the runs that continue as new."""
    said = await (await waits(client)).execute_update(Waits.patiently, Text())
    answered = tunnel.now
    counted = await client.execute_workflow(Counts.run, 2, id="c", task_queue=QUEUE)

    assert ("said", HOUR) == (said, answered - BEGAN)
    assert ("nobody", answered + 3 * HOUR) == (counted, tunnel.now)


async def test_a_signal_may_start_what_it_is_for(client: Client) -> None:
    """Signal with start: the signal is in the first task."""
    handle = await client.start_workflow(
        Waits.run, Text(), id="w", task_queue=QUEUE, start_signal="tell", start_signal_args=[Text(text="end")]
    )

    assert {"end", ""} == set(await handle.result())


async def test_refusals_are_those_of_a_server(client: Client) -> None:
    """A taken id, a rejected and a failed update, a broken query, and somebody who is not there."""
    handle = await waits(client)

    with pytest.raises(WorkflowAlreadyStartedError):
        await waits(client)
    with pytest.raises(WorkflowUpdateFailedError) as rejected:
        await handle.execute_update(Waits.echo, Text())
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await handle.execute_update(Waits.echo, Text(text="fail"))
    with pytest.raises(WorkflowQueryFailedError, match="no answer to this"):
        await handle.query(Waits.broken)
    nobody = client.get_workflow_handle_for(Waits.run, "nobody")
    for speak in (nobody.signal(Waits.tell, Text()), nobody.query(Waits.all), nobody.result()):
        with pytest.raises(RPCError) as absent:
            await speak
        assert RPCStatusCode.NOT_FOUND == absent.value.status

    causes = [rejected.value.cause, failed.value.cause]
    assert ["ValueError", "Unsayable"] == [cause.type for cause in causes if isinstance(cause, ApplicationError)]


async def test_how_a_workflow_ends_is_its_result(client: Client, tunnel: Tunnel) -> None:
    """A failure and a cancellation are raised with their cause."""
    with pytest.raises(WorkflowFailureError) as failed:
        await client.execute_workflow(Fails.run, Text(), id="f", task_queue=QUEUE)
    handle = await waits(client)
    tunnel.cancel("w")
    with pytest.raises(WorkflowFailureError) as cancelled:
        await handle.result()

    assert ("Foreseen", True) == (
        isinstance(failed.value.cause, ApplicationError) and failed.value.cause.type,
        isinstance(cancelled.value.cause, CancelledError),
    )


async def test_what_a_tunnel_does_not_know_is_said(client: Client) -> None:
    """Lists, histories and descriptions belong to a server."""
    handle = await waits(client)

    with pytest.raises(NotImplementedError, match="describe_workflow_execution"):
        await handle.describe()
    with pytest.raises(NotImplementedError, match="keeps no histories"):
        await handle.fetch_history()
