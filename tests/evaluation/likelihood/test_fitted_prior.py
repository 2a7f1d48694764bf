"""Bounds under a prior that was fitted to the latents, against closed forms of a linear-Gaussian VAE."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from linear import LATENTS, PIXELS, SIGMA, LinearVAE
from vaekit.evaluation.likelihood.bounds import MeanNats, negative_elbo
from vaekit.evaluation.likelihood.fitted_prior import bounds_under_fitted
from vaekit.evaluation.likelihood.importance import importance_bound, importance_bounds
from vaekit.models.mixture import Mixture
from vaekit.models.which_prior import fitted_density

OPTIONS = {"seed": 0, "precision": "fp32", "tell": None}


class Fitted(LinearVAE):
    """With a prior N(m, L L') over z, or a mixture of two such, set by hand."""

    def __init__(self, components: int, images: int = 100) -> None:
        super().__init__(images)
        generator = torch.Generator().manual_seed(1)
        self.mixture = Mixture((LATENTS,), components)
        with torch.no_grad():
            for parameter in self.mixture.parameters():
                parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
        self.model.fitted = lambda: self.mixture

    def normals(self) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """Weight, mean and covariance of each normal over z."""
        found, weights = [], self.mixture.logits.detach().double().softmax(0).tolist()
        for k, weight in enumerate(weights):
            lower = self.mixture.lower[k].detach().double().numpy()
            factor = np.tril(lower, -1) + np.diag(
                np.exp(self.mixture.log_diagonal[k].detach().double().numpy())
            )
            found.append((weight, self.mixture.means[k].detach().double().numpy(), factor @ factor.T))
        return found

    def exact(self) -> np.ndarray:
        """-log sum_k w_k N(x; b + W m_k, W S_k W' + sigma^2 I) of each image, by scipy."""
        w, b = self.weight.double().numpy(), self.bias.double().numpy()
        x = self.split.images.double().numpy()
        total = sum(
            weight * multivariate_normal(b + w @ m, w @ s @ w.T + SIGMA**2 * np.eye(PIXELS)).pdf(x)
            for weight, m, s in self.normals()
        )
        return -np.log(total)

    def posterior(self) -> tuple[np.ndarray, np.ndarray]:
        """Means (N, D) and variances (D,) of q(z|x)."""
        found = self.model.encode(self.split.images)
        return found.mean.detach().double().numpy(), found.variance[0].detach().double().numpy()


@pytest.mark.parametrize("components", [1, 2])
def test_the_importance_weighted_bound_comes_to_the_exact_value(components: int) -> None:
    linear = Fitted(components)
    found = importance_bounds(
        linear.model, linear.split, 3000, fitted=fitted_density(linear.model), **OPTIONS
    )
    difference = found["nll_fitted_prior_nats"].per_image.numpy() - linear.exact()
    assert abs(difference.mean()) < 0.01
    own = found["nll_nats"].per_image.numpy() - linear.nll()
    assert abs(own.mean()) < 0.01
    assert abs(linear.exact().mean() - linear.nll().mean()) > 0.2  # they are two models


def test_the_bounds_under_the_own_prior_stay_as_they_are() -> None:
    linear = Fitted(2)
    both = importance_bounds(
        linear.model, linear.split, 150, jackknife=True, fitted=linear.mixture.density(), **OPTIONS
    )
    alone = importance_bounds(linear.model, linear.split, 150, jackknife=True, **OPTIONS)
    assert list(alone) == ["nll_nats", "nll_jackknife_nats"]
    assert list(both) == [
        "nll_nats",
        "nll_fitted_prior_nats",
        "nll_jackknife_nats",
        "nll_jackknife_fitted_prior_nats",
    ]
    for jackknife, name in enumerate(alone):
        expected = importance_bound(
            linear.model, linear.split, 150, jackknife=bool(jackknife), precision="fp32"
        )
        torch.testing.assert_close(both[name].per_image, expected.per_image, rtol=0, atol=1e-4)
        assert torch.equal(alone[name].per_image, expected.per_image)
    jackknifed, exact = both["nll_jackknife_fitted_prior_nats"].value, linear.exact().mean()
    assert abs(jackknifed - exact) < abs(both["nll_fitted_prior_nats"].value - exact) + 0.02


def test_rate_and_elbo_are_those_of_the_formula() -> None:
    """KL(N(mu, diag(s2)) || N(m, S)) = (log |S| - sum log s2 - D + tr(S^-1 diag(s2)) + (mu - m)' S^-1 (mu - m)) / 2."""
    linear = Fitted(1, images=400)
    (_, m, s), (means, variances) = linear.normals()[0], linear.posterior()
    inverse, away = np.linalg.inv(s), means - m
    kl = 0.5 * (
        np.linalg.slogdet(s)[1] - np.log(variances).sum() - LATENTS + np.trace(inverse @ np.diag(variances))
        + np.einsum("nd,de,ne->n", away, inverse, away)
    )  # fmt: skip
    found = bounds_under_fitted(linear.model, linear.split, linear.mixture.density(), precision="fp32")
    rate, elbo = found["rate_fitted_prior_nats"], found["negative_elbo_fitted_prior_nats"]
    noise = rate.per_image.numpy() - kl
    assert abs(noise.mean()) < 3 * noise.std() / math.sqrt(len(noise))
    assert noise.std() / math.sqrt(len(noise)) < 0.03
    assert rate.standard_error == pytest.approx(rate.per_image.std().item() / 20)
    own = negative_elbo(linear.model, linear.split, precision="fp32")
    kl_own = 0.5 * (means**2 + variances - 1 - np.log(variances)).sum(1)
    moved = elbo.per_image.numpy() - own.per_image.numpy()  # the distortion is the same draw
    np.testing.assert_allclose(moved, rate.per_image.numpy() - kl_own, atol=1e-3)


def test_of_a_mixture_the_rate_is_a_monte_carlo_mean() -> None:
    linear = Fitted(2, images=20)
    means, variances = linear.posterior()
    z = means + np.sqrt(variances) * np.random.default_rng(0).standard_normal((20_000, *means.shape))
    log_q = (-0.5 * (z - means) ** 2 / variances - 0.5 * np.log(2 * np.pi * variances)).sum(-1)
    p = sum(w * multivariate_normal(m, s).pdf(z) for w, m, s in linear.normals())
    expected = (log_q - np.log(p)).mean(0)
    found = bounds_under_fitted(linear.model, linear.split, linear.mixture.density(), precision="fp32")
    noise = found["rate_fitted_prior_nats"].per_image.numpy() - expected
    assert abs(noise.mean()) < 3 * noise.std() / math.sqrt(len(noise)) and noise.std() < 0.6


def test_a_prior_equal_to_the_own_one_changes_nothing() -> None:
    linear = Fitted(1)
    with torch.no_grad():
        for parameter in linear.mixture.parameters():
            parameter.zero_()
    density = linear.mixture.density()
    found = importance_bounds(linear.model, linear.split, 100, fitted=density, **OPTIONS)
    torch.testing.assert_close(
        found["nll_fitted_prior_nats"].per_image, found["nll_nats"].per_image, rtol=0, atol=1e-4
    )
    elbo = bounds_under_fitted(linear.model, linear.split, density, precision="fp32")[
        "negative_elbo_fitted_prior_nats"
    ]
    own: MeanNats = negative_elbo(linear.model, linear.split, precision="fp32")
    torch.testing.assert_close(elbo.per_image, own.per_image, rtol=0, atol=1e-3)
