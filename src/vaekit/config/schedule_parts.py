"""SCHEDULES: learning rates as functions of how far a run has come, one line each. Imports no torch."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

from vaekit.config.configured import with_options
from vaekit.config.fields import option
from vaekit.config.parts import Part

LONGEST = 40  # steps of a warm-up that nobody gave
FIXED = 10  # its steps where the length of the run must not matter


@dataclass(frozen=True)
class Schedule(Part):
    """Interface of a schedule: some rising steps, then a shape over the rest of the run."""

    warmup: int | None = option(
        None,
        at_least=0,
        help="steps over which the learning rate rises from 0 (none given: a twentieth of the run, 40 at most)",
    )

    @abstractmethod
    def shape(self, progress: float) -> float:
        """Share of the peak, at `progress` from 0 to 1 after the warm-up."""

    def rate(self, peak: float, step: int, steps: int) -> float:
        """Rate of the update after `step` of `steps`.

        Args:
            peak: learning rate at the end of the warm-up.
            step: the present one, from 0.
            steps: of the whole run.
        """
        warmup = self.warmup_of(steps)
        if step < warmup:
            return peak * (step + 1) / (warmup + 1)
        return peak * self.shape((step - warmup) / max(steps - warmup, 1))

    def warmup_of(self, steps: int) -> int:
        """Steps of the warm-up in a run of so many.

        Args:
            steps: of the whole run.
        """
        return min(LONGEST, steps // 20) if self.warmup is None else self.warmup


@with_options
@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The peak to the end: what comes is the same however long the run is.

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, schedule=vaekit.ConstantRate(), progress=False)
    """

    def warmup_of(self, steps: int) -> int:
        return FIXED if self.warmup is None else self.warmup

    def shape(self, progress: float) -> float:
        return 1.0


@with_options
@dataclass(frozen=True)
class LinearRate(Schedule):
    """1 down to 0.

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, schedule=vaekit.LinearRate(warmup=1), progress=False)
    """

    def shape(self, progress: float) -> float:
        return 1.0 - progress


@with_options
@dataclass(frozen=True)
class CosineRate(Schedule):
    """1 down to 0 along half a cosine (Loshchilov & Hutter 2017, eq. 5).

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, schedule=vaekit.CosineRate(warmup=1), progress=False)
    """

    def shape(self, progress: float) -> float:
        return 0.5 + 0.5 * math.cos(math.pi * progress)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": ConstantRate,
    "linear": LinearRate,
    "cosine": CosineRate,
}
