"""Annealed importance sampling against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import Tensor

from linear import LinearVAE
from vaekit.evaluation.likelihood.ais import annealed_bound, hamiltonian_step, sigmoid_schedule


@pytest.mark.parametrize(("start", "temperatures"), [("prior", 200), ("posterior", 40)])
def test_linear_gaussian_vae(start: str, temperatures: int) -> None:
    """The mean of exp(estimate - truth) over independent chains is 1, so the estimates lie within its error."""
    linear = LinearVAE(40)
    estimate = annealed_bound(
        linear.model, linear.split, 8, temperatures=temperatures, leapfrog=5, start=start, seed=1
    )
    difference = estimate.per_image.numpy() - linear.nll()
    assert abs(difference.mean()) < 3 * difference.std(ddof=1) / math.sqrt(len(difference))
    assert abs(difference.mean()) < 0.1


def test_weights_are_unbiased_on_a_short_path() -> None:
    """Five temperatures are far too few for a good estimate, but the mean weight is p(x) all the same."""
    linear = LinearVAE(2)
    split = linear.split.take(torch.zeros(50, dtype=torch.long))  # 50 times the same image
    estimate = annealed_bound(linear.model, split, 200, temperatures=5, leapfrog=3, start="posterior")
    ratios = np.exp(linear.nll()[0] - estimate.per_image.numpy())
    assert abs(ratios.mean() - 1) < 3 * ratios.std(ddof=1) / math.sqrt(50)
    assert ratios.std() < 0.2


def test_transition_leaves_the_density_invariant() -> None:
    """From exact draws of N(1, 0.7^2) to draws of it; the step is coarse, so a third is rejected."""

    def gradient(z: Tensor) -> tuple[Tensor, Tensor]:
        return -0.5 * ((z - 1) / 0.7).square().sum(-1), -(z - 1) / 0.49

    torch.manual_seed(0)
    z = 1 + 0.7 * torch.randn(4000, 1, 1)
    for _ in range(5):
        z, accepted = hamiltonian_step(gradient, z, torch.full((1, 1), 1.25), 3)
    assert 0.3 < accepted.float().mean() < 0.95
    assert kstest(z.flatten().numpy(), "norm", args=(1, 0.7)).pvalue > 0.01


def test_a_trajectory_that_flees_is_rejected() -> None:
    def gradient(z: Tensor) -> tuple[Tensor, Tensor]:
        return -z.pow(4).sum(-1), -4 * z.pow(3)

    z = torch.ones(10, 2, 3)
    after, accepted = hamiltonian_step(gradient, z, torch.full((2, 1), 1e9), 20)
    assert not accepted.any()
    assert torch.equal(after, z)


def test_schedule_goes_from_0_to_1_with_small_steps_at_both_ends() -> None:
    betas = np.array(sigmoid_schedule(100))
    steps = np.diff(betas)
    assert betas[0] == 0
    assert betas[-1] == pytest.approx(1)
    assert (steps > 0).all()
    np.testing.assert_allclose(steps, steps[::-1], rtol=1e-6)
    assert steps[50] > 10 * steps[0]


def test_same_seed_same_estimate() -> None:
    linear = LinearVAE(5)
    values = [
        annealed_bound(linear.model, linear.split, 2, temperatures=5, seed=3).per_image for _ in range(2)
    ]
    assert torch.equal(*values)
