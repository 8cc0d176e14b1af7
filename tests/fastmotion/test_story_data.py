"""Stories as data: what a file says, and what becomes of it."""

from __future__ import annotations

import tomllib
import zlib
from datetime import timedelta

from activities.sandbox.labels import label_shipment
from domain.messages import EvidenceSent
from domain.parcel import TrackingStatus
from domain.parties import Role
from fastmotion.exhibits import Exhibit, picture
from fastmotion.stories import PURCHASE, Act, Story, all_stories

STORY = Story(
    name="tale",
    **tomllib.loads("""
title = "A tale"
moral = "None"
items = 1_000
buyer = "b-1"
seller = "s-1"

[[returns]]
name = "direct"
handed_over = "7d 02:10"
case = 2
decision = 3

[[steps]]
at = "6d"
who = "buyer"
does = "evidence"
case = 2
says = { by = "buyer" }
evidence = ["photo_front", { kind = "statement", text = "So it was" }]

[[steps]]
at = "6d 01:00"
who = "platform"
does = "disrupt"
case = 2
says = { disruption_id = "storm", clocks = ["send_back"], since = "6d" }

[ends]
ending = "case"
notices = {}
"""),
)


def test_a_return_begins_with_its_first_scan() -> None:
    """The case buys the label itself, so the carrier's news of a return begins when the parcel is handed over."""
    (parcel,) = STORY.journeys("T-1")
    assert label_shipment("label-case-T-1-2-3") == parcel
    first = STORY.journeys("T-1")[parcel].events[0]
    assert (TrackingStatus.ACCEPTED, PURCHASE + timedelta(days=7, hours=2, minutes=10)) == (first.status, first.at)


def test_each_scene_is_said_to_whom_it_belongs() -> None:
    """A step may name the case that hears it; the carrier's news of a return goes to that case too."""
    scenes = STORY.scenes("T-1")
    assert {"case-T-1-2"} == {scene.subject for scene in scenes}
    assert {Act.EVIDENCE, Act.DISRUPT, Act.TRACK_RETURN} == {scene.does for scene in scenes}


def test_evidence_is_handed_in_before_it_is_shown() -> None:
    """What a step shows becomes items of its message, files by their address and hash, texts as they are."""
    scene = STORY.scenes("T-1")[0]
    photo, statement = scene.exhibits
    items = (photo.item("sandbox://evidence/1/photo.png", "ab" * 32), statement.item("", ""))
    message = scene.showing(items).message
    assert isinstance(message, EvidenceSent)
    assert items == message.items
    assert ("So it was", "") == (items[1].text, items[1].uri)


def test_no_two_exhibits_are_the_same_file() -> None:
    """Who shows it where makes a file its own, so that a second photo is new evidence; an exchanged one differs."""
    one, other = (Exhibit(kind="photo_front", origin=f"T-1 {number}") for number in (1, 2))
    assert 3 == len({one.content, other.content, one.exchanged})


def test_exhibits_are_pictures() -> None:
    """An exhibit is a whole PNG file of one pixel, which every viewer can show."""
    content = picture("T-1 1 photo_front")
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, rest = {}, content[8:]
    while rest:
        size = int.from_bytes(rest[:4], "big")
        name, data = rest[4:8], rest[8 : 8 + size]
        assert zlib.crc32(name + data) == int.from_bytes(rest[8 + size : 12 + size], "big")
        chunks[name], rest = data, rest[12 + size :]
    assert [b"IHDR", b"tEXt", b"IDAT", b"IEND"] == list(chunks)
    assert 1 + 3 == len(zlib.decompress(chunks[b"IDAT"]))


def test_every_story_is_told_in_both_languages() -> None:
    """Title and moral of each story are there in Chinese as well."""
    assert [] == [story.name for story in all_stories().values() if story.zh is None]


def test_only_the_platform_disrupts() -> None:
    """Each step is done by somebody who can do it: storms and banks are the platform's to report."""
    steps = [step for story in all_stories().values() for step in story.steps]
    reports = {step.who for step in steps if step.does in (Act.DISRUPT, Act.CHARGEBACK)}
    assert {Role.PLATFORM} == reports
