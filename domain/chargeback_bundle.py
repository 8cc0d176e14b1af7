"""The evidence bundle for a chargeback: what the bank gets to read, in the payment provider's form.

The names are those of Stripe's dispute evidence, where `customer_communication`, `receipt`, `shipping_documentation`
and `uncategorized_file` take files and the others here take text. Chronological, with what each item shows, as Stripe
advises (docs.stripe.com/disputes/best-practices); in English, which the banks read. Instants are shown in UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.base import Instant, Model
from domain.cases.record import Evidence, Said
from domain.ledger import Entry
from domain.money import Money
from domain.order import Line
from domain.parcel import Shipment
from domain.parties import Id
from domain.policy import EvidenceKind
from domain.requests import LARGEST_TEXT, Submission


class DisputeFacts(Model):
    """What an order knows that speaks in a chargeback. `refunds` are those that have been paid already."""

    order_id: Id
    payment_ref: str
    chargeback_id: str
    amount: Money
    pack: str
    lines: tuple[Line, ...] = ()
    shipment: Shipment | None = None
    scanned_at: Instant | None = None
    delivered_at: Instant | None = None
    signed: bool = False
    refunds: tuple[Entry, ...] = ()


_FILE_NAMES: Final = {
    EvidenceKind.RECEIPT: "receipt",
    EvidenceKind.CORRESPONDENCE: "customer_communication",
    EvidenceKind.PACKING: "shipping_documentation",
}
_CUT: Final = " [the rest is left out: too long for one submission]"


def bundle(facts: DisputeFacts, evidence: tuple[Evidence, ...], conversation: tuple[Said, ...]) -> Submission:
    """All that speaks for the order, never above the provider's limits for one text and for all of them.

    Refunds that were paid are submitted as such, so that the bank does not pay them again. Support's internal notes
    are never handed out. A file that is not the one that was sealed is named but not handed in. Where the record is
    too long, its oldest entries are left out, and the text says how many.
    """
    texts = {name: _cut(text) for name, text in _stated(facts).items()}
    texts["uncategorized_text"] = _delivery(facts)
    # With the few texts that there are, the limit of each keeps the limit of all together.
    room = LARGEST_TEXT - len(texts["uncategorized_text"])
    told = [(item.at, _shown(item)) for item in evidence]
    told += [(said.at, _quoted(said)) for said in conversation if not said.internal]
    told.sort(key=lambda entry: entry[0])
    texts["uncategorized_text"] += _newest([text for _, text in told], room)
    return Submission(
        order_id=facts.order_id,
        payment_ref=facts.payment_ref,
        chargeback_id=facts.chargeback_id,
        texts={name: text for name, text in texts.items() if text},
        files=_files(evidence),
    )


def _stated(facts: DisputeFacts) -> dict[str, str]:
    items = [
        f"{line.quantity} x {line.listing_id}{f' ({line.category})' if line.category else ''}, {line.price} each"
        for line in facts.lines
    ]
    texts = {
        "product_description": "\n".join((f"Order {facts.order_id}", *items)),
        "refund_policy_disclosure": f"The order has been under the rules of {facts.pack} since its purchase.",
    }
    if facts.refunds:
        refunded = sum((entry.amount for entry in facts.refunds), facts.amount.zero)
        paid = [f"{entry.amount} on {_moment(entry.at)}, reference {entry.reference}" for entry in facts.refunds]
        texts["refund_refusal_explanation"] = "\n".join(
            (f"{refunded} of this payment has already been refunded and must not be paid a second time:", *paid)
        )
    if facts.shipment:
        texts["shipping_carrier"] = facts.shipment.carrier
        texts["shipping_tracking_number"] = facts.shipment.tracking_number
    if facts.scanned_at:
        texts["shipping_date"] = f"{facts.scanned_at:%Y-%m-%d}"
    return texts


def _delivery(facts: DisputeFacts) -> str:
    lines = [f"The dispute is about {facts.amount}."]
    if facts.scanned_at:
        lines.append(f"The carrier took the parcel on {_moment(facts.scanned_at)}.")
    if facts.delivered_at:
        how = "against a signature" if facts.signed else "without a signature"
        lines.append(f"The carrier delivered it on {_moment(facts.delivered_at)}, {how}.")
    return "\n".join(lines)


def _shown(item: Evidence) -> str:
    text = f"{_moment(item.at)}, {item.by}: evidence {item.id}, {item.kind}, SHA-256 {item.sha256}"
    if not item.usable:
        text += ", not handed in, since the file has changed after it was sealed"
    return f"{text}: {item.text}" if item.text else text


def _quoted(said: Said) -> str:
    return f"{_moment(said.at)}, {said.by} ({said.channel}): {said.text}"


def _newest(entries: Sequence[str], room: int) -> str:
    if not entries:
        return ""
    whole = "".join(f"\n{entry}" for entry in ("", "The record of the case:", *entries))
    if len(whole) <= room:
        return whole
    head = _head(len(entries))
    room -= len(head)
    kept: list[str] = []
    for entry in reversed(entries):
        if len(entry) + 1 > room:
            break
        kept.append(entry)
        room -= len(entry) + 1
    if not kept:
        kept.append(entries[-1][: max(0, room - len(_CUT) - 1)] + _CUT)
    return "".join((_head(len(entries) - len(kept)), *(f"\n{entry}" for entry in reversed(kept))))


def _cut(text: str) -> str:
    return text if len(text) <= LARGEST_TEXT else text[: LARGEST_TEXT - len(_CUT)] + _CUT


def _head(left_out: int) -> str:
    return (
        f"\n\nThe record of the case, without its {left_out} oldest entries, since a text may have "
        f"{LARGEST_TEXT:,} characters:"
    )


def _files(evidence: tuple[Evidence, ...]) -> dict[str, str]:
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for item in evidence:
        if item.uri and item.usable:
            name = "uncategorized_file"
            if isinstance(item.kind, EvidenceKind):
                name = _FILE_NAMES.get(item.kind, name)
            lines[name].append(f"{item.uri} {item.sha256}")
    return {name: "\n".join(found) for name, found in lines.items()}


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
