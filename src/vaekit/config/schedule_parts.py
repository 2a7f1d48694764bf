"""SCHEDULES: learning rates as functions of how far a run has come, one line each. Imports no torch."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

from vaekit.config.fields import option
from vaekit.config.parts import Part


@dataclass(frozen=True)
class Schedule(Part):
    """Interface of a schedule: some rising steps, then a shape over the rest of the run."""

    warmup: int = option(40, at_least=0, help="steps over which the learning rate rises from 0")

    @abstractmethod
    def shape(self, progress: float) -> float:
        """Share of the peak, at `progress` from 0 to 1 after the warm-up."""

    def rate(self, peak: float, step: int, steps: int) -> float:
        """Rate of the update after `step` of `steps`."""
        if step < self.warmup:
            return peak * (step + 1) / (self.warmup + 1)
        return peak * self.shape((step - self.warmup) / max(steps - self.warmup, 1))


@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The peak to the end."""

    def shape(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class LinearRate(Schedule):
    """1 down to 0."""

    def shape(self, progress: float) -> float:
        return 1.0 - progress


@dataclass(frozen=True)
class CosineRate(Schedule):
    """1 down to 0 along half a cosine (Loshchilov & Hutter 2017, eq. 5)."""

    def shape(self, progress: float) -> float:
        return 0.5 + 0.5 * math.cos(math.pi * progress)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": ConstantRate,
    "linear": LinearRate,
    "cosine": CosineRate,
}
