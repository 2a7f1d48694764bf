"""What a VAE with one vector of latents says, written out from its parts: an oracle for every way out of a run."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce


def one_hot(y: Tensor | None, classes: int) -> Tensor | None:
    """Labels as networks get them: of unit mean square."""
    return None if y is None else classes**0.5 * torch.nn.functional.one_hot(y, classes).float()


def centre(path: Any, y: Tensor | None) -> Tensor:
    """The mean of all examples, or of each one's class."""
    return path.means[:1] if y is None else path.means[y]


@torch.no_grad()
def raw(model: Any, z: Tensor, y: Tensor | None = None) -> Tensor:
    """What the decoder and the path beside it give, (B, values)."""
    found = model.decoder(z, one_hot(y, model.classes)).flatten(1)
    path = model.principal
    return found if path is None else found + (z * path.gain * path.down) @ path.vectors + centre(path, y)


@torch.no_grad()
def posterior(model: Any, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of each latent, (B, D); log-variance 0 of an autoencoder's."""
    found, path, count = model.encoder(x, one_hot(y, model.classes)), model.principal, model.latent_dim
    mean, log_variance = found[:, :count], found[:, count:]
    if path is not None:
        mean = mean + (x.flatten(1) - centre(path, y)) @ path.vectors.T * path.share * path.up
        log_variance = log_variance + path.log_variance[: log_variance.shape[1]]
    return mean, log_variance


def picture(model: Any, z: Tensor, y: Tensor | None = None) -> Tensor:
    """The mean picture of p(x|z), kept in [0, 1]."""
    shown = raw(model, z, y)
    shown = shown.sigmoid() if model.arguments["likelihood"] == "bce" else shown.clamp(0, 1)
    return shown.view(-1, *model.shape)


def distortion(model: Any, x: Tensor, z: Tensor) -> Tensor:
    """-log p(x|z) in nats, (B,)."""
    found, values = raw(model, z), x.flatten(1)
    if model.arguments["likelihood"] == "bce":
        return bce(found, values, reduction="none").sum(1)
    sigma = float(torch.as_tensor(model.likelihood.sigma))
    return ((values - found).square() / (2 * sigma**2) + math.log(sigma) + math.log(2 * math.pi) / 2).sum(1)


def rate(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) in nats, (B,)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
