"""Quantisers: vectors on a grid become one of K codes each, and gradients pass straight through
(van den Oord et al. 2017).

QUANTIZERS maps a name to a part, which has the options of its quantiser.
In eval mode nothing changes a codebook; under several processes its statistics are those of the whole
batch. What a codebook is lies in buffers or parameters, so a resumed run has it to the bit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.quantizer_parts import FSQ, LEVELS, CodebookPart
from vaekit.core import Quantized
from vaekit.runtime.device import full_precision
from vaekit.runtime.random import gathered, total, whole

# Codes used less than this share of what equal use would give are replaced: seldom ones while the moving
# averages are young, so that the codebook spreads; later only dead ones, since each replacement is noise.
SELDOM, DEAD = 0.5, 0.01


class Quantizer(nn.Module, ABC):
    """Interface of a quantiser.

    Attributes:
        size: K, number of codes.
        dim: D, length of the vectors that it takes and gives.
    """

    size: int
    dim: int

    @abstractmethod
    def forward(self, z: Tensor) -> Quantized:
        """z: (B, D, h, w)."""

    @abstractmethod
    def vectors(self, indices: Tensor) -> Tensor:
        """The vectors of codes, (B, h, w) int64 -> (B, D, h, w)."""

    @abstractmethod
    def start(self, z: Tensor) -> None:
        """Takes the codes of a fresh model from vectors (N, D) of its encoder, if it has a use for them."""


class Codebook(Quantizer):
    """Vector quantisation (van den Oord et al. 2017): the nearest of K learned vectors.

    Interface of the two that differ in how the vectors learn. The loss of eq. 3 is
    ||sg[z_e] - e||^2 + beta ||z_e - sg[e]||^2: beta weighs the commitment of the encoder, not the
    codebook.

    The moving averages decay by `decay` a step, at step t by at most (1 + t) / (10 + t), since the encoder
    moves fast at first and the codes must not fall behind. Without k-means the codes start at N(0, 1/D).
    """

    vectors_of_codes: Tensor  # (K, D)
    usage: Tensor
    steps: Tensor

    def __init__(self, part: CodebookPart) -> None:
        super().__init__()
        self.size, self.dim, self.decay = part.codes, part.code_dim, part.decay
        self.kmeans, self.revive = part.kmeans, part.revive
        self._hold(torch.randn(self.size, self.dim) / math.sqrt(self.dim))
        # Moving average of how often each code is used per step, as share of what equal use would give.
        self.register_buffer("usage", torch.ones(self.size))
        self.register_buffer("steps", torch.tensor(0.0))

    @abstractmethod
    def _hold(self, vectors: Tensor) -> None:
        """Keeps the codes' first vectors as `vectors_of_codes`."""

    @abstractmethod
    def _penalties(self, z: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """Squared distances for the loss, (B, h, w) each, from z to the vectors chosen, (B, h, w, D)."""

    @abstractmethod
    def _learn(self, rows: Tensor, indices: Tensor, counts: Tensor, share: Tensor) -> None:
        """Makes the changes of a training step that are no gradients; `usage` has been brought up to date.

        Args:
            rows, indices: (N, D) vectors of this process and (N,) their codes.
            counts: uses of each code in the whole batch, (K,).
            share: of this step in the moving averages.
        """

    def forward(self, z: Tensor) -> Quantized:
        z = full_precision(z).movedim(1, -1)  # (B, h, w, D)
        rows = z.flatten(0, -2)
        indices = nearest(rows.detach(), self.vectors_of_codes.detach())
        # Not by an index, which adds up its gradients in any order, and so in other bits each time.
        chosen = F.embedding(indices, self.vectors_of_codes).view_as(z)
        counts = torch.zeros_like(self.usage).scatter_add_(0, indices, rows.new_ones(len(rows)))
        penalties = {name: d.flatten(1).sum(1) for name, d in self._penalties(z, chosen).items()}
        if self.training:
            with torch.no_grad():
                self._update(rows.detach(), indices, counts, rows_an_image=len(rows) // len(z))
        passed = z + (chosen - z).detach()  # straight through
        return Quantized(passed.movedim(-1, 1), indices.view(z.shape[:-1]), penalties, counts)

    def _update(self, rows: Tensor, indices: Tensor, counts: Tensor, rows_an_image: int) -> None:
        number = whole(len(rows) // rows_an_image) * rows_an_image
        all_counts = total(counts.clone())
        share = (9 / (10 + self.steps)).clamp_min(1 - self.decay)
        self.steps += 1
        self.usage.lerp_(all_counts * (self.size / number), share)
        self._learn(rows, indices, all_counts, share)
        if self.revive:
            wanted = torch.randint(number, (self.size,), device=rows.device)
            limit = torch.where(share > 1 - self.decay, SELDOM, DEAD)
            self._replace(self.usage < limit, gathered(rows, wanted, rows_an_image))

    @torch.no_grad()
    def _replace(self, dead: Tensor, vectors: Tensor) -> None:
        """Dead codes (K,) begin anew at these vectors (K, D), as if they had been used like all others."""
        self.vectors_of_codes.copy_(torch.where(dead[:, None], vectors, self.vectors_of_codes))
        self.usage.masked_fill_(dead, 1.0)

    def vectors(self, indices: Tensor) -> Tensor:
        return self.vectors_of_codes[indices].movedim(-1, 1)

    def start(self, z: Tensor) -> None:
        if self.kmeans:
            with torch.no_grad():
                self.vectors_of_codes.copy_(k_means(z, self.size))


class EMACodebook(Codebook):
    """Each vector is the moving average of what was assigned to it (van den Oord et al. 2017, appendix A.1).

    The average of sums over the average of counts, m / N, is kept as the quotient e itself:
    e += (1 - decay) (sum of the batch - n e) / N. A code that nobody used stays where it is, so the
    Laplace smoothing of other implementations, which draws unused codes to the origin, is not needed.
    The loss has no codebook term.
    """

    def _hold(self, vectors: Tensor) -> None:
        self.register_buffer("vectors_of_codes", vectors)

    def _penalties(self, z: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        return {"commitment": (z - chosen).square()}

    def _learn(self, rows: Tensor, indices: Tensor, counts: Tensor, share: Tensor) -> None:
        sums = total(torch.zeros_like(self.vectors_of_codes).index_add_(0, indices, rows))
        towards = sums - counts[:, None] * self.vectors_of_codes
        # usage is N in units of the mean count
        averaged = self.usage * (counts.sum() / self.size)
        self.vectors_of_codes.add_(share * towards / averaged.clamp_min(1e-12)[:, None])


class GradientCodebook(Codebook):
    """The vectors are parameters, drawn to what was assigned to them by the loss (eq. 3, middle term)."""

    def _hold(self, vectors: Tensor) -> None:
        self.vectors_of_codes = nn.Parameter(vectors)

    def _penalties(self, z: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        return {
            "codebook": (z.detach() - chosen).square(),
            "commitment": (z - chosen.detach()).square(),
        }

    def _learn(self, rows: Tensor, indices: Tensor, counts: Tensor, share: Tensor) -> None:
        pass  # by gradient


class FiniteScalars(Quantizer):
    """Finite scalar quantisation (Mentzer et al. 2023): each number is rounded to one of L levels.

    z -> bound(z) = tanh(z + shift) half - offset, rounded, over L // 2: values in [-1, 1]. No codebook,
    so nothing can collapse and there is nothing to learn.
    """

    levels: Tensor
    strides: Tensor

    def __init__(self, part: FSQ) -> None:
        super().__init__()
        levels = LEVELS[part.codes]
        self.size, self.dim = math.prod(levels), len(levels)
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        strides = list(accumulate((1, *levels[:-1]), lambda a, b: a * b))
        self.register_buffer("strides", torch.tensor(strides), persistent=False)

    def bounded(self, z: Tensor) -> Tensor:
        """(..., D) -> within half a level of the outer ones; 0 stays near a level for even L too."""
        half = (self.levels - 1) * (1 + 1e-3) / 2
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)
        return torch.tanh(z + torch.atanh(offset / half)) * half - offset

    def forward(self, z: Tensor) -> Quantized:
        z = self.bounded(full_precision(z).movedim(1, -1))
        rounded = z + (z.round() - z).detach()
        digits = (rounded.detach() + self.levels // 2).long()
        indices = (digits * self.strides).sum(-1)
        flat = indices.flatten()
        counts = z.new_zeros(self.size).scatter_add_(0, flat, z.new_ones(len(flat)))
        return Quantized((rounded / (self.levels // 2)).movedim(-1, 1), indices, {}, counts)

    def vectors(self, indices: Tensor) -> Tensor:
        half = self.levels // 2
        digits = indices[..., None] // self.strides % self.levels
        return ((digits - half) / half).movedim(-1, 1)

    def start(self, z: Tensor) -> None:
        pass


def nearest(rows: Tensor, vectors: Tensor) -> Tensor:
    """Number of the nearest of K vectors for each row, (N, D), (K, D) -> (N,) int64."""
    with torch.autocast(rows.device.type, enabled=False):
        parts = [
            torch.addmm(vectors.square().sum(1), part, vectors.T, alpha=-2).argmin(1)
            for part in rows.split(16_384)
        ]
    return torch.cat(parts)


def k_means(rows: Tensor, count: int, rounds: int = 10) -> Tensor:
    """Lloyd's algorithm: (N, D) -> (count, D), the same for the same rows.

    Centres start at different rows chosen at random; one that attracts none moves to another such row.
    """
    generator, distinct = torch.Generator().manual_seed(0), torch.unique(rows, dim=0)

    def chosen() -> Tensor:
        """(count, D); different ones, as far as there are enough."""
        repeats = -(-count // len(distinct))
        order = torch.cat([torch.randperm(len(distinct), generator=generator) for _ in range(repeats)])
        return distinct[order[:count].to(rows.device)]

    centres = chosen()
    for _ in range(rounds):
        indices = nearest(rows, centres)
        counts = torch.zeros_like(centres[:, 0]).scatter_add_(0, indices, torch.ones_like(rows[:, 0]))
        sums = torch.zeros_like(centres).index_add_(0, indices, rows)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], chosen())
    return centres


def used_codes(counts: Tensor) -> tuple[int, float]:
    """Codes that occur at all, and the perplexity of their frequencies: exp of the entropy. counts: (K,)."""
    shares = counts[counts > 0].double() / counts.sum()
    return len(shares), math.exp(float(-(shares * shares.log()).sum()))
