"""One probability for each of the 256 levels of 8-bit pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution

from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.likelihoods.continuous_bernoulli import logit_of_mean
from vaekit.distributions.likelihoods.levels import TOP, all_levels, split_numbers
from vaekit.runtime.device import full_precision


class CategoricalLikelihood(Likelihood):
    """A probability for each of the 256 levels, whatever their order (van den Oord et al. 2016).

    Makes no assumption and has 256 numbers per value: 200,704 per image of 28x28, which is 154 MB for a
    batch of 192 and a last layer of 103 million weights in an `mlp` of width 512.
    """

    num_params = TOP + 1
    logits = True

    def forward(self, raw: Tensor) -> Distribution:
        return LevelCategorical(
            split_numbers(full_precision(raw), self.num_params, self.dimensions), self.dimensions
        )

    def params_from_mean(self, mean: Tensor) -> Tensor:
        """A continuous Bernoulli's density at the levels: the broadest distribution with that mean."""
        levels = all_levels(mean).view(-1, *(1 for _ in mean.shape))
        return (logit_of_mean(mean) * levels).flatten(0, 1)


class LevelCategorical(Distribution):
    """One categorical distribution over the 256 levels for each value of an image.

    Args:
        logits: (..., 256, C, H, W) or (..., 256, D).
        dimensions: number of dimensions of one image.
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]

    def __init__(self, logits: Tensor, dimensions: int) -> None:
        self.logits, self.axis = logits, -dimensions - 1
        batch, event = logits.shape[: self.axis], logits.shape[self.axis + 1 :]
        super().__init__(batch, event, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Nats per image, (..., B), for images whose values are v/255."""
        batch = torch.broadcast_shapes(self.batch_shape, value.shape[: self.axis + 1])
        index = (value * TOP).round().long().unsqueeze(self.axis).expand(*batch, 1, *self.event_shape)
        logits = self.logits.expand(*batch, *self.logits.shape[self.axis :])
        chosen = logits.gather(self.axis, index).squeeze(self.axis)
        return (chosen - self.logits.logsumexp(self.axis)).flatten(self.axis + 1).sum(-1)

    @property
    def mean(self) -> Tensor:
        return self.logits.softmax(self.axis).movedim(self.axis, -1) @ all_levels(self.logits)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        drawn = Categorical(logits=self.logits.movedim(self.axis, -1), validate_args=False)
        return drawn.sample(torch.Size(sample_shape)) / TOP
