"""Whether annealed chains arrived, against log-weights of known distributions and linear-Gaussian VAEs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from linear import LinearVAE
from vaekit.evaluation.likelihood.ais import annealed_bound
from vaekit.evaluation.likelihood.ais_check import AnnealingCheck, check_by_annealing
from vaekit.evaluation.likelihood.arrival import Annealed, without_each
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.evaluation.likelihood.importance import importance_bound


def annealed_of(weights: Tensor) -> Annealed:
    return Annealed.from_weights(weights, torch.full((weights.shape[1],), 0.9), 0, 100, 2)


def lognormal(variance: float, *shape: int) -> Tensor:
    """Log-weights of mean weight 1."""
    return math.sqrt(variance) * torch.randn(*shape, dtype=torch.float64) - variance / 2


def test_leaving_each_chain_out_is_leaving_it_out() -> None:
    """By brute force; the last image has one chain that holds all of the weight to 400 nats."""
    torch.manual_seed(0)
    weights = torch.cat([torch.randn(5, 3, dtype=torch.float64), torch.zeros(5, 1, dtype=torch.float64)], 1)
    weights[2, 3] = 400
    for left_out, row in enumerate(without_each(weights)):
        others = weights[[i for i in range(5) if i != left_out]].numpy()
        np.testing.assert_allclose(row, np.logaddexp.reduce(others, axis=0) - math.log(4), rtol=1e-12)


def test_effective_chains() -> None:
    one = torch.tensor([0.0, -800.0, -800.0, -800.0], dtype=torch.float64)
    half = torch.tensor([0.0, 0.0, -800.0, -800.0], dtype=torch.float64)
    weights = torch.stack([torch.full_like(one, -5e5), one, half], dim=1)
    np.testing.assert_allclose(annealed_of(weights).effective_chains, [4, 1, 2])


def test_the_errors_are_those_of_chains_drawn_anew() -> None:
    """Standard deviation and bias of the mean over ten images, from 1,500 sets of chains."""
    torch.manual_seed(0)
    sets = [annealed_of(lognormal(0.5, 16, 10)) for _ in range(1500)]
    values = np.array([found.value for found in sets])
    errors = np.array([found.chain_error for found in sets])
    assert 0.95 < np.sqrt((errors**2).mean()) / values.std() < 1.3  # never too small
    assert values.mean() - 0.004 < np.mean([found.chain_bias for found in sets]) < 2 * values.mean()
    assert values.mean() > 0.015  # above -log 1


@pytest.mark.parametrize("chains", [8, 16, 64])
@pytest.mark.parametrize("variance", [0.02, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0])
def test_the_interval_holds_the_truth_or_says_nothing(variance: float, chains: int) -> None:
    torch.manual_seed(0)
    sets = [annealed_of(lognormal(variance, chains, 10)) for _ in range(300)]
    held = [found.interval is not None and found.interval[0] <= 0 <= found.interval[1] for found in sets]
    silent = np.mean([found.arrived and not inside for found, inside in zip(sets, held, strict=True)])
    assert silent <= 0.05 + 0.025  # and two standard errors of 300 draws
    if variance < 1 and chains > 8:
        assert np.mean([found.arrived for found in sets]) > 0.7
    if variance > 4:
        assert not any(found.arrived for found in sets)


def test_one_astray_among_many_is_found() -> None:
    torch.manual_seed(0)
    weights = lognormal(0.1, 16, 100)
    assert annealed_of(weights).arrived
    weights[:, 7] = lognormal(200.0, 16)
    assert not annealed_of(weights).arrived
    stuck = torch.full((100,), 0.9)
    stuck[:10] = 0.1
    assert not Annealed.from_weights(lognormal(0.1, 16, 100), stuck, 0, 100, 2).arrived


def test_one_chain_knows_nothing_of_its_error() -> None:
    found = annealed_of(torch.zeros(1, 5, dtype=torch.float64))
    assert (found.chain_error, found.chain_bias, found.interval, found.arrived) == (None, None, None, False)


@pytest.mark.parametrize("sigma", [0.5, 0.1, 0.02, 0.005])
def test_linear_gaussian_vaes_of_any_width(sigma: float) -> None:
    """Twenty repeats of five images: the exact mean is within the interval, or the chains say they have not arrived;
    with paths that are too short for the narrow ones."""
    linear, truth = LinearVAE(100, sigma=sigma), torch.from_numpy(LinearVAE(100, sigma=sigma).nll())
    found = annealed_bound(linear.model, linear.split, temperatures=60)
    arrived = off = 0
    for rows in torch.arange(100).split(5):
        part, exact = found.take(rows), float(truth[rows].mean())
        assert part.interval is not None
        arrived += part.arrived
        off += part.arrived and not part.interval[0] <= exact <= part.interval[1]
    assert off <= 2
    assert arrived >= 12 if sigma == 0.5 else arrived < 12
    if sigma < 0.05:
        assert not found.arrived


def test_annealing_shows_by_how_much_the_bound_is_loose() -> None:
    """An encoder that is too narrow by 20 times: on the same images the difference is that of the bound from the truth."""
    linear = LinearVAE(40)
    with torch.no_grad():
        linear.model.encoder.get_parameter("log_variance").sub_(6)
    bound = importance_bound(linear.model, linear.split, 50)
    check = check_by_annealing(linear.model, linear.split, bound, 30, temperatures=100)
    rows = torch.isin(bound.per_image, check.bound.per_image)
    assert int(rows.sum()) == check.annealed.images == 30
    loose = (torch.from_numpy(linear.nll()) - bound.per_image)[rows]
    assert loose.mean() < -1
    assert check.arrived
    assert check.difference.value == pytest.approx(float(loose.mean()), abs=0.1)
    mean = check.annealed.value - check.bound.value
    assert check.difference.value == pytest.approx(mean, abs=1e-9)
    assert check.difference.standard_error == pytest.approx(float(loose.std()) / math.sqrt(30), rel=0.1)


def test_a_bound_below_the_chains_says_that_they_have_not_arrived() -> None:
    found = annealed_of(
        torch.zeros(16, 10, dtype=torch.float64)
    )  # all chains alike, and no error by their own account
    bound = MeanNats.of(torch.full((10,), -0.5), 1000, 0)
    check = AnnealingCheck(found, bound, MeanNats.of(found.per_image - bound.per_image, 16, 0))
    assert found.arrived and not check.arrived
    assert "temperatures=200 or chains=32" in check.verdict
    assert "interval_low_nats" not in check.as_dict()
