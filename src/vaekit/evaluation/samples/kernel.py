"""The kernel distance between two sets of features."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.evaluation.samples.estimate import Estimate, mean_of, shuffled

SUBSET = 1000  # images of each kind in a subset of the kernel distance, at most

SUBSETS = 10  # at least


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


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
