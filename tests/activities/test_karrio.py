"""What decision 0021 rests on: other carriers' bodies, and what Karrio's normal form makes of them."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from activities.easypost.bodies import Tracker
from activities.easypost.mapping import STATUSES, events

DATA = Path(os.environ.get("REDRESS_DATA", "../shared/data")) / "carriers" / "karrio" / "tracking"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"{DATA} is missing: set REDRESS_DATA to the folder that has carriers/karrio"
)

Body = dict[str, Any]


@cache
def files() -> dict[str, Body]:
    """The bodies of each carrier."""
    return {file.name.split(".")[0]: json.loads(file.read_text("utf-8")) for file in sorted(DATA.glob("*.json"))}


def parsed(value: object) -> Iterator[Body]:
    """Every parcel in Karrio's normal form, however deep."""
    if isinstance(value, dict):
        if "events" in value and "tracking_number" in value:
            yield value
        for inner in value.values():
            yield from parsed(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parsed(inner)


def parcels() -> list[Body]:
    """All of them."""
    return [parcel for body in files().values() for one in body["values"].values() for parcel in parsed(one["value"])]


def test_the_normal_form_leaves_a_quarter_of_the_scans_without_a_status() -> None:
    """Scans without a status could only be read by each carrier's own code, which a normal form is there to spare."""
    scans = [event for parcel in parcels() for event in parcel["events"]]

    assert (25, 139, 37) == (len(parcels()), len(scans), sum(not event.get("status") for event in scans))


def test_the_normal_form_delivers_what_has_not_left() -> None:
    """A scan before transit is delivered there, a delivery has no status, and a label just made is on hold."""
    told = {
        (parcel["carrier_name"], event.get("code"), event.get("status"))
        for parcel in parcels()
        for event in parcel["events"]
    }

    assert {
        ("dhl_universal", "pre-transit", "delivered"),
        ("canpar", "DEL", None),
        ("easypost", "pre_transit", "on_hold"),
    } <= told


@pytest.mark.parametrize("carrier", ["australiapost", "fedex", "laposte"])
def test_the_normal_form_takes_the_carriers_clock_for_utc(carrier: str) -> None:
    """A carrier's offset is dropped, and its hour called UTC: deadlines would move by up to eleven hours."""
    values = files()[carrier]["values"].values()
    raw = {text for one in values if one["encoding"] == "json" for text in _instants(one["value"])}
    given = {text[:19] for text in raw if re.search(r"[+-]\d\d:\d\d$", text)}
    told = {event["timestamp"] for one in values for parcel in parsed(one["value"]) for event in parcel["events"]}

    misread = {text for text in told if text[:19] in given}

    assert misread
    assert all(text.endswith("Z") for text in misread)


def _instants(text: str) -> list[str]:
    return re.findall(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d)?", text)


def test_our_ideas_hold_for_the_scans_of_other_carriers() -> None:
    """Newest first, repeated, without status or under names unknown to us: told by instant, each once, none dropped."""
    chance = random.Random(7)
    for parcel in parcels():
        scans = [
            {"status": event.get("status"), "message": event.get("description"), "datetime": _instant(event)}
            for event in parcel["events"]
        ]
        told = events(Tracker.model_validate({"tracking_details": scans}))
        shuffled = [*scans, *chance.choices(scans, k=len(scans))]
        chance.shuffle(shuffled)

        assert told == events(Tracker.model_validate({"tracking_details": shuffled}))
        assert sorted(event.at for event in told) == [event.at for event in told]
        assert {scan["status"] or "unknown" for scan in scans} - set(STATUSES) <= {str(event.status) for event in told}


def _instant(event: Body) -> str:
    return event.get("timestamp") or f"{event['date']}T{event['time']}:00Z"


def test_every_instant_of_the_data_can_be_read() -> None:
    """The test above would say nothing of scans that all fell on one day."""
    read = {datetime.fromisoformat(_instant(event)) for parcel in parcels() for event in parcel["events"]}

    assert len(read) > 100
