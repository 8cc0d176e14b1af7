"""Public holidays as data, for the policy: the only module that knows the `holidays` library."""

from datetime import date


def holidays_of(country: str, years: range, subdivision: str | None = None) -> tuple[date, ...]:
    """The public holidays of a country (ISO 3166-1 alpha-2) or its subdivision (ISO 3166-2), in order.

    Includes the days on which a holiday is observed in lieu of one at the weekend.
    The result belongs on a `Calendar`, so that an order keeps the holidays it was bought under.

    Raises ValueError for an unknown country or subdivision, and for no years at all.
    Source: the `holidays` library, in the version that the lock file pins.
    """
    import holidays  # noqa: PLC0415 - costs every process memory and start-up time, and only policy-making needs it

    if not years:
        raise ValueError(f"holidays of {country!r} need at least one year, for example range(2026, 2030)")
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=years)
    except NotImplementedError:
        place = country if subdivision is None else f"{country}-{subdivision}"
        raise ValueError(
            f"no holidays known for {place!r}: write an ISO 3166 code such as US, or DE with subdivision BY"
        ) from None
    return tuple(sorted(day for day in found if day.year in years))


def holidays_of_region(region: str, years: range) -> tuple[date, ...]:
    """As `holidays_of`, for a region written in one word: "US", or "DE-BY" for a subdivision."""
    country, _, subdivision = region.partition("-")
    return holidays_of(country, years, subdivision or None)
