"""Judges whether annealed importance sampling arrived, by its own chains.

The estimate -log mean w of N chains lies above -log p(x) by about var(w) / (2 N p(x)^2): little where the weights of the chains are
alike, and any number of nats where one chain holds most of the weight. What that costs shows when chains are left out (the
jackknife), and where they are few it is at least what normal log-weights as wide as the upper half of these would cost. Both
need several chains that count; so an image of which few do has not arrived, and nothing is said of its error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vaekit.evaluation.likelihood.bounds import MeanNats

FEWEST, SHARE = 4.0, 1 / 8  # effective chains of an image that has arrived: so many, and this share of all

ALONE = (
    1.5  # effective chains below which one image is enough: a single chain holds four fifths of its weight
)

ASTRAY = 0.05  # share of images that may have fewer

STUCK = 0.25  # acceptance below which chains hardly move


@dataclass(frozen=True)
class Annealed(MeanNats):
    """An estimate of -log p(x) by annealed importance sampling, in nats per image, from above in expectation.

    `standard_error` is of the mean over the population of images; `chain_error` and `interval` are about the mean over
    these very images.

    Attributes:
        temperatures, leapfrog: of the path, and of each trajectory.
        errors: standard error of each image's value, by chains drawn anew, (N,); NaN of one chain.
        biases: by which the number of chains raises each, as far as they tell, (N,); NaN of one chain.
        effective_chains: of each image, (N,).
        acceptance: of the steps of each image, (N,).
    """

    temperatures: int
    leapfrog: int
    errors: Tensor = field(repr=False, compare=False)
    biases: Tensor = field(repr=False, compare=False)
    effective_chains: Tensor = field(repr=False, compare=False)
    acceptance: Tensor = field(repr=False, compare=False)

    @classmethod
    def from_weights(
        cls, weights: Tensor, acceptance: Tensor, seed: int, temperatures: int, leapfrog: int
    ) -> Annealed:
        """From log-weights (S, N), whose exponentials have the mean p(x)."""
        chains = len(weights)
        means = weights.logsumexp(0) - math.log(chains)
        errors = biases = torch.full_like(means, math.nan)
        if chains > 1:
            left_out, wide = without_each(weights), variance_of_normal(weights)
            biases = torch.maximum((chains - 1) * (means - left_out.mean(0)), wide / (2 * chains))
            squares = (left_out - left_out.mean(0)).square().sum(0) * (chains - 1) / chains
            errors = torch.maximum(squares, wide / chains).sqrt()
        counts = (2 * weights.logsumexp(0) - (2 * weights).logsumexp(0)).exp()
        path = chains, seed, temperatures, leapfrog
        return cls.of_images(-means, *path, errors, biases, counts, acceptance.double())

    @classmethod
    def of_images(
        cls, values: Tensor, chains: int, seed: int, temperatures: int, leapfrog: int, *each: Tensor
    ) -> Annealed:
        """From values of each image, (N,), and what else there is of each."""
        mean = MeanNats.of(values, chains, seed)
        common = mean.value, mean.standard_error, len(values), chains, seed, mean.per_image
        return cls(*common, temperatures, leapfrog, *each)

    def take(self, rows: Tensor) -> Annealed:
        """Of some of the images, (M,) numbers."""
        each = self.errors, self.biases, self.effective_chains, self.acceptance
        path = self.samples, self.seed, self.temperatures, self.leapfrog
        return Annealed.of_images(self.per_image[rows], *path, *(values[rows] for values in each))

    @property
    def chain_error(self) -> float | None:
        """Standard error of the mean over these images, by chains drawn anew; None of one chain."""
        return None if self.samples < 2 else float(self.errors.square().sum().sqrt()) / self.images

    @property
    def chain_bias(self) -> float | None:
        """By which the number of chains raises the mean, as far as they tell; None of one chain."""
        return None if self.samples < 2 else float(self.biases.mean())

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean of -log p(x) over these very images, 95 %: by Student's t, and further down by the bias."""
        if self.chain_error is None or self.chain_bias is None:
            return None
        wide = (1.96 + 2.4 / (self.images * (self.samples - 1))) * self.chain_error
        return self.value - max(self.chain_bias, 0.0) - wide, self.value + wide

    @property
    def needed_chains(self) -> float:
        """Returns how many effective chains an image needs."""
        return max(FEWEST, SHARE * self.samples)

    @property
    def acceptance_needed(self) -> float:
        """Returns how large the acceptance of an image has to be."""
        return STUCK

    @property
    def astray(self) -> float:
        """Share of the images that have not arrived, each by itself."""
        few = (self.effective_chains < self.needed_chains) | (self.acceptance < STUCK)
        return float(few.double().mean())

    @property
    def arrived(self) -> bool:
        """Returns whether the interval can be believed."""
        return self.astray <= ASTRAY and bool((self.effective_chains >= ALONE).all())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the values of each image."""
        return {**super().as_dict(), "arrived": self.arrived}


def variance_of_normal(weights: Tensor) -> Tensor:
    """Relative variance exp(s^2) - 1 of weights whose logarithms (S, N) are normal, s as wide as their upper half: (N,).

    So far a sample shows too little of it, since it rarely has the largest weights; the lower half says nothing of those.
    """
    above = (weights - weights.quantile(0.5, dim=0)).clamp_min(0)
    return torch.expm1((2 * above.square().mean(0)).clamp(max=700))


def without_each(weights: Tensor) -> Tensor:
    """log-means of all chains but one, (S, N), from log-weights (S, N)."""
    chains = len(weights)
    total = weights.logsumexp(0)
    left = total + torch.log1p(-(weights - total).exp().clamp(max=1.0))
    top = weights.argmax(0, keepdim=True)  # 1 - its share may have no digits left: sum the others instead
    others = weights.scatter(0, top, -math.inf).logsumexp(0, keepdim=True)
    return left.scatter(0, top, others) - math.log(chains - 1)
