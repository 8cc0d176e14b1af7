"""How each activity is called: time limits and retries, in one table."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig

Config = TypeVar("Config", ActivityConfig, LocalActivityConfig)

# A provider may forget an idempotency key after 24 h, so automatic attempts end before that
# (reliability.md, section 2); afterwards a person looks and the next attempt looks before it pays.
MOVE_MONEY: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(hours=23),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10)),
}

# After 23 h without an answer a person is told, and the provider is only read, more and more slowly: what an earlier
# attempt has done after all may still show (reliability.md, section 2).
LOOK_FOR_MONEY: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(days=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(minutes=1), maximum_interval=timedelta(hours=1)),
}

# The rhythm of asking is policy and comes with each "no news yet"; the retries leave nothing in the history.
LOOK_UP: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(minutes=1), backoff_coefficient=1.0),
}

# Before a deadline takes an order away the carrier is asked once more, and a stalled parcel is traced once;
# a carrier that stays silent must not hold the order up.
ASK_ONCE: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(minutes=5),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=5),
}

# The outcome of an order is in our own database, but the order may be closing only now. What has none after a day was
# never closed by itself: then a person must look, and sees the failed workflow.
RECALL: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(hours=24),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10)),
}

# A batch of orders takes a few requests each, as fast as the provider lets us; a heartbeat for each order. A provider
# that does not answer for a day has worse to tell than its books.
COMPARE_BOOKS: ActivityConfig = {
    "start_to_close_timeout": timedelta(minutes=30),
    "schedule_to_close_timeout": timedelta(hours=24),
    "heartbeat_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10)),
}

# Files as large as policy takes, several at a time: a heartbeat tells a long reading from a dead worker.
READ_FILES: ActivityConfig = {
    "start_to_close_timeout": timedelta(minutes=2),
    "schedule_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=5),
}

# Rows in our own database, written idempotently: local activities keep them to one event each.
KEEP: LocalActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
}


def described(config: Config, summary: str) -> Config:
    """The same options with the text that the Web UI shows for this call; the server takes at most 200 bytes."""
    return {**config, "summary": summary[:200]}
