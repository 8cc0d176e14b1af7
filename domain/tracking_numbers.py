"""Whether a tracking number can be right for its carrier, judged by its shape and check digit alone.

A number that passes may still be unknown to the carrier; one that fails was mistyped or is another carrier's.
Source of the formats and check digit rules: jkeen/tracking_number_data, with ISO/IEC 7064 for DPD and the
Universal Postal Union's standard S10 for postal items; `domain.carriers.build` says what is added.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import cycle
from operator import mul
from string import ascii_uppercase, digits
from typing import NamedTuple

# The formats are a Python module, not a JSON file, because workflow code may read no file while it runs;
# the compiled module is imported in about a millisecond.
from domain.carriers.data import CARRIERS, COUNTRIES
from domain.carriers.format import Carrier, Format

LONGEST = 64
"""Characters in a number; the longest that a known carrier uses has 41."""

_SANDBOX = Format("SBX(?P<serial>[0-9]{9})(?P<check>[0-9])", "SBX0000000019", "mod10", (1, 3))

_CARRIERS = CARRIERS | {"sandbox": Carrier("sandbox", (_SANDBOX,))}

_COUNTRIES = frozenset(COUNTRIES.split())


class Fault(NamedTuple):
    """Why a number cannot be right: the code of a reply, which says what to do, and its facts."""

    code: str
    facts: Mapping[str, object]


def normalise(number: str) -> str:
    """The number in the form in which it is compared and stored: upper case, no white space, no hyphens."""
    return re.sub(r"[\s-]+", "", number).upper()


def check_tracking_number(carrier: str, number: str) -> Fault | None:
    """None when the number is plausible for the carrier, otherwise the first fault.

    `carrier` is a code such as `usps`, `ups`, `fedex`, `dhl`, `dpd`, `sandbox`,
    or `s10` for international items of any postal operator.
    For a code without known formats only an impossible number is refused: empty, longer than 64 characters,
    or with anything but letters, digits, white space and hyphens. Never raises.
    """
    text, code = normalise(number), carrier.lower()
    fault = _impossible(number, text)
    if fault or code not in _CARRIERS:
        return fault
    faults = _faults(code, text)
    if faults is None:
        return None
    name, kinds = _CARRIERS[code]
    facts = {"number": text, "carrier": name}
    if faults:
        return Fault(faults[0].code, {**facts, **faults[0].facts})
    shapes = facts | {"examples": tuple(kind.example for kind in kinds[:2])}
    other = _only_carrier(text)
    return Fault("number_of_another", shapes | {"other": other}) if other else Fault("number_shape", shapes)


def sandbox_number(seed: int) -> str:
    """A valid number of the sandbox carrier; seeds from 0 to 999,999,999 each give their own."""
    serial = f"{seed % 10**9:09d}"
    return f"SBX{serial}{_check_digit(_SANDBOX, serial)}"


def _impossible(number: str, text: str) -> Fault | None:
    if stray := re.search(r"[^A-Za-z0-9\s-]", number):
        return Fault("number_stray", {"stray": stray[0]})
    if not text:
        return Fault("number_empty", {})
    if len(text) > LONGEST:
        return Fault("number_too_long", {"most": LONGEST, "characters": len(text)})
    return None


@cache
def _compiled(code: str) -> tuple[tuple[re.Pattern[str], Format], ...]:
    return tuple((re.compile(kind.pattern), kind) for kind in _CARRIERS[code].formats)


def _faults(code: str, text: str) -> list[Fault] | None:
    """None when a format accepts the number, otherwise what is wrong by each format that has its shape."""
    faults = []
    for pattern, kind in _compiled(code):
        if match := pattern.fullmatch(text):
            fault = _fault(kind, match)
            if fault is None:
                return None
            faults.append(fault)
    return faults


def _fault(kind: Format, match: re.Match[str]) -> Fault | None:
    country = match.groupdict().get("country")
    if country and country not in _COUNTRIES:
        return Fault("number_country", {"country": country})
    if kind.rule and match["check"] != (expected := _check_digit(kind, match["serial"])):
        return Fault("number_check", {"expected": expected, "found": match["check"]})
    return None


def _only_carrier(text: str) -> str | None:
    """The name of the carrier whose check digit vouches for the number, when there is only one."""
    names = [
        carrier.name
        for code, carrier in _CARRIERS.items()
        if any(
            kind.rule and (match := pattern.fullmatch(text)) and _fault(kind, match) is None
            for pattern, kind in _compiled(code)
        )
    ]
    return names[0] if len(names) == 1 else None


def _check_digit(kind: Format, serial: str) -> str:
    if not serial.startswith(kind.lead):
        serial = kind.lead + serial
    # UPS: a letter counts as its ASCII code less 3, modulo 10, which gives A the value 2, B 3, and so on.
    values = [int(char) if char.isdigit() else (ord(char) - 3) % 10 for char in serial]
    match kind.rule:
        case "mod7":
            check = int(serial) % 7
        case "mod10":
            check = -_weigh(values, cycle(kind.weights)) % 10
        case "mod11":
            check = _weigh(values, kind.weights) % 11 % 10
        case "luhn":
            doubled = [sum(divmod(value * 2, 10)) for value in values[::-2]]
            check = -(sum(doubled) + sum(values[-2::-2])) % 10
        case "s10":
            remainder = _weigh(values, (8, 6, 4, 2, 3, 5, 9, 7)) % 11
            check = {0: 5, 1: 0}.get(remainder, 11 - remainder)
        case "mod37_36":
            return _mod37_36(serial)
        case None:
            return ""
    return str(check)


def _weigh(values: Iterable[int], weights: Iterable[int]) -> int:
    return sum(map(mul, values, weights))


def _mod37_36(serial: str) -> str:
    """ISO/IEC 7064 MOD 37,36: a check character from 0-9 and A-Z."""
    product = 36
    for char in serial:
        product = ((product + int(char, 36)) % 36 or 36) * 2 % 37
    return (digits + ascii_uppercase)[(37 - product) % 36]
