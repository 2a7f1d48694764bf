"""Masses of 8-bit levels that are given one by one: a number for each level, or a mixture of shared histograms."""

from __future__ import annotations

import numpy as np

from vaekit.coding.masses import BITS, Interval, Masses, exponential
from vaekit.core import DataError

LEVELS = 256
SHARE_BITS = 20  # of a histogram's share: sums over 512 histograms stay below 2**53
MOST_HISTOGRAMS = 512
TURNED = 2**12  # numbers of each image that are brought into another order at a time
PLACES_AT_ONCE = 16  # values whose running sums are made in one product
_INVERSE = 31  # bits of the inverse of a sum


def running_shares(logits: np.ndarray) -> np.ndarray:
    """Returns where the intervals of levels begin, and where the last ends, by softmax over the first axis.

    With e(l) the exponentials of the logits below their greatest, in units of 2**-24, and s(l) the sum of those before l,
    level l begins at l + (s(l) * r >> 31) with r = ((2**24 - 256) << 31) // s(256); the last ends at 2**24.

    Args:
        logits: (256, ...) integers / 2**12.

    Returns:
        (257, ...) int64, rising by at least 1 from 0 to 2**BITS.
    """
    sums = np.zeros((LEVELS + 1, *logits.shape[1:]), dtype=np.int64)
    np.cumsum(exponential(logits - logits.max(0), BITS), axis=0, out=sums[1:])
    sums *= (((1 << BITS) - LEVELS) << _INVERSE) // sums[-1]
    sums >>= _INVERSE
    sums += np.arange(LEVELS + 1).reshape(-1, *(1 for _ in logits.shape[1:]))
    sums[-1] = 1 << BITS
    return sums


def between(ends: np.ndarray, levels: np.ndarray) -> Interval:
    """Returns the intervals of levels, (B,), out of all ends, (257, B)."""
    columns = np.arange(len(levels))
    start = ends[levels, columns]
    return start.astype(np.uint64), (ends[levels + 1, columns] - start).astype(np.uint64)


class CategoricalMasses(Masses):
    """A number for each of the 256 levels."""

    def params(self, raw: np.ndarray) -> np.ndarray:
        """Returns logits, (256, V, B), as integers of 32 bits."""
        found = np.empty(raw.shape[::-1], dtype=np.int32)
        for first in range(0, len(found), TURNED):  # so many stay in a processor's cache
            part = slice(first, first + TURNED)
            found[part] = np.clip(raw[:, part], -(1 << 30), 1 << 30).T
        return found.reshape(LEVELS, -1, len(raw))

    def intervals(self, params: np.ndarray, levels: np.ndarray) -> Interval:
        found = [between(running_shares(params[:, place]), row) for place, row in enumerate(levels)]
        return np.stack([start for start, _ in found]), np.stack([freq for _, freq in found])

    def find(
        self, params: np.ndarray, place: int, slot: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, *Interval]:
        ends = running_shares(params[:, place])
        levels = (ends[1:] <= slot.astype(np.int64)).sum(0)
        return levels, *between(ends, levels)


class HistogramMasses(Masses):
    """A mixture of K histograms that all values of a channel share.

    With S(k, l) the units of 2**24 of histogram k below level l (`running_shares`) and w(k) the exponentials of a value's
    numbers below the greatest, in units of 2**-20, level l begins at the sum of w(k) S(k, l) over k, divided by the sum of
    w(k) and rounded down. All sums are below 2**53, so that they are products of matrices in float64.

    Args:
        tables: (C, K, 256) logarithms of the histograms, integers / 2**12.
        channel: values of a channel: V / C.
    """

    def __init__(self, tables: np.ndarray, channel: int) -> None:
        self.channel = channel
        ends = running_shares(np.moveaxis(tables.astype(np.int64), 2, 0))  # (257, C, K)
        self.below = ends.transpose(1, 2, 0).astype(np.float64)  # (C, K, 257)
        self.rows = np.ascontiguousarray(ends.transpose(1, 0, 2)).astype(np.float64)  # (C, 257, K)

    def params(self, raw: np.ndarray) -> Shares:
        """Returns shares, made of (B, K * V)."""
        count, histograms = len(raw), self.below.shape[1]
        numbers = raw.reshape(count, histograms, -1).transpose(2, 0, 1)  # (V, B, K)
        shares = exponential(numbers - numbers.max(2, keepdims=True), SHARE_BITS).astype(np.float64)
        return Shares(shares, shares.sum(2))

    def intervals(self, params: Shares, levels: np.ndarray) -> Interval:
        start, end = np.empty(levels.shape), np.empty(levels.shape)
        for channel, rows in enumerate(self.rows):
            part = slice(channel * self.channel, (channel + 1) * self.channel)
            for found, level in ((start, levels[part]), (end, levels[part] + 1)):
                found[part] = np.einsum("vbk,vbk->vb", params.shares[part], rows[level])
        first = (start.astype(np.uint64)) // params.total.astype(np.uint64)
        return first, end.astype(np.uint64) // params.total.astype(np.uint64) - first

    def find(
        self, params: Shares, place: int, slot: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, *Interval]:
        sums, total = self._sums(params, place), params.total[place]
        above = sums[:, 1:] >= ((slot + np.uint64(1)) * total)[:, None]  # the level ends beyond the place
        levels = above.argmax(1)
        rows = np.arange(len(levels))
        whole = total.astype(np.uint64)
        start = sums[rows, levels].astype(np.uint64) // whole
        return levels, start, sums[rows, levels + 1].astype(np.uint64) // whole - start

    def _sums(self, params: Shares, place: int) -> np.ndarray:
        """Returns sums of w(k) S(k, l) for all levels, (B, 257); those of the next places are made with them."""
        if not params.first <= place < params.first + len(params.made):
            channel = place // self.channel
            stop = min(place + PLACES_AT_ONCE, (channel + 1) * self.channel)
            params.first, params.made = place, params.shares[place:stop] @ self.below[channel]
        return params.made[place - params.first]


class Shares:
    """Shares of histograms.

    Attributes:
        shares: (V, B, K) whole numbers in float64.
        total: their sums, (V, B).
        made: sums for the values from the `first` on, as many as were made at once.
    """

    def __init__(self, shares: np.ndarray, total: np.ndarray) -> None:
        self.shares, self.total = shares, total
        self.first, self.made = 0, shares[:0]


def histogram_masses(tables: np.ndarray, values: int, numbers: int) -> HistogramMasses:
    """Returns the masses of a mixture of histograms.

    Args:
        tables: as of `HistogramMasses`.
        values, numbers: V, and numbers of the decoder for each.

    Raises:
        DataError: tables of another size, as in a damaged file.
    """
    if tables.ndim != 3 or tables.shape[1:] != (numbers, LEVELS) or not 0 < numbers <= MOST_HISTOGRAMS:
        raise DataError(f"histograms of {numbers} shares cannot be of shape {tables.shape}.")
    if not len(tables) or values % len(tables):
        raise DataError(f"{values} values cannot have histograms for {len(tables)} channels.")
    return HistogramMasses(tables, values // len(tables))
