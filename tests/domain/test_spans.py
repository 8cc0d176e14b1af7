"""Spans and instants: how lengths and points of time are written, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.base import Instant, Model
from domain.spans import Span, Unit


class Window(Model):
    """A model with a span, as policies have many."""

    within: Span = Span(72, "h")


INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("72 h", 72, "h"),
        ("30 min", 30, "min"),
        ("7 CD", 7, "CD"),
        ("5 BD", 5, "BD"),
        ("48 BH", 48, "BH"),
        ("0 h", 0, "h"),
        ("3660 CD", 3660, "CD"),
    ],
)
def test_reads_every_unit(text: str, amount: int, unit: Unit) -> None:
    """A span is a whole amount, one space and a unit."""
    assert Span(amount, unit) == Span.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "72",
        "h",
        "72h",
        "5 days",
        "5  BD",
        " 5 BD",
        "5 BD\n",
        "5 bd",
        "-1 h",
        "1.5 h",
        "05 CD",
        "\u0665 CD",
        "72 H",
    ],
)
def test_refuses_what_is_not_a_span(text: str) -> None:
    """Anything but the written form is refused, and the message shows how to write it."""
    with pytest.raises(ValueError, match=r"is not a span: write for example 72 h, 7 CD \(calendar days\)"):
        Span.parse(text)


@pytest.mark.parametrize("text", ["3661 CD", "3661 BD", "87841 h", "87841 BH", "5270401 min"])
def test_refuses_more_than_ten_years(text: str) -> None:
    """No promise lasts longer than ten years, so that no calendar search does."""
    with pytest.raises(ValueError, match="is out of range"):
        Span.parse(text)


def test_refuses_a_negative_amount() -> None:
    """A length of time is never negative."""
    with pytest.raises(ValueError, match="'-1 h' is out of range"):
        Span(-1, "h")


def test_message_for_a_long_text_is_short() -> None:
    """A refused text of any length leaves a message fit for an order's story."""
    with pytest.raises(ValueError, match="is not a span") as refused:
        Span.parse("x" * 2_000_000)

    assert len(str(refused.value)) < 200


@given(st.integers(0, 3660), st.sampled_from(("min", "h", "CD", "BD", "BH")))
def test_travels_as_its_text(amount: int, unit: Unit) -> None:
    """In JSON a span is its text, and comes back equal."""
    window = Window(within=Span(amount, unit))

    wire = window.model_dump_json()

    assert f'{{"within":"{amount} {unit}"}}' == wire
    assert window == Window.model_validate_json(wire)


def test_model_refuses_a_number() -> None:
    """A bare number has no unit and is refused as a validation error, not a crash."""
    with pytest.raises(ValidationError, match="5 is not a span"):
        Window.model_validate({"within": 5})


def test_schema_is_a_string_with_a_pattern() -> None:
    """Callers in other languages see a string and the form it must have."""
    schema = Window.model_json_schema()["properties"]["within"]

    assert schema["type"] == "string"
    assert schema["pattern"] == "^(0|[1-9][0-9]{0,6}) (min|h|CD|BD|BH)$"


def test_equal_texts_share_one_object() -> None:
    """However many orders carry a span, it sits in memory once."""
    first = Window.model_validate_json('{"within": "9 BD"}')
    second = Window.model_validate_json('{"within": "9 BD"}')

    assert first.within is second.within


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 h", "1 hour"),
        ("30 min", "30 minutes"),
        ("7 CD", "7 calendar days"),
        ("1 BD", "1 business day"),
        ("48 BH", "48 business hours"),
    ],
)
def test_describes_itself(text: str, words: str) -> None:
    """People read words, in the singular for one."""
    assert words == Span.parse(text).describe()


@pytest.mark.parametrize(
    ("text", "elapsed"),
    [
        ("90 min", timedelta(minutes=90)),
        ("72 h", timedelta(hours=72)),
        ("8 BH", timedelta(hours=8)),
        ("7 CD", None),
        ("5 BD", None),
    ],
)
def test_elapsed_is_known_for_hours_and_minutes(text: str, elapsed: timedelta | None) -> None:
    """Days vary in length, hours and minutes do not."""
    assert elapsed == Span.parse(text).elapsed


def test_instant_is_normalised_to_utc() -> None:
    """Any offset is accepted; what is stored is UTC."""
    instant = INSTANT.validate_json('"2026-11-24T10:00:00+01:00"')

    assert datetime(2026, 11, 24, 9, tzinfo=UTC) == instant
    assert UTC is instant.tzinfo
    assert b'"2026-11-24T09:00:00Z"' == INSTANT.dump_json(instant)


@pytest.mark.parametrize("text", ["2026-11-24T09:00:00", "2026-11-24"])
def test_naive_instant_is_refused(text: str) -> None:
    """Without a time zone an instant is a guess, and the message says what to write."""
    with pytest.raises(ValidationError, match="needs a time zone, for example 2026-11-24T09:00:00Z"):
        INSTANT.validate_python(text)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "3000-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00"])
def test_instant_out_of_range_is_refused(text: str) -> None:
    """An instant from which later arithmetic could overflow is refused at the door."""
    with pytest.raises(ValidationError, match="must lie in the years 1970 to 2999"):
        INSTANT.validate_python(text)
