"""Distances between two sets of features, each with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.core import derive_seed

SUBSET = 1000  # images of each kind in a subset of the kernel distance, at most
SUBSETS = 10  # at least
GROUPS = 10  # of the jackknife


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error, in the same unit."""

    value: float
    error: float


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """Squared Fréchet distance of the Gaussians fitted to two sets (Heusel et al. 2017, eq. 6).

    |μx − μy|² + tr Σx + tr Σy − 2 tr (Σx Σy)^½, in double precision. The last trace is the sum of the
    roots of the eigenvalues of Σx^½ Σy Σx^½, which is symmetric: no complex rounding to be cut off.
    It is biased upwards by about as much as its floor says; compare only with equal numbers of images.

    Args:
        x, y: (N, D), more images than features.
    """
    (mean_x, covariance_x), (mean_y, covariance_y) = _moments(x.double()), _moments(y.double())
    values, vectors = torch.linalg.eigh(covariance_x)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariance_y @ root).clamp(min=0).sqrt().sum()
    traces = covariance_x.trace() + covariance_y.trace()
    return float((mean_x - mean_y).square().sum() + traces - 2 * cross)


def frechet_estimate(generated: Tensor, real: Tensor, seed: int = 0) -> Estimate:
    """With the standard error over the generated images, by a jackknife over ten groups of them."""
    order = shuffled(len(generated), seed, "jackknife")
    parts = [
        frechet_distance(generated[torch.cat([*groups[:i], *groups[i + 1 :]])], real)
        for groups in [order.chunk(GROUPS)]
        for i in range(len(groups))
    ]
    values = torch.tensor(parts, dtype=torch.float64)
    spread = (values - values.mean()).square().sum() * (len(parts) - 1) / len(parts)
    return Estimate(frechet_distance(generated, real), float(spread.sqrt()))


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased squared MMD with the kernel (x·y/D + 1)³ (Bińkowski et al. 2018, arXiv 1801.01401).

    Args:
        x, y: (N, D) and (M, D), at least two each.
    """
    within = []
    for points in (x, y):
        kernel, count = _kernel(points, points), len(points)
        within.append((kernel.sum() - kernel.trace()) / (count * (count - 1)))
    return float(within[0] + within[1] - 2 * _kernel(x, y).mean())


def kernel_distance(x: Tensor, y: Tensor, seed: int = 0) -> Estimate:
    """Mean of `squared_mmd` over disjoint subsets, and its standard error.

    Disjoint, because means over overlapping subsets, as they are usually reported, look more certain
    than they are. Subsets of at most 1,000 images, at least 10 of them; the mean is unbiased for any.
    """
    count = min(len(x), len(y))
    subsets = max(SUBSETS, count // SUBSET)
    x, y = x[shuffled(len(x), seed, "kernel x")[:count]], y[shuffled(len(y), seed, "kernel y")[:count]]
    pairs = zip(x.tensor_split(subsets), y.tensor_split(subsets), strict=True)
    return mean_of(torch.tensor([squared_mmd(*pair) for pair in pairs], dtype=torch.float64))


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


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    mean = x.mean(0)
    return mean, (x - mean).T @ (x - mean) / (len(x) - 1)
