"""A mixture of logistics, discretised to the 256 levels of 8-bit pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution
from torch.nn import functional as F

from vaekit.config.likelihood_parts import LogisticMixture as Part
from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.likelihoods.levels import TOP, split_numbers, to_levels
from vaekit.distributions.numerics import log1mexp, soft_bounds
from vaekit.runtime.device import full_precision

# Bounds of a logistic's log scale. At the lower one a level at its centre has all but 3e-7 of the mass;
# at the upper one the levels between the ends are all alike.
LOG_SCALE = (-9.0, 4.0)

START_SCALE = 0.05


class LogisticMixtureLikelihood(Likelihood):
    """Mixture of logistics, discretised to the 256 levels (Salimans et al. 2017, eq. 1-3).

    Grey images, arrays and images of 2 or 4 channels have a mixture for each value: weight, location
    and scale of every component. With 3 channels the components are shared by the channels of a
    pixel, and the location of green moves with red, that of blue with red and green (eq. 3); a
    fourth number per component and value holds the three coefficients. All in units of [0, 1].
    """

    def __init__(self, part: Part, shape: tuple[int, ...]) -> None:
        super().__init__(part, shape)
        self.mixtures = part.mixtures
        self.coupled = len(shape) == 3 and shape[0] == 3
        self.parts = 4 if self.coupled else 3
        self.num_params = self.parts * part.mixtures

    def forward(self, raw: Tensor) -> Distribution:
        parts = split_numbers(full_precision(raw), self.num_params, self.dimensions)
        logits, location, scale, *rest = parts.chunk(self.parts, dim=-self.dimensions - 1)
        return LogisticMixture(logits, location, scale, rest[0] if self.coupled else None, self.dimensions)

    def params_from_mean(self, mean: Tensor) -> Tensor:
        """Equal weights; locations spread evenly about the mean, within [0, 1]."""
        middle = mean.clamp(0, 1)
        offsets = torch.linspace(-1, 1, self.mixtures) if self.mixtures > 1 else torch.zeros(1)
        offsets = offsets.to(mean).view(-1, *(1 for _ in mean.shape))
        location = middle + offsets * middle * (1 - middle)
        zeros = torch.zeros_like(location)
        scale = torch.full_like(location, START_SCALE).log()
        parts = [zeros, location, scale, zeros][: self.parts]
        return torch.cat(parts).flatten(0, 1)


class LogisticMixture(Distribution):
    """Mixture of discretised logistics over whole images.

    A level has the mass that the logistic has within half a level of it; 0 and 255 also have what
    lies beyond (eq. 2 of Salimans et al. 2017).

    Args:
        logits, location, scale: (..., K, C, H, W) or (..., K, D); weights of the components as
            logits, and the scale as its logarithm before it is bounded by LOG_SCALE.
        coupling: (..., K, 3, H, W), before its tanh: what green takes of red, blue of red, blue of
            green; the logits are then averaged over the channels. None: every value by itself.
        dimensions: number of dimensions of one image.
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]

    def __init__(
        self, logits: Tensor, location: Tensor, scale: Tensor, coupling: Tensor | None, dimensions: int
    ) -> None:
        self.axis = -dimensions - 1  # of the components
        if coupling is not None:
            logits, coupling = logits.mean(-3, keepdim=True), coupling.tanh()
        self.weights = logits.log_softmax(self.axis)
        self.location, self.log_scale = location, soft_bounds(scale, *LOG_SCALE)
        self.coupling, self.dimensions = coupling, dimensions
        batch, event = location.shape[: self.axis], location.shape[self.axis + 1 :]
        super().__init__(batch, event, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Nats per image, (..., B), for images whose values are v/255."""
        x = value.unsqueeze(self.axis)
        location = self.location if self.coupling is None else self.location + shift(self.coupling, x)
        masses = log_mass(x, location, self.log_scale)
        if self.coupling is not None:
            masses = masses.sum(-3, keepdim=True)
        return (self.weights + masses).logsumexp(self.axis).flatten(self.axis + 1).sum(-1)

    @property
    def mean(self) -> Tensor:
        """Of the logistics cut off at 0 and 1 before they are rounded: within half a level of the exact
        mean, and as a rule within a hundredth. Coupled channels take the means of those before them."""
        weights = self.weights.exp()
        if self.coupling is None:
            return (weights * clipped_mean(self.location, self.log_scale)).sum(self.axis)
        channels = torch.zeros_like(self.location)
        for channel in range(3):
            location = self.location + shift(self.coupling, channels)
            means = clipped_mean(location, self.log_scale)
            channels = torch.cat([channels[..., :channel, :, :], means[..., channel:, :, :]], dim=-3)
        return (weights * channels).sum(self.axis)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        shape = torch.Size(sample_shape)
        chosen = self._choose(shape)
        location, log_scale = (self._of_chosen(part, chosen) for part in (self.location, self.log_scale))
        uniform = torch.rand_like(location).clamp(1e-6, 1 - 1e-6)
        noise = log_scale.exp() * torch.logit(uniform)
        if self.coupling is None:
            return to_levels(location + noise)
        coupling, channels = self._of_chosen(self.coupling, chosen), to_levels(location + noise)
        for channel in (1, 2):
            drawn = to_levels(location + shift(coupling, channels) + noise)
            channels = torch.cat([channels[..., :channel, :, :], drawn[..., channel:, :, :]], dim=-3)
        return channels

    def _choose(self, sample_shape: torch.Size) -> Tensor:
        """Number of the component that each value (coupled: pixel) is drawn from, the axis kept."""
        drawn = Categorical(logits=self.weights.movedim(self.axis, -1), validate_args=False)
        return drawn.sample(sample_shape).unsqueeze(self.axis)

    def _of_chosen(self, part: Tensor, chosen: Tensor) -> Tensor:
        """A parameter of the chosen components, (..., *event)."""
        samples = chosen.shape[: chosen.dim() - part.dim()]
        wanted = [*part.shape]
        wanted[self.axis] = 1
        picked = part.expand(*samples, *part.shape).gather(self.axis, chosen.expand(*samples, *wanted))
        return picked.squeeze(self.axis)


def log_mass(x: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
    """log of the mass that a logistic gives to the level x, elementwise.

    With a, b the upper and lower edge of the level in units of the scale, s the sigmoid:
    log(s(a) - s(b)) = log s(a) + log s(-b) + log(1 - exp(b - a)). No difference of nearly equal
    numbers is taken, so that value and gradient stay finite far out, where s(a) = s(b) in fp32. At
    255 the first term goes, at 0 the second, at both the third.
    """
    precision = torch.exp(-log_scale)
    centred, half = (x - location) * precision, precision * (0.5 / TOP)
    first, last = x < 0.5 / TOP, x > 1 - 0.5 / TOP
    zero = torch.zeros((), dtype=x.dtype, device=x.device)
    below = torch.where(last, zero, F.logsigmoid(centred + half))
    above = torch.where(first, zero, F.logsigmoid(half - centred))
    return below + above + torch.where(first | last, zero, log1mexp(2 * half))


def clipped_mean(location: Tensor, log_scale: Tensor) -> Tensor:
    """Mean of a logistic variable cut off at 0 and 1: the integral of 1 - F from 0 to 1."""
    scale = log_scale.exp()
    return scale * (F.softplus(location / scale) - F.softplus((location - 1) / scale))


def shift(coupling: Tensor, channels: Tensor) -> Tensor:
    """Returns the shift of locations by the channels before: 0, a * red, b * red + c * green, about
    mid-grey."""
    red, green, _ = (channels - 0.5).unbind(-3)
    green_of_red, blue_of_red, blue_of_green = coupling.unbind(-3)
    zero = torch.zeros_like(red * green_of_red)
    return torch.stack([zero, green_of_red * red, blue_of_red * red + blue_of_green * green], dim=-3)
