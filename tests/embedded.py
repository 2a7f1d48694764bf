"""Embeddings made up for tests of what is drawn of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vaekit.inference import Embedding


def embedding(mean: Tensor, stddev: Tensor, labels: Tensor | None = None) -> Embedding:
    """Of a VAE with the prior N(0, I), or with a spread of 0 of an autoencoder."""
    if not bool((stddev > 0).all()):
        return Embedding(mean, stddev, layers=((mean.shape[1],),), labels=labels)
    prior = Normal(torch.zeros(mean.shape[1]), torch.ones(mean.shape[1]))
    kl = kl_divergence(Normal(mean, stddev), prior).mean(0)
    return Embedding(mean, stddev, kl, ((mean.shape[1],),), True, prior, labels)
