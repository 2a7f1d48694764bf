"""The Frechet distance between two sets of features."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.evaluation.samples.estimate import Estimate, shuffled

GROUPS = 10  # of the jackknife


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


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    mean = x.mean(0)
    return mean, (x - mean).T @ (x - mean) / (len(x) - 1)
