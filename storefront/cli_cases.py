"""The commands about cases: what the sides and support say, and what a case answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from storefront.options import (
    Agent,
    Amount,
    At,
    Case,
    Evidence,
    Found,
    Json,
    Lang,
    RequestId,
    Sandbox,
    Side,
    Subject,
    Text,
    Uris,
    Verdict,
    Voice,
    Way,
    work,
)

app = typer.Typer()


# --- the sides ---


@app.command()
def respond(
    case: Case,
    accepted: Annotated[bool, typer.Option("--accept/--contest", help="Give in, or bring in support.")],
    text: Text = "",
    evidence: Evidence = None,
    uris: Uris = None,
    sandbox: Sandbox = False,
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """The seller answers a complaint; see `offer` to propose something else."""
    fields: dict[str, Any] = {"accept": accepted, "text": text, "evidence": evidence}
    work().ask("respond", case, request_id, as_json, **fields, uris=uris, sandbox=sandbox, at=at)


@app.command()
def offer(
    case: Case,
    remedy: Annotated[Verdict, typer.Argument(help="What is proposed.")],
    by: Annotated[Voice, typer.Option(help="Who proposes it.")],
    amount: Amount = None,
    author: Annotated[str, typer.Option(help="The agent's id, if support proposes it.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Open until then, if that is less than the policy's time.")
    ] = None,
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Propose a settlement; an open offer of the other side is countered by it."""
    fields: dict[str, Any] = {"by": by, "remedy": remedy, "amount": amount, "author": author, "expires": expires}
    work().ask("offer", case, request_id, as_json, **fields, text=text, at=at)


@app.command()
def answer_offer(
    case: Case,
    by: Annotated[Side, typer.Option(help="Who answers.")],
    accepted: Annotated[bool, typer.Option("--accept/--refuse", help="Take it, which settles the case, or leave it.")],
    offer_id: Annotated[str, typer.Option("--offer", help="As in o2; without it, the offer that is open.")] = "",
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Take or leave the open offer."""
    fields: dict[str, Any] = {"by": by, "accept": accepted, "offer_id": offer_id, "text": text, "at": at}
    work().ask("answer_offer", case, request_id, as_json, **fields)


@app.command()
def evidence(
    case: Case,
    items: Annotated[
        list[str], typer.Argument(metavar="ITEM...", help="KIND@FILE or KIND=TEXT, as in serial_number=C02XK1.")
    ],
    by: Annotated[Voice, typer.Option(help="Who hands it in.")],
    uris: Uris = None,
    sandbox: Sandbox = False,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Hand evidence in. Files stay where they are stored: the case gets hash, size and type."""
    work().leave("evidence", case, as_json, by=by, items=items, uris=uris, sandbox=sandbox, at=at)


@app.command()
def message(
    case: Case,
    text: Annotated[str, typer.Argument(help="What they wrote or said; - reads standard input.")],
    by: Annotated[Voice, typer.Option(help="Whose words they are.")],
    author: Annotated[str, typer.Option(help="The agent's id, if support wrote it.")] = "",
    channel: Annotated[Way, typer.Option(help="How it was said.")] = "chat",
    internal: Annotated[bool, typer.Option("--note", help="A note for support's eyes only.")] = False,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Write to the other side and to support, or keep a note of support."""
    fields: dict[str, Any] = {"by": by, "text": text, "author": author, "channel": channel, "internal": internal}
    work().leave("message", case, as_json, **fields, at=at)


@app.command()
def inspect(
    case: Case,
    finding: Annotated[Found, typer.Argument(help="What was in the parcel that came back.")],
    deduction: Annotated[str | None, typer.Option(help='Kept if it is worse, as in "USD 10.00".')] = None,
    text: Text = "",
    evidence: Evidence = None,
    uris: Uris = None,
    sandbox: Sandbox = False,
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """The seller says what came back; anything but `as_sent` needs evidence."""
    fields: dict[str, Any] = {"finding": finding, "deduction": deduction, "text": text, "evidence": evidence}
    work().ask("inspect", case, request_id, as_json, **fields, uris=uris, sandbox=sandbox, at=at)


@app.command()
def appeal(
    case: Case,
    by: Annotated[Side, typer.Option(help="Who appeals.")],
    evidence: Evidence = None,
    uris: Uris = None,
    sandbox: Sandbox = False,
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Have another agent decide anew, once a side, on evidence that the case has not seen."""
    fields: dict[str, Any] = {"by": by, "text": text, "evidence": evidence}
    work().ask("appeal", case, request_id, as_json, **fields, uris=uris, sandbox=sandbox, at=at)


@app.command()
def withdraw(case: Case, text: Text = "", at: At = None, request_id: RequestId = "", as_json: Json = False) -> None:
    """The buyer takes the complaint back."""
    work().ask("withdraw", case, request_id, as_json, text=text, at=at)


# --- the support desk ---


@app.command()
def assign(
    case: Case,
    agent: Annotated[str, typer.Argument(help="Who is to work on it.")],
    by: Annotated[str, typer.Option(help="The lead who gives it to them, if it was not themselves.")] = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Give a case to an agent."""
    work().ask("assign", case, request_id, as_json, agent=agent, by=by, at=at)


@app.command()
def request_evidence(
    case: Case,
    agent: Agent,
    of: Annotated[Side, typer.Option(help="Who is asked.")],
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="As in serial_number; repeatable.")] = None,
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Ask a side for evidence; support's clocks stand still meanwhile."""
    fields: dict[str, Any] = {"agent": agent, "of": of, "kinds": kinds, "text": text, "at": at}
    work().ask("request_evidence", case, request_id, as_json, **fields)


@app.command()
def rule(
    case: Case,
    remedy: Annotated[Verdict, typer.Argument(help="What is decided.")],
    agent: Agent,
    reason: Annotated[str, typer.Option(help="Why; - reads standard input.")],
    amount: Amount = None,
    rests_on: Annotated[
        list[str] | None, typer.Option("--rests-on", metavar="ID", help="Decisive: as in e3 or m7; repeatable.")
    ] = None,
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """A support agent decides a case; it takes effect once it can be undone no more."""
    fields: dict[str, Any] = {"agent": agent, "remedy": remedy, "reason": reason, "amount": amount}
    work().ask("rule", case, request_id, as_json, **fields, rests_on=rests_on, at=at)


@app.command()
def confirm(
    case: Case,
    agent: Agent,
    agreed: Annotated[bool, typer.Option("--agree/--send-back", help="Confirm it, or have it decided anew.")],
    text: Text = "",
    at: At = None,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Another agent looks at a large ruling."""
    work().ask("confirm", case, request_id, as_json, agent=agent, agree=agreed, text=text, at=at)


@app.command()
def undo(
    case: Case, agent: Agent, text: Text, at: At = None, request_id: RequestId = "", as_json: Json = False
) -> None:
    """Take a ruling back before it has taken effect."""
    work().ask("undo", case, request_id, as_json, agent=agent, text=text, at=at)


# --- questions ---


@app.command()
def preview(
    subject: Subject,
    message: Annotated[str, typer.Argument(help="A message of the contract, as in rule or answer_offer.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(metavar="FIELD...", help="key=text or key:=json, as in remedy=release; - reads JSON."),
    ] = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """What a message would do now, in money and duties, without doing it."""
    work().preview(subject, message, fields or (), lang, as_json)


@app.command()
def conversation(case: Case, lang: Lang = "en", as_json: Json = False) -> None:
    """What was said, and who must answer next."""
    work().conversation(case, lang, as_json)


@app.command()
def exhibits(case: Case, lang: Lang = "en", as_json: Json = False) -> None:
    """The evidence of both sides beside each other, and what is still missing."""
    work().exhibits(case, lang, as_json)


@app.command()
def notes(case: Case, as_json: Json = False) -> None:
    """Support's own notes: never for the sides."""
    work().notes(case, as_json)


@app.command()
def reasons(case: Case, lang: Lang = "en", as_json: Json = False) -> None:
    """Why each decision is as it is, and how to contest it until when."""
    work().reasons(case, lang, as_json)
