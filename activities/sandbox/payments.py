"""A payment provider in a file: a stateful double of Stripe's refunds, transfers, reversals and idempotency.

It keeps its state outside the worker, so that killing the worker proves something.
Like the real one it does nothing against a double payment that comes with a fresh idempotency key.

Rules copied, each from docs.stripe.com:
- api/idempotent_requests: a key keeps the first answer, also a 500 and a refusal made while executing;
  other parameters are refused; a request in flight is a conflict; a request that is not valid is not kept;
  keys may go after 24 hours.
- api/refunds, error-codes, disputes: never more than is left of a charge, nothing of a disputed one; what was paid out
  does not lower what can be refunded, which comes from the platform's balance.
- api/transfer_reversals: never more than was paid out and not yet reversed.
- api/disputes/update: evidence of at most 150,000 characters, 20,000 in one text, which counts once it is submitted.
Simplified: a charge has at most one dispute, which locks it while it is open and once it is lost.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any

from pydantic import Field

from activities.ports import FailureReplayed, Refused, Unavailable
from activities.sqlite import switch_to_wal
from domain.base import Instant, Model
from domain.books import Kind, Made
from domain.messages import ChargebackState
from domain.money import Money
from domain.reported_dispute import ReportedDispute
from domain.requests import LARGEST_SUBMISSION, LARGEST_TEXT, Movement, Paid, Submission

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS charge (
    payment_ref TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    captured INTEGER NOT NULL CHECK (captured > 0),
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND captured),
    released INTEGER NOT NULL DEFAULT 0 CHECK (released >= 0),
    clawed_back INTEGER NOT NULL DEFAULT 0 CHECK (clawed_back >= 0),
    dispute TEXT NOT NULL DEFAULT '' CHECK (dispute IN ('', 'open', 'won', 'lost')),
    CHECK (released - clawed_back BETWEEN 0 AND captured)
) STRICT;
CREATE TABLE IF NOT EXISTS transfer (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('refund', 'release', 'clawback')),
    key TEXT NOT NULL,
    payment_ref TEXT NOT NULL REFERENCES charge,
    payee TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    currency TEXT NOT NULL,
    made_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS transfer_by_key ON transfer (key);
CREATE INDEX IF NOT EXISTS transfer_by_payment ON transfer (payment_ref);
CREATE TABLE IF NOT EXISTS submission (
    id INTEGER PRIMARY KEY, chargeback_id TEXT NOT NULL UNIQUE, content TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS dispute (
    chargeback_id TEXT PRIMARY KEY, payment_ref TEXT NOT NULL REFERENCES charge, minor INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS owner (key TEXT PRIMARY KEY, order_id TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    reference TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    ready_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS fault (
    only INTEGER PRIMARY KEY CHECK (only = 1), settings TEXT NOT NULL, drawn INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO fault VALUES (1, '{}', 0);
COMMIT;
"""

RATE_LIMIT_SECONDS = 7.0

_PREFIX = {"refund": "re", "release": "tr", "clawback": "trr"}
_SERVER_ERROR = "api_error"
_UNREACHED = "the sandbox provider could not be reached; nothing was done"
_LOST = "the sandbox provider's answer was lost"

_Answer = Paid | Refused | Unavailable


class Faults(Model):
    """What goes wrong, each a probability per request.

    `fail_before`: no answer and nothing done. `fail_after`: done, but the answer is lost.
    `rate_limit`: nothing done, and a pause of `RATE_LIMIT_SECONDS` asked for.
    `store_500`: a server error that the key then keeps; in half of the cases the money moves all the same.
    The same `seed` brings the same sequence of faults.
    """

    fail_before: float = Field(default=0.0, ge=0, le=1)
    fail_after: float = Field(default=0.0, ge=0, le=1)
    rate_limit: float = Field(default=0.0, ge=0, le=1)
    store_500: float = Field(default=0.0, ge=0, le=1)
    latency_ms: int = Field(default=0, ge=0)
    seed: int = 0


class Transfer(Model):
    """One movement that the provider has made. `key` is the business key, kept as metadata."""

    reference: str
    kind: str
    key: str
    payment_ref: str
    payee: str
    amount: Money
    made_at: Instant


class Totals(Model):
    """Sums over the charges of one currency, in minor units; `disputed` is in open and lost disputes.

    What was `clawed_back` had been `released`.
    """

    captured: int
    refunded: int
    released: int
    disputed: int
    clawed_back: int = 0


class SandboxPayments:
    """The `Payments` port over one SQLite file. Several processes and threads may share the file.

    `clock` gives Unix seconds and `sleep` takes seconds, for tests.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        switch_to_wal(self._db)
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file. The provider cannot be used afterwards."""
        self._db.close()

    # The port

    def refund(self, movement: Movement, *, key: str) -> Paid:
        """Give money back to the buyer.

        Refusals: `no_such_charge`, `parameter_invalid_integer`, `currency_mismatch`, `charge_disputed`,
        `charge_already_refunded`, `amount_too_large`, `idempotency_error`.
        """
        return self._request("refund", movement, key)

    def release(self, movement: Movement, *, key: str) -> Paid:
        """Pay money out to the seller, altogether never more than was captured; what was clawed back may be paid again.

        Refusals: `no_such_charge`, `parameter_invalid_integer`, `currency_mismatch`, `amount_too_large`,
        `idempotency_error`.
        """
        return self._request("release", movement, key)

    def claw_back(self, movement: Movement, *, key: str) -> Paid:
        """Take money back from what was paid out to the seller.

        Refusals: `no_such_charge`, `parameter_invalid_integer`, `currency_mismatch`, `amount_too_large`,
        `idempotency_error`.
        """
        return self._request("clawback", movement, key)

    def submit_evidence(self, submission: Submission) -> Paid:
        """Hand in the evidence for a chargeback; the same again answers as the first time.

        Refusals: `no_such_charge`, `evidence_too_large`, `evidence_already_submitted`.
        """
        with self._transaction():
            faults, luck = self._draw()
            unreached = luck.random() < faults.fail_before
            answer = Unavailable(_UNREACHED) if unreached else self._submit(submission)
        self._sleep(faults.latency_ms / 1000)
        if luck.random() < faults.fail_after:
            raise Unavailable(_LOST)
        if isinstance(answer, Paid):
            return answer
        raise answer

    def find_evidence(self, chargeback_id: str) -> Paid | None:
        """What was handed in for this chargeback."""
        self._look()
        rows = self._rows("SELECT id FROM submission WHERE chargeback_id = ?", chargeback_id)
        return Paid(reference=f"ev_{rows[0][0]}") if rows else None

    def dispute(self, chargeback_id: str) -> ReportedDispute | None:
        """The dispute under this id, which `open_dispute` has given it."""
        self._look()
        query = """
            SELECT payment_ref, minor, currency, dispute,
                (SELECT count(*) FROM submission WHERE submission.chargeback_id = dispute.chargeback_id)
            FROM dispute JOIN charge USING (payment_ref) WHERE chargeback_id = ?
        """
        for payment_ref, minor, currency, state, submissions in self._rows(query, chargeback_id):
            return ReportedDispute(
                chargeback_id=chargeback_id,
                payment_refs=(payment_ref,),
                amount=Money(minor=minor, currency=currency),
                status=state,
                state=ChargebackState.OPENED if state == "open" else ChargebackState(state),
                submissions=submissions,
            )
        return None

    def movements(self, payment_ref: str, order_id: str) -> tuple[Made, ...]:
        """Every movement of the payment, which an order has one of."""
        self._look()
        return tuple(
            Made(
                reference=made.reference,
                kind=Kind(made.kind),
                key=made.key,
                amount=made.amount,
                made_at=made.made_at,
                order_id=order_id,
            )
            for made in self._transfers("payment_ref = ? AND made_at <= ? ORDER BY id", payment_ref, self._clock())
        )

    def moved_since(self, since: datetime) -> tuple[str, ...]:
        """The orders for which money has moved since then."""
        self._look()
        query = "SELECT DISTINCT order_id FROM transfer JOIN owner USING (key) WHERE made_at >= ? ORDER BY order_id"
        return tuple(order_id for (order_id,) in self._rows(query, since.timestamp()))

    def find(self, movement: Movement) -> Paid | None:
        """The movement that carries this business key; one in flight does not show yet."""
        self._look()
        rows = self._transfers("key = ? AND made_at <= ? LIMIT 1", movement.key, self._clock())
        for made in rows:
            if (made.payment_ref, made.amount) != (movement.payment_ref, movement.amount):
                raise Refused(
                    "idempotency_error",
                    f"{movement.key} moved {made.amount} of {made.payment_ref}, not {movement.amount} "
                    f"of {movement.payment_ref}",
                )
            return Paid(reference=made.reference)
        return None

    # What buyers, banks and time do

    def capture(self, payment_ref: str, amount: Money) -> None:
        """The buyer's payment. Repeating it changes nothing; another amount is a ValueError."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO charge (payment_ref, currency, captured) VALUES (?, ?, ?)",
                (payment_ref, amount.currency, amount.minor),
            )
            kept = db.execute("SELECT captured, currency FROM charge WHERE payment_ref = ?", (payment_ref,))
            if kept.fetchone() != (amount.minor, amount.currency):
                raise ValueError(f"{payment_ref} was captured with another amount than {amount}")

    def open_dispute(self, payment_ref: str, chargeback_id: str = "") -> str:
        """The buyer's bank takes back what the charge has not refunded; the id by which the dispute is known."""
        chargeback_id = chargeback_id or f"dp_{payment_ref}"
        self._set_dispute(payment_ref, "open", before=("",))
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO dispute SELECT ?, payment_ref, captured - refunded FROM charge"
                " WHERE payment_ref = ?",
                (chargeback_id, payment_ref),
            )
        return chargeback_id

    def close_dispute(self, payment_ref: str, *, won: bool) -> None:
        """The bank's word: `won` gives the money back to the marketplace and allows refunds again."""
        self._set_dispute(payment_ref, "won" if won else "lost", before=("open",))

    def forget_keys(self, older_than: timedelta = timedelta(hours=24)) -> int:
        """Prune the idempotency keys of at least this age; how many went."""
        with self._transaction() as db:
            limit = self._clock() - older_than.total_seconds()
            return db.execute("DELETE FROM answer WHERE ready_at <= ?", (limit,)).rowcount

    def set_faults(
        self,
        *,
        fail_before: float = 0.0,
        fail_after: float = 0.0,
        rate_limit: float = 0.0,
        store_500: float = 0.0,
        latency_ms: int = 0,
        seed: int = 0,
    ) -> None:
        """Switch faults on or, without arguments, off, for every process on this file: see `Faults`."""
        faults = Faults(
            fail_before=fail_before,
            fail_after=fail_after,
            rate_limit=rate_limit,
            store_500=store_500,
            latency_ms=latency_ms,
            seed=seed,
        )
        with self._transaction() as db:
            db.execute("UPDATE fault SET settings = ?, drawn = 0", (faults.model_dump_json(),))

    # Reports for checks

    def refunds(self, payment_ref: str) -> tuple[Transfer, ...]:
        """Every refund of one charge, in the order made."""
        return self._transfers("payment_ref = ? AND kind = 'refund'", payment_ref)

    def releases(self, payment_ref: str) -> tuple[Transfer, ...]:
        """Every payout from one charge, in the order made."""
        return self._transfers("payment_ref = ? AND kind = 'release'", payment_ref)

    def clawbacks(self, payment_ref: str) -> tuple[Transfer, ...]:
        """Every reversal of payouts from one charge, in the order made."""
        return self._transfers("payment_ref = ? AND kind = 'clawback'", payment_ref)

    def transfers(self, payment_ref: str) -> tuple[Transfer, ...]:
        """Every movement of one charge, in the order made."""
        return self._transfers("payment_ref = ? ORDER BY id", payment_ref)

    def submission(self, chargeback_id: str) -> Submission | None:
        """The evidence that was handed in for a chargeback, if any was."""
        rows = self._rows("SELECT content FROM submission WHERE chargeback_id = ?", chargeback_id)
        return Submission.model_validate_json(rows[0][0]) if rows else None

    def totals(self) -> dict[str, Totals]:
        """The sums for each currency."""
        query = """
            SELECT currency, sum(captured), sum(refunded), sum(released),
                   sum(CASE WHEN dispute IN ('open', 'lost') THEN captured - refunded ELSE 0 END), sum(clawed_back)
            FROM charge GROUP BY currency ORDER BY currency
        """
        return {
            currency: Totals(
                captured=captured, refunded=refunded, released=released, disputed=disputed, clawed_back=clawed_back
            )
            for currency, captured, refunded, released, disputed, clawed_back in self._rows(query)
        }

    def duplicates(self) -> dict[str, int]:
        """Business keys that moved money more than once, and how often: empty, or somebody was paid twice."""
        return dict(self._rows("SELECT key, count(*) FROM transfer GROUP BY key HAVING count(*) > 1 ORDER BY key"))

    # Inside

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _draw(self) -> tuple[Faults, Random]:
        # Counted in the file: all processes share one sequence of faults, and a restart does not repeat it.
        row = self._db.execute("UPDATE fault SET drawn = drawn + 1 RETURNING settings, drawn").fetchone()
        faults = Faults.model_validate_json(row[0])
        return faults, Random(f"{faults.seed}:{row[1]}")

    def _look(self) -> None:
        """What befalls a request that only reads."""
        with self._transaction():
            faults, luck = self._draw()
        self._sleep(faults.latency_ms / 1000)
        if luck.random() < faults.fail_before:
            raise Unavailable(_UNREACHED)

    def _request(self, kind: str, movement: Movement, key: str) -> Paid:
        with self._transaction():
            faults, luck = self._draw()
            if luck.random() < faults.fail_before:
                answer: _Answer = Unavailable(_UNREACHED)
            elif faults.rate_limit and luck.random() < faults.rate_limit:
                answer = Unavailable("the sandbox provider has too many requests", retry_after=RATE_LIMIT_SECONDS)
            else:
                answer = self._answer(kind, movement, key, faults, luck)
        # Done before the pause, shown after it: whoever is killed meanwhile has still sent the request.
        self._sleep(faults.latency_ms / 1000)
        if luck.random() < faults.fail_after:
            raise Unavailable(_LOST)
        if isinstance(answer, Paid):
            return answer
        raise answer

    def _answer(self, kind: str, movement: Movement, key: str, faults: Faults, luck: Random) -> _Answer:
        request = f"{kind} {movement.model_dump_json()}"
        now = self._clock()
        kept = self._db.execute("SELECT * FROM answer WHERE key = ?", (key,)).fetchone()
        if kept:
            return _repeated(kept, request, now)
        if invalid := self._invalid(movement):
            return invalid
        ready_at = now + faults.latency_ms / 1000
        fails = luck.random() < faults.store_500
        if fails and luck.getrandbits(1):
            answer: _Answer = Unavailable("")
        else:
            answer = self._move(kind, movement, ready_at)
        if fails:
            answer = Unavailable("the sandbox provider had an internal error (500)")
        self._keep(key, request, answer, ready_at)
        return answer

    def _invalid(self, movement: Movement) -> Refused | None:
        if movement.amount.minor <= 0:
            return Refused("parameter_invalid_integer", f"{movement.amount} is not a positive amount")
        return self._unknown(movement.payment_ref)

    def _unknown(self, payment_ref: str) -> Refused | None:
        if self._db.execute("SELECT 1 FROM charge WHERE payment_ref = ?", (payment_ref,)).fetchone() is None:
            return Refused("no_such_charge", f"there is no charge {payment_ref}: capture it first")
        return None

    def _submit(self, submission: Submission) -> Paid | Refused:
        if unknown := self._unknown(submission.payment_ref):
            return unknown
        longest = max(map(len, submission.texts.values()), default=0)
        if longest > LARGEST_TEXT or submission.size > LARGEST_SUBMISSION:
            return Refused(
                "evidence_too_large",
                f"{longest:,} characters in one text, {submission.size:,} in all: "
                f"cut them to {LARGEST_TEXT:,} and {LARGEST_SUBMISSION:,}",
            )
        content = submission.model_dump_json()
        self._db.execute(
            "INSERT OR IGNORE INTO submission (chargeback_id, content) VALUES (?, ?)",
            (submission.chargeback_id, content),
        )
        query = "SELECT id, content FROM submission WHERE chargeback_id = ?"
        number, kept = self._db.execute(query, (submission.chargeback_id,)).fetchone()
        if kept != content:
            return Refused(
                "evidence_already_submitted", f"other evidence was handed in for {submission.chargeback_id} before"
            )
        return Paid(reference=f"ev_{number}")

    def _move(self, kind: str, movement: Movement, made_at: float) -> Paid | Refused:
        amount = movement.amount
        query = "SELECT currency, captured, refunded, released, clawed_back, dispute FROM charge WHERE payment_ref = ?"
        charge = self._db.execute(query, (movement.payment_ref,)).fetchone()
        currency, captured, refunded, released, clawed_back, dispute = charge
        held = released - clawed_back
        left = {"refund": captured - refunded, "release": captured - held, "clawback": held}[kind]
        if amount.currency != currency:
            return Refused("currency_mismatch", f"{movement.payment_ref} is in {currency}, not {amount.currency}")
        if kind == "refund" and dispute in ("open", "lost"):
            return Refused("charge_disputed", f"{movement.payment_ref} is disputed: the bank decides")
        if kind == "refund" and not left:
            return Refused("charge_already_refunded", f"{movement.payment_ref} has been refunded in full")
        if amount.minor > left:
            most = Money(minor=left, currency=currency)
            return Refused("amount_too_large", f"{amount} is more than the {most} left for a {kind}")
        column = {"refund": "refunded", "release": "released", "clawback": "clawed_back"}[kind]
        self._db.execute(
            f"UPDATE charge SET {column} = {column} + ? WHERE payment_ref = ?",  # noqa: S608 one of three own names
            (amount.minor, movement.payment_ref),
        )
        self._db.execute("INSERT OR IGNORE INTO owner VALUES (?, ?)", (movement.key, movement.order_id))
        made = self._db.execute(
            "INSERT INTO transfer (kind, key, payment_ref, payee, minor, currency, made_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind, movement.key, movement.payment_ref, movement.payee, amount.minor, currency, made_at),
        )
        return Paid(reference=f"{_PREFIX[kind]}_{made.lastrowid}")

    def _keep(self, key: str, request: str, answer: _Answer, ready_at: float) -> None:
        reference = answer.reference if isinstance(answer, Paid) else ""
        code = answer.code if isinstance(answer, Refused) else _SERVER_ERROR
        message = "" if isinstance(answer, Paid) else str(answer)
        row = (key, request, reference, code, message, ready_at)
        self._db.execute("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?)", row)

    def _set_dispute(self, payment_ref: str, state: str, *, before: tuple[str]) -> None:
        with self._transaction() as db:
            query = "UPDATE charge SET dispute = ? WHERE payment_ref = ? AND dispute = ?"
            if not db.execute(query, (state, payment_ref, *before)).rowcount:
                raise ValueError(
                    f"the dispute of {payment_ref} cannot become {state}: it must be {before[0] or 'none'}"
                )

    def _transfers(self, condition: str, *values: object) -> tuple[Transfer, ...]:
        query = f"SELECT * FROM transfer WHERE {condition}"  # noqa: S608 conditions are written in this file
        return tuple(
            Transfer(
                reference=f"{_PREFIX[kind]}_{number}",
                kind=kind,
                key=key,
                payment_ref=payment_ref,
                payee=payee,
                amount=Money(minor=minor, currency=currency),
                made_at=datetime.fromtimestamp(made_at, UTC),
            )
            for number, kind, key, payment_ref, payee, minor, currency, made_at in self._rows(query, *values)
        )


def _repeated(kept: tuple[str, str, str, str, str, float], request: str, now: float) -> _Answer:
    key, first, reference, code, message, ready_at = kept
    if first != request:
        return Refused("idempotency_error", f"{key} was used for a request with other parameters")
    if now < ready_at:
        return Unavailable(f"a request with the key {key} is in flight", retry_after=ready_at - now)
    if reference:
        return Paid(reference=reference)
    return FailureReplayed(message) if code == _SERVER_ERROR else Refused(code, message)
