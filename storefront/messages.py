"""Messages from the command line: which command sends which, and how options become its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from domain.base import utc
from domain.cases.preview import MODELS
from domain.cases.record import StandingRule
from domain.messages import (
    Acceptance,
    Cancel,
    CaseMessage,
    Chargeback,
    Complaint,
    Disruption,
    EvidenceSent,
    Extend,
    Finding,
    Inspection,
    Message,
    OfferMade,
    Ruling,
    Shipped,
    Tracking,
)
from domain.money import Money
from domain.parties import Role
from domain.policy import Remedy
from storefront import attachments, documents
from storefront.client import case_of, order_of
from storefront.draft import problems
from storefront.errors import BadInput

LEFT: Final[dict[str, tuple[str, type[Message]]]] = {
    "ship": ("shipped", Shipped),
    "accept": ("buyer_accepts", Acceptance),
    "complain": ("buyer_complaint", Complaint),
    "chargeback": ("chargeback", Chargeback),
    "disrupt": ("disruption", Disruption),
    "evidence": ("evidence", EvidenceSent),
    "message": ("message", CaseMessage),
}
"""What is left with an order or case without an answer: command, signal, model."""

ASKED: Final[dict[str, type[Message]]] = {
    "complain": Complaint,
    "cancel": Cancel,
    "extend": Extend,
    **{name: model for name, model in MODELS.items() if name not in LEFT},
}
"""What is answered at once: command, model. In a case, commands are named as its messages are."""

TO_ORDERS: Final = frozenset({"ship", "accept", "complain", "chargeback", "cancel", "extend"})
"""Commands about orders; `disrupt` is for both, and the rest are about cases."""

IN_CONTRACT: Final[dict[str, type[Message]]] = {"open_case": Complaint, "tracking": Tracking, **dict(LEFT.values())}
"""Messages that have another name in the contract than their command, and their models."""

_INSTANTS: Final = frozenset({"since", "until", "expires"})
_AMOUNTS: Final = frozenset({"amount", "deduction"})
_TEXTS: Final = frozenset({"text", "reason"})
_FIELD: Final = re.compile(r"([a-z_0-9.]+)(:?=)(.*)", re.DOTALL)

_Said = TypeVar("_Said", bound=Message)


def addressed(command: str, subject: str) -> None:
    """Raises BadInput for the id of a case where an order's belongs, and the reverse, before anything is asked."""
    if command in TO_ORDERS:
        order_of(subject)
    elif command != "disrupt":
        case_of(subject)


def message(model: type[_Said], **given: Any) -> _Said:
    """The message of this model from options; what was not given is left to its defaults. Raises BadInput."""
    told = {name: value for name, value in given.items() if value is not None}
    told["submitted_at"] = _instant("at", told.pop("at", None))
    _read(told)
    if wrong := [*attachments.unknown_kinds(told.get("kinds", ())), *_misplaced_amount(model, told)]:
        raise BadInput("Nothing was sent, because of", wrong)
    if model is OfferMade:
        told["proposal"] = {name: told.pop(name) for name in ("remedy", "amount") if name in told}
    if percent := told.pop("keep_for", None):
        told["standing"] = (StandingRule(by=Role.BUYER, percent=percent),)
    _attach({EvidenceSent: "items", Shipped: "packing"}.get(model, "evidence"), told)
    try:
        return model(**told)
    except ValidationError as error:
        raise BadInput("Nothing was sent, because of", problems(error)) from None


def _read(told: dict[str, Any]) -> None:
    """Texts into instants and amounts, and from standard input where they are not on the command line."""
    for name in _INSTANTS & set(told):
        told[name] = _instant(name, told[name])
    for name in _AMOUNTS & set(told):
        told[name] = _money(name, told[name])
    for name in _TEXTS & set(told):
        if told[name] == documents.STDIN:
            told[name] = documents.read(documents.STDIN)


def _attach(name: str, told: dict[str, Any]) -> None:
    uris, sandbox = told.pop("uris", ()), told.pop("sandbox", False)
    if uris or name in told:
        told[name] = attachments.items(told.get(name, ()), uris, sandbox=sandbox)


def _money(option: str, text: str) -> Money:
    try:
        return Money.parse(text)
    except ValueError as error:
        raise BadInput("Nothing was sent, because of", [f"{option}: {error}"]) from None


def _misplaced_amount(model: type[Message], given: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with an amount that lacks, or that would count for nothing."""
    if model in (OfferMade, Ruling):
        partial = given["remedy"] == Remedy.PARTIAL_REFUND
        if partial and "amount" not in given:
            yield 'amount: a partial refund needs one, as in --amount "USD 25.00"'
        if not partial and "amount" in given:
            yield f"amount: {given['remedy']} has its own; leave it out, or choose partial_refund"
    if model is Inspection:
        worse = given["finding"] == Finding.WORSE
        if worse and "deduction" not in given:
            yield 'deduction: say how much is kept, as in --deduction "USD 10.00"'
        if not worse and "deduction" in given:
            yield "deduction: only goods that came back in worse condition have one; leave it out, or choose worse"


def fields(of: str, written: Sequence[str]) -> dict[str, Any]:
    """The fields of a message of the contract, from `key=text`, `key:=json` or, for `-`, from one JSON object.

    A dot leads into an object, as in `proposal.remedy=release`; an amount is text, as in `amount="USD 25.00"`.
    Raises BadInput, also for a field that this message has not.
    """
    made: dict[str, Any] = {}
    if tuple(written) == (documents.STDIN,):
        made = _json("standard input", documents.read(documents.STDIN))
        if not isinstance(made, dict):
            raise BadInput('Standard input is no JSON object. Write the fields of the message, as in {"accept": true}.')
    else:
        for path, value in _pairs(written):
            *outer, name = path.split(".")
            inside = made
            for part in outer:
                inside = inside.setdefault(part, {})
                if not isinstance(inside, dict):
                    raise BadInput(f"{path[:40]} leads into {part[:40]}, which has a value of its own: leave one out.")
            inside[name] = value
    model = ASKED.get(of) or IN_CONTRACT.get(of)
    if model is not None:
        try:
            model.model_validate(made, extra="forbid")
        except ValidationError as error:
            raise BadInput(f"This is no message {of}, because of", problems(error)) from None
    return made


def _pairs(written: Iterable[str]) -> Iterable[tuple[str, Any]]:
    for number, text in enumerate(written, 1):
        found = _FIELD.fullmatch(text)
        if found is None:
            raise BadInput(f"Field {number} cannot be read: write key=text, key:=json, or only - for JSON from stdin.")
        path, form, value = found.groups()
        if form == ":=":
            yield path, _json(path, value)
        elif path.rpartition(".")[2] in _AMOUNTS:
            yield path, _money(path, value).model_dump()
        else:
            yield path, value


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{name} is not JSON (line {error.lineno}, column {error.colno}: {error.msg}).") from None


def _instant(option: str, text: str | None) -> datetime | None:
    """The instant of this option. Stricter than the models, which take a bare number for seconds since 1970."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        wrong = "write an instant with its time zone, for example 2026-11-24T09:00:00Z"
        raise BadInput("Nothing was sent, because of", [f"--{option}: {wrong}"]) from None
    try:
        return utc(instant)
    except ValueError as error:
        raise BadInput("Nothing was sent, because of", [f"--{option}: {error}"]) from None
