"""The aggregate posterior q(z) = 1/N sum_n q(z|x_n): what it shares with the images, and how it fits the prior.

All sums run over all N images, so for these images the decomposition is exact up to the draws of z:

    E_n KL(q(z|x_n) || p(z)) = mutual information + total correlation + sum_d KL(q(z_d) || p(z_d))

(Hoffman & Johnson 2016; Chen et al. 2018, eq. 2). The mutual information is that of z and the index n,
so it cannot exceed log N; where it comes near, q(z) of more images would be smoother.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.core import derive_seed
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.runtime.random import own_randomness, seed_noise

PIECE = {"cpu": 1 << 18, "cuda": 1 << 25, "mps": 1 << 22}  # densities held at once: a cache, or a busy GPU


@dataclass(frozen=True)
class Aggregate:
    """Parts of the rate, in nats.

    Attributes:
        mutual_information: of z and the image.
        kl: KL(q(z) || p(z)), the rest of the rate: how far prior samples are from latents.
        total_correlation: KL(q(z) || prod_d q(z_d)), the part of `kl` that is dependence.
        dimensionwise_kl: sum_d KL(q(z_d) || p(z_d)), its other part; None if p(z) does not factorise.
        ceiling: log N, which the mutual information cannot exceed.
    """

    mutual_information: MeanNats
    kl: MeanNats
    total_correlation: MeanNats
    dimensionwise_kl: MeanNats | None
    ceiling: float

    def as_dict(self) -> dict[str, Any]:
        parts = {
            "mutual_information_nats": self.mutual_information,
            "aggregate_kl_nats": self.kl,
            "total_correlation_nats": self.total_correlation,
            "dimensionwise_kl_nats": self.dimensionwise_kl,
        }
        values = {name: part.as_dict() for name, part in parts.items() if part is not None}
        return {**values, "mutual_information_ceiling_nats": self.ceiling}


def decompose(posterior: Normal, prior: Distribution, *, seed: int = 0) -> Aggregate:
    """The parts of the rate, from one draw of z for each image; N^2 D densities.

    Args:
        posterior: q(z|x_n), batch shape (N, D).
        prior: p(z), batch shape (D,), or () with event shape (D,).
        seed: of the draws.
    """
    with torch.inference_mode(), own_randomness(posterior.mean.device):
        seed_noise(posterior.mean.device, derive_seed(seed, "aggregate"))
        z = posterior.sample()
        own = posterior.log_prob(z).sum(-1)
        joint, product = aggregate_log_densities(posterior, z)
        log_prior = prior.log_prob(z)
        factorised = log_prior.dim() == 2
        log_prior = log_prior.sum(-1) if factorised else log_prior

    def mean(values: Tensor) -> MeanNats:
        return MeanNats.of(values, 1, seed)

    return Aggregate(
        mutual_information=mean(own - joint),
        kl=mean(joint - log_prior),
        total_correlation=mean(joint - product),
        dimensionwise_kl=mean(product - log_prior) if factorised else None,
        ceiling=math.log(len(z)),
    )


def aggregate_log_densities(posterior: Normal, z: Tensor) -> tuple[Tensor, Tensor]:
    """log q(z) and sum_d log q(z_d) at some z (M, D), each (M,), for posteriors (N, D)."""
    images, dimensions = posterior.mean.shape
    joint, product = [], []
    for piece in z.split(max(1, PIECE[z.device.type] // (images * dimensions))):
        densities = posterior.log_prob(piece[:, None])  # (M, N, D)
        joint.append(densities.sum(-1).logsumexp(1) - math.log(images))
        product.append((densities.logsumexp(1) - math.log(images)).sum(-1))
    return torch.cat(joint), torch.cat(product)


def moments_kl(mean: Tensor, variance: Tensor, prior: Normal) -> float | None:
    """KL(N(m, C) || p(z)) with the aggregate posterior's own mean and covariance, in nats.

    Never above KL(q(z) || p(z)), since of all densities with these moments the normal one has the
    largest entropy; and of use where that one cannot be had, for latents without a density.

    Args:
        mean, variance: of q(z|x_n), (N, D) each.
        prior: batch shape (D,).

    Returns:
        None where the covariance is singular: the latents lie in a subspace.
    """
    mean = ((mean - prior.mean) / prior.stddev).cpu().double()
    within = (variance / prior.variance).cpu().double().mean(0)
    centre = mean.mean(0)
    covariance = (mean - centre).T @ (mean - centre) / len(mean) + torch.diag(within)
    sign, log_determinant = torch.linalg.slogdet(covariance)
    scale = covariance.diagonal().clamp_min(1e-12).log().sum()
    if sign <= 0 or log_determinant < scale - 20 * len(covariance):
        return None
    return float(0.5 * (covariance.trace() + centre @ centre - len(centre) - log_determinant))
