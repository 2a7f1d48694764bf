"""Normal likelihoods with one standard deviation for all values: fixed, learned, or the optimal one."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vaekit.config.likelihood_parts import Gaussian, GaussianLearned, GaussianOptimal
from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.numerics import soft_bounds
from vaekit.runtime.device import full_precision
from vaekit.runtime.random import is_shared, total, whole

LOG_SIGMA = (-12.0, 12.0)  # bounds of a learned or optimal log sigma: sigma from 6e-6 to 1.6e5

REMEMBERED = 100  # batches, at most, over which the error of the training set is averaged


def normal_image(mean: Tensor, sigma: Tensor | float, dimensions: int) -> Distribution:
    """N(mean, sigma^2 I) over the last `dimensions` dimensions."""
    if not isinstance(sigma, Tensor):
        sigma = mean.new_full((), sigma)  # made on the device: a copy from the host would be waited for
    scale = sigma.to(mean.device, mean.dtype).expand_as(mean)
    return Independent(Normal(mean, scale, validate_args=False), dimensions, False)


class GaussianLikelihood(Likelihood):
    """Normal with one fixed standard deviation, its constant included.

    sigma = 1/sqrt(2) is the lesson's "or MSE", a sum of squares, up to its constant: at sigma = 1 the squares would
    count half, which beside the KL is a doubled beta. A smaller one weighs the reconstruction more.
    """

    num_params = 1
    normal = True

    def __init__(self, part: Gaussian, shape: tuple[int, ...]) -> None:
        super().__init__(part, shape)
        self.sigma = part.sigma

    def forward(self, raw: Tensor) -> Distribution:
        return normal_image(full_precision(raw), self.sigma, self.dimensions)

    def params_from_mean(self, mean: Tensor) -> Tensor:
        return mean

    def begin_at(self, sigma: float) -> float:
        """Keeps its own standard deviation, whatever would fit best, and returns it."""
        return self.sigma


class LearnedGaussianLikelihood(Likelihood):
    """Normal whose one standard deviation is a parameter, trained with the rest (Dai & Wipf 2019)."""

    num_params = 1
    normal = True

    def __init__(self, part: GaussianLearned, shape: tuple[int, ...]) -> None:
        super().__init__(part, shape)
        self.log_sigma = nn.Parameter(torch.tensor(math.log(part.sigma)))

    @property
    def sigma(self) -> Tensor:
        return soft_bounds(self.log_sigma, *LOG_SIGMA).exp()

    def forward(self, raw: Tensor) -> Distribution:
        return normal_image(full_precision(raw), self.sigma, self.dimensions)

    def params_from_mean(self, mean: Tensor) -> Tensor:
        return mean

    def begin_at(self, sigma: float) -> float:
        """Takes a standard deviation to begin with, and returns it."""
        with torch.no_grad():
            self.log_sigma.fill_(math.log(sigma))
        return sigma


class OptimalGaussianLikelihood(Likelihood):
    """Normal with the standard deviation that fits best: sigma^2 is the mean squared error
    (Rybkin et al. 2021, "optimal sigma-VAE").

    In training mode that of the batch, so that -log p(x|z) is D/2 log MSE up to a constant. Its running
    mean over the last tenth of the batches (at most REMEMBERED) is kept in a buffer, as in batch
    normalisation: in eval mode p(x|z) has that variance and nothing changes it, so test images, and
    one image alone, are judged by what training knew.
    """

    num_params = 1
    normal = True
    variance: Tensor
    batches: Tensor

    def __init__(self, part: GaussianOptimal, shape: tuple[int, ...]) -> None:
        super().__init__(part, shape)
        self.register_buffer("variance", torch.tensor(part.sigma**2))
        self.register_buffer("batches", torch.tensor(0.0))

    @property
    def sigma(self) -> Tensor:
        """Of the training set so far."""
        return self.variance.sqrt()

    def forward(self, raw: Tensor) -> Distribution:
        fixed = normal_image(full_precision(raw), self.sigma, self.dimensions)
        return BatchOptimalNormal(fixed, self.dimensions, self.remember) if self.training else fixed

    def remember(self, variance: Tensor) -> None:
        """Takes the variance of one more batch into the running mean."""
        self.batches += 1
        share = (10 / self.batches).clamp(1 / REMEMBERED, 1)
        self.variance.lerp_(variance.to(self.variance.dtype), share)

    def params_from_mean(self, mean: Tensor) -> Tensor:
        return mean

    def begin_at(self, sigma: float) -> float:
        """Takes a standard deviation to begin with, and returns it."""
        self.variance.fill_(sigma**2)
        return sigma


class BatchOptimalNormal(Distribution):
    """A normal whose variance is the mean squared error of the very images it is asked about.

    Args:
        fixed: normal with the mean images; its variance serves for sampling only.
        dimensions: number of dimensions of one image.
        remember: called with the variance whenever images are judged.
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]

    def __init__(self, fixed: Distribution, dimensions: int, remember: Callable[[Tensor], None]) -> None:
        self.fixed, self.dimensions, self.remember = fixed, dimensions, remember
        super().__init__(fixed.batch_shape, fixed.event_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.fixed.mean

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        return self.fixed.sample(torch.Size(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """Nats per image, (..., B), at the variance of all of them together.

        The variance is held constant: it is where the derivative of log p by it vanishes, so the
        gradient of the sum is the same either way.
        """
        low, high = LOG_SIGMA
        with torch.no_grad():
            variance = self.mean_square(value - self.mean).clamp(math.exp(2 * low), math.exp(2 * high))
            self.remember(variance)
        return normal_image(self.mean, variance.sqrt(), self.dimensions).log_prob(value)

    def mean_square(self, errors: Tensor) -> Tensor:
        """Over the whole batch, whoever holds its images."""
        if not is_shared():
            return errors.square().mean()
        shape = list(errors.shape)
        shape[-self.dimensions - 1] = whole(shape[-self.dimensions - 1])
        return total(errors.square().sum()) / math.prod(shape)
