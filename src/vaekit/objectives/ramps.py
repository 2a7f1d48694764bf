"""The clock of a run, and weights that rise with it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """The clock of a run: `step` of `steps` updates have been made."""

    step: int
    steps: int

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        return min(self.step / self.steps, 1.0) if self.steps else 1.0

    @property
    def end(self) -> Clock:
        """The clock at which every schedule has its final value; models are judged there."""
        return Clock(self.steps, self.steps)


def linear_ramp(progress: float, share: float) -> float:
    """0 to 1 over the first `share` of the run, then 1."""
    return 1.0 if share <= 0 else min(progress / share, 1.0)


def cosine_ramp(progress: float, share: float) -> float:
    """0 to 1 over the first `share` of the run along half a cosine, then 1."""
    return 0.5 - 0.5 * math.cos(math.pi * linear_ramp(progress, share))


def cyclical_ramp(progress: float, share: float, cycles: int = 4) -> float:
    """`cycles` equal cycles, each rising over its first `share`, then 1 (Fu et al. 2019); ends at 1."""
    within = 1.0 if progress >= 1.0 else (progress * cycles) % 1.0
    return linear_ramp(within, share)


RAMPS = {"linear": linear_ramp, "cosine": cosine_ramp, "cyclical": cyclical_ramp}
