"""Parts of the rate against closed forms: with normal means, the aggregate posterior is normal too."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from vaekit.evaluation.latents.aggregate_posterior import (
    Aggregate,
    aggregate_log_densities,
    decompose,
    moments_kl,
)
from vaekit.evaluation.likelihood.bounds import MeanNats

SPREAD = np.array([[1.0, 0.6], [0.6, 0.8]])  # covariance of the posterior means over the images
SIGMA = np.array([0.5, 0.4])  # standard deviation of every posterior
CENTRE = np.array([0.3, -0.5])
TOTAL = SPREAD + np.diag(SIGMA**2)  # covariance of q(z)


def normal_posterior(images: int) -> Normal:
    generator = np.random.default_rng(0)
    means = CENTRE + generator.standard_normal((images, 2)) @ np.linalg.cholesky(SPREAD).T
    means = torch.from_numpy(means).float()
    return Normal(means, torch.from_numpy(SIGMA).float().expand_as(means))


def closed_form() -> dict[str, float]:
    """Of N(CENTRE, TOTAL) from N(0, I), and of its parts."""
    log_determinant, each = np.linalg.slogdet(TOTAL)[1], np.log(np.diag(TOTAL)).sum()
    outside = np.trace(TOTAL) + CENTRE @ CENTRE - 2
    return {
        "mutual_information": 0.5 * (log_determinant - np.log(SIGMA**2).sum()),
        "kl": 0.5 * (outside - log_determinant),
        "total_correlation": 0.5 * (each - log_determinant),
        "dimensionwise_kl": 0.5 * (outside - each),
    }


@pytest.fixture(scope="module")
def parts() -> Aggregate:
    return decompose(normal_posterior(4000), Normal(torch.zeros(2), torch.ones(2)))


@pytest.mark.parametrize("name", list(closed_form()))
def test_normal_aggregate(parts: Aggregate, name: str) -> None:
    found: MeanNats = getattr(parts, name)
    assert found.standard_error is not None
    # the 4,000 means are themselves a draw: they shift the moments by about as much as z does
    assert abs(found.value - closed_form()[name]) < 4 * found.standard_error


def test_parts_add_up_to_the_rate(parts: Aggregate) -> None:
    posterior, prior = normal_posterior(4000), Normal(torch.zeros(2), torch.ones(2))
    rate = kl_divergence(posterior, prior).sum(-1).mean().item()
    assert parts.dimensionwise_kl is not None
    together = parts.mutual_information.value + parts.kl.value
    assert parts.kl.value == pytest.approx(
        parts.total_correlation.value + parts.dimensionwise_kl.value, abs=1e-6
    )
    assert together == pytest.approx(rate, abs=0.05)


def test_log_densities_against_a_loop() -> None:
    posterior = normal_posterior(5)
    z = torch.randn(3, 2)
    joint, product = aggregate_log_densities(posterior, z)
    for i in range(3):
        densities = np.exp([posterior.log_prob(z[i])[n].double().numpy() for n in range(5)])
        assert joint[i].item() == pytest.approx(math.log(densities.prod(1).mean()), abs=1e-5)
        assert product[i].item() == pytest.approx(np.log(densities.mean(0)).sum(), abs=1e-5)


def test_images_that_never_mix_give_all_of_log_n() -> None:
    means = torch.arange(50.0)[:, None] * 100
    found = decompose(Normal(means, torch.ones_like(means)), Normal(torch.zeros(1), torch.ones(1)))
    assert found.mutual_information.value == pytest.approx(math.log(50), abs=1e-4)
    assert found.ceiling == pytest.approx(math.log(50))
    assert found.total_correlation.value == pytest.approx(0, abs=1e-4)


def test_a_prior_over_all_of_z_has_no_dimensions(parts: Aggregate) -> None:
    whole = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
    found = decompose(normal_posterior(4000), whole)
    assert found.dimensionwise_kl is None
    assert "dimensionwise_kl_nats" not in found.as_dict()
    assert found.kl.value == pytest.approx(parts.kl.value, abs=1e-5)


def test_moments_give_the_kl_of_a_normal_aggregate() -> None:
    posterior = normal_posterior(50_000)
    found = moments_kl(posterior.mean, posterior.variance, Normal(torch.zeros(2), torch.ones(2)))
    assert found == pytest.approx(closed_form()["kl"], rel=0.03)


def test_moments_are_those_of_the_prior() -> None:
    posterior = normal_posterior(2000)
    shifted = moments_kl(
        posterior.mean * 3 + 1, posterior.variance * 9, Normal(torch.ones(2), 3 * torch.ones(2))
    )
    plain = moments_kl(posterior.mean, posterior.variance, Normal(torch.zeros(2), torch.ones(2)))
    assert shifted == pytest.approx(plain, rel=1e-4)


def test_codes_in_a_subspace_have_no_moments_kl() -> None:
    line = torch.randn(100, 1) @ torch.tensor([[1.0, 2.0, 3.0]])
    assert moments_kl(line, torch.zeros(100, 3), Normal(torch.zeros(3), torch.ones(3))) is None
