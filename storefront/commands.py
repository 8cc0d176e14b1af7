"""What the commands of `storefront/cli.py` do. Each ends the process through `runtime.run`, with its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console

import runtime
from domain import policy_packs, wording
from domain.messages import Reply
from domain.preview import Intent
from storefront import documents, messages, show
from storefront.client import Redress, case_of, subject_of
from storefront.errors import BadInput, MessageRefused, NotAnswered, RedressError
from storefront.policy_table import table
from storefront.sandbox import capture
from storefront.watching import events

_Answer = TypeVar("_Answer", bound=BaseModel | Sequence[BaseModel])


def start(files: Sequence[str], pack: Path | None, *, backdated: bool, sandbox: bool, as_json: bool) -> NoReturn:
    """Start the orders in these files, as many as can be; the exit code is that of the first that cannot."""

    async def work() -> int:
        rules = _pack(pack) if pack else None
        drafts = documents.drafts(files, datetime.now(UTC))
        redress = await Redress.connect()
        code = 0
        for draft in drafts:
            try:
                if sandbox:
                    capture(draft, runtime.load_settings().data_dir)
                handle = await redress.start(draft, pack=rules, backdated=backdated)
            except RedressError as error:
                _complain(error, as_json)
                code = code or error.code
            else:
                started = {
                    "order_id": draft.order_id,
                    "workflow_id": handle.id,
                    "run_id": handle.first_execution_run_id,
                }
                text = f"Started {draft.order_id} for {draft.price.total}; see: starter.py status {draft.order_id}"
                typer.echo(json.dumps(started) if as_json else text)
        return code

    run_work(work, as_json)


def leave(command: str, subject: str, as_json: bool, **fields: Any) -> NoReturn:
    """Leave what is not answered, then look in the story whether it was refused."""
    signal, model = messages.LEFT[command]

    async def work() -> None:
        messages.addressed(command, subject)
        message = messages.message(model, **fields)
        redress = await Redress.connect()
        before = await _refusals(redress, subject, signal)
        send: Callable[..., Awaitable[object]] = getattr(redress, command)
        await send(subject, message, **({"lenient": True} if command == "complain" else {}))
        after = await _refusals(redress, subject, signal)
        if before is not None and after is not None and len(after) > len(before):
            raise MessageRefused(after[-1])
        seen = after is not None
        text = f"{signal} was noted." if seen else f"{signal} is kept by Temporal, and counts once a worker runs."
        typer.echo(json.dumps({"subject": subject, "sent": signal, "seen": seen}) if as_json else text)

    run_work(work, as_json)


async def _refusals(redress: Redress, subject: str, signal: str) -> list[Reply] | None:
    """The refusals of such messages so far; none if nobody can be asked."""
    try:
        story = await redress.timeline(subject)
    except NotAnswered:
        return None
    refused = [entry.facts for entry in story if entry.what == "refused" and entry.facts.get("message") == signal]
    if signal == "evidence":
        refused += [entry.facts for entry in story if entry.what == "refused_item"]
    return [_reply_in(facts) for facts in refused]


def _reply_in(facts: Mapping[str, str]) -> Reply:
    """The reply that an entry of the story keeps; that of a single item of evidence keeps its facts as they are."""
    told = wording.replied(facts) or dict(facts)
    own = {name: fact for name, fact in told.items() if name not in ("code", "rule", "instant")}
    return Reply.no(facts.get("code", ""), facts.get("rule", ""), None, **own)


def ask(command: str, subject: str, request_id: str, as_json: bool, **fields: Any) -> NoReturn:
    """Send what is answered at once, and show the answer."""

    async def work() -> None:
        messages.addressed(command, subject)
        message = messages.message(messages.ASKED[command], **fields)
        send: Callable[..., Awaitable[Reply]] = getattr(await Redress.connect(), command)
        reply = await send(subject, message, request_id=request_id)
        _show(reply, as_json, lambda: show.reply(show.console(), reply))

    run_work(work, as_json)


def status(subject: str, as_json: bool) -> NoReturn:
    """Where it stands."""
    _look(Redress.status, subject, show.status, as_json)


def receipt(subject: str, lang: str, as_json: bool) -> NoReturn:
    """What is owed."""
    _look(Redress.receipt, subject, partial(show.receipt, lang=lang), as_json)


def timeline(subject: str, lang: str, as_json: bool) -> NoReturn:
    """What happened."""
    _look(Redress.timeline, subject, partial(show.story, lang=lang), as_json)


def preview(subject: str, message: str, written: Sequence[str], lang: str, as_json: bool) -> NoReturn:
    """What a message would do."""

    async def work() -> None:
        intent = Intent(message=message, fields=messages.fields(message, written))
        answer = await (await Redress.connect()).preview(subject, intent)
        _show(answer, as_json, lambda: show.preview(show.console(), answer, lang))

    run_work(work, as_json)


def conversation(case: str, lang: str, as_json: bool) -> NoReturn:
    """What was said."""
    _look(Redress.conversation, case, partial(show.conversation, lang=lang), as_json, known=case_of)


def exhibits(case: str, lang: str, as_json: bool) -> NoReturn:
    """What the sides have shown."""
    _look(Redress.exhibits, case, partial(show.exhibits, lang=lang), as_json, known=case_of)


def notes(case: str, as_json: bool) -> NoReturn:
    """What support has noted."""
    _look(Redress.notes, case, show.notes, as_json, known=case_of)


def reasons(case: str, lang: str, as_json: bool) -> NoReturn:
    """Why it was decided so."""
    _look(Redress.reasons, case, partial(show.reasons, lang=lang), as_json, known=case_of)


def list_(query: str, *, cases: bool, closed: bool, limit: int, as_json: bool) -> NoReturn:
    """Many orders or cases."""

    async def work() -> None:
        redress = await Redress.connect()
        rows = await redress.list(query, cases=cases, closed=closed, limit=limit)
        _show(rows, as_json, lambda: show.listing(show.console(), rows, now=datetime.now(UTC)))

    run_work(work, as_json)


def watch(subjects: Sequence[str], every: float, as_json: bool) -> NoReturn:
    """What happens, as it happens."""

    async def work() -> None:
        redress = await Redress.connect()
        with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is how one stops watching
            async for subject, entry in events(redress, subjects, every=every):
                text = wording.event(entry.what, entry.facts)
                told = {"subject": subject, **entry.model_dump(mode="json"), "text": text}
                typer.echo(json.dumps(told, ensure_ascii=False) if as_json else show.line(entry, subject))

    run_work(work, as_json)


def check_pack(file: Path) -> NoReturn:
    """Whether a pack can be used."""

    async def work() -> None:
        typer.echo(f"{file}: {_pack(file).policy.pack} can be used.")

    runtime.run(work())


def show_pack(name: str) -> NoReturn:
    """The rules of a pack; without a name, the packs there are."""

    async def work() -> None:
        try:
            typer.echo(table(policy_packs.load(name)) if name else "\n".join(policy_packs.names()))
        except ValueError as error:
            raise BadInput(str(error)) from None

    runtime.run(work())


def story(name: str, locale: str, as_json: bool) -> NoReturn:
    """One story in virtual time; without a name, the stories there are."""
    from fastmotion import telling

    run_work(lambda: telling.main(name, locale=locale, as_json=as_json), as_json)


# --- what they share ---


def _look(
    question: Callable[[Redress, str], Awaitable[_Answer]],
    subject: str,
    draw: Callable[[Console, _Answer], None],
    as_json: bool,
    *,
    known: Callable[[str], str] = subject_of,
) -> NoReturn:
    """Ask about one order or case and show the answer; an id that is not `known` is told before Temporal is asked."""

    async def work() -> None:
        known(subject)
        answer = await question(await Redress.connect(), subject)
        _show(answer, as_json, lambda: draw(show.console(), answer))

    run_work(work, as_json)


def run_work(work: Callable[[], Awaitable[int | None]], as_json: bool) -> NoReturn:
    """Do the work and end the process."""

    async def main() -> int | None:
        try:
            return await work()
        except runtime.Problem as problem:
            _complain(problem, as_json)
            return problem.code

    runtime.run(main())


def _show(answer: BaseModel | Sequence[BaseModel], as_json: bool, draw: Callable[[], None]) -> None:
    if as_json:
        typer.echo(show.as_json(answer))
    else:
        draw()


def _complain(problem: runtime.Problem, as_json: bool) -> None:
    """The problem on standard error: a message, or one line of JSON."""
    if not as_json:
        typer.echo(str(problem), err=True)
        return
    told: dict[str, Any] = {"error": type(problem).__name__, "message": str(problem)}
    told |= {
        name: value for name in ("request_id", "at", "problems", "ending") if (value := getattr(problem, name, None))
    }
    if isinstance(problem, MessageRefused):
        told["reply"] = problem.reply.model_dump(mode="json")
    typer.echo(json.dumps(told, ensure_ascii=False), err=True)


def _pack(file: Path) -> policy_packs.Pack:
    try:
        return policy_packs.read(file)
    except ValueError as error:
        raise BadInput(str(error)) from None
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}). Check the path.") from None
