"""Each likelihood against enumeration, quadrature and other libraries; contract tests hold for all."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor
from torch.nn import functional as F

from vaekit.core import SettingError
from vaekit.distributions import LIKELIHOODS, build_likelihood
from vaekit.distributions.likelihoods import check_support

# Bernoulli -----------------------------------------------------------------------------------------


def test_bernoulli_sums_to_one_over_all_images_of_six_pixels() -> None:
    torch.manual_seed(0)
    logits = 3 * torch.randn(1, 2, 3, dtype=torch.float64)
    likelihood = build_likelihood("bernoulli", "binary", (1, 4, 4))
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)), dtype=torch.float64)
    masses = likelihood(logits.expand(64, 1, 2, 3)).log_prob(images.view(64, 1, 2, 3)).exp()
    assert masses.sum().item() == pytest.approx(1.0, abs=1e-12)
    one = logits.sigmoid().flatten()
    by_hand = torch.where(images == 1, one, 1 - one).prod(-1)
    torch.testing.assert_close(masses, by_hand)


def test_bernoulli_gradient_is_pixel_minus_probability() -> None:
    logits = torch.tensor([[-2.0, 0.0, 5.0]], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    build_likelihood("bernoulli", "binary", (4,))(logits).log_prob(x).sum().backward()
    torch.testing.assert_close(logits.grad, x - 1 / (1 + (-logits.detach()).exp()))


@pytest.mark.parametrize("name", ["bernoulli", "bce"])
def test_confident_logits_keep_value_and_gradient(name: str) -> None:
    """Where a sigmoid in fp32 has long been 0 or 1 and its logarithm infinite or clamped."""
    logits = torch.tensor([[1e4, -1e4, 1e4, -1e4]], requires_grad=True)
    x = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    log_prob = build_likelihood(name, "binary", (4,))(logits).log_prob(x)
    assert log_prob.item() == -2e4
    log_prob.sum().backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [[0.0, 0.0, -1.0, 1.0]]


# bce -----------------------------------------------------------------------------------------------


def test_bce_is_the_lessons_on_grey_images() -> None:
    torch.manual_seed(0)
    logits, x = torch.randn(7, 1, 5, 4, dtype=torch.float64), torch.rand(7, 1, 5, 4, dtype=torch.float64)
    lesson = F.binary_cross_entropy(torch.sigmoid(logits), x, reduction="none").sum((1, 2, 3))
    torch.testing.assert_close(-build_likelihood("bce", "8-bit", (1, 4, 4))(logits).log_prob(x), lesson)


@pytest.mark.parametrize("logit", [-4.0, 0.0, 1.0])
def test_bce_is_no_density_on_grey_pixels(logit: float) -> None:
    """The integral of p^x (1-p)^(1-x) over [0, 1] is (2p - 1) / logit, 1/2 at p = 1/2; never 1."""
    p = build_likelihood("bce", "unit", (4,))(torch.tensor([logit], dtype=torch.float64))
    integral, _ = quad(lambda x: p.log_prob(torch.tensor([x], dtype=torch.float64)).exp().item(), 0, 1)
    closed = 0.5 if logit == 0 else (2 / (1 + math.exp(-logit)) - 1) / logit
    assert integral == pytest.approx(closed, abs=1e-9)
    assert integral < 0.51


# gaussian ------------------------------------------------------------------------------------------


def test_gaussian_is_scipys_normal_and_integrates_to_one() -> None:
    torch.manual_seed(0)
    mean, x = torch.randn(5, 6, dtype=torch.float64), torch.randn(5, 6, dtype=torch.float64)
    likelihood = build_likelihood("gaussian", "real", (4,), sigma=0.3)
    expected = norm.logpdf(x.numpy(), mean.numpy(), 0.3).sum(-1)
    np.testing.assert_allclose(likelihood(mean).log_prob(x).numpy(), expected, rtol=1e-12)
    p = likelihood(torch.tensor([0.2], dtype=torch.float64))
    integral, _ = quad(
        lambda x: p.log_prob(torch.tensor([x], dtype=torch.float64)).exp().item(), -3, 3, points=[0.2]
    )
    assert integral == pytest.approx(1.0, abs=1e-9)


def test_gaussian_gradient_is_the_residual_over_the_variance() -> None:
    mean = torch.tensor([[0.0, 2.0, 1e4]], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[1.0, 1.5, -1e4]], dtype=torch.float64)
    build_likelihood("gaussian", "real", (4,), sigma=0.5)(mean).log_prob(x).sum().backward()
    torch.testing.assert_close(mean.grad, (x - mean.detach()) / 0.25)


def test_sigma_one_is_half_the_lessons_squared_error_and_a_constant() -> None:
    mean, x = torch.tensor([[0.1, 0.9]]), torch.tensor([[0.5, 0.5]])
    log_prob = build_likelihood("gaussian", "unit", (4,), sigma=1.0)(mean).log_prob(x)
    squared = F.mse_loss(mean, x, reduction="sum")
    assert -log_prob.item() == pytest.approx(0.5 * squared.item() + math.log(2 * math.pi), rel=1e-6)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_sigma_must_be_positive(sigma: float) -> None:
    with pytest.raises(SettingError, match=f"sigma must be above 0( and finite)?, not {sigma}"):
        build_likelihood("gaussian", "real", (4,), sigma=sigma)


# Which on what -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "name"),
    [("binary", "bernoulli"), *((pixels, "gaussian-optimal") for pixels in ("8-bit", "unit", "real"))],
)
def test_auto_takes_what_suits_the_pixels(pixels: str, name: str) -> None:
    assert isinstance(build_likelihood("auto", pixels, (1, 4, 4)).part, LIKELIHOODS[name])


def test_a_likelihood_that_does_not_fit_names_those_that_do() -> None:
    with pytest.raises(
        SettingError, match=r"'bernoulli' is not defined on 8-bit pixels; these are: bce.*binarize="
    ):
        build_likelihood("bernoulli", "8-bit", (1, 4, 4))
    with pytest.raises(SettingError, match=r"'bce' is not defined on real pixels; .*gaussian"):
        check_support("bce", "real")
    with pytest.raises(
        SettingError, match=r"likelihood: 'gausian' is not one of auto, bce.*Did you mean gaussian\?"
    ):
        build_likelihood("gausian", "real", (4,))
    with pytest.raises(SettingError, match="pixels: 'grey' is not one of"):
        build_likelihood("auto", "grey", (1, 4, 4))


def test_precision_is_widened_never_narrowed() -> None:
    likelihood = build_likelihood("gaussian", "real", (4,), sigma=0.1)

    def dtype_of(raw: Tensor) -> torch.dtype:
        return likelihood(raw).log_prob(raw).dtype

    assert dtype_of(torch.zeros(2, 3, dtype=torch.bfloat16)) == torch.float32
    assert dtype_of(torch.zeros(2, 3, dtype=torch.float64)) == torch.float64
