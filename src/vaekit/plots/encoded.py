"""What the figures ask of a model: codes of images, pictures of codes. Without gradients, in eval
mode (put back afterwards), in batches, with a generator of their own for whatever is random.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vaekit.data.labels import in_batches
from vaekit.metrics import DEAD_NATS
from vaekit.models import VQVAE
from vaekit.models.base import Autoencoder, Model, evaluating
from vaekit.models.latent import LatentModel

BATCH = 512  # images; 400 tiles of a manifold are one batch


@dataclass(frozen=True)
class Codes:
    """Posteriors of N images over D latent dimensions.

    Attributes:
        mean, stddev: (N, D) float32; stddev is 0 where the code is not random (AE).
        labels: (N,) class numbers, or None.
    """

    mean: Tensor
    stddev: Tensor
    labels: Tensor | None = None

    @property
    def random(self) -> bool:
        """Whether there is a posterior with a spread, and so a KL."""
        return bool((self.stddev > 0).all())

    def relevance(self) -> Tensor:
        """What each dimension carries, (D,): KL to N(0, 1) in nats per image, or without a posterior
        the variance of the code over the images."""
        if not self.random:
            return self.mean.var(0, unbiased=False)
        prior = Normal(torch.zeros(()), torch.ones(()))
        return kl_divergence(Normal(self.mean, self.stddev), prior).mean(0)

    def live(self) -> Tensor:
        """Dimensions by falling relevance, dead ones left out, (<= D,)."""
        relevance = self.relevance()
        order = torch.argsort(relevance, descending=True, stable=True)
        least = DEAD_NATS if self.random else 1e-6 * relevance.max()
        return order[relevance[order] >= least]


def encode(model: LatentModel, images: Tensor, labels: Tensor | None = None) -> Codes:
    """Posteriors of images (N, C, H, W) or (N, D), as stored or in [0, 1]."""
    means, stddevs = [], []
    with evaluating(model), torch.inference_mode():
        for x, y in in_batches(images, labels, BATCH):
            posterior = model.encode(x, y)
            means.append(posterior.mean.float().cpu())
            stddevs.append(posterior.stddev.float().cpu())
    return Codes(torch.cat(means), torch.cat(stddevs), labels)


def decode(model: LatentModel, z: Tensor, labels: Tensor | None = None) -> Tensor:
    """Means of p(x|z) for codes (N, D), under labels (N,) if the model wants any: (N, C, H, W), on the CPU."""
    device = next(model.parameters()).device
    with evaluating(model), torch.inference_mode():
        parts = [model.picture(model.decode(part.to(device), y)) for part, y in in_batches(z, labels, BATCH)]
    return torch.cat(parts).float().cpu()


def discrete(model: VQVAE, images: Tensor) -> Tensor:
    """Grids of codes of images (N, C, H, W): (N, h, w) int64, on the CPU."""
    return torch.cat([model.encode_codes(x).cpu() for x in images.split(BATCH)])


def reconstruct(model: Autoencoder, images: Tensor, labels: Tensor | None = None) -> Tensor:
    """Reconstructions of images (N, C, H, W) through the posterior mean, on the CPU."""
    parts = [model.reconstruct(x, y).float().cpu() for x, y in in_batches(images, labels, BATCH)]
    return torch.cat(parts)


def sample(model: Model, count: int, seed: int = 0, temperature: float = 1.0) -> Tensor:
    """`count` images from the prior under a seed of their own, (count, C, H, W), on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    return model.sample(count, temperature=temperature, generator=generator).float().cpu()


def spread(count: int, most: int) -> Tensor:
    """At most `most` indices spread evenly over range(count), in order."""
    if count <= most:
        return torch.arange(count)
    return torch.arange(most) * count // most
