"""The divergence between posterior and prior, and densities over all of z."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from vaekit.core import Latent


def kl_by_dimension(latent: Latent) -> Tensor:
    """KL(q(z|x) || p(z)) in nats, (B, K): exact where torch knows it, else estimated at `latent.z`.

    K is the number of latent values of an image where both factorise over them, and 1 where either is
    a distribution over the whole of z. The estimate, log q(z|x) - log p(z) at one draw, is unbiased. A
    new pair of distributions gets its closed form with `torch.distributions.register_kl`.
    """
    if latent.posterior is None or latent.prior is None:
        raise ValueError("this latent layer has no distribution, so no KL")
    try:
        return _a_row_an_image(kl_divergence(latent.posterior, latent.prior))
    except NotImplementedError:
        log_q = _a_row_an_image(latent.posterior.log_prob(latent.z))
        log_p = _a_row_an_image(latent.prior.log_prob(latent.z))
    if log_q.shape != log_p.shape:
        log_q, log_p = log_q.sum(1, keepdim=True), log_p.sum(1, keepdim=True)
    return log_q - log_p


def _a_row_an_image(values: Tensor) -> Tensor:
    """(B,) or (B, ...) -> (B, K)."""
    return values.flatten(1) if values.dim() > 1 else values.unsqueeze(1)


def log_importance_weights(latents: tuple[Latent, ...], log_likelihood: Tensor) -> Tensor:
    """log p(x, z) / q(z|x), (S, B), from all layers of S draws of z and log p(x|z), (S, B)."""
    weights = log_likelihood
    for latent in latents:
        assert latent.posterior is not None
        assert latent.prior is not None
        weights = weights + log_density(latent.prior, latent.z) - log_density(latent.posterior, latent.z)
    return weights


def log_density(distribution: Distribution, z: Tensor) -> Tensor:
    """log of a density over all of z, (S, B), for z (S, B, ...), whether it factorises over z or not."""
    value = distribution.log_prob(z)
    return value.flatten(2).sum(-1) if value.dim() > 2 else value


def log_ratio(latents: tuple[Latent, ...], other: Distribution) -> Tensor:
    """log p'(z) / p(z), (S, B), at S draws of all layers, for another density p' over the whole of z, event shape (D,)."""
    z = torch.cat([latent.z.flatten(2) for latent in latents], dim=2)
    ratio = other.log_prob(z)
    for latent in latents:
        assert latent.prior is not None
        ratio = ratio - log_density(latent.prior, latent.z)
    return ratio
