"""The sandwich of annealed chains against exact values of -log p(x), of every kind of likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from linear import LinearVAE
from two_layers import TwoLayers
from vaekit.core import SettingError
from vaekit.data import Split
from vaekit.evaluation.likelihood.ais import at_once
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.evaluation.likelihood.sandwich import drawn, sandwich_bounds
from vaekit.inference import asking
from vaekit.models import VAE, Model


def images_of(
    model: Model, count: int, labels: Split | None = None, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """The images that `sandwich_bounds` draws, and their labels."""
    with asking(model):
        blocks = list(drawn(model, count, at_once(model, 16), labels, seed))
        y = (
            None
            if blocks[0][1] is None
            else torch.cat([block[1] for block in blocks if block[1] is not None])
        )
        return torch.cat([x for x, _, _ in blocks]), y


def quadrature(model: VAE, x: Tensor, y: Tensor | None) -> np.ndarray:
    """-log p(x) of a model of one latent, by a sum over a fine grid of z."""
    z = torch.linspace(-8, 8, 1001)
    with asking(model):
        columns = z[:, None, None].expand(-1, len(x), 1)
        log_joint = model.decode(columns, y).log_prob(x).double() - 0.5 * z.double().square()[:, None]
    return -(log_joint.logsumexp(0) - 0.5 * math.log(2 * math.pi) + math.log(16 / 1000)).numpy()


@pytest.mark.parametrize("sigma", [0.5, 0.005])
def test_linear_gaussian_vae(sigma: float) -> None:
    linear = LinearVAE(1, sigma=sigma)
    found = sandwich_bounds(linear.model, 60, temperatures=300 if sigma < 0.1 else 100)
    x, _ = images_of(linear.model, 60)
    truth = linear.nll(x)
    off = found.above.per_image.numpy() - truth, truth - found.below.per_image.numpy()
    for side in off:
        assert abs(side.mean()) < 0.1 + 3 * side.std(ddof=1) / math.sqrt(60)
    assert found.interval is not None
    assert found.interval[0] < truth.mean() < found.interval[1]
    assert abs(found.gap.value) < 0.5


def test_a_short_path_is_wide_and_holds_the_truth_between() -> None:
    linear = LinearVAE(1, sigma=0.05)
    found = sandwich_bounds(linear.model, 50, chains=4, temperatures=10, seed=3)
    truth = linear.nll(images_of(linear.model, 50, seed=3)[0])
    above, below = found.above.per_image.numpy() - truth, truth - found.below.per_image.numpy()
    for side in (above, below):
        assert side.mean() > 5 * side.std(ddof=1) / math.sqrt(50)
    assert found.gap.value == pytest.approx(above.mean() + below.mean(), abs=1e-3)
    assert found.gap.standard_error == pytest.approx((above + below).std(ddof=1) / math.sqrt(50), abs=1e-3)


@pytest.mark.parametrize(
    ("pixels", "likelihood"),
    [("binary", "bernoulli"), ("8-bit", "logistic-mixture"), ("8-bit", "categorical"), ("8-bit", "gaussian"),
     ("8-bit", "continuous-bernoulli"), ("real", "gaussian-optimal"), ("real", "gaussian-learned")],
)  # fmt: skip
def test_every_likelihood(pixels: str, likelihood: str) -> None:
    """One latent, of which the decoder makes much; of real values in their own units."""
    torch.manual_seed(0)
    classes = 3 if likelihood in ("bernoulli", "gaussian") else 0
    shape = (5,) if pixels == "real" else (1, 3, 3)
    model = VAE(
        shape, 1, width=8, likelihood=likelihood, pixels=pixels, classes=classes, network="mlp", init="random"
    )
    labels = Split(torch.zeros(12, *shape), torch.arange(12) % 3) if classes else None
    if pixels == "real":
        model.take_units(3 + 5 * torch.randn(50, 5))
    with torch.no_grad():
        for weights in model.decoder.parameters():
            weights.add_(0.3 * torch.randn_like(weights))
    found = sandwich_bounds(model.eval(), 12, temperatures=60, labels=labels)
    x, y = images_of(model, 12, labels)
    truth = quadrature(model, x, y)
    assert found.above.value == pytest.approx(truth.mean(), abs=0.1 + 3 * (found.gap.standard_error or 0))
    assert found.interval is not None
    assert found.interval[0] - 0.02 < truth.mean() < found.interval[1] + 0.02
    assert abs(found.gap.value) < 0.3
    if pixels == "binary":
        assert ((x == 0) | (x == 1)).all()
    elif likelihood in ("logistic-mixture", "categorical"):
        assert torch.equal((255 * x).round() / 255, x)


def test_two_layers() -> None:
    """Against the importance-weighted bound of the same images, which is tight of an untrained model."""
    torch.manual_seed(0)
    model = TwoLayers((1, 4, 4), pixels="binary", likelihood="bernoulli").eval()
    found = sandwich_bounds(model, 20, temperatures=60)
    bound = importance_bound(model, Split(images_of(model, 20)[0]), 2000)
    assert abs(found.gap.value) < 0.05
    assert found.above.value == pytest.approx(bound.value, abs=0.05)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(SettingError, match=r"sandwich= draws images .* and bce is no likelihood"):
        sandwich_bounds(VAE((1, 4, 4), 2, width=8, likelihood="bce"), 5)
    conditional = VAE((1, 4, 4), 2, width=8, likelihood="gaussian", classes=3)
    with pytest.raises(SettingError, match="sandwich= of a model conditioned on classes needs labels"):
        sandwich_bounds(conditional, 5, labels=Split(torch.zeros(3, 1, 4, 4)))
    with pytest.raises(SettingError, match="temperatures must be at least 1, not 0"):
        sandwich_bounds(conditional, 5, temperatures=0)
