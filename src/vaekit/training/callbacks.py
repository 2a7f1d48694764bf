"""Callbacks of `fit`: what else is to happen while a model is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vaekit.core import SettingError
from vaekit.models import Model
from vaekit.models.doors import a_kind
from vaekit.runs.records import MetricLine
from vaekit.training.history import History
from vaekit.training.progress import HearsLines, Progress, ShowsTime


class Callback:
    """Base of what `fit(..., callbacks=[...])` calls; a subclass overrides what it wants to know.

    A plain function, called as `measured`, is a callback too. What `step` and `measured` return ends the training if it is
    True or a reason, as `should_stop` does: the run can be resumed. What they raise reaches who called `fit`.

        >>> losses = []
        >>> callback = lambda line: losses.append(line.values["loss_nats"])

    Example:
        >>> class Stop(vaekit.Callback):
        ...     def step(self, done, steps):
        ...         return done == 3  # or a reason
        >>> losses = []
        >>> callbacks = [Stop(), lambda line: losses.append(line.values)]
        >>> vaekit.fit(model, vaekit.ELBO(), data, steps=20, callbacks=callbacks, progress=False).interrupted
        'stopped'
    """

    def begin(self, model: Model, steps: int) -> None:
        """Called before the first step.

        Args:
            model: that is trained.
            steps: of the whole run.
        """

    def step(self, done: int, steps: int) -> object:
        """Called after every step, `done` of `steps`."""

    def measured(self, line: MetricLine) -> object:
        """Called with every line of metrics.jsonl: mean terms of the last steps, or of a split.

        Args:
            line: with `step`, `epoch`, `split` and `values`, name -> number.
        """

    def end(self, history: History) -> None:
        """Called after the training, an interrupted one too.

        Args:
            history: as `fit` returns it.
        """


class Of(Callback):
    """A function as a callback."""

    def __init__(self, function: Callable[[MetricLine], object]) -> None:
        self._function = function

    def measured(self, line: MetricLine) -> object:
        return self._function(line)


class Watched:
    """A display of progress, and beside it the callbacks of a training.

    Args:
        shown: the display.
        callbacks: in the order in which they are called.
        model: that is trained.

    Attributes:
        reason: why one of them wants the training to stop, or None.
    """

    def __init__(self, shown: Progress, callbacks: Sequence[Callback], model: Model) -> None:
        self._shown, self._callbacks, self._model = shown, callbacks, model
        self._steps, self.reason = 0, None

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self._steps = steps
        self._shown.begin(epochs, steps, done)
        for callback in self._callbacks:
            callback.begin(self._model, steps)

    def advance(self, done: int) -> None:
        self._shown.advance(done)
        for callback in self._callbacks:
            self._take(callback.step(done, self._steps))

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
        self._shown.report(split, epoch, values)

    def hear(self, line: MetricLine) -> None:
        if isinstance(self._shown, HearsLines):
            self._shown.hear(line)
        for callback in self._callbacks:
            self._take(callback.measured(line))

    def forecast(self, seconds: float) -> None:
        if isinstance(self._shown, ShowsTime):
            self._shown.forecast(seconds)

    def left(self, seconds: float) -> None:
        if isinstance(self._shown, ShowsTime):
            self._shown.left(seconds)

    def end(self) -> None:
        self._shown.end()

    def ended(self, history: History) -> History:
        """The history, after every callback has seen it."""
        for callback in self._callbacks:
            callback.end(history)
        return history

    def or_else(self, should_stop: Callable[[], str | None] | None) -> Callable[[], str | None]:
        """A question whether to stop: a callback's reason, or else that of another who is asked."""
        return lambda: self.reason or (should_stop() if should_stop else None)

    def _take(self, wish: object) -> None:
        if wish is True or (isinstance(wish, str) and wish):
            self.reason = self.reason or (wish if isinstance(wish, str) else "stopped")


def as_callbacks(given: Any) -> list[Callback]:
    """Callbacks, from objects and functions; one alone needs no list.

    Raises:
        SettingError: neither of these.
    """
    several = given if isinstance(given, list | tuple) else [] if given is None else [given]
    found: list[Callback] = []
    for each in several:
        if isinstance(each, type) and issubclass(each, Callback):
            raise SettingError(f"callbacks: {each.__name__} is a class; give {each.__name__}().", "callbacks")
        if not isinstance(each, Callback) and not callable(each):
            raise SettingError(
                f"callbacks: {a_kind(each)} is neither a vaekit.Callback nor a function of a line.",
                "callbacks",
            )
        found.append(each if isinstance(each, Callback) else Of(each))
    return found
