"""Estimates with their errors, and draws of subsets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.core import derive_seed


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error, in the same unit."""

    value: float
    error: float


def mean_of(values: Tensor) -> Estimate:
    """Mean and its standard error over (N,) values taken as independent."""
    return Estimate(float(values.mean()), float(values.std() / len(values) ** 0.5))


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
