"""EasyPost's recorded bodies, and what was never recorded, become the domain's events."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.easypost import mapping
from activities.easypost.bodies import Scan, Tracker
from activities.easypost.mapping import DETAILS, STATUSES, events, news, status_of
from activities.easypost.names import our_code
from domain.parcel import Parcel, TrackingStatus
from tests.activities.easypost.double import scan

DATA = Path(os.environ.get("REDRESS_DATA", "../shared/data"))
EASYPOST = DATA / "easypost"

needs_data = pytest.mark.skipif(
    not EASYPOST.is_dir(), reason=f"{EASYPOST} is missing: set REDRESS_DATA to the folder that has easypost"
)

BASE = datetime(2026, 11, 2, tzinfo=UTC)


def bodies(name: str) -> list[dict[str, Any]]:
    """The recorded bodies of a file."""
    return [json.loads(line)["body"] for line in (EASYPOST / f"{name}.jsonl").read_text("utf-8").splitlines()]


def inside(body: object, kind: str) -> Iterator[dict[str, Any]]:
    """Every object of a kind in a body, however deep."""
    if isinstance(body, dict):
        if body.get("object") == kind:
            yield body
        for value in body.values():
            yield from inside(value, kind)
    elif isinstance(body, list):
        for value in body:
            yield from inside(value, kind)


def recorded_trackers() -> list[dict[str, Any]]:
    """Every tracker in any recorded body."""
    files = ("trackers", "events", "webhooks", "payloads", "shipments_with_labels", "refunds", "claims")
    return [tracker for name in files for body in bodies(name) for tracker in inside(body, "Tracker")]


def a_tracker(*scans: dict[str, Any], **changes: Any) -> Tracker:
    """A tracker with these scans."""
    facts = {"id": "trk_1", "tracking_code": "9400", "carrier": "USPS", "created_at": "2026-11-01T00:00:00Z"}
    return Tracker.model_validate(facts | {"tracking_details": list(scans)} | changes)


@needs_data
def test_every_recorded_scan_is_an_event_in_order_and_once() -> None:
    """No scan of the 246 recorded trackers is lost, none is doubled, and each has a status that the domain knows."""
    trackers = recorded_trackers()

    scans = 0
    for body in trackers:
        told = events(Tracker.model_validate(body))
        times = sorted(datetime.fromisoformat(detail["datetime"]) for detail in body["tracking_details"])
        # Scans of a test are moved, all by the same time: what counts is how far apart they are.
        assert [time - times[0] for time in times] == [event.at - told[0].at for event in told]
        assert all(isinstance(event.status, TrackingStatus) for event in told)
        scans += len(told)

    assert (246, 452) == (len(trackers), scans)


@needs_data
def test_every_recorded_status_and_detail_has_its_meaning() -> None:
    """The recorded pairs of status and detail, and what each counts as; a new pair in the data fails here."""
    details = [detail for body in recorded_trackers() for detail in body["tracking_details"]]
    pairs = {(detail["status"], detail.get("status_detail")) for detail in details}

    assert {
        ("pre_transit", None): "label_made",
        ("pre_transit", "label_created"): "label_made",
        ("pre_transit", "status_update"): "label_made",
        ("in_transit", None): "in_transit",
        ("in_transit", "arrived_at_facility"): "in_transit",
        ("in_transit", "departed_facility"): "in_transit",
        ("in_transit", "status_update"): "in_transit",
        ("in_transit", "unknown"): "in_transit",
        ("out_for_delivery", None): "out_for_delivery",
        ("out_for_delivery", "out_for_delivery"): "out_for_delivery",
        ("delivered", None): "delivered",
        ("delivered", "arrived_at_destination"): "delivered",
        ("error", None): "exception",
    } == {pair: str(status_of(Scan(status=pair[0], status_detail=pair[1]))) for pair in pairs}


@needs_data
def test_the_recorded_status_of_a_tracker_is_told_by_its_events() -> None:
    """A tracker says of itself no more than its scans do, so the scans are enough to act on."""
    for body in recorded_trackers():
        told = [str(event.status) for event in events(Tracker.model_validate(body))]
        if body["status"] == "unknown":
            continue
        # Two test codes were recorded in error without a scan: there is no news of them.
        assert (not told and body["status"] == "error") or str(STATUSES[body["status"]]) in told


@needs_data
def test_states_of_one_tracker_add_up() -> None:
    """A tracker recorded several times, heard in any order, is the story of its fullest state."""
    by_id: dict[str, list[Tracker]] = {}
    for body in recorded_trackers():
        by_id.setdefault(body["id"], []).append(Tracker.model_validate(body))

    replayed = {name: states for name, states in by_id.items() if len({len(s.tracking_details) for s in states}) > 1}
    for states in replayed.values():
        parcel = Parcel()
        for state in [*states[::-1], *states]:
            parcel, _ = parcel.hearing(events(state))
        fullest = max(states, key=lambda state: len(state.tracking_details))
        assert events(fullest) == parcel.events

    assert len(replayed) >= 10


@needs_data
def test_every_status_of_the_test_codes_is_known() -> None:
    """What the test numbers EZ1000000001 to EZ7000000007 return, and every documented status, is a row of the table."""
    told = json.loads((EASYPOST / "test_codes.json").read_text("utf-8"))

    assert set(told["statuses"]) - {"unknown"} <= set(STATUSES)
    assert set(told["codes"].values()) - {"unknown"} <= set(STATUSES)


@needs_data
def test_the_tracker_in_karrios_data_reads_the_same() -> None:
    """The raw EasyPost body that another project recorded, in which it reads `pre_transit` as on hold."""
    file = DATA / "carriers" / "karrio" / "tracking" / "easypost.tracking.json"
    body = json.loads(json.loads(file.read_text("utf-8"))["values"]["TrackingResponseJSON"]["value"])

    assert ["label_made", "label_made"] == [event.status for event in events(Tracker.model_validate(body))]


# Never recorded: made from the documented shape.
@pytest.mark.parametrize(
    ("status", "detail", "meaning", "scanned"),
    [
        ("available_for_pickup", "arrived_at_pickup_location", "ready_for_pickup", True),
        ("failure", "failure", "exception", False),
        ("cancelled", "cancelled", "exception", False),
        ("canceled", None, "exception", False),
        ("return_to_sender", "return", "returning", True),
        ("return_to_sender", "arrived_at_destination", "returned", True),
        ("in_transit", "received_at_origin_facility", "accepted", True),
        ("in_transit", "weather_delay", "in_transit", True),
        ("in_transit", "lost", "exception", False),
        ("unknown", "unknown", "unknown", False),
        ("teleported", "by_magic", "teleported", False),
        (None, None, "unknown", False),
    ],
)
def test_what_was_never_recorded(status: str | None, detail: str | None, meaning: str, scanned: bool) -> None:
    """A documented status has its meaning, and a code of tomorrow survives as its text and counts as no scan."""
    told = events(a_tracker(scan(status, "2026-11-02T09:00:00Z", detail)))  # type: ignore[arg-type]

    assert [meaning] == [str(event.status) for event in told]
    assert scanned == (Parcel(events=told).scanned_at is not None)
    assert detail is None or detail in told[0].detail


def test_no_detail_makes_a_delivery() -> None:
    """Money is released on a delivery, so only the status that says so makes one."""
    assert [] == [pair for pair, meaning in DETAILS.items() if meaning is TrackingStatus.DELIVERED]
    assert ["delivered"] == [status for status, meaning in STATUSES.items() if meaning is TrackingStatus.DELIVERED]


@pytest.mark.parametrize("at", ["2026-11-03T09:00:00Z", "2026-11-05T09:00:00Z"])
def test_a_delivery_after_the_parcel_was_turned_back_is_its_return(at: str) -> None:
    """What is handed over on the way back, or in the same minute, is the sender's, and releases no money to them."""
    turned = scan("return_to_sender", "2026-11-03T09:00:00Z")
    told = events(a_tracker(scan("delivered", at), turned, signed_by="Bo"))

    assert ["returned", "returning"] == sorted(str(event.status) for event in told)
    assert Parcel(events=told).delivered_at is None
    assert not any(event.signature for event in told)


def test_a_signature_is_kept_without_the_name() -> None:
    """Who signed is a person's name: the fact is kept, the name is in no field, also if the message has it."""
    done = scan("delivered", "2026-11-05T09:00:00Z", message="Left with JOHN TESTER")
    (told,) = events(a_tracker(done, signed_by="John Tester"))

    assert told.signature
    assert "tester" not in told.model_dump_json().lower()


def test_no_place_of_a_scan_is_kept() -> None:
    """The last scans happen at somebody's door, so towns and postal codes stay at the carrier."""
    told = news(a_tracker(scan("delivered", "2026-11-05T09:00:00Z"))).model_dump_json()

    assert "SPRINGFIELD" not in told
    assert "62701" not in told


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-05T00:00:00Z", datetime(2026, 11, 6, 12, tzinfo=UTC)),
        ("2026-11-05T17:30:00Z", datetime(2026, 11, 5, 17, 30, tzinfo=UTC)),
        ("2026-11-05T12:30:00-05:00", datetime(2026, 11, 5, 17, 30, tzinfo=UTC)),
        (None, None),
        ("soon", None),
    ],
)
def test_a_promised_day_counts_until_it_has_ended_everywhere(given: str | None, meant: datetime | None) -> None:
    """EasyPost writes a day as its midnight in UTC: a parcel that comes on that day is not late."""
    assert meant == news(a_tracker(est_delivery_date=given)).estimate


def test_the_estimate_of_the_newest_scan_serves_where_the_tracker_has_none() -> None:
    """Carriers move their promise from scan to scan."""
    early = scan("in_transit", "2026-11-02T09:00:00Z") | {"est_delivery_date": "2026-11-04T09:00:00Z"}
    late = scan("in_transit", "2026-11-03T09:00:00Z") | {"est_delivery_date": "2026-11-07T09:00:00Z"}

    assert datetime(2026, 11, 7, 9, tzinfo=UTC) == news(a_tracker(late, early)).estimate


def test_a_garbled_date_hides_nothing() -> None:
    """A scan without a readable instant counts from the tracker's own beginning, the same at each look-up."""
    told = events(a_tracker(scan("in_transit", "yesterday"), scan("delivered", "2026-11-05T09:00:00")))

    assert [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 5, 9, tzinfo=UTC)] == [event.at for event in told]


SCANS = st.lists(
    st.builds(
        lambda status, detail, hours, message: scan(
            status, (BASE + timedelta(hours=hours)).isoformat(), detail, message
        ),
        st.sampled_from([*STATUSES, "unknown", "teleported"]),
        st.sampled_from([None, "status_update", *(detail for _, detail in DETAILS)]),
        st.integers(0, 30),
        st.sampled_from(["", "Arrived", "Departed"]),
    ),
    max_size=12,
)


@given(SCANS, st.randoms(use_true_random=False))
def test_shuffles_and_repeats_tell_the_same(scans: list[dict[str, Any]], chance: random.Random) -> None:
    """The same scans in any order, any of them repeated, are the same events: ordered by instant, each once."""
    again = [*scans, *chance.choices(scans, k=len(scans))] if scans else []
    chance.shuffle(again)

    told = events(a_tracker(*scans))

    assert told == events(a_tracker(*again))
    assert sorted(event.at for event in told) == [event.at for event in told]
    assert len(told) == len({event.identity for event in told})


@given(SCANS, st.integers(0, 12))
def test_what_was_heard_stays_heard(scans: list[dict[str, Any]], cut: int) -> None:
    """A look-up that tells less than one before takes nothing away, unless the parcel was turned back between them."""
    parcel, _ = Parcel().hearing(events(a_tracker(*scans)))

    after, news_of_less = parcel.hearing(events(a_tracker(*scans[:cut])))

    if parcel.returning_at is None:
        assert () == news_of_less
        assert parcel == after


@pytest.mark.parametrize(
    ("name", "code"),
    [("USPS", "usps"), ("UPSDAP", "ups"), ("FedExDefault", "fedex"), ("DHLExpress", "dhl"), ("RoyalMail", "royalmail")],
)
def test_carriers_have_our_code(name: str, code: str) -> None:
    """All accounts of a carrier are that carrier, and one without known formats keeps its name."""
    assert code == our_code(name)


def test_the_mapping_is_what_the_page_says() -> None:
    """The table of docs/carriers.md has a row for each status and each telling detail, and no other."""
    page = Path("docs/carriers.md").read_text("utf-8")
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in page.splitlines() if "|" in line
    ]
    told = {(row[0], row[1]): row[2] for row in rows if row[0] in STATUSES}

    expected = {(status, "any other"): str(meaning) for status, meaning in STATUSES.items()}
    expected |= {pair: str(meaning) for pair, meaning in mapping.DETAILS.items()}
    assert expected == told
