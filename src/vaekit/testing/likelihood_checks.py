"""Checks of what a likelihood promises: each against a sum, an integral, a loop or draws."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.distributions import Likelihood, build_likelihood
from vaekit.testing.made_up import close

SHAPES = ((5,), (1, 4, 3), (3, 4, 3))
DRAWS = 20_000


@dataclass(frozen=True)
class LikelihoodSubject:
    """A likelihood that is checked on one kind of pixels.

    Attributes:
        name: key of LIKELIHOODS, or one with options: "laplace(spread=0.3)".
        pixels: key of PIXELS.
    """

    name: str
    pixels: str

    def build(self, shape: tuple[int, ...]) -> Likelihood:
        torch.manual_seed(0)
        return build_likelihood(self.name, self.pixels, shape).eval()

    def images(self, *shape: int) -> Tensor:
        """Random images as models get them, in double precision."""
        x = torch.rand(shape, dtype=torch.float64)
        made = {"binary": x.round(), "8-bit": (255 * x).round() / 255, "unit": x, "real": 4 * x - 2}
        return made[self.pixels]


def raw_for(likelihood: Likelihood, shape: tuple[int, ...], *leading: int) -> Tensor:
    """Raw numbers such as a decoder gives, (*leading, numbers * C, ...), in double precision."""
    return torch.randn(*leading, likelihood.num_params * shape[0], *shape[1:], dtype=torch.float64)


def masses(p: Distribution, values: Tensor) -> Tensor:
    """exp log p of images of one value each, (N,)."""
    return p.log_prob(values[:, None]).exp()


def its_kind_is_what_the_sum_or_the_integral_says(subject: LikelihoodSubject) -> None:
    """Mass functions sum to 1 over the values, densities integrate to 1, a pseudo-likelihood on grey does neither."""
    likelihood = subject.build((1,))
    p = likelihood(raw_for(likelihood, (1,)))
    if likelihood.kind == "mass" or subject.pixels == "binary":
        values = torch.arange(2 if subject.pixels == "binary" else 256).double()
        total = masses(p, values / values.max()).sum().item()
    else:
        low, high = (-12.0, 12.0) if "real" in likelihood.pixels else (0.0, 1.0)
        values = torch.linspace(low, high, 200_001, dtype=torch.float64)
        total = torch.trapezoid(masses(p, values), values).item()
    if likelihood.kind == "pseudo" and subject.pixels != "binary":
        assert abs(total - 1) > 0.1, f"a pseudo-likelihood has the total {total}"
    else:
        assert abs(total - 1) < 1e-6, f"a {likelihood.kind} has the total {total}"


def leading_samples_are_a_loop_over_them(subject: LikelihoodSubject) -> None:
    """log p(x|z) of several draws of z is that of each alone, (S, B), summed over the image."""
    for shape in SHAPES:
        likelihood = subject.build(shape)
        raw, x = raw_for(likelihood, shape, 3, 2), subject.images(2, *shape)
        together = likelihood(raw).log_prob(x)
        assert together.shape == (3, 2), (
            f"log_prob has the shape {tuple(together.shape)}, not samples, images"
        )
        for i, j in itertools.product(range(3), range(2)):
            close(together[i, j], likelihood(raw[i, j]).log_prob(x[j]), "log p of a draw", 1e-6, 0)


def extreme_numbers_have_finite_values_and_gradients(subject: LikelihoodSubject) -> None:
    """Whatever the decoder gives: raw numbers of 10,000 either way."""
    likelihood = subject.build((2,))
    for size in (1e4, -1e4):
        raw = torch.full((1, likelihood.num_params * 2), size, requires_grad=True)
        value = likelihood(raw).log_prob(torch.tensor([[0.0, 1.0]]))
        value.sum().backward()
        assert bool(value.isfinite().all()), f"log p is {value.tolist()} at {size}"
        assert raw.grad is not None and bool(raw.grad.isfinite().all()), f"the gradient at {size}"


def gradients_are_those_of_finite_differences(subject: LikelihoodSubject) -> None:
    """By the raw numbers, in double precision."""
    shape = (1, 2, 2)
    likelihood = subject.build(shape).double()
    x = subject.images(2, *shape)
    raw = raw_for(likelihood, shape, 2).requires_grad_()
    torch.autograd.gradcheck(lambda raw: likelihood(raw).log_prob(x), (raw,), atol=1e-4, rtol=1e-4)


def the_start_has_the_mean_that_is_asked_for(subject: LikelihoodSubject) -> None:
    """`params_from_mean` gives raw numbers whose p(x|z) has about that mean image."""
    for shape in SHAPES:
        likelihood = subject.build(shape)
        mean = 0.15 + 0.7 * torch.rand(shape)
        raw = likelihood.params_from_mean(mean)
        assert raw.shape == (likelihood.num_params * shape[0], *shape[1:]), (
            f"params_from_mean: {tuple(raw.shape)}"
        )
        close(likelihood(raw).mean, mean, "the mean at the start", 0, 0.02)


def the_mean_is_that_of_draws(subject: LikelihoodSubject) -> None:
    """Within five standard errors; a pseudo-likelihood is no distribution."""
    likelihood = subject.build((4,))
    if likelihood.kind == "pseudo":
        return
    p = likelihood(raw_for(likelihood, (4,)))
    draws = p.sample(torch.Size([DRAWS]))
    off = (draws.mean(0) - p.mean).abs() - 5 * draws.std(0) / DRAWS**0.5
    assert bool((off < 2e-3).all()), f"the mean is off by {float(off.max())} more than five standard errors"


def half_precision_numbers_are_widened_and_double_stays_double(subject: LikelihoodSubject) -> None:
    """Networks may run in bf16; log p is computed in float32 at least."""
    likelihood, x = subject.build((3,)), subject.images(2, 3)
    raw = raw_for(likelihood, (3,), 2).bfloat16()
    half, single = likelihood(raw).log_prob(x.float()), likelihood(raw.float()).log_prob(x.float())
    assert half.dtype == torch.float32, f"log p of bf16 numbers is {half.dtype}"
    assert torch.equal(half, single), "log p of bf16 numbers is not that of the same numbers in fp32"
    double = likelihood(raw.double()).log_prob(x).dtype
    assert double == torch.float64, f"log p of double numbers is {double}"


LIKELIHOOD_CHECKS: dict[str, Callable[[LikelihoodSubject], None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        its_kind_is_what_the_sum_or_the_integral_says,
        leading_samples_are_a_loop_over_them,
        extreme_numbers_have_finite_values_and_gradients,
        gradients_are_those_of_finite_differences,
        the_start_has_the_mean_that_is_asked_for,
        the_mean_is_that_of_draws,
        half_precision_numbers_are_widened_and_double_stays_double,
    )
}
