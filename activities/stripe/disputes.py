"""Disputes at Stripe: what they are now, and handing in evidence within Stripe's limits.

Evidence counts once it is submitted, and may be submitted once (docs.stripe.com/disputes/responding).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import stripe

from activities.ports import FailureReplayed, FileContents, Refused
from activities.stripe.amounts import from_stripe
from activities.stripe.client import speaking
from activities.stripe.events import ORDER, order_of, payments_of
from activities.stripe.evidence_files import Document, documents
from domain.messages import ChargebackState
from domain.reported_dispute import ReportedDispute
from domain.requests import LARGEST_SUBMISSION, LARGEST_TEXT, Paid, Submission

# An inquiry (`warning_...`) has taken no money, and one that was `prevented` never will; an appeal is the bank's and
# a person's business, after the order has learnt of its loss. docs.stripe.com/api/disputes/object
_STATES: Final[Mapping[str, ChargebackState]] = {
    "needs_response": ChargebackState.OPENED,
    "under_review": ChargebackState.OPENED,
    "won": ChargebackState.WON,
    "lost": ChargebackState.LOST,
}


def read(v1: Any, chargeback_id: str) -> ReportedDispute | None:
    """The dispute as it is now, with the payment it is about; none if Stripe knows no such id."""
    try:
        with speaking():
            found = v1.disputes.retrieve(chargeback_id, {"expand": ["charge", "payment_intent"]})
    except Refused as refusal:
        if refusal.code in ("resource_missing", "no_such_charge"):
            return None
        raise
    return _reported(found)


def submit(v1: Any, submission: Submission, files: FileContents) -> Paid:
    """Upload the files and submit all evidence at once.

    The key of the request is of its content: a retry after a lost answer is the same request, and other content
    another one, which Stripe refuses by itself once evidence was submitted.
    Refusals: Stripe's own codes, `evidence_too_large`, `evidence_already_submitted`, `no_such_dispute`.
    A file that the bank could not read is left out, and the text says so.
    """
    _within_limits(submission)
    dispute = read(v1, submission.chargeback_id)
    if dispute is None:
        raise Refused("no_such_dispute", f"Stripe knows no dispute {submission.chargeback_id}")
    if dispute.submissions:
        raise Refused("evidence_already_submitted", f"evidence was submitted for {submission.chargeback_id} before")
    taken, left_out = documents(submission.files, files)
    evidence = dict(submission.texts)
    if left_out:
        evidence["uncategorized_text"] = _with_note(evidence.get("uncategorized_text", ""), left_out)
    for document in taken:
        evidence[document.name] = _upload(v1, submission.chargeback_id, document)
    params = {"evidence": evidence, "submit": True, "metadata": {ORDER: submission.order_id}}
    key = f"evidence-{submission.chargeback_id}-{_digest(repr(sorted(evidence.items())).encode())}"
    _sent(partial(v1.disputes.update, submission.chargeback_id), lambda: params, key)
    return Paid(reference=submission.chargeback_id)


def _sent(send: Callable[[Any, Any], Any], params: Callable[[], Any], key: str) -> Any:
    """What Stripe made of the request, under another key where it repeats a stored failure.

    Sent twice it does no harm: evidence is submitted once, and a file more costs nothing.
    """
    try:
        with speaking():
            return send(params(), {"idempotency_key": key})
    except FailureReplayed:
        with speaking():
            return send(params(), {"idempotency_key": f"{key}:r2"})


def _within_limits(submission: Submission) -> None:
    long = [name for name, text in submission.texts.items() if len(text) > LARGEST_TEXT]
    if long or submission.size > LARGEST_SUBMISSION:
        what = f"{', '.join(long)}: more than {LARGEST_TEXT:,}" if long else f"{submission.size:,}"
        raise Refused("evidence_too_large", f"{what} characters, of at most {LARGEST_SUBMISSION:,} together: cut texts")


def _with_note(text: str, left_out: list[str]) -> str:
    note = f"\n\nNot attached, since of another type or too large: {', '.join(left_out)}"
    room = max(0, LARGEST_TEXT - len(note))
    return text[:room] + note[:LARGEST_TEXT]


def _upload(v1: Any, chargeback_id: str, document: Document) -> str:
    def params() -> dict[str, object]:
        file = BytesIO(document.content)
        file.name = document.filename  # the library reads it from here
        return {"purpose": "dispute_evidence", "file": file}

    key = f"file-{chargeback_id}-{document.name}-{_digest(document.content)}"
    return str(_sent(v1.files.create, params, key).id)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]


def _reported(found: stripe.Dispute) -> ReportedDispute:
    details = found.evidence_details
    shown = found.to_dict()
    return ReportedDispute(
        chargeback_id=found.id,
        payment_refs=payments_of(shown),
        amount=from_stripe(found.amount, found.currency),
        status=found.status,
        state=_STATES.get(found.status),
        order_id=order_of(shown),
        reason=found.reason,
        refundable=found.is_charge_refundable,
        evidence_due=datetime.fromtimestamp(details.due_by, UTC) if details.due_by else None,
        submissions=details.submission_count,
    )
