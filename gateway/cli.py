"""The gateway's command line as people see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from pydantic import ValidationError

import runtime
from adapters.database import open_database
from gateway import inbox_command
from gateway.keys import ApiKey, ApiKeys, KeyRole, UnknownKey

app = typer.Typer(
    help="HTTP for storefronts, support desks, carriers and payment providers.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
keys = typer.Typer(help="API keys: issue, list, rotate, revoke.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(inbox_command.app, name="inbox")

_SPAN: Final = re.compile(r"(\d{1,4})([mhd])")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, as `keys list` has it.")]
_Got = TypeVar("_Got")


class WrongUsage(runtime.Problem):
    """An option that cannot be right."""

    code = runtime.Exit.USAGE


@app.callback(invoke_without_command=True)
def serve(context: typer.Context) -> None:
    """Serve at REDRESS_GATEWAY_ADDRESS until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is None:
        from gateway import serving

        runtime.run(serving.serve())


@app.command()
def openapi(file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("docs/openapi.json")) -> None:
    """Write the OpenAPI document."""
    from gateway import serving

    async def work() -> None:
        file.write_text(serving.document(), encoding="utf-8")

    runtime.run(work())


@keys.command()
def issue(
    marketplace: Annotated[str, typer.Option(metavar="ID", help="The marketplace whose orders it opens.")],
    role: Annotated[list[KeyRole], typer.Option(help="What it may do; repeatable.")],
    label: Annotated[str, typer.Option(help="A note for your own eyes.")] = "",
    expires: Annotated[str, typer.Option(metavar="SPAN", help="When it ends, as in 90d; never, if left out.")] = "",
) -> None:
    """Issue a key. It is shown once, and kept nowhere."""

    def work(store: ApiKeys) -> tuple[ApiKey, str]:
        ends = datetime.now(UTC) + _span("--expires", expires) if expires else None
        try:
            return store.issue(marketplace, role, label=label, expires_at=ends)
        except ValidationError:
            raise WrongUsage(
                "--marketplace is wrong. Write 1 to 64 letters, digits, dots, hyphens or underscores."
            ) from None

    def tell(issued: tuple[ApiKey, str]) -> None:
        key, secret = issued
        _show(secret, f"{key.key_id} for {key.marketplace}: {', '.join(key.roles)}. This is shown only now:")

    _run(work, tell)


@keys.command(name="list")
def list_() -> None:
    """Every key: id, marketplace, roles, until when it is in force, label."""
    _run(ApiKeys.known, lambda known: typer.echo("\n".join(map(_line, known)) or "There is no key yet."))


@keys.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(metavar="SPAN", help="How long the old one still works, as in 12h.")] = "7d",
) -> None:
    """Issue a key of the same scope, and let the old one end after a while."""

    def tell(issued: tuple[ApiKey, str]) -> None:
        _show(issued[1], f"{issued[0].key_id} replaces {key_id}, which ends in {overlap}. This is shown only now:")

    _run(lambda store: store.rotate(key_id, _span("--overlap", overlap)), tell)


@keys.command()
def revoke(key_id: KeyId) -> None:
    """End a key now."""
    _run(lambda store: store.revoke(key_id), lambda key: typer.echo(f"{key.key_id} opens nothing any more."))


def _run(work: Callable[[ApiKeys], _Got], tell: Callable[[_Got], object]) -> None:
    async def main() -> None:
        try:
            found = work(ApiKeys(open_database(runtime.load_settings().store_url)))
        except UnknownKey as error:
            raise runtime.NotFound(f"There is no key {error}; `keys list` has all there are.") from None
        tell(found)

    runtime.run(main())


def _show(secret: str, about: str) -> None:
    """The secret alone on standard output, so that a script can take it from there."""
    typer.echo(about, err=True)
    typer.echo(secret)


def _line(key: ApiKey) -> str:
    force = "in force"
    if key.expires_at:
        force = f"{'ends' if key.in_force(datetime.now(UTC)) else 'ended'} {key.expires_at:%Y-%m-%d %H:%M} UTC"
    return f"{key.key_id}  {key.marketplace}  {','.join(key.roles)}  {force}  {key.label}".rstrip()


def _span(option: str, text: str) -> timedelta:
    parts = _SPAN.fullmatch(text)
    if parts is None:
        raise WrongUsage(f"{option} is wrong. Write a number and m, h or d, as in 30m, 12h or 7d.")
    return int(parts[1]) * _UNITS[parts[2]]
