"""`Retry-After`, by which a server says when it wants to be asked again (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# The standard has whole seconds; a fraction, as some servers send, is as clear.
_SECONDS: Final = re.compile(r"\s*[0-9]{1,12}(\.[0-9]{1,9})?\s*")


def seconds(header: str | None, now: datetime) -> float | None:
    """How long to wait, whether the header is a number or a date; none if there is none or it cannot be read.

    A date without a time zone is UTC, as all of HTTP's are; one that has passed means now.
    """
    if header is None:
        return None
    if _SECONDS.fullmatch(header):
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0)
