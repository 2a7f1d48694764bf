"""Learning rates as functions of how far a run has come."""

from __future__ import annotations

import math

from vaekit.objectives.ramps import Clock


def constant_rate(progress: float) -> float:
    return 1.0


def linear_rate(progress: float) -> float:
    """1 down to 0."""
    return 1.0 - progress


def cosine_rate(progress: float) -> float:
    """1 down to 0 along half a cosine (Loshchilov & Hutter 2017, eq. 5)."""
    return 0.5 + 0.5 * math.cos(math.pi * progress)


RATES = {"constant": constant_rate, "linear": linear_rate, "cosine": cosine_rate}


def learning_rate(schedule: str, peak: float, warmup: int, clock: Clock) -> float:
    """Rate of the update that follows `clock`: `warmup` rising steps, then the schedule over the rest."""
    if clock.step < warmup:
        return peak * (clock.step + 1) / (warmup + 1)
    rest = max(clock.steps - warmup, 1)
    return peak * RATES[schedule]((clock.step - warmup) / rest)
