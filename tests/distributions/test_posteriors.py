"""KL and posteriors against closed forms typed in here, quadrature and Monte Carlo."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from vaekit.core import Latent
from vaekit.distributions import Point, bounded_normal, kl_by_dimension, reparameterize, standard_normal
from vaekit.runtime.random import Share, sharing


def codes(mean: list[float], log_variance: list[float]) -> Tensor:
    return torch.tensor([mean + log_variance], dtype=torch.float64, requires_grad=True)


def kl_of(raw: Tensor) -> Tensor:
    """KL to N(0, I) of an encoder's output, (B, D)."""
    posterior = bounded_normal(raw)
    prior = standard_normal(raw.shape[-1] // 2, like=raw)
    return kl_by_dimension(Latent(posterior, prior, posterior.mean))


# KL(N(mu, sigma^2) || N(0, 1)) ---------------------------------------------------------------------


def test_kl_and_its_gradient_are_the_closed_form() -> None:
    raw = codes([0.0, 1.5, -3.0, 0.2], [0.0, -2.0, 1.0, -7.0])
    mean, log_variance = raw.detach().chunk(2, dim=-1)
    kl = kl_of(raw)
    expected = -0.5 * (1 + log_variance - mean**2 - log_variance.exp())  # the lesson's §2
    torch.testing.assert_close(kl, expected, rtol=1e-3, atol=1e-4)
    kl.sum().backward()
    gradient = torch.cat([mean, 0.5 * (log_variance.exp() - 1)], dim=-1)
    torch.testing.assert_close(raw.grad, gradient, rtol=2e-3, atol=1e-4)


def test_kl_is_the_mean_log_ratio_of_draws() -> None:
    torch.manual_seed(0)
    mean, sigma, draws = torch.tensor([0.8, -2.0, 0.0]), torch.tensor([0.5, 1.3, 0.1]), 200_000
    z = mean + sigma * torch.randn(draws, 3)
    ratio = (-0.5 * ((z - mean) / sigma) ** 2 - sigma.log()) + 0.5 * z**2
    error = ratio.std(0) / math.sqrt(draws)
    kl = kl_of(torch.cat([mean, 2 * sigma.log()])[None])[0]
    assert bool(((kl - ratio.mean(0)).abs() < 4 * error).all())
    assert bool((error < 0.01).all())


# The bounded log-variance --------------------------------------------------------------------------


def test_the_bound_is_the_identity_near_zero() -> None:
    raw = torch.linspace(-8.0, 0.0, 81, dtype=torch.float64)[:, None]
    posterior = bounded_normal(torch.cat([raw, raw], dim=-1))
    torch.testing.assert_close(2 * posterior.stddev.log(), raw, rtol=0, atol=6e-5)
    assert torch.equal(posterior.mean, raw)


def test_the_bound_is_a_soft_minimum_and_maximum() -> None:
    raw = torch.linspace(-40.0, 40.0, 161, dtype=torch.float64)
    expected = np.logaddexp(-20.0, -np.logaddexp(-10.0, -raw.numpy()))
    log_variance = 2 * bounded_normal(torch.stack([raw, raw], dim=-1)).stddev.log().flatten()
    np.testing.assert_allclose(log_variance.numpy(), expected, atol=1e-9)
    assert bool((log_variance.diff() > 0).all())
    assert -20.0 < log_variance[0] < log_variance[-1] < 10.0


def test_the_bound_has_the_gradient_of_finite_differences() -> None:
    raw = torch.tensor(
        [[0.3, 1.0, -30.0, -20.0, 0.0, 10.0, 15.0, 2.0]], dtype=torch.float64, requires_grad=True
    )
    assert torch.autograd.gradcheck(lambda raw: kl_of(raw).log1p(), (raw,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("extreme", [1e4, -1e4])
def test_kl_is_finite_with_its_gradient_whatever_the_encoder_says(dtype: torch.dtype, extreme: float) -> None:
    raw = torch.tensor([[0.5, extreme, extreme, 0.0]], dtype=dtype, requires_grad=True)
    kl = kl_of(raw)
    kl.sum().backward()
    bound = 10.0 if extreme > 0 else -20.0
    expected = 0.5 * (0.25 + math.exp(bound) - 1 - bound)
    assert kl[0, 0].item() == pytest.approx(expected, rel=1e-5)
    assert kl[0, 1].item() == pytest.approx(extreme**2 / 2, rel=1e-6)
    assert raw.grad is not None
    assert bool(raw.grad.isfinite().all())


def test_half_precision_codes_give_a_full_precision_posterior() -> None:
    raw = torch.tensor([[1.0, -3.0]])
    assert torch.equal(bounded_normal(raw.bfloat16()).stddev, bounded_normal(raw).stddev)


# KL of other pairs ---------------------------------------------------------------------------------

WEIGHTS, CENTRES, SPREADS = [0.3, 0.7], [-1.5, 1.0], [0.4, 0.8]


def mixture(dimensions: int | None = None) -> MixtureSameFamily:
    """A mixture of two normals on the line, or its product with itself over the whole of z."""
    if dimensions is None:
        parts = Normal(torch.tensor(CENTRES).double(), torch.tensor(SPREADS).double())
        return MixtureSameFamily(Categorical(torch.tensor(WEIGHTS).double()), parts)
    picks = torch.cartesian_prod(*[torch.arange(2)] * dimensions)
    weights = torch.tensor(WEIGHTS).double()[picks].prod(-1)
    normals = Normal(torch.tensor(CENTRES).double()[picks], torch.tensor(SPREADS).double()[picks])
    return MixtureSameFamily(Categorical(weights), Independent(normals, 1))


def exact_kl(mean: float, sigma: float) -> float:
    """KL(N(mean, sigma^2) || mixture) by quadrature."""

    def integrand(z: float) -> float:
        prior = sum(w * norm.pdf(z, m, s) for w, m, s in zip(WEIGHTS, CENTRES, SPREADS, strict=True))
        return float(norm.pdf(z, mean, sigma) * (norm.logpdf(z, mean, sigma) - math.log(prior)))

    return quad(integrand, mean - 12 * sigma, mean + 12 * sigma, epsabs=1e-10, limit=200)[0]


def estimate(dimensions: int | None, mean: Tensor, sigma: Tensor, draws: int) -> Tensor:
    posterior = Normal(mean.expand(draws, 2), sigma.expand(draws, 2))
    return kl_by_dimension(Latent(posterior, mixture(dimensions), posterior.rsample()))


@pytest.mark.parametrize("dimensions", [None, 2])
def test_a_mixture_prior_is_estimated_without_bias(dimensions: int | None) -> None:
    torch.manual_seed(0)
    mean = torch.tensor([0.3, -1.2], dtype=torch.float64, requires_grad=True)
    sigma, draws = torch.tensor([0.7, 0.3], dtype=torch.float64), 100_000
    exact = [exact_kl(m, s) for m, s in zip(mean.tolist(), sigma.tolist(), strict=True)]
    by_dimension = estimate(dimensions, mean, sigma, draws)
    expected = torch.tensor(exact if dimensions is None else [sum(exact)], dtype=torch.float64)
    error = by_dimension.detach().std(0) / math.sqrt(draws)
    assert bool(((by_dimension.mean(0) - expected).abs() < 4 * error).all())
    assert bool((error < 0.01).all())
    by_dimension.mean(0).sum().backward()
    step = 1e-4
    slope = [
        (exact_kl(m + step, s) - exact_kl(m - step, s)) / (2 * step)
        for m, s in zip(mean.tolist(), sigma.tolist(), strict=True)
    ]
    torch.testing.assert_close(mean.grad, torch.tensor(slope, dtype=torch.float64), rtol=0, atol=0.03)


def test_distributions_over_the_whole_of_z_have_one_value_an_image() -> None:
    torch.manual_seed(0)
    mean, factor = torch.randn(5, 3), torch.randn(3, 3)
    posterior = MultivariateNormal(mean, factor @ factor.T + torch.eye(3))
    prior = MultivariateNormal(torch.zeros(3), torch.eye(3))
    kl = kl_by_dimension(Latent(posterior, prior, posterior.rsample()))
    covariance = posterior.covariance_matrix[0]
    expected = 0.5 * (covariance.trace() + (mean**2).sum(-1) - 3 - covariance.logdet())
    torch.testing.assert_close(kl, expected[:, None], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("whole", ["posterior", "prior"])
def test_one_side_over_the_whole_of_z_and_one_by_dimension(whole: str) -> None:
    """Batch sizes that differ from D, so that no accidental broadcasting can pass."""
    torch.manual_seed(0)
    q, p = Normal(torch.randn(4, 3), torch.ones(4, 3)), Normal(torch.zeros(3), torch.ones(3))
    z = q.rsample()
    expected = (q.log_prob(z) - p.log_prob(z)).sum(-1, keepdim=True)
    posterior = Independent(q, 1) if whole == "posterior" else q
    prior = Independent(p, 1) if whole == "prior" else p
    torch.testing.assert_close(kl_by_dimension(Latent(posterior, prior, z)), expected)


def test_a_layer_of_maps_has_a_value_for_every_place() -> None:
    torch.manual_seed(0)
    posterior, prior = (
        Normal(torch.randn(4, 2, 3, 3), torch.ones(())),
        Normal(torch.zeros(()), torch.ones(())),
    )
    kl = kl_by_dimension(Latent(posterior, prior, posterior.rsample()))
    torch.testing.assert_close(kl.sum(1), kl_divergence(posterior, prior).sum((1, 2, 3)))


def test_a_layer_without_distribution_has_no_kl() -> None:
    with pytest.raises(ValueError, match="no distribution"):
        kl_by_dimension(Latent(None, None, torch.zeros(2, 3)))


def test_a_point_is_its_own_mean_and_every_draw() -> None:
    value = torch.randn(4, 3, requires_grad=True)
    point = Point(value)
    assert torch.equal(point.mean, value)
    assert torch.equal(point.stddev, torch.zeros(4, 3))
    draws = point.rsample((5,))
    assert torch.equal(draws, torch.stack([value] * 5))
    draws.sum().backward()
    assert torch.equal(value.grad, torch.full((4, 3), 5.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "samples", "dimensions"),
    [
        ((6, 3), None, 1),
        ((6, 3), 4, 1),
        ((6, 2, 3, 5), None, 3),
        ((6, 2, 3, 5), 4, 3),
        ((4, 6, 2, 3, 5), None, 3),
    ],
)
def test_parts_of_a_batch_draw_what_the_whole_draws(
    shape: tuple[int, ...], samples: int | None, dimensions: int
) -> None:
    """Whichever process holds them, images of a layer of any shape have the draws of the whole batch."""
    mean, images = torch.rand(shape), len(shape) - 1 - dimensions

    def drawn(start: int, stop: int) -> Tensor:
        torch.manual_seed(3)
        part = mean.narrow(images, start, stop - start)
        with sharing(Share(start, stop, 6)):
            return reparameterize(Normal(part, torch.ones_like(part)), samples, dimensions)

    parts = [drawn(0, 4), drawn(4, 6)]
    whole = drawn(0, 6)
    dimension = images + (samples is not None)
    assert whole.shape == ((samples,) if samples else ()) + shape
    assert torch.equal(torch.cat(parts, dimension), whole)
