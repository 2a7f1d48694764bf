"""Outlier scores against closed forms of a linear model, and AUROC against counting pairs."""

from __future__ import annotations

import math
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from torch import nn

from linear import LATENTS, PIXELS, SIGMA, LinearDecoder, LinearVAE
from vaekit import VAE, SettingError, Split, fit, load_data
from vaekit.config.methods import resolve
from vaekit.distributions.likelihoods import LIKELIHOODS
from vaekit.evaluation import outliers
from vaekit.evaluation.outliers import auroc, aurocs, score_images
from vaekit.models import AE
from vaekit.training.fresh import new_model


def scores_of(linear: LinearVAE, *names: str, **options: Any) -> list[torch.Tensor]:
    found, left_out = score_images(linear.model, linear.split, scores=list(names), **options)
    assert left_out == {}
    return [found[name] for name in names]


def test_elbo_and_bound_have_their_closed_forms() -> None:
    """One image's ELBO has noise of four draws; the bound with 2,000 is close to -log p(x)."""
    linear = LinearVAE(40)
    elbo, bound = scores_of(linear, "negative_elbo_nats", "negative_bound_nats", samples=2000)
    assert np.corrcoef(elbo.numpy(), linear.negative_elbo())[0, 1] > 0.5
    assert elbo.mean().item() == pytest.approx(linear.negative_elbo().mean(), abs=0.4)
    np.testing.assert_allclose(bound.numpy(), linear.nll(), atol=0.15)


def test_regret_is_the_gap_to_the_best_diagonal_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    """That has the exact mean and the variances 1 / precision_dd; what is left is the KL to the exact one."""
    monkeypatch.setattr(outliers, "STEPS", 300)
    linear = LinearVAE(60)
    w = linear.weight.double().numpy()
    precision = np.eye(LATENTS) + w.T @ w / SIGMA**2
    best = linear.nll() + 0.5 * (
        -np.linalg.slogdet(precision)[1] + np.log(np.diag(precision)).sum()
    )  # the trace is D, and cancels
    (regret,) = scores_of(linear, "likelihood_regret_nats")
    expected = linear.negative_elbo() - best
    assert expected.min() > 0.1
    assert regret.mean().item() == pytest.approx(expected.mean(), rel=0.1)


class ShiftedEncoder(nn.Module):
    """q(z|x) with means `shift` of the exact posterior's deviations away, and `widen` times its variances."""

    def __init__(self, weight: torch.Tensor, shift: float, widen: float) -> None:
        super().__init__()
        self.precision = 1 + weight.square().sum(0) / SIGMA**2
        self.gain = nn.Parameter((weight / SIGMA**2 / self.precision).T.clone())
        self.shift, self.widen = shift, widen

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        mean = x @ self.gain.T + self.shift / self.precision.sqrt()
        return torch.cat([mean, (self.widen / self.precision).log().expand(len(x), -1)], dim=1)


@pytest.mark.parametrize(
    ("shift", "widen"), [(0.0, 1.0), (0.05, 1.0), (1.0, 1.0), (3.0, 1.0), (4.0, 1.0), (0.0, 0.2), (2.0, 3.0)]
)
def test_regret_of_an_encoder_that_is_off_by_a_known_kl(shift: float, widen: float) -> None:
    """Orthogonal columns make the exact posterior diagonal: the regret is KL(q(z|x) || p(z|x)), in closed form."""
    generator = torch.Generator().manual_seed(0)
    draw = torch.linalg.qr(torch.randn(PIXELS, LATENTS, generator=generator))[0]
    weight, bias = draw * torch.tensor([1.0, 2.0, 0.5]), torch.zeros(PIXELS)
    latents, noise = (torch.randn(100, n, generator=generator) for n in (LATENTS, PIXELS))
    networks = {"encoder": ShiftedEncoder(weight, shift, widen), "decoder": LinearDecoder(weight, bias)}
    model = VAE((PIXELS,), LATENTS, likelihood="gaussian", sigma=SIGMA, pixels="real", **networks)
    images = Split(latents @ weight.T + SIGMA * noise)
    regret = score_images(model, images, scores=["likelihood_regret_nats"])[0]["likelihood_regret_nats"]
    exact = LATENTS / 2 * (widen - 1 - math.log(widen) + shift**2)
    assert regret.min() >= 0
    assert regret.mean().item() == pytest.approx(exact, rel=0.05, abs=0.03)


def test_a_search_that_fails_is_no_regret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that ends in worse places than it began at, nor one that ends nowhere."""
    linear = LinearVAE(10)
    for rate in (30.0, math.inf):
        monkeypatch.setattr(outliers, "RATE", rate)
        (regret,) = scores_of(linear, "likelihood_regret_nats")
        assert regret.tolist() == [0.0] * 10


def test_regret_leaves_the_model_as_it_was() -> None:
    linear = LinearVAE(10)
    before = {name: tensor.clone() for name, tensor in linear.model.state_dict().items()}
    first, again = (scores_of(linear, "likelihood_regret_nats")[0] for _ in range(2))
    assert torch.equal(first, again)
    assert all(torch.equal(before[name], tensor) for name, tensor in linear.model.state_dict().items())
    assert all(parameter.grad is None for parameter in linear.model.parameters())


def test_reconstruction_error_by_hand() -> None:
    """W (gain (x - b) + 0.1) + b of each image."""
    linear = LinearVAE(20)
    x = linear.split.images
    covariance = torch.linalg.inv(torch.eye(LATENTS) + linear.weight.T @ linear.weight / SIGMA**2)
    codes = (x - linear.bias) @ (covariance @ linear.weight.T / SIGMA**2).T + 0.1
    expected = (x - (codes @ linear.weight.T + linear.bias)).square().mean(1)
    (found,) = scores_of(linear, "reconstruction_error")
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4)


def test_latent_distance_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the second nearest of the training codes, in their standard deviations."""
    monkeypatch.setattr(outliers, "NEIGHBOUR", 2)
    linear, train = LinearVAE(30), LinearVAE(50, seed=0).split
    found, _ = score_images(linear.model, linear.split, train, scores=["latent_distance"])
    with torch.no_grad():
        codes, known = (linear.model.encode(images).mean for images in (linear.split.images, train.images))
    gaps = ((codes[:, None] - known) / known.std(0)).square().sum(-1).sqrt()
    np.testing.assert_allclose(found["latent_distance"].numpy(), gaps.sort(1).values[:, 1].numpy(), rtol=1e-3)


def small(likelihood: str, pixels: str = "8-bit", **options: Any) -> VAE:
    torch.manual_seed(0)
    return VAE((1, 8, 8), 2, "mlp", width=8, depth=1, likelihood=likelihood, pixels=pixels, **options)


def test_complexity_is_the_size_of_the_deflated_differences() -> None:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    images[0] = 7
    model = small("logistic-mixture", mixtures=2)
    names = ["negative_elbo_nats", "complexity_corrected_nats"]
    found, _ = score_images(model, Split(images), scores=names)
    bits = found["negative_elbo_nats"] - found["complexity_corrected_nats"]
    for image, size in zip(
        images.numpy()[:, 0].astype(int), (bits / (8 * math.log(2))).tolist(), strict=True
    ):
        steps = [[row[0], *(b - a for a, b in pairwise(row))] for row in image.tolist()]
        packed = bytes(step % 256 for row in steps for step in row)
        assert round(size) == len(zlib.compress(packed, 9))
    assert bits[0] < 0.4 * bits[1]
    scaled, _ = score_images(model, Split(images / 255), scores=names)  # the same pixels, stored as floats
    torch.testing.assert_close(scaled["complexity_corrected_nats"], found["complexity_corrected_nats"])


@pytest.mark.parametrize(("name", "pixels"), [(n, p) for n, part in LIKELIHOODS.items() for p in part.pixels])
def test_the_correction_wants_a_mass_of_8_bit_pixels(name: str, pixels: str) -> None:
    """Of all likelihoods on all pixels; elsewhere it is refused by name, and left out with the same line."""
    model = small(name, pixels)
    images = Split((255 * torch.rand(3, 1, 8, 8)).to(torch.uint8))
    only = ["complexity_corrected_nats"]
    if LIKELIHOODS[name].kind == "mass" and pixels == "8-bit":
        assert score_images(model, images, scores=only)[0][only[0]].isfinite().all()
        return
    with pytest.raises(
        SettingError,
        match="likelihood='logistic-mixture' or likelihood='histogram-mixture' or likelihood='categorical'",
    ) as refused:
        score_images(model, images, scores=only)
    assert "\n" not in str(refused.value)
    found, left_out = score_images(model, images)
    assert only[0] not in found
    assert left_out[only[0]] == str(refused.value)


def test_values_between_the_levels_have_no_size() -> None:
    images = Split(torch.rand(3, 1, 8, 8))
    with pytest.raises(SettingError, match="keep the images as uint8"):
        score_images(small("logistic-mixture"), images, scores=["complexity_corrected_nats"])


def test_a_code_length_tells_noise_and_photographs_from_digits() -> None:
    """Both are code lengths of the same pixels: noise costs the model of digits more than a coder, photographs too."""
    digits = load_data("digits")
    given = {"data": "digits", "epochs": 4, "network": "mlp", "width": 64, "depth": 1, "mixtures": 2}
    settings = resolve("vae", given, {"likelihood": "logistic-mixture"})
    model, objective = new_model(settings, digits)
    fit(model, objective, digits, progress="none", options=settings.fit)
    noise = torch.randint(0, 256, (200, 1, 8, 8), dtype=torch.uint8)
    parts = [
        torch.from_numpy(picture.mean(-1)[:416, :640].astype(np.uint8)).unfold(0, 8, 24).unfold(1, 8, 24)
        for picture in load_sample_images().images
    ]
    photos = torch.cat([part.reshape(-1, 1, 8, 8) for part in parts])
    only = ["complexity_corrected_nats"]
    usual, *others = (
        score_images(model, Split(images), scores=only)[0] for images in (digits.test.images, noise, photos)
    )
    assert [aurocs(usual, odd)[only[0]] for odd in others] == pytest.approx([1, 1], abs=0.01)


def test_what_an_autoencoder_lacks_is_left_out_with_its_reason() -> None:
    model, images = (
        AE((1, 8, 8), 2, "mlp", width=8, depth=1),
        Split(torch.zeros(12, 1, 8, 8, dtype=torch.uint8)),
    )
    found, left_out = score_images(model, images, images)
    assert set(found) == {"latent_distance", "reconstruction_error"}
    assert "has a prior" in left_out["negative_elbo_nats"]
    with pytest.raises(SettingError, match="has a prior"):
        score_images(model, images, images, scores=["negative_elbo_nats"])


def test_auroc_by_counting_pairs() -> None:
    torch.manual_seed(1)
    usual, odd = torch.randint(0, 6, (40,)).double(), torch.randint(2, 9, (25,)).double()
    pairs = odd[:, None] - usual
    expected = ((pairs > 0).double() + 0.5 * (pairs == 0)).mean().item()
    assert auroc(usual, odd) == pytest.approx(expected)
    assert auroc(odd, usual) == pytest.approx(1 - expected)
    assert aurocs({"a": usual, "b": usual}, {"a": usual + 10}) == {"a": 1.0}
