"""What following a parcel needs to know, whether it goes out to a buyer or back to a seller."""

from __future__ import annotations

from domain.base import Instant, Model
from domain.clock import REAL_TIME, Clock
from domain.parcel import Parcel, Shipment, TrackingEvent
from domain.parties import Id, Party, Role
from domain.policy import Policy


class Carriage(Model):
    """One parcel on its way from `sender` to `receiver`, the party who is `receiver_role` in the order.

    `subject` names the journey in references to the outside, and is different for each journey of an order.
    `shipment` and `estimate` are what is known when it begins at `begun_at`, the first instant that its news can have.
    """

    subject: str
    order_id: Id
    # Not pinned once more: whoever makes a carriage holds a pinned policy, and pinning writes all of it out each time.
    policy: Policy
    sender: Party
    receiver: Party
    begun_at: Instant
    shipment: Shipment | None = None
    estimate: Instant | None = None
    clock: Clock = REAL_TIME
    receiver_role: Role = Role.BUYER
    loss_borne_by: Role = Role.PLATFORM


class WatchState(Model):
    """What a watch of a parcel knows, for a run that goes on where another stopped.

    `fresh` events and a new estimate are `unread` until somebody acts on them; `looking` is a look-up under way.
    """

    parcel: Parcel
    pushed: bool = False
    traced: int = 0
    fresh: tuple[TrackingEvent, ...] = ()
    unread: bool = False
    looking: bool = False
