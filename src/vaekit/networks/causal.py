"""A causal transformer over a sequence of codes, with a cache of keys and values for sampling.

Attention is a matrix product, a softmax and another product: on a CPU the fused kernel is slow
backwards in bf16, and for sequences as short as a grid of codes it saves nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.core import SettingError
from vaekit.runtime.random import uniform


class Past:
    """A layer's keys and values so far, (B, heads, T, width / heads) each, in room for `length` positions."""

    def __init__(self, length: int) -> None:
        self.length, self.filled = length, 0
        self._room: tuple[Tensor, Tensor] | None = None

    def add(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """Takes in keys and values of the next positions; returns all so far."""
        if self._room is None:
            sizes = [(*part.shape[:2], self.length, part.shape[3]) for part in parts]
            self._room = parts[0].new_empty(sizes[0]), parts[1].new_empty(sizes[1])
        first, self.filled = self.filled, self.filled + parts[0].shape[2]
        for room, part in zip(self._room, parts, strict=True):
            room[:, :, first : self.filled] = part
        return tuple(room[:, :, : self.filled] for room in self._room)


Cache = list[Past]  # of the layers; empty before the first position


class CausalBlock(nn.Module):
    """Attention to what came before, then a perceptron; both added to their input, normalised first.

    Both start by adding nothing, so depth costs nothing at the start. Each head learns what it thinks of
    a place by its relative row and column, whatever is there.
    """

    def __init__(self, width: int, heads: int, dropout: float, grid: tuple[int, int]) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.nearness = nn.Parameter(torch.zeros(heads, grid[0], 2 * grid[1] - 1))
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        for last in (self.attended, self.outer):
            nn.init.zeros_(last.bias)
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, past: Past | None, offsets: Tensor) -> Tensor:
        """(B, T, width) -> the same; `past` has what came before, and takes these positions in.

        Args:
            offsets: (T, all positions so far), places in a head's `nearness`; -1 for what is not seen.
        """
        shape = (*x.shape[:2], self.heads, -1)
        parts = self.queries_keys_values(self.before_attention(x)).chunk(3, dim=-1)
        queries, keys, values = (part.view(shape).transpose(1, 2) for part in parts)
        if past is not None:
            keys, values = past.add(keys, values)
        scores = (queries / math.sqrt(queries.shape[-1])) @ keys.transpose(-1, -2)
        # An embedding, for an index adds up its gradients in any order, and so in other bits each time.
        nearness = F.embedding(offsets.clamp_min(0), self.nearness.flatten(1).T).permute(2, 0, 1)
        scores = scores + nearness.masked_fill(offsets < 0, -math.inf).to(scores.dtype)
        found = (scores.softmax(-1) @ values).transpose(1, 2).flatten(2)
        x = x + self._dropped(self.attended(found))
        return x + self._dropped(self.outer(F.gelu(self.inner(self.before_mlp(x)))))

    def _dropped(self, x: Tensor) -> Tensor:
        """Dropout whose noise does not depend on how many processes share the batch."""
        if not self.training or not self.dropout:
            return x
        return x * ((uniform(tuple(x.shape), x.device) >= self.dropout).to(x.dtype) / (1 - self.dropout))


class CausalTransformer(nn.Module):
    """p(c_t | c_1 ... c_{t-1}) for grids of codes, row by row.

    What goes in at a place is, beside the place itself and what the class means there, the code before it and
    the codes around it that are known by then, in the row above: attention need not first learn where the
    neighbours of a place are.

    Args:
        codes: K.
        grid: (h, w).
        classes: number of classes that may be given; 0 for none.
        width, depth, heads: of the network.
        dropout: share of what each block adds that is left out in training.

    Raises:
        SettingError: a width that the heads do not divide.
    """

    known: Tensor
    offsets: Tensor

    def __init__(
        self,
        codes: int,
        grid: tuple[int, int],
        classes: int,
        width: int,
        depth: int,
        heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if width % heads:
            raise SettingError(f"width {width} must be a multiple of heads {heads}.")
        self.nothing, self.length = codes, grid[0] * grid[1]
        self.register_buffer("known", known_around(*grid), persistent=False)
        self.register_buffer("offsets", offsets_between(*grid), persistent=False)
        self.code = nn.ModuleList(nn.Embedding(codes + 1, width) for _ in range(self.known.shape[1]))
        self.place = nn.Parameter(0.02 * torch.randn(self.length, width))
        self.label = nn.Parameter(0.02 * torch.randn(classes, self.length, width)) if classes else None
        self.blocks = nn.ModuleList(CausalBlock(width, heads, dropout, grid) for _ in range(depth))
        self.norm, self.logits = nn.LayerNorm(width), nn.Linear(width, codes)
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)
        for parameter in self.code.parameters():
            nn.init.normal_(parameter, std=0.02)

    def forward(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        """Logits of every position given those before it: (B, n) int64, (B,) -> (B, n, K)."""
        x = self._embedded(codes, slice(None), y)
        for block in self.blocks:
            x = block(x, None, self.offsets)
        return self.logits(self.norm(x))

    def next(self, codes: Tensor, y: Tensor | None, cache: Cache) -> Tensor:
        """Logits of one more position, (B, K); the cache grows by it.

        Args:
            codes: (B, n) int64; read are those of the positions in the cache, which is empty at the start.
            y: (B,) or None.
        """
        if not cache:
            cache.extend(Past(self.length) for _ in self.blocks)
        at = cache[0].filled
        x = self._embedded(codes, slice(at, at + 1), y)
        for block, past in zip(self.blocks, cache, strict=True):
            x = block(x, past, self.offsets[at : at + 1, : at + 1])
        return self.logits(self.norm(x[:, 0]))

    def _embedded(self, codes: Tensor, positions: slice, y: Tensor | None) -> Tensor:
        """Returns the inputs at some positions, (B, T, width)."""
        around = F.pad(codes, (0, 1), value=self.nothing)[:, self.known[positions]]
        x = self.place[positions] + sum(table(around[..., i]) for i, table in enumerate(self.code))
        if self.label is None or y is None:
            return x
        label = F.embedding(y, self.label.flatten(1))
        return x + label.unflatten(1, self.label.shape[1:])[:, positions]


def known_around(height: int, width: int) -> Tensor:
    """For each place of a grid, row by row, where its known neighbours are: (n, 4) int64.

    They are the one before it (at the start of a row, the last of the row above), above, and above to the
    left and to the right; n stands for none.
    """
    number = torch.arange(height * width).view(height, width)
    none = height * width
    above = F.pad(number[:-1], (1, 1, 1, 0), value=none)
    before = F.pad(number.flatten()[:-1], (1, 0), value=none).view(height, width)
    return torch.stack([before, above[:, 1:-1], above[:, :-2], above[:, 2:]], dim=-1).flatten(0, 1)


def offsets_between(height: int, width: int) -> Tensor:
    """Returns the number of each pair of relative places, of a place (column) to another (row) of a grid:
    (n, n) int64, -1 for the later ones.

    Rows above times 2 width - 1, plus columns to the right of the utmost left.
    """
    places = torch.arange(height * width)
    above = places[:, None] // width - places // width
    aside = places % width - places[:, None] % width + width - 1
    return torch.where(places <= places[:, None], above * (2 * width - 1) + aside, -1)
