"""How many requests a key may make, and how often an address may be wrong about one."""

from __future__ import annotations

import time
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.problems import Rejected, retry_after

GUESSES: Final = "30/minute"
"""Wrong or missing keys from one address, before it is told to wait."""


class Rates:
    """Moving windows in the memory of this process: each gateway beside another grants as much again."""

    def __init__(self, rate: str) -> None:
        self._rate = parse(rate)
        self._guesses = parse(GUESSES)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def take(self, key_id: str) -> None:
        """Count a request of this key. Raises Rejected if it is one too many."""
        if not self._windows.hit(self._rate, "key", key_id):
            raise self._too_many(self._rate, "key", key_id)

    def guess(self, address: str) -> None:
        """Count a request from this address without a valid key. Raises Rejected if it is one too many.

        A good key is looked at all the same: many clients may share the address of one proxy.
        """
        if not self._windows.hit(self._guesses, "guess", address):
            raise self._too_many(self._guesses, "guess", address)

    def _too_many(self, rate: RateLimitItem, *whose: str) -> Rejected:
        wait = self._windows.get_window_stats(rate, *whose).reset_time - time.time()
        return Rejected("too_many_requests", f"At most {rate} are taken.", headers=retry_after(wait))
