"""Estimates with their errors, and draws of subsets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.core import derive_seed

NORMAL_95 = 1.959964  # standard deviations about the mean that hold 95 % of a normal density


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error, in the same unit.

    Attributes:
        value: what was estimated.
        error: its standard error.
        interval: of 95 %, of a share, whose standard error says nothing at 0 and at 1.
    """

    value: float
    error: float
    interval: tuple[float, float] | None = None


def mean_of(values: Tensor) -> Estimate:
    """Mean and its standard error over (N,) values taken as independent."""
    return Estimate(float(values.mean()), float(values.std() / len(values) ** 0.5))


def share_of(flags: Tensor) -> Estimate:
    """Share of (N,) flags that are set, with its standard error and its interval."""
    share, count = float(flags.double().mean()), len(flags)
    return Estimate(share, (share * (1 - share) / count) ** 0.5, wilson(share, count))


def wilson(share: float, count: int) -> tuple[float, float]:
    """The values of a probability that a share of `count` trials does not contradict, by 95 % (Wilson 1927).

    The only ones that a test of the normal approximation under that very probability does not reject; never beyond
    0 and 1, and no point where none or all of the trials succeeded.
    """
    square = NORMAL_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = NORMAL_95 / (1 + square / count) * (share * (1 - share) / count + square / (4 * count**2)) ** 0.5
    return (max(0.0, middle - half) if share > 0 else 0.0), (min(1.0, middle + half) if share < 1 else 1.0)


def ratio_of_means(above: Tensor, below: Tensor) -> Estimate:
    """Ratio of two means, with its standard error to first order."""
    a, b = mean_of(above), mean_of(below)
    ratio = a.value / b.value
    return Estimate(ratio, ((a.error / b.value) ** 2 + (ratio * b.error / b.value) ** 2) ** 0.5)


def shuffled(count: int, seed: int, purpose: str) -> Tensor:
    """A random order of `count` images, unrelated for different purposes."""
    return torch.randperm(
        count, generator=torch.Generator().manual_seed(derive_seed(seed, "quality", purpose))
    )
