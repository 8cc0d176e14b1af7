"""What follows from a message to an order: the reply, the end of the order, duties opened and closed.

Pure: the workflow carries a consequence out, a preview only shows it, so that both always agree.
`at` is the instant by which the message is judged, `now` the one at which it is heard (both UTC).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from domain import clocks, rights
from domain.duties import Duty, DutyKind
from domain.messages import Answer, Cancel, Complaint, Extend, Reply, Shipped, Verdict
from domain.parties import Role
from domain.rights import Standing
from domain.settlement import Decision, Ending

BEFORE_MARKED = (DutyKind.SHIP, DutyKind.SHIP_FINAL, DutyKind.ANSWER_EXTENSION)


@dataclass(frozen=True, slots=True)
class Consequence:
    """The reply to a message, and what follows from it.

    `decision` ends the order. A duty in `opens` replaces an open one of its kind; `closes` names open ones only.
    """

    reply: Reply
    decision: Decision | None = None
    opens: tuple[Duty, ...] = ()
    closes: tuple[DutyKind, ...] = ()


def shipped(standing: Standing, message: Shipped, at: datetime) -> Consequence:
    """The first mark starts the clocks of the first scan. A corrected number buys no time: they run from that mark."""
    reply = rights.shipped(standing, message, at)
    if reply.refused or standing.parcel.marked_shipped_at:
        return Consequence(reply)
    return Consequence(reply, opens=clocks.unscanned(standing.order, at), closes=_open(standing, BEFORE_MARKED))


def accept(standing: Standing, at: datetime, now: datetime) -> Consequence:
    """A buyer who is content releases the money."""
    reply = rights.accept(standing, at)
    return Consequence(reply) if reply.refused else _ended(standing, reply, Ending.ACCEPTED, now)


def cancel(standing: Standing, message: Cancel, at: datetime, now: datetime) -> Consequence:
    """A cancellation ends the order, or asks the seller, who may refuse; what the buyer asked for is the buyer's."""
    reply = rights.cancel(standing, message, at)
    asked = DutyKind.ANSWER_CANCELLATION in standing.duties
    match reply.verdict:
        case Verdict.ASKED if not asked:
            duty = clocks.to_answer(partial(clocks.answer_cancellation, standing.order), at, now)
            return Consequence(reply.model_copy(update={"instant": duty.agreed_due}), opens=(duty,))
        case Verdict.ACCEPTED if message.answer is Answer.REFUSE:
            return Consequence(reply, closes=(DutyKind.ANSWER_CANCELLATION,))
        case Verdict.ACCEPTED:
            by_seller = message.by is Role.SELLER and not asked
            return _ended(standing, reply, Ending.CANCELLED_BY_SELLER if by_seller else Ending.CANCELLED_BY_BUYER, now)
        case _:
            return Consequence(reply)


def extend(standing: Standing, message: Extend, at: datetime) -> Consequence:
    """The buyer is asked for a later ship-by date, or has granted one; either answer ends the question."""
    reply = rights.extend(standing, message, at)
    match reply.verdict:
        case Verdict.ASKED:
            return Consequence(reply, opens=(clocks.answer_extension(standing.order, at),))
        case Verdict.ACCEPTED:
            until = message.until if message.answer is None else standing.extension_asked
            granted = message.answer is not Answer.REFUSE
            opens = (clocks.ship(standing.order, until),) if granted else ()
            return Consequence(reply, opens=opens, closes=_open(standing, (DutyKind.ANSWER_EXTENSION,)))
        case _:
            return Consequence(reply)


def complain(standing: Standing, message: Complaint, at: datetime) -> Consequence:
    """An accepted complaint opens a case, which has duties of its own.

    What is reported as not received before that door opens is refused, but holds the money until it has closed again.
    """
    reply = rights.complain(standing, message, at)
    report = standing.duties.get(DutyKind.REPORT)
    held_until = rights.held_until(standing, message, at) if reply.refused else None
    if report and held_until and held_until > report.agreed_due:
        return Consequence(reply, opens=(clocks.report(standing.order, report.since, held_until),))
    return Consequence(reply)


def closed_by_the_end(duties: Iterable[DutyKind]) -> tuple[DutyKind, ...]:
    """Which of these duties the end of the order closes: only a chargeback's clock runs on."""
    return tuple(kind for kind in duties if kind is not DutyKind.RESOLVE_CHARGEBACK)


def _ended(standing: Standing, reply: Reply, ending: Ending, now: datetime) -> Consequence:
    total = standing.order.price.total
    refund = total.zero if ending is Ending.ACCEPTED else total
    decision = Decision(ending=ending, refund=refund, rule=reply.rule, at=now)
    return Consequence(reply, decision, closes=closed_by_the_end(standing.duties))


def _open(standing: Standing, kinds: Iterable[DutyKind]) -> tuple[DutyKind, ...]:
    return tuple(kind for kind in kinds if kind in standing.duties)
