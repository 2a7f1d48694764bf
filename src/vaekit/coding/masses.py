"""Masses of pixel values as intervals of integers, made from the exact numbers of a decoder.

For each value of an image, its levels share 2**bits units: level v has [start, start + freq), the intervals follow one
another, each has at least one unit, and all of them together have exactly 2**bits. Integer arithmetic alone decides them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar

import numpy as np

from vaekit.coding.ans import Lanes
from vaekit.coding.knots import ONE, Table, of_sigmoid, tabulate

Interval = tuple[np.ndarray, np.ndarray]  # start and freq, uint64

BITS = 24  # of precision: a floor of 2**-24 costs nothing that can be measured


class Masses(ABC):
    """Interface of a likelihood's masses. V is the number of values of an image, in the order of (C, H, W) or (D,).

    Attributes:
        bits: logarithm to base 2 of the units that the levels of a value share.
        lanes: images at once; more would be hardly faster, and cost 5 bits each.
    """

    bits: ClassVar[int] = BITS
    lanes: ClassVar[int] = 128

    @abstractmethod
    def params(self, raw: np.ndarray) -> Any:
        """Returns what the other methods want of the decoder's numbers, (B, numbers * V) integers / 2**12."""

    @abstractmethod
    def intervals(self, params: Any, levels: np.ndarray) -> Interval:
        """Returns the intervals of levels, (V, B) integers: start and freq, (V, B) uint64."""

    @abstractmethod
    def find(
        self, params: Any, place: int, slot: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, *Interval]:
        """Finds whose intervals hold places within 2**bits.

        Args:
            place: of the value within the image.
            slot: (B,) uint64, below 2**bits.
            before: levels of all values before this one; (V, B).

        Returns:
            Levels, start and freq, (B,) each.
        """

    def push(self, lanes: Lanes, raw: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Pushes images, (B, V) levels, so that they are popped value after value; returns bits of each, (B,)."""
        start, freq = self.intervals(self.params(raw), levels.T.astype(np.int64))
        lanes.push_all(start[::-1], freq[::-1], self.bits)
        return information(freq, self.bits)

    def pop(self, lanes: Lanes, raw: np.ndarray, values: int) -> np.ndarray:
        """Pops the images that `push` has pushed under the same numbers, (B, V) integers.

        Raises:
            DataError: the stream has ended.
        """
        params, count = self.params(raw), len(raw)
        levels = np.zeros((values, count), dtype=np.int64)
        for place in range(values):
            slot = lanes.peek(self.bits, count)
            levels[place], start, freq = self.find(params, place, slot, levels)
            lanes.pop(start, freq, self.bits)
        return levels.T


def information(freq: np.ndarray, bits: int) -> np.ndarray:
    """Returns bits of each column of intervals, (T, B) -> (B,) float64: -log2 of their masses, for reports only."""
    return bits * len(freq) - np.log2(freq.astype(np.float64)).sum(0)


def exponential(x: np.ndarray, bits: int) -> np.ndarray:
    """Returns e**x in units of 2**-bits for integers x / 2**12 that are 0 or less, int64; 0 below -REACH."""
    table = _exponentials(bits)
    places = x + REACH
    return table.take(np.maximum(places, 0, out=places))


@cache
def exponential_table(bits: int) -> Table:
    """e**x in units of 2**-bits for integers x / 2**12 from -REACH to 0."""
    return tabulate(lambda x: x.exp(), -REACH, 0, step=6, fraction_out=bits)


@cache
def _exponentials(bits: int) -> np.ndarray:
    found = exponential_table(bits).dense.astype(np.int64)
    found[0] = 0
    return found


@cache
def sigmoid_table() -> Table:
    """sigmoid(x) in units of 2**-BITS for integers x / 2**12 from -REACH to REACH."""
    return tabulate(of_sigmoid, -REACH, REACH, fraction_out=BITS)


@cache
def units_of_one() -> np.ndarray:
    """Units of 2**BITS that a logit gives to 1, by the logit's integer above -REACH; at least 1 and at most all but 1."""
    return np.clip(sigmoid_table().dense, 1, (1 << BITS) - 1).astype(np.uint32)


REACH = 17 * ONE  # logits beyond it are cut: less than a unit is left there


class BernoulliMasses(Masses):
    """One logit per value: 0 has the lower interval, 1 the upper one."""

    lanes = 64

    def params(self, raw: np.ndarray) -> np.ndarray:
        """Returns units of 0, (V, B) uint64."""
        places = np.minimum(np.maximum(raw.T, -REACH), REACH) + REACH
        return np.uint64(1 << BITS) - units_of_one().take(places.astype(np.int32))

    def intervals(self, params: np.ndarray, levels: np.ndarray) -> Interval:
        one = levels.astype(bool)
        return params * one, np.where(one, np.uint64(1 << BITS) - params, params)

    def find(
        self, params: np.ndarray, place: int, slot: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, *Interval]:
        zero = params[place]
        one = slot >= zero
        return one, zero * one, np.where(one, np.uint64(1 << BITS) - zero, zero)
