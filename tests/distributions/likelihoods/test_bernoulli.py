"""The continuous Bernoulli against quadrature, 50-digit arithmetic and torch's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from scipy.integrate import quad
from scipy.stats import kstest
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from vaekit.distributions import build_likelihood
from vaekit.distributions.likelihoods.continuous_bernoulli import (
    ContinuousBernoulli,
    logit_of_mean,
    mean_of_logit,
)

mp.dps = 50
LOGITS = [-1e4, -300.0, -17.0, -3.0, -0.51, -0.49, -1e-3, -1e-20, 0.0, 1e-20, 1e-6, 0.2, 0.5, 1.0, 40.0, 1e4]


def log_density(x: float, logit: float) -> float:
    """log C(p) + x log p + (1-x) log(1-p) as the paper writes it, with C = 2 artanh(1-2p) / (1-2p)."""
    with mp.workdps(int(60 + abs(logit))):  # 1 - p has that many digits to lose
        p = 1 / (1 + mp.exp(-mpf(logit)))
        tilt = 1 - 2 * p
        constant = 2 if tilt == 0 else 2 * mp.atanh(tilt) / tilt
        return float(mp.log(constant) + mpf(x) * mp.log(p) + (1 - mpf(x)) * mp.log(1 - p))


def exact_mean(logit: float) -> float:
    if logit == 0:
        return 0.5
    with mp.workdps(100):
        return float(1 / (1 - mp.exp(-mpf(logit))) - 1 / mpf(logit))


@pytest.mark.parametrize("logit", [v for v in LOGITS if abs(v) <= 300])
@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_log_density_is_the_papers(logit: float, x: float) -> None:
    exact = log_density(x, logit)
    for dtype, tolerance in ((torch.float64, 1e-13), (torch.float32, 3e-7)):
        p = ContinuousBernoulli(torch.tensor(logit, dtype=dtype))
        value = p.log_prob(torch.tensor(x, dtype=dtype)).item()
        assert value == pytest.approx(exact, rel=tolerance, abs=tolerance * max(1, abs(logit)))


@pytest.mark.parametrize("logit", LOGITS)
def test_value_and_gradient_at_any_logit(logit: float) -> None:
    """d log p / d logit = x - mean; far out log p = -|logit| * distance from the near end + log |logit|."""
    for x in (0.0, 1.0):
        logits = torch.tensor(logit, requires_grad=True)
        value = ContinuousBernoulli(logits).log_prob(torch.tensor(x))
        value.backward()
        assert logits.grad is not None
        assert logits.grad.item() == pytest.approx(x - exact_mean(logit), abs=2e-6)
        if abs(logit) > 100:
            far = 0.0 if (x > 0.5) == (logit > 0) else 1.0
            assert value.item() == pytest.approx(math.log(abs(logit)) - far * abs(logit), rel=1e-6)


@pytest.mark.parametrize("logit", [-20.0, -0.4, 0.0, 3.0])
def test_integrates_to_one_with_its_mean_and_variance(logit: float) -> None:
    p = ContinuousBernoulli(torch.tensor(logit, dtype=torch.float64))

    def moment(power: int) -> float:
        return quad(
            lambda x: x**power * p.log_prob(torch.tensor(x, dtype=torch.float64)).exp().item(),
            0,
            1,
            epsabs=1e-12,
        )[0]

    assert moment(0) == pytest.approx(1.0, abs=1e-10)
    assert p.mean.item() == pytest.approx(moment(1), abs=1e-10)
    assert p.variance.item() == pytest.approx(moment(2) - moment(1) ** 2, abs=1e-10)


def test_agrees_with_torch_where_torch_is_exact() -> None:
    logits = torch.linspace(-12, 12, 97, dtype=torch.float64)
    ours, theirs = ContinuousBernoulli(logits), TorchContinuousBernoulli(logits=logits)
    x = torch.rand(97, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours.mean, theirs.mean, rtol=1e-5, atol=1e-6)


def test_torchs_own_is_lost_at_confident_logits_in_fp32() -> None:
    """Why there is an own one: log 30 there, not what clamped probabilities give."""
    theirs = TorchContinuousBernoulli(logits=torch.tensor(30.0)).log_prob(torch.tensor(1.0)).item()
    ours = ContinuousBernoulli(torch.tensor(30.0)).log_prob(torch.tensor(1.0)).item()
    assert ours == pytest.approx(math.log(30), rel=1e-6)
    assert abs(theirs - math.log(30)) > 0.3


@pytest.mark.parametrize("logit", [-30.0, -0.3, 0.0, 1e-7, 5.0])
def test_samples_follow_the_distribution_function(logit: float) -> None:
    torch.manual_seed(0)
    draws = ContinuousBernoulli(torch.tensor([logit])).sample(torch.Size([4000]))

    def below(x: np.ndarray) -> np.ndarray:
        return x if logit == 0 else np.expm1(logit * x) / np.expm1(logit)

    assert kstest(draws.flatten().double().numpy(), below).pvalue > 1e-3


def test_the_logit_of_a_mean_has_that_mean() -> None:
    means = torch.linspace(0.11, 0.89, 40, dtype=torch.float64)
    torch.testing.assert_close(mean_of_logit(logit_of_mean(means)), means, rtol=0, atol=1e-8)


def test_images_are_judged_whole() -> None:
    torch.manual_seed(0)
    logits, x = torch.randn(4, 1, 2, 3), torch.rand(4, 1, 2, 3)
    likelihood = build_likelihood("continuous-bernoulli", "8-bit", (1, 2, 3))
    by_hand = [
        sum(log_density(*pair) for pair in zip(x[i].flatten().tolist(), logits[i].flatten().tolist(), strict=True))
        for i in range(4)
    ]  # fmt: skip
    torch.testing.assert_close(likelihood(logits).log_prob(x), torch.tensor(by_hand))
