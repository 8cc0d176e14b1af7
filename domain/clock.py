"""Fast motion: the one place where real time and policy time meet."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from domain.base import Instant, Model, utc

_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A century short of the last instant that the models take, so that every span still fits behind it.
_END: Final = datetime(2900, 1, 1, tzinfo=UTC)
_END_TICKS: Final = (_END - _EPOCH) // _MICROSECOND


class Clock(Model):
    """Turns real time into policy time, and back.

    The demo and the replay run orders whose policy days take a second or so,
    while every stored instant, every calendar and every receipt stays in policy time.
    Only two things are real: the moment at which a message or activation arrives, which `now` translates,
    and the length of a timer, which `real_delay` gives.
    Production uses `REAL_TIME`, in which the two are the same to the microsecond.

    At `real_anchor` it is `policy_anchor`; from there, `speed` policy seconds pass in each real second.
    Policy time is never slower than real time.
    Policy time stands still before 1970 and from 2900 on:
    an order in fast motion that is found again weeks later has outrun the range of `datetime`,
    and must come to its end all the same.
    """

    real_anchor: Instant
    policy_anchor: Instant
    speed: Annotated[float, Field(ge=1, le=1_000_000, allow_inf_nan=False)]

    def now(self, real_now: datetime) -> datetime:
        """The policy instant (UTC) at the real instant `real_now`. Raises ValueError for a naive datetime."""
        if self.speed == 1 and self.real_anchor == self.policy_anchor:
            return min(utc(real_now), _END)
        policy, real = self.speed.as_integer_ratio()
        passed = (utc(real_now) - self.real_anchor) // _MICROSECOND
        ticks = (self.policy_anchor - _EPOCH) // _MICROSECOND + passed * policy // real
        return _EPOCH + timedelta(microseconds=min(max(ticks, 0), _END_TICKS))

    def real_delay(self, policy_length: timedelta) -> timedelta:
        """How long a timer must really run for `policy_length` to pass.

        Rounded up to the microsecond, so that a timer never fires before its policy instant.
        """
        policy, real = self.speed.as_integer_ratio()
        return timedelta(microseconds=-(-(policy_length // _MICROSECOND) * real // policy))

    def real_instant(self, policy_instant: datetime) -> datetime:
        """The first real instant (UTC) at which `policy_instant` has come: `now(real_instant(x)) >= x`.

        That holds for instants up to 2900, where policy time ends. Raises ValueError for a naive datetime.
        """
        return self.real_anchor + self.real_delay(utc(policy_instant) - self.policy_anchor)


REAL_TIME: Final = Clock(real_anchor=_EPOCH, policy_anchor=_EPOCH, speed=1.0)
"""The clock of production: policy time is real time."""
