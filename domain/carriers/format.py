"""The shape of one kind of tracking number: a pattern and the rule of its check digit."""

from typing import Literal, NamedTuple

Rule = Literal["mod7", "mod10", "mod11", "luhn", "s10", "mod37_36"]


class Format(NamedTuple):
    """One kind of number that a carrier prints on its labels.

    `pattern` is matched against the whole number in the form of `tracking_numbers.normalise`.
    Its named groups are `serial`, which `rule` turns into the check digit, `check`, the digit as printed,
    and `country`, an ISO 3166-1 code which must exist. Without a rule there is no check digit.
    """

    pattern: str
    example: str
    rule: Rule | None = None
    weights: tuple[int, ...] = ()
    """mod10: the two weights that take turns from the left; mod11: one weight for each place."""
    lead: str = ""
    """Digits that count towards the check digit but are often left off the label."""


class Carrier(NamedTuple):
    """A carrier's name, as people know it, and every kind of number it is known to use."""

    name: str
    formats: tuple[Format, ...]
