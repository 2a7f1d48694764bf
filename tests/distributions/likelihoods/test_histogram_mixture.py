"""The mixture of histograms against fractions, loops, counts and draws."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from vaekit import VAE
from vaekit.distributions import build_likelihood
from vaekit.distributions.likelihoods.histogram_mixture import HistogramMixtureLikelihood
from vaekit.networks.mlp import Perceptron

SHAPES = [(2, 3, 2), (1, 3, 2), (5,)]


def mixture(shape: tuple[int, ...], mixtures: int = 3, seed: int = 0) -> HistogramMixtureLikelihood:
    """With histograms at random, so that nothing holds by their start."""
    torch.manual_seed(seed)
    likelihood = build_likelihood("histogram-mixture", "8-bit", shape, mixtures=mixtures)
    assert isinstance(likelihood, HistogramMixtureLikelihood)
    torch.nn.init.normal_(likelihood.tables, std=2)
    return likelihood


def images(shape: tuple[int, ...], count: int = 40) -> Tensor:
    """Dark first values and bright last ones, (count, *shape), of few levels."""
    slope = torch.linspace(0, 200, math.prod(shape)).view(shape)
    return (slope + 8 * torch.randint(6, (count, *shape))).round() / 255


def test_it_is_the_mixture_in_fractions() -> None:
    """Weights and histograms of whole numbers, so that the mass is a fraction."""
    likelihood = mixture((1,), 2)
    counts = torch.stack([torch.arange(1, 257), torch.tensor([7] * 256)])
    with torch.no_grad():
        likelihood.tables.copy_(counts.log())
    p = likelihood(torch.tensor([[3.0], [5.0]]).log().flatten())
    for level in (0, 1, 100, 255):
        exact = Fraction(3, 8) * Fraction(level + 1, 256 * 257 // 2) + Fraction(5, 8) / 256
        assert p.log_prob(torch.tensor([level / 255])).exp().item() == pytest.approx(float(exact), rel=1e-5)
    mean = (
        Fraction(3, 8) * sum(Fraction(v * (v + 1), 256 * 257 // 2) for v in range(256))
        + Fraction(5, 8) * 255 / 2
    )
    assert 255 * p.mean.item() == pytest.approx(float(mean), rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_value_has_the_mixture_of_its_channel(shape: tuple[int, ...]) -> None:
    """By a loop over values, from raw numbers that lie one histogram after another."""
    likelihood = mixture(shape)
    raw = torch.randn(3 * shape[0], *shape[1:])
    x = torch.randint(256, shape)
    total = 0.0
    for place in torch.cartesian_prod(*(torch.arange(n) for n in shape)).view(-1, len(shape)).tolist():
        weights = torch.stack([raw[place[0] + k * shape[0], *place[1:]] for k in range(3)]).softmax(0)
        channel = place[0] if len(shape) == 3 else 0
        total += (weights @ likelihood.tables[channel].softmax(-1)[:, x[tuple(place)]]).log().item()
    assert likelihood(raw).log_prob(x / 255).item() == pytest.approx(total, rel=1e-5)


def test_an_array_has_one_set_and_an_image_one_for_each_channel() -> None:
    assert {shape: mixture(shape, 4).tables.shape for shape in SHAPES} == {
        (2, 3, 2): (2, 4, 256), (1, 3, 2): (1, 4, 256), (5,): (1, 4, 256),
    }  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_draws_have_the_shares_of_the_masses(shape: tuple[int, ...]) -> None:
    """Of every level of every channel, within five standard errors."""
    likelihood = mixture(shape)
    raw = torch.randn(3, shape[0])[..., None, None] if len(shape) == 3 else torch.randn(3, 1)
    p = likelihood(raw.expand(3, *shape).flatten(0, 1))
    drawn = (255 * p.sample(torch.Size([20_000]))).round().long()
    for channel, table in enumerate(likelihood.tables.detach().softmax(-1)):
        mass = raw[:, channel].flatten().softmax(0) @ table
        levels = drawn[:, channel].flatten() if len(shape) == 3 else drawn.flatten()
        share = torch.bincount(levels, minlength=256) / len(levels)
        error = (mass * (1 - mass) / len(levels)).sqrt()
        assert ((share - mass).abs() < 5 * error + 1e-5).all()


def test_gradients_of_the_histograms_are_those_of_finite_differences() -> None:
    likelihood = mixture((2, 1, 2)).double()
    raw = torch.randn(2, 6, 1, 2, dtype=torch.float64)
    x = torch.tensor([0, 3, 255, 3, 3, 0, 9, 9]).view(2, 2, 1, 2) / 255

    def nats(tables: Tensor) -> Tensor:
        return torch.func.functional_call(likelihood, {"tables": tables}, (raw,)).log_prob(x.double())

    torch.autograd.gradcheck(nats, (likelihood.tables,), fast_mode=True)


# The start -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_at_the_shares_the_mixture_is_the_training_histogram(shape: tuple[int, ...]) -> None:
    """Counted by hand, with a tenth of an image of all levels alike; whatever the histograms were cut into."""
    likelihood, x = mixture(shape, 7), images(shape)
    likelihood.begin_from(x.split(15))
    levels = (255 * x).round().long()
    for channel in range(len(likelihood.tables)):
        mine = levels[:, channel] if len(shape) == 3 else levels
        seen = torch.tensor([(mine == v).sum() for v in range(256)]) / mine.numel()
        wanted = (seen + 0.1 / len(x) / 256) / (1 + 0.1 / len(x))
        mixed = likelihood.shares[channel].exp() @ likelihood.tables[channel].softmax(-1)
        torch.testing.assert_close(mixed, wanted, rtol=1e-4, atol=1e-7)


def test_a_frequent_level_has_some_of_the_histograms_and_the_others_the_rest() -> None:
    """Nine of ten values are 0, as in pictures of digits; the others lie anywhere."""
    torch.manual_seed(1)
    likelihood = mixture((1, 10, 10), 16)
    x = torch.randint(256, (100, 1, 10, 10)) * (torch.rand(100, 1, 10, 10) < 0.1)
    likelihood.begin_from([x / 255])
    zeros = likelihood.tables[0].softmax(-1)[:, 0] > 0.5
    assert 1 <= zeros.sum() <= 6
    means = likelihood.tables[0].softmax(-1) @ torch.arange(256.0)
    assert (means.diff() > 0).all()  # in the order of the levels


def test_the_start_is_the_nearest_to_the_training_levels() -> None:
    """Of all weights with the wanted mean none diverge less from the shares (a search over three histograms)."""
    likelihood = mixture((1, 1, 1))
    likelihood.begin_from([images((1, 1, 1))])
    means = (likelihood.tables[0].softmax(-1) @ (torch.arange(256) / 255)).detach().double()
    wanted = 0.4 * means[0] + 0.6 * means[2]
    start = likelihood.params_from_mean(wanted.view(1, 1, 1)).flatten().softmax(0).double()
    assert float(start @ means) == pytest.approx(float(wanted), abs=1e-5)
    middle = torch.linspace(0, 1, 2001, dtype=torch.float64)[1:-1]
    last = (wanted - means[0] - middle * (means[1] - means[0])) / (means[2] - means[0])
    others = torch.stack([1 - middle - last, middle, last], dim=-1)
    others = others[(others > 0).all(-1)]
    shares = likelihood.shares[0].double()
    divergences = (others * (others.log() - shares)).sum(-1)
    assert float((start * (start.log() - shares)).sum()) <= float(divergences.min()) + 1e-6


def test_a_fresh_model_begins_at_the_histogram_and_the_mean() -> None:
    torch.manual_seed(2)
    x = (255 * images((1, 4, 4), 300)).to(torch.uint8)
    model = VAE((1, 4, 4), 2, network="mlp", width=8, likelihood="histogram-mixture")
    model.prepare(x)
    assert isinstance(model.decoder, Perceptron)
    with torch.no_grad():
        model.decoder.last.weight.zero_()
        mean = model.decode(torch.zeros(1, 2)).mean[0]
        nats = -model.decode(torch.zeros(1, 2)).log_prob(x.float() / 255).mean()
    torch.testing.assert_close(mean, x.float().mean(0) / 255, atol=0.02, rtol=0)
    share = torch.bincount(x.flatten(), minlength=256) / x.numel()
    entropy = -torch.special.xlogy(share, share).sum()
    assert nats < 16 * entropy  # as one histogram for all places has it


def test_weights_are_read_back_with_the_histograms() -> None:
    one, other = mixture((1, 2, 2), seed=1), mixture((1, 2, 2), seed=2)
    assert [*one.state_dict()] == ["tables"]
    other.load_state_dict(one.state_dict())
    raw, x = torch.randn(3, 2, 2), torch.rand(1, 2, 2)
    assert torch.equal(one(raw).log_prob(x), other(raw).log_prob(x))
