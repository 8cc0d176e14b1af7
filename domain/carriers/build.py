"""Writes `data.py` from a copy of jkeen/tracking_number_data.

    python -m domain.carriers.build ../shared/data/carriers/tracking_number_data
    ruff format domain/carriers/data.py

A tool for maintainers; nothing imports it at run time.
It keeps what decides whether a number is valid: pattern, check digit rule, known countries.
"""

import json
import re
import sys
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

from domain.carriers.format import Carrier, Format, Rule

ORIGIN = "jkeen/tracking_number_data at commit b79ce4bfc045"

_NAMES = {
    "landmark": "Landmark Global",
    "old_dominion": "Old Dominion",
    "s10": "international postal (S10)",
    "usps": "USPS",
}

_GROUPS = {"SerialNumber": "serial", "CheckDigit": "check"}

_RULES: dict[str, Rule] = {
    "mod7": "mod7",
    "mod10": "mod10",
    "sum_product_with_weightings_and_modulo": "mod11",
    "luhn": "luhn",
    "s10": "s10",
    "mod_37_36": "mod37_36",
}

# A valid number that is refused stops an honest seller, so what the source lacks is added,
# each with where it is from.
_ADDED = {
    # dhl.com, "Shipment tracking labels": DHL Parcel starts with 3S, JVGL or JJD, for example 3SBCC000123456.
    # jkeen/tracking_number_data issue 30: German parcels have 20 digits from 00340; older ones have 12.
    "dhl": (
        Format("(?:3S|JVGL|JJD)[0-9A-Z]{8,24}", "3SBCC000123456"),
        Format("00340[0-9]{15}", "00340434000000000001"),
        Format("[0-9]{12}", "123456789012"),
    ),
    # dpd.com, "Track & Trace", asks for the 14 digits without the check character on the label.
    "dpd": (Format("[0-9]{14}", "09980000020033"),),
}

# Postal operators deliver each other's items, so the country in an S10 number need not be theirs.
_POSTAL = ("canada_post", "dhl", "usps")

# The source says of 92 and 93 numbers that another company may have carried them before USPS:
# UPS Mail Innovations, FedEx Ground Economy and DHL eCommerce (jkeen/tracking_number_data issue 101) do.
_HANDS_TO_USPS = ("dhl", "fedex", "ups")


def carriers(source: Path) -> dict[str, Carrier]:
    """Every carrier in the source's folder of JSON files; raises ValueError for a rule it cannot express."""
    raw: dict[str, Any] = {}
    for path in sorted(source.glob("*.json")):
        courier = json.loads(path.read_text("utf-8"))
        raw[courier["courier_code"]] = courier
    formats = {code: tuple(map(_format, courier["tracking_numbers"])) for code, courier in raw.items()}
    shared = dict.fromkeys(_POSTAL, formats["s10"])
    handed = tuple(_format(kind) for kind in raw["usps"]["tracking_numbers"] if kind.get("id") == "usps_impb_c")
    for code in _HANDS_TO_USPS:
        shared[code] = shared.get(code, ()) + handed
    return {
        code: Carrier(_NAMES.get(code, courier["name"]), formats[code] + _ADDED.get(code, ()) + shared.get(code, ()))
        for code, courier in raw.items()
    }


def countries(source: Path) -> frozenset[str]:
    """Codes that may end an S10 number: ISO 3166-1, as the source leaves out Taiwan and many territories."""
    (s10,) = json.loads((source / "s10.json").read_text("utf-8"))["tracking_numbers"]
    (known,) = (extra["lookup"] for extra in s10["additional"] if extra["regex_group_name"] == "CountryCode")
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    iso = {line.split("\t")[0] for line in table.splitlines() if not line.startswith("#")}
    return frozenset(iso | {entry["matches"] for entry in known})


def _format(kind: dict[str, Any]) -> Format:
    checksum = kind["validation"].get("checksum")
    lead, serial_format = "", kind["validation"].get("serial_number_format")
    if serial_format:
        lead = serial_format["prepend_if"]["content"]
        condition = serial_format["prepend_if"]["matches_regex"].replace(r"\s*", "")
        if condition.replace("$", "") != f"^(?!{lead}).+":
            raise ValueError(f"{kind['name']}: cannot express the prefix condition {condition}")
    example = min((re.sub(r"[\s-]", "", number) for number in kind["test_numbers"]["valid"]), key=len)
    rule, weights = _rule(kind["name"], checksum) if checksum else (None, ())
    by_country = "exists" in kind["validation"].get("additional", {})
    return Format(_pattern(kind["regex"], by_country), example, rule, weights, lead)


def _rule(name: str, checksum: dict[str, Any]) -> tuple[Rule, tuple[int, ...]]:
    rule = _RULES.get(checksum["name"])
    if rule is None:
        raise ValueError(f"{name}: add a rule for the checksum {checksum['name']} to domain/tracking_numbers.py")
    if rule == "mod10":
        # The source has `reverse` only for serial numbers of odd length, which weigh the same both ways.
        return rule, (checksum["evens_multiplier"], checksum["odds_multiplier"])
    if rule == "mod11":
        if (checksum["modulo1"], checksum["modulo2"]) != (11, 10):
            raise ValueError(f"{name}: only modulo 11, then 10 can be expressed")
        return rule, tuple(checksum["weightings"])
    return rule, ()


def _pattern(regex: str | list[str], by_country: bool) -> str:
    """The source's pattern for a number without spaces and hyphens, with only the groups the check needs."""
    kept = _GROUPS | ({"CountryCode": "country"} if by_country else {})
    pattern = regex if isinstance(regex, str) else "".join(regex)
    pattern = re.sub(r"\\s\*?|\\b", "", pattern)
    pattern = re.sub(r"(\[[^]]*\])|-", r"\1", pattern)
    pattern = re.sub(r"\((?!\?)", "(?:", pattern)
    pattern = re.sub(r"\(\?<(\w+)>", lambda m: f"(?P<{kept[m[1]]}>" if m[1] in kept else "(?:", pattern)
    pattern = re.sub(r"\{(\d+),\1\}", r"{\1}", pattern).replace("{1}", "")
    simpler = None
    while simpler != pattern:
        simpler, pattern = pattern, re.sub(r"\(\?:([^()|]*)\)(?![?{])|\(\?:(\[[^]]*\]|.)\)", r"\1\2", pattern)
    return pattern


def render(source: Path) -> str:
    """The text of `data.py`, before ruff has formatted it."""
    found = carriers(source)
    shared = {kind for kind, uses in Counter(kind for _, kinds in found.values() for kind in kinds).items() if uses > 1}
    names = {kind: f"SHARED_{number}" for number, kind in enumerate(sorted(shared), 1)}
    lines = [
        f'"""Tracking number formats of {ORIGIN} (MIT: NOTICE), and some more.',
        "",
        "Written by `domain.carriers.build`, which names the source of each of those: do not edit.",
        '"""',
        "",
        "from domain.carriers.format import Carrier, Format",
        "",
        *(f"{name} = {_source_of(kind)}" for kind, name in names.items()),
        "",
        "CARRIERS = {",
    ]
    for code, (name, kinds) in found.items():
        listed = "".join(f"{names.get(kind) or _source_of(kind)}," for kind in kinds)
        lines.append(f'"{code}": Carrier("{name}", ({listed})),')
    codes = sorted(countries(source))
    rows = " ".join(f'"{" ".join(codes[at : at + 25])} "' for at in range(0, len(codes), 25))
    return "\n".join([*lines, "}", "", f"COUNTRIES = ({rows})", ""])


def _source_of(kind: Format) -> str:
    pieces = " ".join(f'"{piece}"' for piece in re.findall(r".{1,90}", kind.pattern))
    optional = {"rule": kind.rule, "weights": kind.weights, "lead": kind.lead}
    given = "".join(f", {name}={value!r}" for name, value in optional.items() if value)
    return f'Format({pieces}, "{kind.example}"{given})'


if __name__ == "__main__":
    target = Path(__file__).with_name("data.py")
    target.write_text(render(Path(sys.argv[1])), "utf-8")
