"""Distributions over z: posteriors, and the standard normal prior."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, constraints

from vaekit.distributions.numerics import soft_bounds
from vaekit.runtime.device import full_precision
from vaekit.runtime.random import normal

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


def bounded_normal(raw: Tensor) -> Normal:
    """q(z|x) = N(mean, sigma^2) from an encoder's output, log sigma^2 softly bounded by LOG_VARIANCE.

    Near 0 the map is the identity to 5e-5. Past a bound the gradient fades over some ten units, where
    a hard clamp would cut it off; value and gradient are finite everywhere.

    Args:
        raw: (B, 2D), the means and then the log-variances.
    """
    mean, log_variance = full_precision(raw).chunk(2, dim=-1)
    log_variance = soft_bounds(log_variance, *LOG_VARIANCE)
    return Normal(mean, (0.5 * log_variance).exp(), validate_args=False)


def reparameterize(posterior: Normal, samples: int | None = None, dimensions: int = 1) -> Tensor:
    """z = mean + sigma * epsilon with epsilon ~ N(0, I): the lesson's section 3 (Kingma & Welling 2014, 2.4).

    Args:
        posterior: batch shape (B, D), or (..., B, *layer).
        samples: S draws per image, (S, B, D); None gives one, (B, D).
        dimensions: of the layer: 1 for a vector, 3 for a grid with channels.
    """
    shape = posterior.mean.shape if samples is None else (samples, *posterior.mean.shape)
    epsilon = normal(tuple(shape), posterior.mean.device, batch=len(shape) - 1 - dimensions)
    return posterior.mean + posterior.stddev * epsilon
