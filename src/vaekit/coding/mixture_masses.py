"""Masses of a mixture of logistics over 8-bit levels, its distribution function a sum of sigmoids in integers.

A level's lower edge is (2 l - 1) / 510 in units of [0, 1]. With m the location of a component and s its scale, both whole
numbers in the end, the edge lies at a = (4096 (2 l - 1) - 510 m) r >> 25 within the component, in units of 2**-14, where
r = 2**27 / (510 s) comes from a table of the log scale. Sigmoids are of a table in units of 2**-26; with w the components'
weights, level l begins at l + (g (2**24 - 256) >> 26), where g is the sum of w times sigmoid(a), divided by the sum of w and
rounded down; level 0 begins at 0 and level 255 ends at 2**24.

With three channels components belong to a pixel (Salimans et al. 2017, eq. 3): green's locations move with red, blue's with red and
green, and a channel's weights are multiplied by the masses that the components gave to the channels before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from vaekit.coding.knots import ONE, Table, of_sigmoid, of_softplus, tabulate, tanh
from vaekit.coding.level_masses import LEVELS
from vaekit.coding.masses import BITS, Interval, Masses, exponential
from vaekit.core import DataError

LOG_SCALE = (-9, 4)  # bounds of a log scale, as the likelihood has them
TOP2 = 2 * (LEVELS - 1)  # half levels from 0 to 1
WITHIN = 14  # bits after the point of a place within a component
SIGMOID_BITS = 26
INVERSE_BITS = 27
END = 17 << WITHIN  # beyond it a sigmoid is 0 or 1
FARTHEST = 256 * ONE  # of a location
OUTSIDE = (
    3 << 30
)  # an edge beyond all others: under any location and scale a sigmoid is 0 or 1 there, below 2**63
MOST_COMPONENTS = 256
_SHIFT = 12 + INVERSE_BITS - WITHIN


@cache
def logistic_table() -> Table:
    """sigmoid in units of 2**-SIGMOID_BITS at places / 2**WITHIN from -END to END."""
    return tabulate(of_sigmoid, -END, END, step=WITHIN - 5, fraction_in=WITHIN, fraction_out=SIGMOID_BITS)


@cache
def logistic_scale_table() -> Table:
    """2**INVERSE_BITS / (510 s) at integers of the raw log scale / 2**12, softly bounded by LOG_SCALE."""
    low, high = LOG_SCALE
    return tabulate(
        lambda x: (-(low + of_softplus(high - of_softplus(high - x) - low))).exp() / TOP2,
        (low - 16) * ONE,
        (high + 16) * ONE,
        extra=0,
        fraction_out=INVERSE_BITS,
    )


@cache
def sigmoids() -> np.ndarray:
    """Returns `logistic_table` at every place, int64; 0 and 1 at the ends."""
    found = logistic_table().dense.astype(np.int64)
    found[0], found[-1] = 0, 1 << SIGMOID_BITS
    return found


@cache
def inverse_scales_of_logistics() -> np.ndarray:
    """Returns `logistic_scale_table` at every integer, int64."""
    return logistic_scale_table().dense.astype(np.int64)


@dataclass
class Components:
    """Parameters of the components of each value, (V, K, B) int64 each.

    Attributes:
        weights: at most 2**24.
        location: 510 m.
        inverse: r.
        coupling: tanh of the coefficients, integers / 2**12: (3, V / 3, K, B), or None.
    """

    weights: np.ndarray
    location: np.ndarray
    inverse: np.ndarray
    coupling: np.ndarray | None


class MixtureMasses(Masses):
    """A mixture of K logistics for each value, or for each pixel of three channels.

    Args:
        components: K.
        shape: of one image: three channels are coupled.
    """

    def __init__(self, components: int, shape: tuple[int, ...]) -> None:
        self.components = components
        self.coupled = len(shape) == 3 and shape[0] == 3
        self.parts = 4 if self.coupled else 3
        self.channel = int(np.prod(shape[1:])) if self.coupled else int(np.prod(shape))

    def params(self, raw: np.ndarray) -> Components:
        numbers = raw.reshape(len(raw), self.parts, self.components, -1).transpose(1, 3, 2, 0)
        logits, location, scale, *rest = np.ascontiguousarray(numbers)
        if self.coupled:
            mean = logits.reshape(3, self.channel, *logits.shape[1:]).sum(0) // 3
            logits = np.concatenate([mean] * 3)
        table, low = inverse_scales_of_logistics(), logistic_scale_table().low
        coupling = tanh()(rest[0]).astype(np.int64) if self.coupled else None
        return Components(
            exponential(logits - logits.max(1, keepdims=True), BITS),
            TOP2 * np.minimum(np.maximum(location, -FARTHEST), FARTHEST),
            table.take(np.minimum(np.maximum(scale, low), low + len(table) - 1) - low),
            None if coupling is None else coupling.reshape(3, self.channel, *coupling.shape[1:]),
        )

    def intervals(self, params: Components, levels: np.ndarray) -> Interval:
        starts, freqs = [], []
        for place in range(0, len(levels), self.channel):
            part = slice(place, place + self.channel)
            weights, location, inverse = self._given(params, part, levels)
            start, end = (self._below(levels[part] + more, weights, location, inverse) for more in (0, 1))
            starts.append(start.astype(np.uint64))
            freqs.append((end - start).astype(np.uint64))
        return np.concatenate(starts), np.concatenate(freqs)

    def find(
        self, params: Components, place: int, slot: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, *Interval]:
        weights, location, inverse = (
            part[0] for part in self._given(params, slice(place, place + 1), before)
        )
        total, wanted = weights.sum(0), slot.astype(np.int64)
        levels, start, end = np.zeros_like(wanted), np.zeros_like(wanted), np.full_like(wanted, 1 << BITS)
        for bit in reversed(range(8)):
            further = levels + (1 << bit)
            found = sigmoids_at((further << 13) - (1 << 12), location, inverse)
            found *= weights
            below = begins(np.add.reduce(found, 0), total, further)
            beyond = below <= wanted
            levels += beyond.astype(np.int64) << bit
            np.copyto(start, below, where=beyond)
            np.copyto(end, below, where=~beyond)
        return levels, start.astype(np.uint64), (end - start).astype(np.uint64)

    def _given(
        self, params: Components, part: slice, levels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns weights, locations and inverse scales of some values of one channel, given those of the channels before."""
        location, inverse = params.location[part], params.inverse[part]
        channel = part.start // self.channel
        if not self.coupled or channel == 0:
            return params.weights[part], location, inverse
        inner = slice(part.start % self.channel, part.start % self.channel + part.stop - part.start)
        weights, location = params.weights[inner], location
        red = levels[: self.channel][inner]
        seen = [(red, params.location[inner], params.inverse[inner])]
        green_of_red, blue_of_red, blue_of_green = params.coupling[:, inner]  # pyright: ignore[reportOptionalSubscript]
        if channel == 1:
            location = location + moved(green_of_red, red)
        else:
            green = levels[self.channel : 2 * self.channel][inner]
            middle = slice(inner.start + self.channel, inner.stop + self.channel)
            seen.append((green, params.location[middle] + moved(green_of_red, red), params.inverse[middle]))
            location = location + moved(blue_of_red, red) + moved(blue_of_green, green)
        for level, *component in seen:
            weights = weights * self._masses(level, *component)
            weights //= (weights.max(-2, keepdims=True) >> 24) + 1
        return weights, location, inverse

    def _masses(self, levels: np.ndarray, location: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Returns what components give to levels, in units of 2**-24, and one unit more: (V, K, B)."""
        rise = self._sigmoids(levels + 1, location, inverse) - self._sigmoids(levels, location, inverse)
        return (rise >> (SIGMOID_BITS - 24)) + 1

    def _below(
        self, levels: np.ndarray, weights: np.ndarray, location: np.ndarray, inverse: np.ndarray
    ) -> np.ndarray:
        """Returns where the intervals of levels begin, (V, B); that of level 256 is where the last one ends."""
        found = self._sigmoids(levels, location, inverse)
        found *= weights
        return begins(found.sum(-2), weights.sum(-2), levels)

    def _sigmoids(self, levels: np.ndarray, location: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Returns the components' distribution functions at the lower edges of levels: (V, B) -> (V, K, B)."""
        edges = (2 * levels - 1) << 12
        edges[levels <= 0] = -OUTSIDE
        edges[levels >= LEVELS] = OUTSIDE
        return sigmoids_at(edges[:, None], location, inverse)


def sigmoids_at(edges: np.ndarray, location: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Returns sigmoids at edges, integers / (4096 * 510), in units of 2**-SIGMOID_BITS; shapes are broadcast."""
    places = edges - location
    places *= inverse
    places >>= _SHIFT
    places += END
    return sigmoids().take(places, mode="clip")


def begins(sums: np.ndarray, total: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns where the intervals of levels begin, by the weighted sums of sigmoids and the sums of weights."""
    below = sums // total
    below *= (1 << BITS) - LEVELS
    below >>= SIGMOID_BITS
    below += levels
    return below


def moved(coupling: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns by how much a channel moves the locations of a later one, as 510 m: (V, K, B) and (V, B) -> (V, K, B)."""
    return coupling * (2 * levels - (LEVELS - 1))[:, None]


def mixture_masses(components: int, shape: tuple[int, ...], numbers: int) -> MixtureMasses:
    """Returns the masses of a mixture of logistics.

    Args:
        components: K.
        shape: of one image.
        numbers: of the decoder for each value.

    Raises:
        DataError: numbers of the decoder that do not fit, as in a damaged file.
    """
    found = MixtureMasses(components, shape)
    if not 0 < components <= MOST_COMPONENTS or numbers != found.parts * components:
        raise DataError(f"a mixture of {components} logistics cannot have {numbers} numbers per value.")
    return found
