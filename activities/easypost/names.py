"""The names of carriers: our codes, which tracking numbers are checked by, and those of EasyPost."""

from __future__ import annotations

from typing import Final

_BEGINNINGS: Final = {
    "amazon": "amazon",
    "canadapost": "canada_post",
    "canpar": "canpar",
    "dhl": "dhl",
    "dpd": "dpd",
    "fedex": "fedex",
    "gofo": "gofo",
    "landmark": "landmark",
    "lasership": "lasership",
    "olddominion": "old_dominion",
    "ontrac": "ontrac",
    "purolator": "purolator",
    "speedee": "speedee",
    "ups": "ups",
    "usps": "usps",
    "yodel": "yodel",
    "yunexpress": "yunexpress",
}
"""How a name at EasyPost begins, for our code: UPSDAP, UPSSurePost and UPS are all `ups`."""

_AT_EASYPOST: Final = {
    "canada_post": "CanadaPost",
    "canpar": "Canpar",
    "fedex": "FedEx",
    "purolator": "Purolator",
    "ups": "UPS",
    "usps": "USPS",
}

_LONGEST: Final = 32


def our_code(name: str) -> str:
    """Our code for a carrier of EasyPost; one that we have no formats for keeps its name, in lower case."""
    plain = name.lower()
    known = (code for beginning, code in _BEGINNINGS.items() if plain.startswith(beginning))
    return next(known, plain[:_LONGEST])


def easypost_name(code: str) -> str | None:
    """What EasyPost calls a carrier; none where one code is several carriers there, and it must find out by itself."""
    return _AT_EASYPOST.get(code.lower())
