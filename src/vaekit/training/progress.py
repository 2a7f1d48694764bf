"""The progress of a training: the forecast of its time, then a bar or lines with the time left."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from vaekit.core import SettingError
from vaekit.data import Data
from vaekit.metrics import METRICS
from vaekit.runs.records import MetricLine
from vaekit.runtime.pulse import progress_word, screen_for
from vaekit.runtime.screens import Screen, Standing
from vaekit.runtime.stopwatch import SOON, Stopwatch, duration

FORWARD = 1 / 3  # of the time of a training step, to measure as many images; until it has been timed


class Progress(Protocol):
    """The interface of a progress display: `fit` calls it."""

    def begin(self, epochs: int, steps: int, done: int) -> None: ...

    def advance(self, done: int) -> None: ...

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None: ...

    def end(self) -> None: ...


@runtime_checkable
class ShowsTime(Protocol):
    """A display that shows time too: `forecast` is called once at most, `left` from then on before every `advance`."""

    def forecast(self, seconds: float) -> None: ...

    def left(self, seconds: float) -> None: ...


@runtime_checkable
class HearsLines(Protocol):
    """A display that is given every line of metrics.jsonl too."""

    def hear(self, line: MetricLine) -> None: ...


class Silent:
    """Shows nothing."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        pass

    def advance(self, done: int) -> None:
        pass

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
        pass

    def end(self) -> None:
        pass


class Shown:
    """A training on a screen, with the last figures of training and validation.

    Args:
        screen: where.
        clock: gives seconds.
    """

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen, self._clock = screen, clock
        self._texts = {"train": "", "validation": ""}
        self._left: float | None = None

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self._epochs, self._steps, self._first, self._began = epochs, steps, done, self._clock()
        self.advance(done)

    def forecast(self, seconds: float) -> None:
        steps = f"{self._steps - self._first:,} {'more ' * bool(self._first)}steps"
        self._screen.keep(f"about {duration(seconds)} for {steps}")

    def left(self, seconds: float) -> None:
        self._left = seconds

    def advance(self, done: int) -> None:
        self._done = done
        epoch = min(max(-(-done * self._epochs // self._steps), 1), self._epochs)
        what = f"epoch {epoch}/{self._epochs}"
        self._screen.show(Standing(what, done, self._steps, "step", self._figures, self._left))

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
        shown = [
            f"{m.short} {m.text(values[key])}" for key, m in METRICS.items() if m.short and key in values
        ]
        if split == "validation":
            shown = [f"val {text}" for text in shown[:1]]
        if split in self._texts:
            self._texts[split] = " ".join(shown)
            self.advance(self._done)

    def end(self) -> None:
        steps = f"{self._done - self._first:,} steps"
        took = f"{steps} in {duration(self._clock() - self._began)}"
        self._screen.close(", ".join(filter(None, (took, self._figures))))

    @property
    def _figures(self) -> str:
        return " | ".join(filter(None, self._texts.values()))


class Timed:
    """A display behind a watch: times the run's own steps, and says once how long all of them take.

    Args:
        shown: the display, which hears of time if it is one that `ShowsTime`; None shows nothing.
        data: that the training is on.
        batch_size: images of a step.
        between: steps from one validation to the next.
        every: steps between reads from a device that works ahead of the clock; 1 for one that does not.
        clock: gives seconds.

    Attributes:
        seconds: the forecast of the time of the whole run; None before it is made, where it is under two seconds, and of
            a run that was resumed.
    """

    def __init__(
        self,
        shown: Progress | None,
        data: Data,
        batch_size: int,
        between: int,
        every: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shown, self._between = shown or Silent(), between
        self._every, self._clock = every, clock
        self._validation = len(data.validation) / batch_size  # as many images as so many steps have
        self._at_end = self._validation + len(data.test) / batch_size
        self._measured: deque[float] = deque(maxlen=9)  # seconds of the last validations
        self.seconds: float | None = None

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self._watch = Stopwatch(steps, done, every=self._every, clock=self._clock)
        self._first, self._forecast = done, False
        self._last = done - done % self._between  # step of the last validation
        self._shown.begin(epochs, steps, done)

    def advance(self, done: int) -> None:
        self._watch.advance(done)
        if self._forecast or self._watch.steady:
            self._say(self.left)
        self._shown.advance(done)

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
        if split == "validation":
            seconds, self._last = self._watch.pause(), self._watch.done
            if self._last:  # one before the first step fills memory and caches, and is no measure
                self._measured.append(seconds)
        self._shown.report(split, epoch, values)

    def hear(self, line: MetricLine) -> None:
        if isinstance(self._shown, HearsLines):
            self._shown.hear(line)

    def end(self) -> None:
        self._shown.end()

    @property
    def left(self) -> float:
        """Seconds until the end, with the validations to come and what is measured at the end."""
        watch = self._watch
        assert watch.left is not None and watch.seconds_per_unit is not None
        measuring = FORWARD * watch.seconds_per_unit
        if self._measured:
            measuring = statistics.median(self._measured) / self._validation
        validations = math.ceil((watch.total - self._last) / self._between)
        return watch.left + measuring * (validations * self._validation + self._at_end)

    def _say(self, left: float) -> None:
        shown = self._shown if isinstance(self._shown, ShowsTime) else None
        if not self._forecast:
            self._forecast, seconds = True, self._watch.elapsed + left
            if seconds >= SOON:  # a shorter one is over before it is read
                self.seconds = None if self._first else round(seconds, 3)
                if shown is not None:
                    shown.forecast(seconds)
        if shown is not None:
            shown.left(left)


def choose_progress(wanted: str | bool | Progress | None) -> Progress:
    """`auto` or True shows what suits where standard error goes, `none` or False nothing.

    Raises:
        SettingError: neither of these, nor a `Progress`.
    """
    if wanted is None or isinstance(wanted, str | bool):
        word = progress_word(wanted)
        return Silent() if word == "none" else Shown(screen_for(word))
    missing = [name for name in ("begin", "advance", "report", "end") if not hasattr(wanted, name)]
    if missing:
        raise SettingError(
            f"progress is a {type(wanted).__name__} without {missing[0]}(); give True, False or a Progress.",
            "progress",
        )
    return wanted
