"""Annealed importance sampling against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import Tensor
from torch.distributions import MultivariateNormal

from linear import LinearVAE
from vaekit.evaluation.likelihood.ais import Steps, anneal_back, annealed_bound
from vaekit.evaluation.likelihood.ais_path import Path, Place, hamiltonian_step
from vaekit.evaluation.likelihood.ais_pilot import find_plan
from vaekit.inference import asking


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


ONE = torch.ones(1)


def place_of(z: Tensor, height: Tensor, slope: Tensor) -> Place:
    """A path of one density: all of it in the ratio, at temperature 1."""
    return Place(z, torch.zeros_like(height), height, torch.zeros_like(slope), slope)


def test_transition_leaves_the_density_invariant() -> None:
    """From exact draws of N(1, s^2), s 0.7 and 0.01, to draws of them; the step is coarse, so a third is rejected."""
    spread = torch.tensor([0.7, 0.01])

    def look(z: Tensor) -> Place:
        return place_of(z, -0.5 * ((z - 1) / spread).square().sum(-1), -(z - 1) / spread**2)

    torch.manual_seed(0)
    place = look(1 + spread * torch.randn(4000, 1, 2))
    for _ in range(5):
        place, chance = hamiltonian_step(look, place, ONE, 1.7 * spread[None], 3)
    assert 0.3 < chance.mean() < 0.95
    for dimension, scale in enumerate(spread.tolist()):
        assert kstest(place.z[..., dimension].flatten().numpy(), "norm", args=(1, scale)).pvalue > 0.01


def test_a_trajectory_that_flees_is_rejected() -> None:
    def look(z: Tensor) -> Place:
        return place_of(z, -z.pow(4).sum(-1), -4 * z.pow(3))

    z = torch.ones(10, 2, 3)
    after, chance = hamiltonian_step(look, look(z), ONE.expand(2), torch.full((2, 3), 1e9), 20)
    assert not chance.any()
    assert torch.equal(after.z, z)


@pytest.mark.parametrize("sigma", [0.5, 0.005])
def test_the_pilot_finds_the_scale_of_each_posterior(sigma: float) -> None:
    """Temperatures rise from 0 to 1 as finely as the posterior is narrow, and steps end at its own scale."""
    linear = LinearVAE(40, sigma=sigma)
    with asking(linear.model, gradients=True):
        path = Path.between(linear.model, linear.split.images, None, "prior")
        torch.manual_seed(0)
        plan = find_plan(path, 2)
    shares = [plan.at(share) for share in np.linspace(0, 1, 101)]
    betas = torch.stack([beta for beta, _ in shares])
    assert (betas[0] == 0).all() and (betas[-1] == 1).all() and (betas.diff(dim=0) > 0).all()
    assert (plan.steps >= (8 if sigma < 0.01 else 2)).all()
    precision = torch.eye(3) + linear.weight.T @ linear.weight / sigma**2
    wanted = 0.8 * precision.diagonal() ** -0.5  # a trajectory of two steps goes a quarter round
    off = (shares[-1][1] / wanted).log()
    assert off.mean().abs() < 0.1 and off.std() < 0.2


def test_weights_of_chains_back_are_unbiased_on_a_short_path() -> None:
    """From exact draws of the posterior: their mean is 1 / p(x), five temperatures or not."""
    linear, repeats = LinearVAE(2), 2000
    x = linear.split.images[:1].expand(repeats, -1)
    precision = torch.eye(3) + linear.weight.T @ linear.weight / linear.sigma**2
    mean = torch.linalg.solve(precision, linear.weight.T @ (x[0] - linear.bias) / linear.sigma**2)
    with asking(linear.model, gradients=True):
        torch.manual_seed(0)
        path = Path.between(linear.model, x, None, "posterior")
        z = MultivariateNormal(mean, precision_matrix=precision).sample(torch.Size([repeats]))
        walk = anneal_back(path, find_plan(path, 2), z, 1, 5, 2, Steps(None, "", 0, 1, 1, 5))
    ratios = np.exp(walk.weights[0].numpy() - linear.nll()[0])
    assert abs(ratios.mean() - 1) < 3 * ratios.std(ddof=1) / math.sqrt(repeats)
    assert 0.1 < ratios.std() < 2


def test_same_seed_same_estimate() -> None:
    linear = LinearVAE(5)
    values = [
        annealed_bound(linear.model, linear.split, 2, temperatures=5, seed=3).per_image for _ in range(2)
    ]
    assert torch.equal(*values)
