"""The continuous Bernoulli likelihood of values in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.numerics import log1mexp
from vaekit.runtime.device import full_precision

LINEAR = 40.0  # logit from which log(1 + e^l) is l: e^-40 is below a double's rounding

SMALL = 0.5  # |logit| below which series replace differences of nearly equal numbers

# Taylor series in l^2 of A(l) - l/2 over l^2, of (A'(l) - 1/2) over l, and of A''(l).
PARTITION_SERIES = (1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800, 1 / 479001600)

MEAN_SERIES = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)

VARIANCE_SERIES = (1 / 12, -1 / 240, 1 / 6048, -1 / 172800, 1 / 5322240)

LARGEST = 10.0  # logit at which a continuous Bernoulli starts: the mean is then 0.1 or 0.9


class ContinuousBernoulliLikelihood(Likelihood):
    """`bce` with its normaliser, hence a density on [0, 1] (Loaiza-Ganem & Cunningham 2019, §3)."""

    num_params = 1
    logits = True

    def forward(self, raw: Tensor) -> Distribution:
        return Independent(ContinuousBernoulli(full_precision(raw)), self.dimensions, False)

    def params_from_mean(self, mean: Tensor) -> Tensor:
        """At most LARGEST in size: towards 0 and 1 the logit grows as 1/mean, and would be slow to come back."""
        return logit_of_mean(mean)


class ContinuousBernoulli(Distribution):
    """Density exp(l x - A(l)) on [0, 1], with l the logit and A(l) = log((exp(l) - 1) / l).

    The same as the paper's C(p) p^x (1-p)^(1-x) with l = logit p. torch's own works on p, where
    everything beyond |l| = 17 is lost in fp32; here value and gradient hold for any logit.

    Args:
        logits: l, any shape, which is the batch shape.
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]
    has_rsample = True

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        from_nearer_end = torch.where(self.logits > 0, value - 1, value) * self.logits
        return from_nearer_end - log_partition_rest(self.logits)

    @property
    def mean(self) -> Tensor:
        return mean_of_logit(self.logits)

    @property
    def variance(self) -> Tensor:
        """A''(l) = 1/l^2 - exp(-|l|) / (1 - exp(-|l|))^2."""
        small, size = self.logits.abs() < SMALL, self.logits.abs().clamp_min(SMALL)
        away = 1 / size**2 - torch.exp(-size) / torch.expm1(-size) ** 2
        series = polynomial(self.logits.clamp(-SMALL, SMALL) ** 2, VARIANCE_SERIES)
        return torch.where(small, series, away)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        """By the inverse of the distribution function, written for a falling density and mirrored."""
        uniform = torch.rand(
            *sample_shape, *self.logits.shape, dtype=self.logits.dtype, device=self.logits.device
        )
        size = self.logits.abs().clamp_min(1e-6)
        falling = -torch.log1p(uniform * torch.expm1(-size)) / size
        return torch.where(self.logits > 0, 1 - falling, falling)


def log_partition_rest(logits: Tensor) -> Tensor:
    """A(l) - max(l, 0) = log((1 - exp(-|l|)) / |l|); 0 at l = 0."""
    small, size = logits.abs() < SMALL, logits.abs().clamp_min(SMALL)
    near = logits.clamp(-SMALL, SMALL)
    series = torch.where(near > 0, -near, near) / 2 + near**2 * polynomial(near**2, PARTITION_SERIES)
    return torch.where(small, series, log1mexp(size) - size.log())


def mean_of_logit(logits: Tensor) -> Tensor:
    """A'(l) = 1 / (1 - exp(-l)) - 1 / l, 1/2 at l = 0."""
    small, size = logits.abs() < SMALL, logits.abs().clamp_min(SMALL)
    away = -1 / torch.expm1(-size) - 1 / size  # for a positive logit; mirrored for a negative one
    near = logits.clamp(-SMALL, SMALL)
    series = 0.5 + near * polynomial(near**2, MEAN_SERIES)
    return torch.where(small, series, torch.where(logits > 0, away, 1 - away))


def polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """By Horner's rule, the constant first."""
    total = torch.zeros_like(x)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def logit_of_mean(mean: Tensor) -> Tensor:
    """The inverse of `mean_of_logit`, by bisection within -LARGEST to LARGEST."""
    low, high = torch.full_like(mean, -LARGEST), torch.full_like(mean, LARGEST)
    for _ in range(30):
        middle = (low + high) / 2
        above = mean_of_logit(middle) > mean
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return (low + high) / 2
