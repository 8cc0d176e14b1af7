"""What can go wrong between a storefront and its orders. Every text says what to do.

    RedressError
    ├── BadInput        the order or message cannot be right; nothing was sent (2)
    │   └── TooLarge    it is beyond what Temporal carries (2)
    ├── DuplicateOrder  an order of this id was started before (4)
    ├── UnknownOrder    there is no such order or case (5)
    ├── OrderClosed     it has ended and accepts nothing more (4)
    ├── MessageRefused  the rules of the order say no; `reply` has the rule and the date (4)
    ├── UnknownNotice   there is no such notice (5)
    ├── NotDead         the notice was not given up, so it cannot be sent again (4)
    └── NotAnswered     no worker took it in time; nothing happened, so send it again (3)

The numbers are the exit codes of the command line. `runtime.Unreachable` is for connecting; a server that is lost
later raises what temporalio raises (`RPCError`).
Texts hold ids and field names, never the values of fields: they may be personal.
"""

from __future__ import annotations

from collections.abc import Iterable

import runtime
from domain.messages import Message, Reply
from domain.wording import moment


class RedressError(runtime.Problem):
    """The base of all errors here."""


class BadInput(RedressError):
    """What was given cannot be right. `problems` are all that was found, each with its field."""

    code = runtime.Exit.USAGE

    def __init__(self, what: str, problems: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n  ".join((f"{what}:", *self.problems)) if self.problems else what)


class TooLarge(BadInput):
    """Temporal would refuse this for its size."""

    def __init__(self, what: str, size: int, most: int) -> None:
        self.size = size
        super().__init__(f"{what} has {size:,} bytes; at most {most:,} can be sent. Shorten its text and try again.")


class DuplicateOrder(RedressError):
    """Order ids are used once, also when the first order has ended long ago."""

    code = runtime.Exit.REFUSED

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(
            f"Order {order_id} was started before, and an order id is used once. "
            "If this was a retry, the first try has succeeded; otherwise give the order another id."
        )


class UnknownOrder(RedressError):
    """No order or case of this id is known."""

    code = runtime.Exit.NOT_FOUND

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__(f"There is no {subject}. Check the id; `list --closed` also shows what has ended.")


class UnknownNotice(RedressError):
    """No notice of these keys is known, or it was never to be delivered."""

    code = runtime.Exit.NOT_FOUND

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(f"No such notice to deliver: {', '.join(self.keys)}. `notices list` shows what there is.")


class NotDead(RedressError):
    """These notices were not given up: they were sent, are moot, or are tried again by themselves."""

    code = runtime.Exit.REFUSED

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(
            f"Not given up, so not sent again: {', '.join(self.keys)}. `notices list --state dead` shows what is."
        )


class OrderClosed(RedressError):
    """The order or case has ended. `ending` says how; none if it ended without an outcome."""

    code = runtime.Exit.REFUSED

    def __init__(self, subject: str, ending: str | None) -> None:
        self.subject = subject
        self.ending = ending
        how = f"has ended ({ending})" if ending else "was ended by operations"
        super().__init__(
            f"{subject} {how} and accepts nothing more. "
            f"`timeline {subject}` shows how it came to that; what is still to be settled needs a person."
        )


class MessageRefused(RedressError):
    """The order understood the message and its rules say no."""

    code = runtime.Exit.REFUSED

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        when = f" ({moment(reply.instant)})" if reply.instant else ""
        rule = f" Rule: {reply.rule}." if reply.rule else ""
        super().__init__(f"Refused: {reply.text.removesuffix('.')}{when}.{rule}")


class NotAnswered(RedressError):
    """No worker answered within the client's patience.

    Sending `message` again with the same `request_id` is safe: it is carried out once, and judged by
    the instant at which it was first sent.
    """

    code = runtime.Exit.UNREACHABLE

    def __init__(self, subject: str, seconds: float, request_id: str = "", message: Message | None = None) -> None:
        self.subject = subject
        self.request_id = request_id
        self.message = message
        self.at = message.submitted_at.isoformat() if message and message.submitted_at else ""
        again = f"Send it again with the same request id and instant (--request-id {request_id} --at {self.at})"
        advice = again if request_id else "Ask again"
        super().__init__(
            f"{subject} did not answer within {seconds:g} s: no worker is running, or all are busy. "
            f"{advice}, once a worker runs (python worker.py)."
        )
