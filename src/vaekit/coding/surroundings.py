"""Pictures coded by what is around each value, without a model: what small pictures have in common is learned as they are coded.

Value after value, of all pictures of a round at once, each in a lane of its own. A value is predicted from those to its left and
above (Weinberger et al. 2000, LOCO-I); what the prediction lacks is coded in two steps of four bits each. How likely each of 16
symbols is is counted under several contexts, whose shares are mixed by weights that each lane learns. Only single operations of
IEEE 754 on float64 and whole numbers decide, none in an order that a library may choose, so that a reader counts the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from vaekit.coding.ans import Lanes
from vaekit.core import DataError

SYMBOLS = 16
BITS = 16  # of precision of a share
MOST_LANES, VALUES_OF_A_LANE = 1024, 2048
LEAST_VALUES, MOST_VALUES, MOST_OF_ONE = 2**14, 2**23, 2**14  # of all pictures, and of one
BASE = 2.0  # how many counts the first context's shares are worth in another
FORGET = 1 / 256  # of the weights, at each value
ACTIVITY = np.array([1, 3, 6, 10, 16, 25, 40, 70, 120])
SLOPES = np.array([-8, 0, 1, 9])
BESIDE = np.array([1, 4, 12])

Take = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Given where the intervals of 16 symbols end, (B, 16), and the symbols where they are known, (B,), gives the symbols."""


def suits(shape: tuple[int, ...]) -> bool:
    """Returns whether pictures (n, C, H, W) are many enough for what is learned to pay, and few and small enough to be read soon."""
    if len(shape) != 4 or not 0 < prod(shape[1:]) <= MOST_OF_ONE:
        return False
    return LEAST_VALUES <= prod(shape) <= MOST_VALUES


def lanes_of(shape: tuple[int, ...]) -> int:
    """Number of lanes for pictures (n, ...): each costs 36 bits."""
    return max(1, min(shape[0], MOST_LANES, prod(shape) // VALUES_OF_A_LANE))


def code_by_surroundings(levels: np.ndarray) -> bytes:
    """Codes pictures (n, C, H, W) uint8, for which `suits` holds."""
    lanes = Lanes(lanes_of(levels.shape))
    walk, found = Walk(levels.shape[1:]), []
    for part in rounds(levels.shape):
        ends: list[np.ndarray] = []

        def take(shares: np.ndarray, symbols: np.ndarray, ends: list[np.ndarray] = ends) -> np.ndarray:
            rows = np.arange(len(symbols))
            start = np.where(symbols > 0, shares[rows, symbols - 1], 0)
            ends.append(np.stack([start, shares[rows, symbols] - start]).astype(np.uint16))
            return symbols

        walk.pictures(levels[part].astype(np.int64), take)
        found.append(np.stack(ends))  # (T, 2, B)
    for both in reversed(found):
        start, freq = both[::-1].astype(np.uint64).transpose(1, 0, 2)
        lanes.push_all(np.ascontiguousarray(start), np.ascontiguousarray(freq), BITS)
    return lanes.to_bytes()


def restore_by_surroundings(content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures (n, C, H, W) uint8 from what `code_by_surroundings` gave.

    Raises:
        DataError: damaged, or pictures that it does not code.
    """
    if not suits(shape):
        raise DataError(f"pictures of shape {shape} are not coded by their surroundings.")
    lanes, walk = Lanes.from_bytes(content), Walk(shape[1:])
    if len(lanes) != lanes_of(shape):
        raise DataError("the coded stream is damaged: its lanes do not fit its pictures.")

    def take(shares: np.ndarray, symbols: np.ndarray) -> np.ndarray:
        slot = lanes.peek(BITS, len(shares)).astype(np.int64)
        found = (shares <= slot[:, None]).sum(1)
        rows = np.arange(len(found))
        start = np.where(found > 0, shares[rows, found - 1], 0)
        lanes.pop(start.astype(np.uint64), (shares[rows, found] - start).astype(np.uint64), BITS)
        return found

    levels = np.empty(shape, np.uint8)
    for part in rounds(shape):
        levels[part] = walk.pictures(np.zeros(levels[part].shape, np.int64), take)
    if len(lanes.words) or (lanes.heads != Lanes(len(lanes)).heads).any():
        raise DataError("the coded stream is damaged: it does not end as it began.")
    return levels


def rounds(shape: tuple[int, ...]) -> Iterator[slice]:
    """The pictures that are coded at once."""
    size = lanes_of(shape)
    return (slice(first, min(first + size, shape[0])) for first in range(0, shape[0], size))


class Walk:
    """Goes through pictures value after value, and learns on its way.

    Args:
        shape: (C, H, W) of a picture; three channels are coded green, red, blue, the latter two as differences from green.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.channels, self.height, self.width = shape
        self.order = (1, 0, 2) if self.channels == 3 else tuple(range(self.channels))
        sizes = (10 * 4, 125, 1024, self.height * self.width, 100)  # contexts of a channel
        self.models = [[Counts(size * more, self.channels) for size in sizes] for more in (1, SYMBOLS)]
        self.weights = [np.zeros((0, self.channels, len(sizes)))] * 2

    def pictures(self, levels: np.ndarray, take: Take) -> np.ndarray:
        """Codes or restores pictures, (B, C, H, W) int64, which are filled where `take` says what they are."""
        count = len(levels)
        for stage, weights in enumerate(self.weights):  # lanes that are new begin as all did
            more = np.full((max(count - len(weights), 0), *weights.shape[1:]), 1 / weights.shape[2])
            self.weights[stage] = np.concatenate([weights, more])
        raw = np.zeros((self.channels, self.height + 1, self.width + 2, count), np.int64)
        plane, lacks = np.zeros_like(raw), np.zeros_like(raw)
        levels = levels.transpose(1, 2, 3, 0)
        for i in range(self.height):
            for j in range(self.width):
                for number, channel in enumerate(self.order):
                    base = raw[1, i + 1, j + 1] if self.channels == 3 and number else 0
                    prediction, contexts = self._seen(i, j, number, channel, raw, plane, lacks)
                    prediction = np.clip(prediction + base, 0, 255)
                    lack = self._coded(channel, contexts, folded(levels[channel, i, j] - prediction), take)
                    raw[channel, i + 1, j + 1] = (prediction + unfolded(lack)) & 255
                    plane[channel, i + 1, j + 1] = raw[channel, i + 1, j + 1] - base
                    lacks[channel, i + 1, j + 1] = (lack + 1) >> 1
        return raw[:, 1:, 1:-1].transpose(3, 0, 1, 2)

    def _seen(
        self, i: int, j: int, number: int, channel: int, raw: np.ndarray, plane: np.ndarray, lacks: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """The prediction of a value, and its contexts, (B,) each."""
        left, above, corner, beyond = (
            plane[channel, i + 1, j], plane[channel, i, j + 1], plane[channel, i, j], plane[channel, i, j + 2],
        )  # fmt: skip
        low, high = np.minimum(left, above), np.maximum(left, above)
        prediction = np.clip(left + above - corner, low, high)
        slopes = left - corner, above - corner, beyond - above
        active = ACTIVITY.searchsorted(abs(slopes[0]) + abs(slopes[1]) + abs(slopes[2]), "right")
        steep = [SLOPES.searchsorted(slope, "right") for slope in slopes]
        before = lacks[self.order[number - 1], i + 1, j + 1] if number else np.zeros_like(left)
        missed = ACTIVITY.searchsorted(lacks[channel, i + 1, j] + lacks[channel, i, j + 1], "right")
        return prediction, [
            4 * active + BESIDE.searchsorted(before, "right"),
            25 * steep[0] + 5 * steep[1] + steep[2],
            32 * (raw[channel, i + 1, j] >> 3) + (raw[channel, i, j + 1] >> 3),
            np.full_like(left, i * self.width + j),
            10 * active + missed,
        ]

    def _coded(self, channel: int, contexts: list[np.ndarray], lack: np.ndarray, take: Take) -> np.ndarray:
        """Codes what a prediction lacks, folded, (B,): its upper four bits, then its lower ones."""
        upper = self._step(0, channel, contexts, lack >> 4, take)
        inner = [SYMBOLS * context + upper for context in contexts]
        return SYMBOLS * upper + self._step(1, channel, inner, lack & 15, take)

    def _step(
        self, stage: int, channel: int, contexts: list[np.ndarray], symbols: np.ndarray, take: Take
    ) -> np.ndarray:
        """Codes symbols, (B,), and counts them."""
        models, weights = self.models[stage], self.weights[stage][: len(symbols), channel]
        shares = [models[0].shares(channel, contexts[0], 1 / SYMBOLS)]
        shares += [m.shares(channel, c, shares[0]) for m, c in zip(models[1:], contexts[1:], strict=True)]
        mixed = shares[0] * weights[:, :1]
        for number, share in enumerate(shares[1:], 1):
            mixed += share * weights[:, number : number + 1]
        ends = np.cumsum((mixed * ((1 << BITS) - 2 * SYMBOLS)).astype(np.int64) + 1, axis=1)
        ends[:, -1] = 1 << BITS
        symbols = take(ends, symbols)
        rows = np.arange(len(symbols))
        total = mixed[rows, symbols]
        for number, share in enumerate(shares):
            weights[:, number] = weights[:, number] * (share[rows, symbols] / total) * (
                1 - FORGET
            ) + FORGET / len(shares)
            models[number].add(channel, contexts[number], symbols)
        return symbols


class Counts:
    """Counts of each symbol in each context of each channel."""

    def __init__(self, contexts: int, channels: int) -> None:
        self._each = np.zeros((channels, contexts, SYMBOLS), np.float64)
        self._all = np.zeros((channels, contexts), np.float64)

    def shares(self, channel: int, contexts: np.ndarray, base: np.ndarray | float) -> np.ndarray:
        """Shares of symbols, (B, 16): counts, with `base` for as many as BASE of them."""
        return (self._each[channel].take(contexts, axis=0) + base * BASE) / (
            self._all[channel].take(contexts) + BASE
        )[:, None]

    def add(self, channel: int, contexts: np.ndarray, symbols: np.ndarray) -> None:
        """Counts symbols, (B,)."""
        np.add.at(self._each[channel], (contexts, symbols), 1.0)
        np.add.at(self._all[channel], contexts, 1.0)


def folded(lack: np.ndarray) -> np.ndarray:
    """Differences modulo 256 as 0, -1, 1, -2, ... -> 0, 1, 2, 3, ..., 255."""
    signed = ((lack + 128) & 255) - 128
    return np.where(signed < 0, -2 * signed - 1, 2 * signed)


def unfolded(number: np.ndarray) -> np.ndarray:
    """Undoes `folded`."""
    return np.where(number & 1, -((number + 1) >> 1), number >> 1)
