"""A tracking number that cannot be right for its carrier is refused, and a possible one never is."""

import json
import os
import re
from pathlib import Path
from string import ascii_uppercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import tracking_numbers, wording
from domain.carriers import build
from domain.carriers.data import CARRIERS, COUNTRIES
from domain.tracking_numbers import Fault, check_tracking_number, normalise, sandbox_number

DATA = Path(os.environ.get("REDRESS_DATA", "../shared/data")) / "carriers" / "tracking_number_data"

needs_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"{DATA} is missing: set REDRESS_DATA to the folder that has carriers/tracking_number_data",
)

CHECKED = [
    (code, match)
    for code, (_, kinds) in CARRIERS.items()
    for kind in kinds
    if kind.rule
    and (match := re.fullmatch(kind.pattern, kind.example))
    and sum(bool(re.fullmatch(other.pattern, kind.example)) for other in kinds) == 1
]
"""The example, taken apart, of each format with a check digit.

Without USPS numbers of 20 digits: they have two formats, whose check digits differ.
"""

COPY_AGAIN = "Copy the number again from the label"

CHOOSE_UPS = "It fits UPS: choose that carrier or copy the number again"


def told(fault: Fault | None) -> str:
    """What is told of a fault."""
    assert fault is not None
    return wording.reply(fault.code, {name: wording.fact(value) for name, value in fault.facts.items()})


def _source_numbers(verdict: str) -> list[tuple[str, str]]:
    couriers = [json.loads(path.read_text("utf-8")) for path in sorted(DATA.glob("*.json"))]
    return [
        (courier["courier_code"], number)
        for courier in couriers
        for kind in courier["tracking_numbers"]
        for number in kind["test_numbers"][verdict]
    ]


@needs_data
def test_source_valid_numbers() -> None:
    """Every number that the source calls valid is plausible for its carrier."""
    numbers = _source_numbers("valid")

    refused = [reason for code, number in numbers if (reason := check_tracking_number(code, number)) is not None]

    assert len(numbers) == 192
    assert refused == []


@needs_data
def test_source_invalid_numbers() -> None:
    """Every number that the source calls invalid for a format is refused, unless it is valid in another."""
    numbers = _source_numbers("invalid")

    accepted = [(code, number) for code, number in numbers if check_tracking_number(code, number) is None]

    assert len(numbers) == 88
    assert accepted == [("purolator", "331426749957")]
    assert set(accepted) <= set(_source_numbers("valid"))


@needs_data
def test_every_format_judges_its_own_numbers_as_the_source_does() -> None:
    """Taken alone, each format passes all of its valid numbers and refuses all of its invalid ones."""
    judged: dict[tuple[str, bool], int] = {}
    for path in sorted(DATA.glob("*.json")):
        for kind in json.loads(path.read_text("utf-8"))["tracking_numbers"]:
            form = build._format(kind)
            for verdict, numbers in kind["test_numbers"].items():
                for number in numbers:
                    match = re.fullmatch(form.pattern, normalise(number))
                    passes = match is not None and tracking_numbers._fault(form, match) is None
                    judged[verdict, passes] = judged.get((verdict, passes), 0) + 1

    assert {("valid", True): 192, ("invalid", False): 88} == judged


@needs_data
def test_shipped_formats_are_those_of_the_source() -> None:
    """`data.py` says what `build.py` makes of the source: neither was changed without the other."""
    assert (build.carriers(DATA), build.countries(DATA)) == (CARRIERS, frozenset(COUNTRIES.split()))


@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("ups", "1Z 000 00W 00 0000 0002"),
        ("usps", "9400 1000 0000 0000 0000 06"),
        ("fedex", "0000-0000-0011"),
        ("dhl", "1000000002"),
        ("dhl", "00340434000000000001"),
        ("dpd", "00000000000001"),
        ("s10", "RR000000005TW"),
        ("usps", "rr000000005tw"),
        ("sandbox", "SBX 000-000-001-9"),
    ],
)
def test_own_examples_are_plausible(carrier: str, number: str) -> None:
    """A number with the right shape and check digit passes, however it is spaced and in either case."""
    assert check_tracking_number(carrier, number) is None


@pytest.mark.parametrize(
    ("carrier", "number"), [(code, kind.example) for code, (_, kinds) in CARRIERS.items() for kind in kinds]
)
def test_every_format_accepts_its_example(carrier: str, number: str) -> None:
    """The examples that a refusal shows are themselves accepted."""
    assert check_tracking_number(carrier, number) is None


@pytest.mark.parametrize(
    ("carrier", "number", "reason"),
    [
        (
            "ups",
            "1Z999AA10123456785",
            f"1Z999AA10123456785 is no UPS number: its check digit should be 4, not 5. {COPY_AGAIN}",
        ),
        (
            "yodel",
            "1Z999AA10123456784",
            f"1Z999AA10123456784 is no Yodel number: those look like JD0002242617644732. {CHOOSE_UPS}",
        ),
        (
            "sandbox",
            "sbx 123",
            f"SBX123 is no sandbox number: those look like SBX0000000019. {COPY_AGAIN}",
        ),
        (
            "usps",
            "RR000000005XX",
            f"RR000000005XX is no USPS number: there is no country XX. {COPY_AGAIN}",
        ),
        ("usps", " - ", "the tracking number is empty. Enter the number printed on the label"),
        (
            "a carrier of tomorrow",
            "12/34",
            f"a tracking number has letters, digits, spaces and hyphens, not '/'. {COPY_AGAIN}",
        ),
        (
            "a carrier of tomorrow",
            "7" * 65,
            f"a tracking number has at most 64 characters, not 65. {COPY_AGAIN}",
        ),
    ],
)
def test_refusals_say_what_to_do(carrier: str, number: str, reason: str) -> None:
    """A refusal gives one reason and the next step."""
    assert told(check_tracking_number(carrier, number)) == reason


@given(st.text("ABCXYZ0123456789 -", min_size=1, max_size=64).filter(normalise))
def test_unknown_carrier_is_not_refused(number: str) -> None:
    """A carrier whose formats are not known accepts every number of a possible shape."""
    assert check_tracking_number("a carrier of tomorrow", number) is None


@given(st.sampled_from([*CARRIERS, "sandbox", ""]), st.text())
def test_any_text_is_answered(carrier: str, number: str) -> None:
    """No text makes the check raise, and every fault has a text."""
    fault = check_tracking_number(carrier, number)

    assert fault is None or fault.code in wording.codes("replies")


@given(st.sampled_from(CHECKED), st.text("0123456789", min_size=5, max_size=5))
def test_one_check_digit_is_accepted(checked: tuple[str, re.Match[str]], ending: str) -> None:
    """Where a number has a check digit, exactly one is right and every other is refused."""
    code, match = checked
    start = match.string[: match.end("serial") - 5] + ending
    rest = match.string[match.end("check") :]

    reasons = [check_tracking_number(code, start + check + rest) for check in digits + ascii_uppercase]

    assert reasons.count(None) == 1


@given(st.integers(), st.integers(min_value=1, max_value=9))
def test_sandbox_numbers(seed: int, shift: int) -> None:
    """A sandbox number is valid, and any other last digit makes it invalid."""
    number = sandbox_number(seed)
    changed = number[:-1] + str((int(number[-1]) + shift) % 10)

    assert check_tracking_number("sandbox", number) is None
    assert check_tracking_number("sandbox", changed) is not None


@given(st.text("abcxyzABCXYZ0123456789 -\t"))
def test_normalise_twice_is_normalise_once(number: str) -> None:
    """The normal form is stable, and spacing and case make no difference to it."""
    normal = normalise(number)

    assert normalise(normal) == normal
    assert normalise(f" {number.lower()}-") == normal
