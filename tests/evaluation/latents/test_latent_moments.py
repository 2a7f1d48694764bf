"""Figures of the latents' moments against closed forms, with their errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.evaluation.latents.latent_moments import FEWEST, moments_kl, moments_total_correlation


def standard(dimensions: int) -> Normal:
    return Normal(torch.zeros(dimensions), torch.ones(dimensions))


def drawn(images: int, covariance: Tensor, variance: float, seed: int) -> tuple[Tensor, Tensor]:
    """Means and variances of posteriors whose aggregate is N(0, covariance)."""
    root = torch.linalg.cholesky(covariance - variance * torch.eye(len(covariance)))
    means = torch.randn(images, len(covariance), generator=torch.Generator().manual_seed(seed)) @ root.T
    return means, torch.full_like(means, variance)


def equal(dimensions: int, correlation: float) -> Tensor:
    return torch.full((dimensions, dimensions), correlation).fill_diagonal_(1.0)


@pytest.mark.parametrize(
    ("dimensions", "images", "correlation"),
    [(20, 2000, 0.0), (20, 500, 0.0), (20, 500, 0.5), (20, 2000, 0.5), (8, 500, 0.0), (2, 100, 0.8)],
)  # fmt: skip
def test_normal_aggregates(dimensions: int, images: int, correlation: float) -> None:
    """Both are -1/2 log det C, since C has unit variances. Within two errors in 19 of 20 draws; no bias is left."""
    covariance = equal(dimensions, correlation)
    truth = -0.5 * float(torch.logdet(covariance.double()))
    within, off, errors = 0, [], []
    for seed in range(20):
        means, variance = drawn(images, covariance, 0.1, seed)
        both = (
            moments_total_correlation(means, variance),
            moments_kl(means, variance, standard(dimensions)),
        )
        for found in both:
            assert found is not None and not found.why and found.images == images
            off.append(found.value - truth)
            errors.append(found.standard_error)
            within += abs(off[-1]) < 2 * found.standard_error
    assert within >= 34  # of 40, two by two of the same images
    assert abs(np.mean(off)) < np.mean(errors) * 3 / math.sqrt(20)
    assert np.mean(errors) < 2 * np.std(off) + 0.01  # nor is the error made safe by size


def test_the_bias_that_is_taken_away() -> None:
    """D(D - 1)/4N for independent latents without a spread of their own, to first order."""
    means = torch.randn(500, 20, generator=torch.Generator().manual_seed(0))
    correlation = np.corrcoef(means.double().numpy().T)
    plain = -0.5 * np.linalg.slogdet(correlation)[1]
    found = moments_total_correlation(means, torch.zeros_like(means))
    assert found is not None
    assert plain - found.value == pytest.approx(20 * 19 / (4 * 500), rel=0.15)


def test_two_clusters_depend_on_each_other_otherwise_than_a_normal_density() -> None:
    """Four corners, two of them taken: TC log 2, of a normal density with this correlation 0.51 ± its error; and four
    quadrants of a ring, uncorrelated: 0, while the dimensions depend on each other."""
    side = torch.randint(2, (1000, 1), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
    found = moments_total_correlation(side.expand(1000, 2), torch.full((1000, 2), 0.25))
    assert found is not None
    correlation = 1 / 1.25
    assert found.value == pytest.approx(
        -0.5 * math.log(1 - correlation**2), abs=2 * found.standard_error + 0.01
    )
    angle = 2 * math.pi * torch.rand(1000, 1, generator=torch.Generator().manual_seed(1))
    ring = moments_total_correlation(torch.cat([angle.cos(), angle.sin()], 1), torch.full((1000, 2), 0.01))
    assert ring is not None and abs(ring.value) < 2 * ring.standard_error + 0.001


def test_a_single_dimension_depends_on_no_other() -> None:
    means = torch.randn(200, 1, generator=torch.Generator().manual_seed(0))
    for constant in (means, torch.cat([means, torch.full_like(means, 2.0)], 1)):
        found = moments_total_correlation(constant, torch.zeros_like(constant))
        assert found is not None and (found.value, found.standard_error) == (0.0, 0.0)


def test_few_images_say_nothing() -> None:
    for images, dimensions in ((3, 2), (FEWEST - 1, 2), (60, 20)):
        means, variance = drawn(images, equal(dimensions, 0.0), 0.1, 0)
        for found in (
            moments_total_correlation(means, variance),
            moments_kl(means, variance, standard(dimensions)),
        ):
            assert found is None or (found.why and found.as_dict()["value"] is None)


def test_moments_are_those_of_the_prior() -> None:
    means, variance = drawn(2000, equal(2, 0.4), 0.2, 0)
    shifted = moments_kl(means * 3 + 1, variance * 9, Normal(torch.ones(2), 3 * torch.ones(2)))
    plain = moments_kl(means, variance, standard(2))
    assert shifted and plain
    assert shifted.value == pytest.approx(plain.value, rel=1e-4)
    scaled = moments_total_correlation(
        means * torch.tensor([3.0, -0.01]), variance * torch.tensor([9.0, 1e-4])
    )
    own = moments_total_correlation(means, variance)
    assert scaled and own and scaled.value == pytest.approx(own.value, rel=1e-4)


def test_latents_in_a_subspace_have_neither() -> None:
    line = torch.randn(100, 1) @ torch.tensor([[1.0, 2.0, 3.0]])
    assert moments_kl(line, torch.zeros(100, 3), standard(3)) is None
    assert moments_total_correlation(line, torch.zeros(100, 3)) is None
