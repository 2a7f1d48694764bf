"""The parts of a transformer in integers: layer normalisation, softmax and attention with a cache of keys and values.

Every array is float64 and holds integers below 2**53, so that sums and products are exact in any order, for any batch and
on any machine. Where a root or a quotient is needed it is the one that IEEE 754 rounds correctly, of integers, and then
rounded down to an integer; nothing else of a machine's arithmetic enters. A number a is the integer round(a 2**f):

    stream, 14      what blocks add to, and the biases that are added to it
    normed, 14      what layer normalisation gives
    FRACTION, 12    queries, keys, values, scores, the perceptron's units and the logits
    WEIGHT, 14      weights, which have the gain of the normalisation before them in them

What bounds the sums is shown from the weights when a prior is taken over (`vaekit.coding.exact_prior`).
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

STREAM, NORMED, FRACTION, WEIGHT = 14, 14, 12, 14  # binary digits after the point
SPREAD = 20  # binary digits, at most, of a deviation from the mean of its row
SHIFTS = 48  # by so many digits a deviation may have to be shortened
FINE = 8  # of the digits of an exponent, those in the second table
REACH = 16  # exp(-16) and less is 0
EXP, SOFTMAX = 24, 20  # binary digits of the tables of exp, and of the weights of attention

Array = NDArray[np.float64]


def rounded(x: Array, digits: int) -> Array:
    """floor(x / 2**digits + 1/2): `digits` binary digits fewer, halves up; x of integers, exact below 2**53."""
    return np.floor(x * 2.0**-digits + 0.5)


@cache
def exp_tables() -> tuple[Array, Array]:
    """exp(-i / 16) for i = 0 ... 255 and exp(-j / 4096) for j = 0 ... 255, times 2**24, rounded; by `decimal`, whose exp is
    rounded correctly, so that they are the same integers everywhere."""
    with localcontext() as context:
        context.prec = 40
        one = Decimal(2**EXP)
        coarse = [int((Decimal(-i) / 16).exp() * one + Decimal("0.5")) for i in range(16 * REACH)]
        fine = [int((Decimal(-j) / 2**FRACTION).exp() * one + Decimal("0.5")) for j in range(1 << FINE)]
    return np.array(coarse, np.float64), np.array(fine, np.float64)


def exponential(x: Array, digits: int) -> Array:
    """exp(x / 2**12) times 2**digits, rounded, of integers x <= 0; 0 from x = -16 * 2**12 on.

    The product of two values of tables: of the upper digits of x and of the last 8.
    """
    coarse, fine = exp_tables()
    down = np.minimum(-x, REACH * 2.0**FRACTION - 1).astype(np.int64)
    product = coarse[down >> FINE] * fine[down & ((1 << FINE) - 1)]
    return np.where(-x < REACH * 2.0**FRACTION, rounded(product, 2 * EXP - digits), 0.0)


@cache
def floors_of_variance(width: int, epsilon: float) -> Array:
    """Integers that layer normalisation adds to the sum of squared deviations, one for each shift of these, (48,): its
    epsilon in their units."""
    whole = Fraction(epsilon) * width**3 * 4**STREAM
    return np.array([int(whole / 4**shift) for shift in range(SHIFTS)], np.float64)


def normalised(x: Array, epsilon: float) -> Array:
    """Layer normalisation (Ba et al. 2016, eq. 4) without gain and bias: (x - mean) / sqrt(variance + epsilon) along the last axis.

    Deviations are n x - sum(x), exact, and are shortened to 20 digits, all of a row by one power of two. Then the sum of
    their squares is below n 2**40, its root is rounded down, and each is divided by it.

    Args:
        x: (..., n) in units of the stream.

    Returns:
        The same in units of 2**-14.
    """
    width = x.shape[-1]
    away = width * x - x.sum(-1, keepdims=True)
    _, digits = np.frexp(np.abs(away).max(-1, keepdims=True))
    shift = np.maximum(digits - SPREAD, 0)
    away = np.floor(np.ldexp(away, -shift) + 0.5)
    squares = (away * away).sum(-1, keepdims=True) + floors_of_variance(width, epsilon)[shift]
    return np.floor(away * isqrt(width << 2 * NORMED) / np.floor(np.sqrt(squares)) + 0.5)


class Past:
    """Keys and values of a layer so far, (B, heads, positions, width / heads) each, in room for `length` positions."""

    def __init__(self, length: int) -> None:
        self.length, self.filled = length, 0
        self.room: tuple[Array, Array] | None = None

    def add(self, keys: Array, values: Array) -> tuple[Array, Array]:
        """Takes in keys and values of the next positions; returns all so far."""
        if self.room is None:
            shape = (*keys.shape[:2], self.length, keys.shape[3])
            self.room = np.empty(shape), np.empty(shape)
        first, self.filled = self.filled, self.filled + keys.shape[2]
        for room, part in zip(self.room, (keys, values), strict=True):
            room[:, :, first : self.filled] = part
        return self.room[0][:, :, : self.filled], self.room[1][:, :, : self.filled]


def attended(queries: Array, keys: Array, values: Array, nearness: Array, seen: NDArray[np.bool_]) -> Array:
    """softmax(q k + nearness) v, (B, heads, T, d), in integers (Vaswani et al. 2017, eq. 1).

    The largest score that is seen is taken off each, exp has 20 digits, and the weighted sum of values is divided by the
    sum of weights: one quotient a number, correctly rounded and then rounded to an integer.

    Args:
        queries: (B, heads, T, d), with 1 / sqrt(d) in them.
        keys, values: (B, heads, n, d).
        nearness: (heads, T, n), what is added to scores.
        seen: (T, n), the positions that each may look at; one at least.
    """
    scores = rounded(queries @ keys.swapaxes(-1, -2), FRACTION) + nearness
    scores = np.where(seen, scores, -np.inf)
    weights = exponential(scores - scores.max(-1, keepdims=True), SOFTMAX)
    return np.floor(weights @ values / weights.sum(-1, keepdims=True) + 0.5)
