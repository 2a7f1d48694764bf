"""What every entry of LIKELIHOODS promises, each against a sum, an integral or a loop."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.data.dataset import PIXELS
from vaekit.distributions import LIKELIHOODS, Likelihood, build_likelihood

CASES = [(name, pixels) for name, kind in LIKELIHOODS.items() for pixels in kind.pixels]
SHAPES = [(5,), (1, 4, 3), (3, 4, 3)]


def made(name: str, pixels: str, shape: tuple[int, ...]) -> Likelihood:
    torch.manual_seed(0)
    return build_likelihood(name, pixels, shape).eval()


def raw_for(likelihood: Likelihood, shape: tuple[int, ...], *leading: int) -> Tensor:
    """Raw numbers such as a decoder gives, (*leading, numbers * C, ...), in double precision."""
    return torch.randn(*leading, likelihood.num_params * shape[0], *shape[1:], dtype=torch.float64)


def images_for(pixels: str, *shape: int) -> Tensor:
    """Random images of a kind, as models get them."""
    x = torch.rand(shape, dtype=torch.float64)
    made = {"binary": x.round(), "8-bit": (255 * x).round() / 255, "unit": x, "real": 4 * x - 2}
    return made[pixels]


def masses(p: Distribution, values: Tensor) -> Tensor:
    """exp log p of images of one value each."""
    return p.log_prob(values[:, None]).exp()


def test_every_kind_of_pixels_is_known_and_served() -> None:
    assert {pixels for _, pixels in CASES} == set(PIXELS)


@pytest.mark.parametrize(("name", "pixels"), CASES)
def test_the_kind_is_what_the_sum_or_the_integral_says(name: str, pixels: str) -> None:
    """Mass functions sum to 1 over the values, densities integrate to 1, `pseudo` on grey does neither."""
    likelihood = made(name, pixels, (1,))
    if likelihood.kind == "mass" or pixels == "binary":
        values = torch.arange(2 if pixels == "binary" else 256).double()
        values = values / values.max()
        total = masses(likelihood(raw_for(likelihood, (1,))), values).sum().item()
    else:
        low, high = (-12.0, 12.0) if "real" in likelihood.pixels else (0.0, 1.0)
        values = torch.linspace(low, high, 200_001, dtype=torch.float64)
        total = torch.trapezoid(masses(likelihood(raw_for(likelihood, (1,))), values), values).item()
    if likelihood.kind == "pseudo" and pixels != "binary":
        assert abs(total - 1) > 0.1
    else:
        assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("name", "pixels"), CASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_leading_samples_are_a_loop_over_them(name: str, pixels: str, shape: tuple[int, ...]) -> None:
    likelihood = made(name, pixels, shape)
    raw, x = raw_for(likelihood, shape, 3, 2), images_for(pixels, 2, *shape)
    together = likelihood(raw).log_prob(x)
    assert together.shape == (3, 2)
    for i, j in itertools.product(range(3), range(2)):
        alone = likelihood(raw[i, j]).log_prob(x[j])
        assert together[i, j].item() == pytest.approx(alone.item(), rel=1e-6)


@pytest.mark.parametrize(("name", "pixels"), CASES)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_numbers_have_finite_values_and_gradients(name: str, pixels: str, size: float) -> None:
    likelihood = made(name, pixels, (2,))
    raw = torch.full((1, likelihood.num_params * 2), size, requires_grad=True)
    x = torch.tensor([[0.0, 1.0]])
    value = likelihood(raw).log_prob(x)
    value.sum().backward()
    assert raw.grad is not None
    assert bool(value.isfinite().all())
    assert bool(raw.grad.isfinite().all())


@pytest.mark.parametrize(("name", "pixels"), CASES)
def test_gradients_are_those_of_finite_differences(name: str, pixels: str) -> None:
    likelihood, shape = made(name, pixels, (1, 2, 2)).double(), (1, 2, 2)
    x = images_for(pixels, 2, *shape)
    raw = raw_for(likelihood, shape, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda raw: likelihood(raw).log_prob(x), (raw,), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("name", "pixels"), CASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_start_has_the_mean_asked_for(name: str, pixels: str, shape: tuple[int, ...]) -> None:
    likelihood = made(name, pixels, shape)
    mean = 0.15 + 0.7 * torch.rand(shape)
    raw = likelihood.params_from_mean(mean)
    assert raw.shape == (likelihood.num_params * shape[0], *shape[1:])
    torch.testing.assert_close(likelihood(raw).mean, mean, rtol=0, atol=0.02)


@pytest.mark.parametrize(("name", "pixels"), CASES)
def test_the_mean_is_that_of_draws(name: str, pixels: str) -> None:
    likelihood = made(name, pixels, (4,))
    if likelihood.kind == "pseudo":
        pytest.skip("not a distribution on grey pixels; on binary ones it is the Bernoulli")
    p = likelihood(raw_for(likelihood, (4,)))
    draws = p.sample(torch.Size([20_000]))
    error = draws.std(0) / 20_000**0.5
    assert bool(((draws.mean(0) - p.mean).abs() < 5 * error + 2e-3).all())


@pytest.mark.parametrize(("name", "pixels"), CASES)
def test_half_precision_numbers_are_widened_and_double_stays_double(name: str, pixels: str) -> None:
    likelihood, x = made(name, pixels, (3,)), images_for(pixels, 2, 3)
    raw = raw_for(likelihood, (3,), 2).bfloat16()
    half, single = likelihood(raw).log_prob(x.float()), likelihood(raw.float()).log_prob(x.float())
    assert half.dtype == torch.float32
    assert torch.equal(half, single)
    assert likelihood(raw.double()).log_prob(x).dtype == torch.float64
