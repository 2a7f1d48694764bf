"""The Gaussian mixture against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from vaekit.core import SettingError
from vaekit.models.mixture import Mixture, expectation_maximisation


@pytest.fixture(scope="module")
def codes() -> torch.Tensor:
    """Three normals of different shapes in three dimensions."""
    torch.manual_seed(0)
    parts = [torch.randn(n, 3) @ torch.randn(3, 3) + 6 * torch.randn(3) for n in (500, 300, 200)]
    return torch.cat(parts)[torch.randperm(1000)]


def test_em_is_scikit_learns(codes: torch.Tensor) -> None:
    weights, means, _ = expectation_maximisation(codes.double(), 3)
    theirs = GaussianMixture(3, random_state=0, reg_covar=1e-6, tol=1e-6, max_iter=500).fit(codes.numpy())
    order, their_order = weights.argsort(), theirs.weights_.argsort()
    np.testing.assert_allclose(weights[order].numpy(), theirs.weights_[their_order], atol=0.01)
    np.testing.assert_allclose(means[order].numpy(), theirs.means_[their_order], atol=0.05)
    mixture = Mixture((3,), 3)
    mixture.prepare(codes)
    ours = mixture(codes).likelihood.log_prob(codes).mean().item()
    assert ours == pytest.approx(theirs.score(codes.numpy()), abs=0.01)


def test_the_density_is_a_sum_of_scipys() -> None:
    torch.manual_seed(1)
    mixture, x = Mixture((2,), 2), torch.randn(5, 2)
    with torch.no_grad():
        for parameter in mixture.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    weights = mixture.logits.softmax(0).tolist()
    total = np.zeros(5)
    for k in range(2):
        factor = (mixture.lower[k].tril(-1) + mixture.log_diagonal[k].exp().diag()).detach().numpy()
        total += weights[k] * multivariate_normal.pdf(
            x.numpy(), mixture.means[k].detach().numpy(), factor @ factor.T
        )
    np.testing.assert_allclose(mixture(x).likelihood.log_prob(x).detach().exp().numpy(), total, rtol=1e-4)


def test_samples_have_the_moments_of_the_codes(codes: torch.Tensor) -> None:
    mixture = Mixture((3,), 3)
    mixture.prepare(codes)
    drawn = mixture.sample(50_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), rtol=0, atol=0.1)
    torch.testing.assert_close(drawn.T.cov(), codes.T.cov(), rtol=0.05, atol=0.2)
    still = mixture.sample(500, temperature=0, generator=torch.Generator().manual_seed(0))
    assert len(still.unique(dim=0)) <= 3


def test_at_least_one_component() -> None:
    with pytest.raises(SettingError, match="components"):
        Mixture((3,), 0)
