"""The command line as people see it: commands, their options and help. `storefront/commands.py` does the work.

The commands about cases are in `storefront/cli_cases.py`, those for operations in `storefront/cli_operations.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from storefront import cli_cases, cli_operations
from storefront.options import (
    At,
    Evidence,
    Json,
    Lang,
    Order,
    RequestId,
    Sandbox,
    Side,
    Stage,
    Subject,
    Text,
    Until,
    Uris,
    Word,
    work,
)

EPILOG = (
    "Exit codes: 0 done; 1 a check failed; 2 wrong usage or input, nothing was done; 3 Temporal or the workers do not "
    "answer; 4 refused by the rules of the order; 5 no such order or case; 130 interrupted. "
    "How to reach Temporal: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and so on."
)

app = typer.Typer(
    help="Start orders, pass on what people say, and see how things stand.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
packs = typer.Typer(help="Policy packs: the rules that orders are bought under.", no_args_is_help=True)
app.add_typer(cli_cases.app)
app.add_typer(cli_operations.app)
app.add_typer(packs, name="pack")


@app.callback()
def connection(
    address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Temporal's address, instead of TEMPORAL_ADDRESS.")
    ] = None,
) -> None:
    """Start orders, pass on what people say, and see how things stand."""
    if address is not None:
        os.environ["TEMPORAL_ADDRESS"] = address


# --- orders ---


@app.command()
def start(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Orders in JSON, one or many; - is standard input.")
    ],
    pack: Annotated[Path | None, typer.Option(help="A policy pack of your own, in TOML, for all of them.")] = None,
    backdated: Annotated[bool, typer.Option(help="Accept deadlines that have passed, to replay the past.")] = False,
    sandbox: Annotated[bool, typer.Option(help="Also capture the payments at the sandbox provider.")] = False,
    as_json: Json = False,
) -> None:
    """Start paid orders. Nothing is started if any of them is malformed."""
    work().start(files, pack, backdated=backdated, sandbox=sandbox, as_json=as_json)


@app.command()
def ship(
    order: Order,
    carrier: Annotated[str, typer.Argument(help="ups, usps, fedex, dhl, sandbox and so on.")],
    tracking_number: Annotated[str, typer.Argument(help="As the carrier gave it.")],
    packing: Annotated[
        list[str] | None, typer.Option(metavar="ITEM", help="What was packed, as in packing@film.mp4; repeatable.")
    ] = None,
    uris: Uris = None,
    sandbox: Sandbox = False,
    at: At = None,
    as_json: Json = False,
) -> None:
    """The seller says that the parcel is on its way."""
    fields: dict[str, Any] = {"carrier": carrier, "tracking_number": tracking_number, "packing": packing}
    work().leave("ship", order, as_json, **fields, uris=uris, sandbox=sandbox, at=at)


@app.command()
def complain(
    order: Order,
    reason: Annotated[str, typer.Argument(help="damaged, not_as_described, not_received and so on.")],
    text: Text = "",
    evidence: Evidence = None,
    uris: Uris = None,
    sandbox: Sandbox = False,
    keep_for: Annotated[
        int | None, typer.Option(min=1, max=100, metavar="PERCENT", help="Settle at once for so much off, unreturned.")
    ] = None,
    lenient: Annotated[bool, typer.Option(help="Only leave it with the order, which answers by a notice.")] = False,
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """The buyer reports a problem; the answer names the case, or the rule and date of a refusal."""
    fields: dict[str, Any] = {"reason": reason, "text": text, "evidence": evidence, "keep_for": keep_for, "at": at}
    fields |= {"uris": uris, "sandbox": sandbox}
    if lenient:
        work().leave("complain", order, as_json, **fields)
    else:
        work().ask("complain", order, request_id, as_json, **fields)


@app.command()
def accept(order: Order, at: At = None, as_json: Json = False) -> None:
    """The buyer is content: the money is released."""
    work().leave("accept", order, as_json, at=at)


@app.command()
def extend(
    order: Order,
    by: Annotated[Side, typer.Option(help="The seller asks for time; the buyer grants it, or answers.")],
    until: Until = None,
    answer: Annotated[Word | None, typer.Option(help="The buyer's answer to what the seller asked.")] = None,
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """A later ship-by date."""
    work().ask("extend", order, request_id, as_json, by=by, until=until, answer=answer, text=text, at=at)


@app.command()
def cancel(
    order: Order,
    by: Annotated[Side, typer.Option(help="Who wants the order cancelled, or answers.")],
    answer: Annotated[Word | None, typer.Option(help="The seller's answer to what the buyer asked.")] = None,
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Cancel an order, or answer the wish to."""
    work().ask("cancel", order, request_id, as_json, by=by, answer=answer, text=text, at=at)


@app.command()
def chargeback(
    order: Order,
    chargeback_id: Annotated[str, typer.Argument(help="The payment provider's id of it.")],
    state: Annotated[Stage, typer.Argument(help="won: the money stays with us.")],
    amount: Annotated[str | None, typer.Option(help='As in "USD 25.00"; all that was paid if left out.')] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """The payment provider reports a chargeback or its result."""
    fields: dict[str, Any] = {"chargeback_id": chargeback_id, "state": state, "amount": amount, "at": at}
    work().leave("chargeback", order, as_json, **fields)


@app.command()
def disrupt(
    subject: Subject,
    disruption_id: Annotated[str, typer.Argument(help="Its name; the same again corrects it.")],
    clocks: Annotated[list[str], typer.Option("--clock", help="A duty it moves, as `receipt --json` names it.")],
    since: Annotated[str, typer.Option(metavar="INSTANT", help="When it began, as in 2026-12-01T06:00:00Z.")],
    until: Until = None,
    revoked: Annotated[bool, typer.Option("--revoke", help="Take it back, as if it had never been.")] = False,
    note: Annotated[str, typer.Option(help="For operations.")] = "",
    at: At = None,
    as_json: Json = False,
) -> None:
    """A storm, strike or outage moves the clocks it names."""
    fields: dict[str, Any] = {"disruption_id": disruption_id, "clocks": clocks, "since": since, "until": until}
    work().leave("disrupt", subject, as_json, **fields, revoked=revoked, note=note, at=at)


# --- questions ---


@app.command()
def status(subject: Subject, as_json: Json = False) -> None:
    """Where an order or case stands, what happens next and when."""
    work().status(subject, as_json)


@app.command()
def receipt(subject: Subject, lang: Lang = "en", as_json: Json = False) -> None:
    """Every open duty: who owes what, by when, and what happens on silence."""
    work().receipt(subject, lang, as_json)


@app.command()
def timeline(subject: Subject, lang: Lang = "en", as_json: Json = False) -> None:
    """What happened, oldest first; instants are UTC."""
    work().timeline(subject, lang, as_json)


@app.command(name="list")
def list_(
    query: Annotated[str, typer.Argument(help="""As in "SellerId = 's-4'"; Temporal's list filter.""")] = "",
    cases: Annotated[bool, typer.Option(help="Cases instead of orders.")] = False,
    closed: Annotated[bool, typer.Option(help="Also what has ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Read at most so many.")] = 1000,
    as_json: Json = False,
) -> None:
    """Open orders or cases, soonest deadline first. What has just changed may show a second later."""
    work().list_(query, cases=cases, closed=closed, limit=limit, as_json=as_json)


@app.command()
def watch(
    subjects: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDER|CASE...]", help="All open orders if left out.")
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between looks.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Print what happens as it happens, until all have ended or Ctrl-C."""
    work().watch(subjects or (), every, as_json)


# --- the whole world ---


@app.command()
def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End by itself; exit code 0 only if every check held.")] = False,
    day: Annotated[float | None, typer.Option(min=0.1, metavar="SECONDS", help="How long a policy day takes.")] = None,
    report: Annotated[Path, typer.Option(metavar="FILE", help="Where the report goes.")] = Path("demo-report.json"),
) -> None:
    """Fifteen stories side by side in fast motion, on a server and a worker that get killed in the middle."""
    import fastmotion.demo
    import runtime

    runtime.run(fastmotion.demo.main(leave=leave, day=day, report=report))


@app.command()
def story(
    name: Annotated[str, typer.Argument(metavar="[STORY]", help="Which; without it, the stories there are.")] = "",
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Tell one story to its end, weeks in seconds: what happened, notices, money, and the reasons of decisions."""
    work().story(name, lang, as_json)


@app.command()
def replay(
    orders: Annotated[int, typer.Option(min=1, help="How many orders.")] = 200,
    data: Annotated[
        Path | None,
        typer.Option("--data", "--csv", metavar="PATH", help="A CSV file, or a folder of the Olist data set."),
    ] = None,
    day: Annotated[float | None, typer.Option(min=0.1, metavar="SECONDS", help="How long a policy day takes.")] = None,
    seed: Annotated[int, typer.Option(help="Which orders are drawn.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up for a look around until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Play real orders through the embedded server, and compare with what really happened."""
    import fastmotion.replay
    import runtime

    runtime.run(fastmotion.replay.main(orders=orders, data=data, day=day, seed=seed, as_json=as_json, keep=keep))


# --- policy packs ---


@packs.command()
def check(file: Annotated[Path, typer.Argument(help="A policy pack in TOML.")]) -> None:
    """Say what is wrong with a policy pack, each mistake with its line."""
    work().check_pack(file)


@packs.command()
def show(name: Annotated[str, typer.Argument(help="Its name; without one, the names there are.")] = "") -> None:
    """The rules of a pack as a table, each with its source."""
    work().show_pack(name)
