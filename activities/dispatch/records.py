"""The dispatch of a notice over one channel, as the store keeps it and people see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.base import Instant, Model
from domain.courtesy import Manner
from domain.parties import Role
from domain.story import Notice


class Channel(StrEnum):
    """A way out of the outbox. Each notice has one stream of attempts on each."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class State(StrEnum):
    """How far a dispatch has come."""

    WAITING = "waiting"
    """For its first attempt, or for the next one."""
    HELD = "held"
    """For the end of the quiet hours, or for the next digest."""
    SENT = "sent"
    """The other side has taken it."""
    MOOT = "moot"
    """It asks for something, and asking has no more point; `reason` says why."""
    DEAD = "dead"
    """Given up: refused for good, or in vain too often. A person may have it sent again."""


UNDER_WAY: Final = (State.WAITING, State.HELD)


class Dispatch(Model):
    """How far one notice has come on one channel. All instants are real time, UTC.

    `reason` says why it is moot or dead, or how the last attempt failed; `bundle` names the message that carries it,
    which is its own key or that of a digest. No address and no name is part of it.
    """

    key: str
    channel: Channel
    subject: str
    to: Role
    kind: str
    state: State
    reason: str
    attempts: int
    bundle: str
    posted_at: Instant
    next_attempt: Instant
    ended_at: Instant | None


@dataclass(frozen=True, slots=True)
class Item:
    """One notice of a bundle: how it is to be delivered, and how often that was tried before."""

    notice: Notice
    manner: Manner
    attempts: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes out as one message, leased to one deliverer: `lease` is its proof."""

    id: str
    channel: Channel
    lease: str
    items: tuple[Item, ...]
