"""Figures of the mean and the covariance of all latents: those of the normal density that has them too.

Unlike what is made of a mixture (`aggregate_posterior`) nothing here has a ceiling. The latents need not be normal:
the KL from the prior is then a lower bound, since of all densities with these moments the normal one has the
largest entropy; the total correlation is neither a lower nor an upper one, and sees linear dependence only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.core import derive_seed

GROUPS = 100  # of images, each left out in turn
FEWEST = 30  # images, of which the error is known well enough: two of them held the truth in 93 of 100 draws, of 10 in 86
MOST_CORRECTED = 1.0  # nats, up to which what the correction leaves stayed below half a standard error
SINGULAR = 20.0  # nats for each dimension by which the volume lies below that of independent dimensions

Measure = Callable[
    [Tensor, Tensor], float | None
]  # of a mean (D,) and a covariance (D, D); None where that is singular


@dataclass(frozen=True)
class OfMoments:
    """A figure of the moments of N images, less its bias of order 1/N.

    Attributes:
        value: in nats.
        standard_error: over the images, by the jackknife.
        images: how many.
        why: it is not to be given; "" where it is.
    """

    value: float
    standard_error: float
    images: int
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what is not identified is null and says why."""
        if self.why:
            return {"value": None, "not_identified": self.why}
        return {"value": self.value, "standard_error": self.standard_error, "images": self.images}


def moments_kl(mean: Tensor, variance: Tensor, prior: Normal, seed: int = 0) -> OfMoments | None:
    """KL(N(m, C) || p(z)) with the aggregate posterior's own mean and covariance, in nats.

    In expectation never above KL(q(z) || p(z)). Draws of the prior itself, whose value is 0, would have
    D(D + 3)/4N without the correction.

    Args:
        mean, variance: of q(z|x_n), (N, D) each.
        prior: batch shape (D,).
        seed: of the groups of the jackknife.

    Returns:
        None where the covariance is singular: the latents lie in a subspace.
    """
    return jackknife((mean - prior.mean) / prior.stddev, variance / prior.variance, _normal_kl, seed)


def moments_total_correlation(mean: Tensor, variance: Tensor, seed: int = 0) -> OfMoments | None:
    """-1/2 log det of the aggregate posterior's correlation matrix, in nats: the total correlation of a normal density
    with the same moments. Of independent dimensions it would be D(D - 1)/4N at most without the correction.

    Args:
        mean, variance: of q(z|x_n), (N, D) each; dimensions that do not vary are independent of all others.
        seed: of the groups of the jackknife.

    Returns:
        None where the correlation matrix is singular: some latents follow from others.
    """
    return jackknife(mean, variance, _normal_total_correlation, seed)


def _normal_kl(centre: Tensor, covariance: Tensor) -> float | None:
    """KL(N(m, C) || N(0, I))."""
    determinant = _log_determinant(covariance, covariance.diagonal())
    if determinant is None:
        return None
    return float(0.5 * (covariance.trace() + centre @ centre - len(centre))) - 0.5 * determinant


def _normal_total_correlation(centre: Tensor, covariance: Tensor) -> float | None:
    variances = covariance.diagonal()
    varying = variances > 1e-12 * variances.max().clamp_min(1e-30)
    if varying.sum() < 2:
        return 0.0
    scale = variances[varying].sqrt()
    correlation = covariance[varying][:, varying] / torch.outer(scale, scale)
    determinant = _log_determinant(correlation, correlation.diagonal())
    return None if determinant is None else -0.5 * determinant


def _log_determinant(matrix: Tensor, variances: Tensor) -> float | None:
    sign, value = torch.linalg.slogdet(matrix)
    least = variances.clamp_min(1e-12).log().sum() - SINGULAR * len(variances)
    return float(value) if sign > 0 and value >= least else None


def jackknife(mean: Tensor, variance: Tensor, measure: Measure, seed: int = 0) -> OfMoments | None:
    """A figure of the moments of q(z), without its bias of order 1/N, and its standard error.

    Each of at most 100 random groups of images is left out in turn (the delete-m_j jackknife of Busing, Meijer & van
    der Leeden 1999, for groups that differ in size).

    Args:
        mean, variance: of q(z|x_n), (N, D) each.
        measure: from the mean and the covariance, which is that of the means and the mean of the variances.
        seed: of the groups.

    Returns:
        None where the covariance is singular, of all images or without a group.
    """
    mean, variance = mean.cpu().double(), variance.cpu().double()
    images, dimensions = mean.shape
    centre = mean.mean(0)
    rows = torch.cat([mean - centre, variance], 1)  # means around 0, so that squares lose nothing
    first, products = rows.sum(0), rows[:, :dimensions].T @ rows[:, :dimensions]

    def figure(count: int, sums: Tensor, squares: Tensor) -> float | None:
        offset, within = (sums / count).split(dimensions)
        covariance = squares / count - torch.outer(offset, offset) + torch.diag(within)
        return measure(centre + offset, covariance)

    whole = figure(images, first, products)
    order = torch.randperm(images, generator=torch.Generator().manual_seed(derive_seed(seed, "moments")))
    without, shares = [], []
    for group in order.tensor_split(min(GROUPS, images)):
        left = rows[group]
        if len(group) == images:
            return None
        found = figure(
            images - len(group), first - left.sum(0), products - left[:, :dimensions].T @ left[:, :dimensions]
        )
        if found is None or whole is None:
            return None
        without.append(found)
        shares.append(images / len(group))
    assert whole is not None
    return _corrected(whole, torch.tensor(without).double(), torch.tensor(shares).double(), images)


def _corrected(whole: float, without: Tensor, shares: Tensor, images: int) -> OfMoments:
    """The jackknife's estimate and error.

    Args:
        whole: the figure of all images.
        without: that without each group, (G,).
        shares: images over those in the group, (G,).
    """
    value = float(len(shares) * whole - ((1 - 1 / shares) * without).sum())
    pseudo = shares * whole - (shares - 1) * without
    error = math.sqrt(float(((pseudo - value) ** 2 / (shares - 1)).mean()))
    correction = abs(whole - value)
    why = f"{images:,} images are too few: at least {FEWEST} are needed" if images < FEWEST else ""
    if not correction <= MOST_CORRECTED:
        why = f"{images:,} images are too few for so many dimensions: they alone would give {correction:.1f} nats"
    return OfMoments(value, error, images, why)
