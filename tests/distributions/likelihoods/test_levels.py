"""Mass functions on 256 levels against scipy's logistic, enumeration and Monte Carlo."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special
from scipy.stats import logistic
from torch import Tensor

from vaekit import IWAE, VAE, fit, load_data
from vaekit.core import SettingError
from vaekit.distributions import Likelihood, build_likelihood
from vaekit.distributions.likelihoods.logistic_mixture import LogisticMixture, clipped_mean, log_mass
from vaekit.metrics import bits_per_dimension

LEVELS = torch.arange(256) / 255
NAMES = ["logistic-mixture", "categorical", "histogram-mixture"]


def logsumexp(values: object, axis: int | None = None) -> np.ndarray:
    return np.asarray(special.logsumexp(np.asarray(values), axis=axis))


def scipy_log_mass(levels: np.ndarray, location: float, log_scale: float) -> np.ndarray:
    """log of a discretised logistic at whole levels; tails by their own functions."""
    at, scale = 255 * location, 255 * math.exp(log_scale)
    upper = np.where(levels == 255, np.inf, levels + 0.5)
    lower = np.where(levels == 0, -np.inf, levels - 0.5)
    left = logistic.cdf(upper, at, scale) - logistic.cdf(lower, at, scale)
    right = logistic.sf(lower, at, scale) - logistic.sf(upper, at, scale)
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(left, right))


def of_levels(name: str, shape: tuple[int, ...], mixtures: int = 3) -> Likelihood:
    options = {} if name == "categorical" else {"mixtures": mixtures}
    return build_likelihood(name, "8-bit", shape, **options)


def one_value(name: str, raw: Tensor, mixtures: int = 3) -> torch.distributions.Distribution:
    """p of an array of one value, from its raw numbers, repeated for all 256 levels."""
    return of_levels(name, (1,), mixtures)(raw.expand(256, -1))


# One logistic --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "log_scale"), [(0.3, -2.0), (0.0, -4.0), (1.0, -5.5), (-0.4, -1.0), (0.5, 1.0)]
)
def test_log_mass_is_scipys(location: float, log_scale: float) -> None:
    x = LEVELS.double()
    ours = log_mass(x, torch.tensor(location).double(), torch.tensor(log_scale).double()).numpy()
    theirs = scipy_log_mass(np.arange(256), location, log_scale)
    seen = theirs > -25  # further out scipy's difference has no digits left
    assert seen.sum() > 3
    np.testing.assert_allclose(ours[seen], theirs[seen], rtol=1e-6, atol=1e-7)


def test_far_out_log_mass_is_the_exponential_tail() -> None:
    """log mass -> -distance/scale + log(2 sinh(width/2)) where F(b) - F(a) is 0 in any precision."""
    scale, width = 1e-3, 1 / 255 / 1e-3
    value = log_mass(torch.tensor(128 / 255), torch.tensor(-1.0), torch.tensor(math.log(scale))).item()
    tail = -(128 / 255 + 1) / scale + math.log(2 * math.sinh(width / 2))
    assert value == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize("location", [-0.2, 0.0, 0.31, 0.5, 1.0, 1.4])
@pytest.mark.parametrize("log_scale", [-9.0, -6.0, -3.0, 0.0, 3.0])
def test_mean_is_that_of_enumeration_to_half_a_level(location: float, log_scale: float) -> None:
    at, scale = torch.tensor(location).double(), torch.tensor(log_scale).double()
    exact = (log_mass(LEVELS.double(), at, scale).exp() * LEVELS.double()).sum()
    error = 255 * abs(clipped_mean(at, scale).item() - exact.item())
    assert error <= 0.5 + 1e-6
    if log_scale >= -3:
        assert error < 0.01


# Both, through the decoder's numbers ---------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0.1, 1.0, 5.0, 100.0, 1e4])
def test_mass_sums_to_one_over_the_levels(name: str, size: float) -> None:
    torch.manual_seed(1)
    numbers = of_levels(name, (1,)).num_params
    masses = one_value(name, size * torch.randn(numbers).double()).log_prob(LEVELS.double()[:, None]).exp()
    assert masses.sum().item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0.0, 1.0, 50.0, 1e4, -1e4])
def test_gradients_are_finite_at_the_ends_and_at_extreme_parameters(name: str, size: float) -> None:
    """fp32; every combination of signs of weight, location and scale for the mixture."""
    torch.manual_seed(2)
    likelihood = of_levels(name, (8,))
    raw = (size * torch.randint(-1, 2, (64, 8 * likelihood.num_params))).requires_grad_()
    x = torch.tensor([0, 255, 0, 255, 1, 254, 128, 7]) / 255
    value = likelihood(raw).log_prob(x.expand(64, 8))
    value.sum().backward()
    assert value.isfinite().all()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_mean_and_samples_are_those_of_the_masses(name: str) -> None:
    torch.manual_seed(4)
    likelihood = of_levels(name, (1,))
    raw = torch.randn(likelihood.num_params)
    masses = one_value(name, raw).log_prob(LEVELS[:, None]).exp().double()
    p = likelihood(raw)
    assert p.mean.item() == pytest.approx((masses * LEVELS).sum().item(), abs=1e-4)
    drawn = (p.sample(torch.Size([50_000])).flatten() * 255).round().long()
    share = torch.bincount(drawn, minlength=256) / 50_000
    error = (masses * (1 - masses) / 50_000).sqrt()
    assert ((share - masses).abs() < 5 * error + 1e-4).all()


def test_mixture_is_scipys() -> None:
    torch.manual_seed(5)
    raw = torch.randn(3, 4, 1, 2, 2).double()  # K = 4
    likelihood = build_likelihood("logistic-mixture", "8-bit", (1, 2, 2), mixtures=4)
    levels = torch.tensor([[0, 200], [255, 17]])
    logits, location, log_scale = (part.reshape(4, 4).numpy() for part in raw)  # (K, pixels)
    weights = logits - logsumexp(logits, axis=0)
    expected = sum(
        logsumexp(
            [weights[k, i] + scipy_log_mass(np.array(v), location[k, i], log_scale[k, i]) for k in range(4)]
        )
        for i, v in enumerate(levels.flatten().tolist())
    )
    ours = likelihood(raw.reshape(12, 2, 2)).log_prob(levels.double().view(1, 2, 2) / 255)
    assert ours.item() == pytest.approx(expected, rel=1e-4)  # the soft bounds move a scale by 1e-4


def test_categorical_is_the_log_softmax() -> None:
    torch.manual_seed(6)
    raw = torch.randn(5, 256 * 2, 3, 2)
    levels = torch.randint(256, (5, 2, 3, 2))
    p = build_likelihood("categorical", "8-bit", (2, 3, 2))(raw)
    table = raw.view(5, 256, 2, 3, 2).log_softmax(1)
    by_hand = torch.nn.functional.nll_loss(table, levels, reduction="none").sum((1, 2, 3))
    torch.testing.assert_close(p.log_prob(levels / 255), -by_hand)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 5, 4), (20,)])
def test_the_start_has_about_the_mean_asked_for(name: str, shape: tuple[int, ...]) -> None:
    likelihood = build_likelihood(name, "8-bit", shape)
    mean = torch.linspace(0.12, 0.88, math.prod(shape)).view(shape)
    torch.testing.assert_close(likelihood(likelihood.params_from_mean(mean)).mean, mean, atol=0.02, rtol=0)
    ends = likelihood(likelihood.params_from_mean(torch.full(shape, 1.0))).mean
    assert (ends > 0.88).all()


def test_mixtures_must_be_one_at_least() -> None:
    with pytest.raises(SettingError, match="mixtures must be at least 1, not 0"):
        build_likelihood("logistic-mixture", "8-bit", (1, 4, 4), mixtures=0)


# Three coupled channels ----------------------------------------------------------------------------


@pytest.fixture
def coupled() -> LogisticMixture:
    """p of one colour pixel with two components."""
    torch.manual_seed(8)
    logits, location, coupling = torch.randn(3, 2, 3, 1, 1).unbind()
    scale = torch.tensor([-5.5, -5.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    return LogisticMixture(logits, 0.5 + 0.05 * location, scale, coupling, 3)


def test_coupled_masses_sum_to_one_over_the_colours(coupled: LogisticMixture) -> None:
    """All colours within 0.21 of mid-grey, where all but 1e-6 of the mass lies."""
    levels = torch.arange(75, 181) / 255
    colours = torch.cartesian_prod(levels, levels, levels)
    masses = coupled.log_prob(colours.view(-1, 3, 1, 1)).exp().double()
    assert masses.sum().item() == pytest.approx(1.0, abs=1e-4)
    moments = masses @ colours.double()
    torch.testing.assert_close(coupled.mean.flatten().double(), moments, atol=1e-4, rtol=0)


def test_coupled_channels_follow_equation_three(coupled: LogisticMixture) -> None:
    colour = (30, 210, 140)
    red, green, _ = (v / 255 - 0.5 for v in colour)
    weights = coupled.weights[:, 0, 0, 0].tolist()
    terms = []
    for k in range(2):
        at, scale = coupled.location[k].flatten().tolist(), coupled.log_scale[k].flatten().tolist()
        assert coupled.coupling is not None
        a, b, c = coupled.coupling[k].flatten().tolist()
        places = (at[0], at[1] + a * red, at[2] + b * red + c * green)
        masses = [scipy_log_mass(np.array(v), p, s) for v, p, s in zip(colour, places, scale, strict=True)]
        terms.append(weights[k] + sum(masses))
    ours = coupled.log_prob(torch.tensor(colour).view(3, 1, 1) / 255)
    assert ours.item() == pytest.approx(float(logsumexp(terms)), rel=1e-4)


def test_coupled_samples_have_the_coupled_moments(coupled: LogisticMixture) -> None:
    torch.manual_seed(9)
    drawn = coupled.sample(torch.Size([40_000])).flatten(1).double()
    torch.testing.assert_close(drawn.mean(0), coupled.mean.flatten().double(), atol=0.01, rtol=0)
    density = coupled.log_prob(drawn.float().view(-1, 3, 1, 1)).double()
    again = coupled.sample(torch.Size([40_000])).flatten(1)
    shuffled = torch.stack([again[torch.randperm(40_000), c] for c in range(3)], dim=1)
    assert density.mean() > coupled.log_prob(shuffled.view(-1, 3, 1, 1)).double().mean() + 0.1


# Bits ----------------------------------------------------------------------------------------------


def test_uniform_images_take_eight_bits_a_dimension() -> None:
    p = build_likelihood("categorical", "8-bit", (1, 4, 4))(torch.zeros(2, 256, 4, 4))
    nats = -p.log_prob(torch.rand(2, 1, 4, 4)).mean().item()
    assert bits_per_dimension(nats, 16) == pytest.approx(8.0, rel=1e-6)


def test_a_run_reports_its_bits() -> None:
    data = load_data("digits")
    model = VAE(data.shape, latent_dim=4, network="mlp", width=16, likelihood="logistic-mixture", mixtures=2)
    test = fit(model, IWAE(2), data, epochs=1, device="cpu", progress="none").test.figures
    for name in ("negative_elbo", "negative_iwae_bound"):
        assert test[f"{name}_bpd"] == pytest.approx(test[f"{name}_nats"] / 64 / math.log(2))
