"""A mixture of learned histograms over the 256 levels of 8-bit pixels, which all places share."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution
from torch.nn import functional as F

from vaekit.config.likelihood_parts import HistogramMixture as Part
from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.likelihoods.levels import TOP, all_levels, split_numbers
from vaekit.runtime.device import full_precision

LARGEST = 30.0  # nats between the levels 0 and 255, at most, by which a start leans to one end


class HistogramMixtureLikelihood(Likelihood):
    """p(v) = sum_k softmax(raw)_k softmax(tables[c, k])_v: the decoder mixes histograms that are learned.

    A tied mixture (Bellegarda & Nahamoo 1990, "Tied mixture continuous parameter modeling for speech
    recognition"), of histograms in place of normals; for words in place of pixels the decoder of topic models
    (Srivastava & Sutton 2017, "Autoencoding variational inference for topic models", §3). Like `categorical` it
    can give any level a mass of its own, at K numbers per value instead of 256.

    Attributes:
        tables: the logarithms of the histograms up to a constant each, (C, K, 256); an array of values, (D,), has C = 1.
        shares: logarithm of each histogram's share of the training levels, (C, K); only a start reads it.
    """

    shares: Tensor

    def __init__(self, part: Part, shape: tuple[int, ...]) -> None:
        super().__init__(part, shape)
        self.num_params = part.mixtures
        channels = shape[0] if len(shape) == 3 else 1
        self.tables = nn.Parameter(torch.empty(channels, part.mixtures, TOP + 1))
        self.register_buffer("shares", torch.empty(channels, part.mixtures), persistent=False)
        self._begin_with(torch.full((channels, TOP + 1), 1 / (TOP + 1)))

    def forward(self, raw: Tensor) -> Distribution:
        raw = split_numbers(full_precision(raw), self.num_params, self.dimensions)
        return HistogramMixture(raw, self.tables.to(raw.dtype).log_softmax(-1), self.dimensions)

    def begin_from(self, parts: Iterable[Tensor]) -> None:
        """Starts the histograms as parts of that of the training images' levels."""
        counts, seen = torch.zeros_like(self.tables[:, 0].detach()), 0
        for images in parts:
            levels = (images * TOP).round().to(torch.uint8).movedim(1, 0)
            channels = levels.flatten(1) if self.dimensions == 3 else levels.flatten()[None]
            counts += torch.stack([channel.bincount(minlength=TOP + 1) for channel in channels]).to(counts)
            seen += len(images)
        # As if a tenth of an image more had been seen, with all levels alike: what is missing here may yet come.
        counts += counts.sum(-1, keepdim=True) / (10 * seen * (TOP + 1))
        self._begin_with(F.normalize(counts, p=1, dim=-1))

    def _begin_with(self, histogram: Tensor) -> None:
        """Cuts a histogram, (C, 256), into overlapping bumps: K centres over the levels, close where these are frequent.

        Levels are measured by the running sum of the square roots of their shares, so that neither the few
        that most pixels have nor the many others get all bumps. Over all bumps the weights of a level are 1.
        """
        count = self.num_params
        roots = F.normalize(histogram.sqrt(), p=1, dim=-1)
        place = roots.cumsum(-1) - roots / 2  # (C, 256), in [0, 1]
        centres = (torch.arange(count, device=place.device) + 0.5) / count
        bumps = (-0.5 * ((place[:, None] - centres[:, None]) * count) ** 2).log_softmax(1)
        joint = bumps + histogram.log()[:, None]  # log p(k, v)
        with torch.no_grad():
            self.tables.copy_(joint.log_softmax(-1))
            self.shares.copy_(joint.logsumexp(-1))

    def params_from_mean(self, mean: Tensor) -> Tensor:
        """The shares, tilted by the histograms' means: nearest to the training levels of all that have that mean."""
        means = (self.tables.softmax(-1) @ all_levels(self.tables)).detach().to(mean)  # (C, K)
        means, shares = (_beside(values.to(mean), mean.dim()) for values in (means, self.shares))
        low, high = torch.full_like(mean, -LARGEST), torch.full_like(mean, LARGEST)
        for _ in range(40):
            middle = (low + high) / 2
            above = ((shares + middle * means).softmax(0) * means).sum(0) > mean
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return (shares + (low + high) / 2 * means).flatten(0, 1)


def _beside(values: Tensor, dimensions: int) -> Tensor:
    """(C, K) -> (K, C, 1, 1), or (1, K) -> (K, 1): numbers of the channels beside those of images or arrays."""
    return values.T if dimensions == 1 else values.T[:, :, None, None]


class HistogramMixture(Distribution):
    """Mixture of histograms for each value of an image.

    Args:
        logits: (..., K, C, H, W) or (..., K, D); weights of the histograms as logits.
        tables: logarithms of the histograms, (C, K, 256); C = 1 for arrays.
        dimensions: number of dimensions of one image.
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]

    def __init__(self, logits: Tensor, tables: Tensor, dimensions: int) -> None:
        self.tables, self.axis = tables, -dimensions - 1
        self.weights = logits.log_softmax(self.axis)
        batch, event = logits.shape[: self.axis], logits.shape[self.axis + 1 :]
        super().__init__(batch, event, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Nats per image, (..., B), for images whose values are v/255."""
        return (self.weights + self._log_masses(value)).logsumexp(self.axis).flatten(self.axis + 1).sum(-1)

    def _log_masses(self, value: Tensor) -> Tensor:
        """Logarithm of what each histogram gives to the levels of images: (..., C, H, W) -> (..., K, C, H, W)."""
        levels = (value * TOP).round().long()
        batch, event = levels.shape[: self.axis + 1], levels.shape[self.axis + 1 :]
        channels, count, _ = self.tables.shape
        index = levels.reshape(*batch, 1, channels, -1).expand(*batch, count, -1, -1)
        tables = self.tables.transpose(0, 1).expand(*batch, -1, -1, -1)  # not copied
        return tables.gather(-1, index).view(*batch, count, *event)

    @property
    def mean(self) -> Tensor:
        means = self.tables.exp() @ all_levels(self.tables)
        return (self.weights.exp() * _beside(means, -self.axis - 1)).sum(self.axis)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        """Draws a histogram for each value, and a level from it by the inverse of its running sum."""
        weights = Categorical(logits=self.weights.movedim(self.axis, -1), validate_args=False)
        chosen = weights.sample(torch.Size(sample_shape))
        first = torch.arange(len(self.tables), device=chosen.device) * self.tables.shape[1]
        rows = chosen + (first if self.axis == -2 else first[:, None, None])
        sums = self.tables.double().exp().cumsum(-1).flatten(0, 1)
        sums = sums / sums[:, -1:]
        # Row r's running sum lies within r to r + 1, so that one sorted array serves all rows.
        starts = torch.arange(len(sums), device=rows.device)[:, None]
        uniform = torch.rand(rows.shape, dtype=sums.dtype, device=rows.device)
        found = torch.searchsorted((sums + starts).flatten(), (rows + uniform).contiguous(), right=True)
        return ((found - (TOP + 1) * rows).clamp(0, TOP) / TOP).to(self.weights.dtype)
