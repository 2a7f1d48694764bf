"""Outlier scores against closed forms of a linear model, and AUROC against counting pairs."""

from __future__ import annotations

import math
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from linear import LATENTS, SIGMA, LinearVAE
from vaekit import VAE, SettingError, Split
from vaekit.evaluation import outliers
from vaekit.evaluation.outliers import auroc, aurocs, score_images
from vaekit.models import AE


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


def test_complexity_is_the_size_of_the_deflated_differences() -> None:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    images[0] = 7
    model = VAE((1, 8, 8), 2, "mlp", width=8, depth=1)
    found, _ = score_images(model, Split(images), scores=["negative_elbo_nats", "complexity_corrected_nats"])
    bits = found["negative_elbo_nats"] - found["complexity_corrected_nats"]
    for image, size in zip(
        images.numpy()[:, 0].astype(int), (bits / (8 * math.log(2))).tolist(), strict=True
    ):
        steps = [[row[0], *(b - a for a, b in pairwise(row))] for row in image.tolist()]
        packed = bytes(step % 256 for row in steps for step in row)
        assert round(size) == len(zlib.compress(packed, 9))
    assert bits[0] < 0.4 * bits[1]


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
