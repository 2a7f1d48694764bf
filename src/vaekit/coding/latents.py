"""Latents in bins of equal mass under the prior, and the masses that a posterior gives to these bins.

N(0, 1) is cut into 2**depth bins with 2**-depth each, so that a bin costs `depth` bits under the prior, and z is the
median of its bin (Townsend et al. 2019, arXiv:1901.04866, section 3.2 and appendix B). The posterior N(mean, sigma^2)
gives a bin what its distribution function rises there. The normal distribution function is that of a table, linear between
knots in integers; places are integers / 2**PLACE.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import ClassVar

import numpy as np

from vaekit.coding.ans import Lanes
from vaekit.coding.knots import FRACTION, Table, of_erf, tabulate
from vaekit.coding.masses import Interval, information
from vaekit.core import DataError

DEPTH = 12  # bits of a latent under the prior
BITS = 28  # of precision of the posterior's masses
PLACE = 20  # bits after the point of places on the axis of a latent
SCALE = 16  # bits after the point of 1 / sigma
FARTHEST = 32 << PLACE  # of a mean
OUTSIDE = 1 << 31  # the outermost edges: under any mean and sigma, all the mass lies between them
LOG_VARIANCE = (-20 << FRACTION, 10 << FRACTION)  # bounds of log sigma^2, as the models have them
TAIL = 7  # beyond 7 sigma nothing is left of 2**BITS units


@cache
def normal_table() -> Table:
    """The distribution function of N(0, 1), times 2**BITS, at integers / 2**PLACE; knots are 1/64 apart."""
    root = Decimal(2).sqrt()
    knots = tabulate(
        lambda x: (1 + of_erf(x / root)) / 2,
        -TAIL << PLACE, 0, step=PLACE - 6, fraction_in=PLACE, fraction_out=BITS,
    ).knots  # fmt: skip
    whole = (1 << (BITS + 8)) - knots[-2::-1]  # Phi(x) = 1 - Phi(-x)
    return Table(np.concatenate([knots, whole]), -TAIL << PLACE, PLACE - 6)


def normal_units(places: np.ndarray) -> np.ndarray:
    """Units of 2**BITS below places, int64 -> int64: rising, 0 at the lower end and 2**BITS at the upper one."""
    table = normal_table()
    within = np.minimum(np.maximum(places, table.low), table.high - 1)
    within -= table.low
    knot = within >> table.step
    below = table.knots.take(knot)
    rise = table.knots.take(knot + 1)
    rise -= below
    within &= (1 << table.step) - 1
    rise *= within
    rise >>= table.step
    rise += below
    rise >>= table.extra
    return rise


@cache
def scale_table() -> Table:
    """1 / sigma times 2**SCALE at integers -log sigma^2 / 2**12."""
    return tabulate(
        lambda x: (x / 2).exp(), -LOG_VARIANCE[1], -LOG_VARIANCE[0], step=6, extra=0, fraction_out=SCALE
    )


@cache
def inverse_scales() -> np.ndarray:
    """1 / sigma times 2**SCALE by the integer of log sigma^2 above its lower bound, int64."""
    return scale_table().dense.astype(np.int64)[::-1].copy()


class Bins:
    """2**depth bins of equal mass of N(0, 4**spread).

    Args:
        spread: 0 for a layer whose prior is N(0, I). A layer given another may need bins that lie further apart.

    Attributes:
        depth: bits of a bin under the prior.
        edges: (2**depth + 1,) int64, ends of the bins as places.
        centres: (2**depth,) int64, medians, integers / 2**12: what the decoder is given.
    """

    def __init__(self, depth: int = DEPTH, spread: int = 0) -> None:
        self.depth = depth
        table, halves = normal_table(), np.arange(1, 2 << depth, dtype=np.int64)
        wanted = halves << (BITS + table.extra - depth - 1)
        knot = np.searchsorted(table.knots, wanted, "right") - 1
        below = table.knots[knot]
        rise = table.knots[knot + 1] - below
        places = table.low + (knot << table.step) + ((wanted - below) << table.step) // rise
        places <<= spread
        self.edges = np.concatenate([[-OUTSIDE], places[1::2], [OUTSIDE]])
        self.centres = (places[::2] + (1 << (PLACE - FRACTION - 1))) >> (PLACE - FRACTION)

    def __len__(self) -> int:
        return len(self.centres)

    def push(self, lanes: Lanes, bins: np.ndarray) -> None:
        """Pushes bins, (D, B), under the prior, so that they are popped row after row."""
        lanes.push_bits(bins[::-1].astype(np.uint64), self.depth)

    def pop(self, lanes: Lanes, dimensions: int, count: int) -> np.ndarray:
        """Pops bins of the first `count` lanes, (D, B) int64.

        Raises:
            DataError: the stream has ended.
        """
        rows = [lanes.pop_bits(self.depth, count).astype(np.int64) for _ in range(dimensions)]
        return np.array(rows, dtype=np.int64).reshape(dimensions, count)


class Posterior:
    """Masses of bins under q(z|x) = N(mean, sigma^2), in units of 2**BITS. A bin far off has none.

    Args:
        bins: of the prior.
        mean, log_variance: (B, D) integers / 2**12.
    """

    scrambles: ClassVar[bool] = True

    def __init__(self, bins: Bins, mean: np.ndarray, log_variance: np.ndarray) -> None:
        self.bins = bins
        places = mean.T.astype(np.int64) << (PLACE - FRACTION)
        self.mean = np.minimum(np.maximum(places, -FARTHEST), FARTHEST)
        low, high = LOG_VARIANCE
        bounded = np.minimum(np.maximum(log_variance.T, low), high) - low
        self.inverse = inverse_scales().take(bounded.astype(np.int64))

    def intervals(self, bins: np.ndarray) -> Interval:
        """Returns the intervals of bins, (D, B) each; freq may be 0."""
        start = self._units(bins, self.mean, self.inverse)
        end = self._units(bins + 1, self.mean, self.inverse)
        return start.astype(np.uint64), (end - start).astype(np.uint64)

    def find(self, dimension: int, slot: np.ndarray) -> tuple[np.ndarray, *Interval]:
        """Finds the bins of one dimension whose intervals hold places within 2**BITS, (B,) uint64.

        A guess in floats is checked in integers, and what it misses is searched for: floats decide nothing.

        Returns:
            Bins (B,) int64, start and freq.
        """
        mean, inverse, wanted = self.mean[dimension], self.inverse[dimension], slot.astype(np.int64)
        found = self._guess(mean, inverse, wanted)
        ends = self._units(np.stack([found, found + 1]), mean, inverse)
        missed = ((wanted < ends[0]) | (wanted >= ends[1])).nonzero()[0]
        if missed.size:
            found[missed] = self._search(mean[missed], inverse[missed], wanted[missed])
            ends = self._units(np.stack([found, found + 1]), mean, inverse)
        start = ends[0].astype(np.uint64)
        return found, start, ends[1].astype(np.uint64) - start

    def pop(self, lanes: Lanes) -> tuple[np.ndarray, np.ndarray]:
        """Draws bins out of the lanes, which get shorter by what is returned beside them.

        The places are scrambled before each draw: what lies on top are the latents of the images before.

        Returns:
            Bins (D, B) int64, and bits for each lane, (B,) float64.
        """
        dimensions, count = self.mean.shape
        bins = np.zeros((dimensions, count), dtype=np.int64)
        freqs = np.ones((dimensions, count), dtype=np.uint64)
        for row in range(dimensions):
            if self.scrambles:
                lanes.scramble(BITS, count)
            bins[row], start, freqs[row] = self.find(row, lanes.peek(BITS, count))
            lanes.pop(start, freqs[row], BITS)
        return bins, information(freqs, BITS)

    def push(self, lanes: Lanes, bins: np.ndarray) -> np.ndarray:
        """Undoes `pop`; returns bits for each lane, (B,) float64.

        Raises:
            DataError: bins that this posterior never gives, as in a damaged stream.
        """
        starts, freqs = self.intervals(bins)
        if not freqs.all():
            raise DataError("the coded stream is damaged: a latent has no mass under its posterior.")
        for start, freq in zip(starts[::-1], freqs[::-1], strict=True):
            lanes.push(start, freq, BITS)
            if self.scrambles:
                lanes.unscramble(BITS, len(freq))
        return information(freqs, BITS)

    def _units(self, edges: np.ndarray, mean: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Units below edges of bins, by their number."""
        places = self.bins.edges.take(edges)
        places -= mean
        places *= inverse
        places >>= SCALE
        return normal_units(places)

    def _guess(self, mean: np.ndarray, inverse: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        table = normal_table()
        knots = np.interp((wanted + 0.5) * (1 << table.extra), table.knots, np.arange(len(table.knots)))
        place = mean + (knots * (1 << table.step) + table.low) * (1 << SCALE) / inverse
        found = np.searchsorted(self.bins.edges, place, "right") - 1
        return np.minimum(np.maximum(found, 0), len(self.bins) - 1)

    def _search(self, mean: np.ndarray, inverse: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Halves the bins until one is left: the last whose lower edge is not above what is wanted."""
        found = np.zeros(len(wanted), dtype=np.int64)
        for bit in reversed(range(self.bins.depth)):
            further = found + (1 << bit)
            found = np.where(self._units(further, mean, inverse) <= wanted, further, found)
        return found


class Conditional(Posterior):
    """Masses of bins under a normal that bins are sent by, not drawn: at least one unit each. Args as of `Posterior`."""

    scrambles = False

    def _units(self, edges: np.ndarray, mean: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        shared = (1 << BITS) - len(self.bins)
        return edges + (super()._units(edges, mean, inverse) * shared >> BITS)
