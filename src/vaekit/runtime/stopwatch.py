"""Time left, from the time that the parts of a piece of work have taken so far."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable

PART_SECONDS = (
    0.02  # a part takes at least this, and at least 1 % of the time so far: parts grow with the work
)
SHARE, KEPT = 0.01, 50  # so that the parts that are kept are the last 40 % of the time
WARMED, WARM_SECONDS = 5, 0.5  # the first units are no measure while both hold: memory and caches are filled
ENOUGH = 3  # parts for a forecast
SOON, SOON_SHARE = 2.0, 0.05  # it is made after so many seconds, or this share of the work


class Stopwatch:
    """The time that a unit of some work takes: the median over parts of it, so that a busy moment does not count.

    Args:
        total: units of the work, a step or an image.
        done: where it begins.
        every: units that a part has at least: where a device works ahead of its clock, those between two reads.
        clock: gives seconds.
        began: when the work began; None for now.

    Attributes:
        done: units so far.
        seconds_per_unit: None until a part has been timed.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        *,
        every: int = 1,
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
    ) -> None:
        self.total, self.done = total, done
        self.seconds_per_unit: float | None = None
        self._clock, self._every, self._first = clock, every, done
        self._began = self._mark = clock() if began is None else began
        self._seen, self._units, self._seconds = 0, 0, 0.0
        self._parts: deque[float] = deque(maxlen=KEPT)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds that the remaining units take; None while that is unknown."""
        return None if self.seconds_per_unit is None else self.seconds_per_unit * (self.total - self.done)

    @property
    def steady(self) -> bool:
        """Returns whether enough has been timed for a forecast."""
        share = (self.done - self._first) / max(self.total - self._first, 1)
        return len(self._parts) >= ENOUGH and (self.elapsed >= SOON or share >= SOON_SHARE)

    def advance(self, done: int) -> None:
        """Notes that the units up to `done` are done by now."""
        seconds, units = self.pause(), done - self.done
        self.done, self._seen = done, self._seen + 1
        if self._seen <= WARMED and self.elapsed < WARM_SECONDS:
            return
        self._units, self._seconds = self._units + units, self._seconds + seconds
        if self._units >= self._every and self._seconds >= max(PART_SECONDS, SHARE * self.elapsed):
            self._parts.append(self._seconds / self._units)
            self._units, self._seconds = 0, 0.0
            self.seconds_per_unit = statistics.median(self._parts)

    def pause(self) -> float:
        """Seconds since the last unit, which count for none."""
        now = self._clock()
        seconds, self._mark = now - self._mark, now
        return seconds


def duration(seconds: float) -> str:
    """`40 s`, `1 min 40 s`, `12 min` or `2 h 5 min`."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {rest} min" if rest else f"{hours} h"
