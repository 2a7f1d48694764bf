"""The course of a training by its records: how far the loss fell, whether it still does, how long weights rose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from vaekit.config.methods import find_method
from vaekit.metrics.cutoffs import IDLE_NATS, LAST, NOTHING
from vaekit.runs.records import MetricLine, RunConfig, Summary

Point = tuple[float, float]  # updates made, nats per image
Window = tuple[int, int, float]  # updates before and after it, and the mean of a quantity between

RISING = (
    "kl_warmup",
    "capacity_ramp",
)  # options that are a share of the run in which a weight or an aim rises

SCHEDULED = ("beta", "capacity")  # what rises then, in the lines of metrics.jsonl


@dataclass(frozen=True)
class Evidence:
    """A training that has ended, as its records have it.

    Attributes:
        settings: every option, flat, as used.
        images: in the training split.
        steps: that were made.
        planned: that were to be made; more than `steps` after an early stop.
        lines: of metrics.jsonl.
        criterion: the term by which weights are compared, or None.
        figures: of the test split, or without one of validation.
        classes: how many there are, and how many of them occur in the test split; None without labels.
        started: whether it began with the weights of another run.
    """

    settings: Mapping[str, Any]
    images: int
    steps: int
    planned: int
    lines: Sequence[MetricLine] = ()
    criterion: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    classes: tuple[int, int] | None = None
    started: bool = False

    @classmethod
    def of_run(
        cls, config: RunConfig, lines: Sequence[MetricLine], summary: Summary, measured: Mapping[str, float]
    ) -> Evidence:
        """From the files of a run folder, and figures that were measured since."""
        settings, images = config.settings, config.data.images["train"]
        objective: Any = find_method(settings["method"]).objective_class()
        per_epoch = math.ceil(images / settings["batch_size"])
        planned = settings.get("steps") or (settings.get("epochs") or summary.epochs) * per_epoch
        figures = {**figures_of(summary), **measured}
        started = config.start is not None
        return cls(
            settings, images, summary.steps, planned, lines, objective.criterion, figures, started=started
        )

    @property
    def explained(self) -> float | None:
        """Explained variance, where the model reconstructs."""
        return self.figures.get("explained_variance")

    @property
    def samples(self) -> float | None:
        """Variance of samples over that of data, where the model samples."""
        return self.figures.get("sample_variance")

    @property
    def rate(self) -> float | None:
        """Nats per image that the latents carry, where there is a KL."""
        return self.figures.get("kl_nats")

    @property
    def fitted(self) -> bool:
        """Returns whether it began at principal components, so that what it explains says little about its training."""
        return self.settings.get("init") == "pca" and not self.started

    @property
    def gain(self) -> float | None:
        """Nats by which validation fell below its value before the first step, at best; None where that is not known."""
        points = self.validation
        if len(points) < 2 or points[0][0] > 0:
            return None
        return points[0][1] - min(value for _, value in points[1:])

    @property
    def empty(self) -> bool:
        """Returns whether the latents carry next to nothing, or reconstructions are no better than the mean."""
        carried = self.rate is None or self.rate >= IDLE_NATS
        return not carried or (self.explained is not None and self.explained < NOTHING)

    @property
    def emptiness(self) -> str:
        """Says so, with the numbers."""
        explained = max(self.explained or 0.0, 0.0)
        carried = "" if self.rate is None else f"the latents carry {self.rate:.2g} nats per image and "
        return f"{carried}reconstructions explain {explained:.0%} of the variance"

    @property
    def way(self) -> float:
        """The sum of the learning rates of all updates, from those at the ends of the lines: Adam's updates are about as
        long as the rate, so a weight moves by about that."""
        rates = [
            (line.step, line.values.get("learning_rate")) for line in self.lines if line.split == "train"
        ]
        steps = [(b - a, rate) for (a, _), (b, rate) in pairwise([(0, 0.0), *rates])]
        return sum(count * rate for count, rate in steps if isinstance(rate, int | float))

    @property
    def rising_until(self) -> tuple[str, float]:
        """The option by which something rises over the run, and the steps that takes; "" and 0 where nothing does."""
        if self.settings.get("beta_schedule") == "cyclical":
            return "", 0.0
        shares = ((name, self.settings.get(name) or 0.0) for name in RISING)
        return next(((name, share * self.planned) for name, share in shares if share > 0), ("", 0.0))

    @property
    def settled(self) -> bool:
        """Returns whether every weight was the same in the last fifth, so that losses there can be compared."""
        late = [
            line.values
            for line in self.lines
            if line.split == "train" and line.step > (1 - LAST) * self.steps
        ]
        return all(values.get(name) == late[0].get(name) for values in late for name in SCHEDULED)

    @property
    def training(self) -> list[Point]:
        """The training loss at the middle of the steps that it is a mean over. Some lines are of two steps only, and tell
        of their batches more than of the training: lines are taken together until they are of as many as the longest."""
        windows = together(self.lines, self.criterion or "")
        return [((first + last) / 2, value) for first, last, value in windows]

    @property
    def validation(self) -> list[Point]:
        """The criterion on validation, which is always judged under the final weights."""
        lines = (line for line in self.lines if line.split == "validation")
        values = ((line.step, line.values.get(self.criterion or "")) for line in lines)
        return [(step, float(value)) for step, value in values if isinstance(value, int | float)]


def figures_of(summary: Summary) -> Mapping[str, float]:
    """Figures of the test split, or without one of validation."""
    split = summary.test or summary.validation
    return {} if split is None else split.figures


def together(lines: Sequence[MetricLine], key: str) -> list[Window]:
    """Means of a quantity in training, each over as many steps as the longest line has, or more; the last over half of them at least.

    Args:
        lines: of metrics.jsonl.
    """
    windows = list(_windows(lines, key))
    longest = max((last - first for first, last, _ in windows), default=0)
    groups: list[list[Window]] = []
    for window in windows:
        if not groups or lasted(groups[-1]) >= longest:
            groups.append([])
        groups[-1].append(window)
    if len(groups) > 1 and 2 * lasted(groups[-1]) < longest:
        rest = groups.pop()
        groups[-1] += rest
    return [(group[0][0], group[-1][1], weighed(group)) for group in groups]


def _windows(lines: Sequence[MetricLine], key: str) -> Iterator[Window]:
    """The training lines that have a quantity."""
    begun = 0
    for line in (line for line in lines if line.split == "train"):
        if isinstance(value := line.values.get(key), int | float):
            yield begun, line.step, float(value)
        begun = line.step


def lasted(windows: Sequence[Window]) -> int:
    """Steps of windows that follow each other."""
    return sum(last - first for first, last, _ in windows)


def weighed(windows: Sequence[Window]) -> float:
    """Their mean over all of their steps; over themselves where they have none."""
    if steps := lasted(windows):
        return sum((last - first) * value for first, last, value in windows) / steps
    return sum(value for _, _, value in windows) / len(windows)


def at(points: Sequence[Point], step: float) -> float:
    """The value at a step, on straight lines between the points."""
    for (a, left), (b, right) in pairwise(points):
        if step <= b:
            return left + (right - left) * max(step - a, 0.0) / (b - a)
    return points[-1][1]


def last_fall(points: Sequence[Point], steps: int) -> float:
    """The fall of a curve over the last fifth of the steps."""
    return at(points, (1 - LAST) * steps) - points[-1][1]


def scatter(points: Sequence[Point]) -> float:
    """Standard deviation of the later half of a curve about straight lines through its neighbours; 0 of too few points.

    Independent errors of standard deviation s have second differences of variance 6 s^2.
    """
    values = [value for _, value in points[len(points) // 2 :]]
    bends = [a - 2 * b + c for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return math.sqrt(sum(bend**2 for bend in bends) / (6 * len(bends))) if len(bends) >= 3 else 0.0


def climbed(points: Sequence[Point]) -> float:
    """The sum of all rises on the way, over the fall from the first to the least value; 0 where nothing fell."""
    fall = points[0][1] - min(value for _, value in points)
    rises = sum(max(0.0, right - left) for (_, left), (_, right) in pairwise(points))
    return rises / fall if fall > 0 else 0.0


def lost(points: Sequence[Point]) -> float:
    """Share of its fall that a curve has lost again at its end; 0 where nothing fell."""
    least = min(value for _, value in points)
    fall = points[0][1] - least
    return (points[-1][1] - least) / fall if fall > 0 else 0.0
