"""Distributions over z: posteriors, priors, and the divergence between the two."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, constraints, kl_divergence

from vaekit.core import Latent
from vaekit.distributions.numerics import soft_bounds
from vaekit.noise import normal
from vaekit.precision import full_precision

# Bounds of log sigma^2, so sigma lies in [4.5e-5, 148]: wide enough for any trained posterior, narrow
# enough that exp() and the KL stay finite in the first steps on any data.
LOG_VARIANCE = (-20.0, 10.0)


class Point(Distribution):
    """All mass on one value: what a deterministic encoder returns, so that `.mean` works for every model.

    Args:
        value: (..., D).
    """

    arg_constraints = {"value": constraints.real}  # pyright: ignore[reportAssignmentType]
    has_rsample = True

    def __init__(self, value: Tensor) -> None:
        self.value = value
        super().__init__(value.shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.value

    @property
    def variance(self) -> Tensor:
        return torch.zeros_like(self.value)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        return self.value.expand(*sample_shape, *self.value.shape)


def standard_normal(latent_dim: int, like: Tensor) -> Normal:
    """N(0, I), batch shape (D,), on the device and in the type of `like`."""
    mean = like.new_zeros(latent_dim)
    return Normal(mean, torch.ones_like(mean), validate_args=False)


def bounded_normal(codes: Tensor) -> Normal:
    """q(z|x) = N(mean, sigma^2) from an encoder's output, log sigma^2 softly bounded by LOG_VARIANCE.

    Near 0 the map is the identity to 5e-5. Past a bound the gradient fades over some ten units, where
    a hard clamp would cut it off; value and gradient are finite everywhere.

    Args:
        codes: (B, 2D), the means and then the log-variances.
    """
    mean, log_variance = full_precision(codes).chunk(2, dim=-1)
    log_variance = soft_bounds(log_variance, *LOG_VARIANCE)
    return Normal(mean, (0.5 * log_variance).exp(), validate_args=False)


def reparameterize(posterior: Normal, samples: int | None = None) -> Tensor:
    """z = mean + sigma * epsilon with epsilon ~ N(0, I): the lesson's section 3 (Kingma & Welling 2014, 2.4).

    Args:
        posterior: batch shape (B, D).
        samples: S draws an image, (S, B, D); None gives one, (B, D).
    """
    shape = posterior.mean.shape if samples is None else (samples, *posterior.mean.shape)
    epsilon = normal(tuple(shape), posterior.mean.device, batch=len(shape) - 2)
    return posterior.mean + posterior.stddev * epsilon


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


def log_density(distribution: Distribution, z: Tensor) -> Tensor:
    """log of a density over all of z, (S, B), for z (S, B, ...), whether it factorises over z or not."""
    value = distribution.log_prob(z)
    return value.flatten(2).sum(-1) if value.dim() > 2 else value
