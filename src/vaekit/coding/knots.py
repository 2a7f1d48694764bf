"""Functions of one number in exact arithmetic: linear between stored knots, all in integers.

A number is the integer nearest to 2^FRACTION times it. The knots are computed by `decimal`, whose exp and ln are
rounded correctly at any precision, so that they are the same integers on every machine; a program stores them, so that
a reader need not compute them at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache, cached_property

import numpy as np

FRACTION = 12  # bits of a number after the point
STEP = 7  # knots are 2^7 integers apart, 1/32: a line between two of SiLU's is off by a quarter of an integer at most
EXTRA = 8  # more bits after the point in a knot than in the result
DIGITS = 60  # decimal places in which knots are computed
ONE = 1 << FRACTION
AT_ONCE = 2**14  # numbers that are looked up at a time

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628621")


@dataclass(frozen=True, eq=False)
class Table:
    """A function from integers to integers, linear between knots.

    With h the place of the last knot, c = min(max(x, low), h), k = (c - low) >> step and f = (c - low) mod 2^step,
    the value is (knots[k] * (2^step - f) + knots[k + 1] * f + 2^(step + extra - 1)) >> (step + extra); beyond the ends
    it goes on at the slopes `ends`.

    Attributes:
        knots: (n + 1,) int64, values times 2^extra.
        low: the integer at the first knot.
        step: logarithm to base 2 of the distance of knots.
        extra: bits that knots have beyond those of the value.
        ends: slopes below the first and above the last knot, 0 or 1 each.
    """

    knots: np.ndarray
    low: int
    step: int = STEP
    extra: int = EXTRA
    ends: tuple[int, int] = (0, 0)

    @property
    def high(self) -> int:
        """The integer at the last knot."""
        return self.low + ((len(self.knots) - 1) << self.step)

    @cached_property
    def dense(self) -> np.ndarray:
        """Values at every integer from `low` to `high`, (high - low + 1,) float64."""
        knots = self.knots.astype(np.int64)
        part = np.arange(1 << self.step, dtype=np.int64)
        between = (knots[:-1, None] << self.step) + (knots[1:] - knots[:-1])[:, None] * part
        whole = np.append(between.ravel(), knots[-1] << self.step)
        bits = self.step + self.extra
        return ((whole + ((1 << bits) >> 1)) >> bits).astype(np.float64)

    @cached_property
    def turn(self) -> int | None:
        """The integer up to which the function falls and from which it rises; None where it does neither so."""
        slopes, bottom = np.diff(self.dense), int(self.dense.argmin())
        falls, rises = bool((slopes[:bottom] <= 0).all()), bool((slopes[bottom:] >= 0).all())
        return self.low + bottom if falls and rises and not (self.ends[0] and bottom) else None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at whole numbers of any shape, int64 or float64, as float64."""
        x = np.ascontiguousarray(x, dtype=np.float64)
        values = np.empty_like(x)
        flat, out = x.reshape(-1), values.reshape(-1)
        for first in range(0, len(flat), AT_ONCE):  # so many stay in a processor's cache
            self._some(flat[first : first + AT_ONCE], out[first : first + AT_ONCE])
        return values

    def _some(self, x: np.ndarray, out: np.ndarray) -> None:
        inside = np.clip(x, self.low, self.high)
        beyond = x - inside if any(self.ends) else None
        inside -= self.low
        self.dense.take(inside.astype(np.int64), out=out, mode="clip")
        if beyond is None:
            return
        if not self.ends[0]:
            np.maximum(beyond, 0, out=beyond)
        elif not self.ends[1]:
            np.minimum(beyond, 0, out=beyond)
        out += beyond


def tabulate(
    function: Callable[[Decimal], Decimal],
    low: int,
    high: int,
    *,
    step: int = STEP,
    extra: int = EXTRA,
    ends: tuple[int, int] = (0, 0),
    fraction_in: int = FRACTION,
    fraction_out: int = FRACTION,
) -> Table:
    """The table of a function.

    Args:
        function: of a Decimal, within a context of DIGITS digits; of +, -, *, /, exp, ln and sqrt alone, which are
            rounded correctly everywhere.
        low, high: integers at the first and the last knot, a multiple of 2^step apart.
        step, extra, ends: as in `Table`.
        fraction_in, fraction_out: bits after the point of argument and value.
    """
    with localcontext() as context:
        context.prec, context.rounding = DIGITS, ROUND_HALF_EVEN
        scale = Decimal(1 << (fraction_out + extra))
        arguments = (Decimal(place) / (1 << fraction_in) for place in range(low, high + 1, 1 << step))
        knots = [int((function(x) * scale).to_integral_value(ROUND_HALF_EVEN)) for x in arguments]
    return Table(np.array(knots, dtype=np.int64), low, step, extra, ends)


def of_sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def of_softplus(x: Decimal) -> Decimal:
    return x + (1 + (-x).exp()).ln() if x > 0 else (1 + x.exp()).ln()


def of_erf(x: Decimal) -> Decimal:
    """By its Taylor series: for |x| below 6 with 40 digits to spare."""
    term, total, number = x, x, 0
    while abs(term) > Decimal(10) ** -(DIGITS - 10):
        number += 1
        term *= -x * x / number
        total += term / (2 * number + 1)
    return total * 2 / PI.sqrt()


@cache
def silu() -> Table:
    """x / (1 + e^-x): 0 below -12 and x above 12, to the last bit."""
    return tabulate(lambda x: x * of_sigmoid(x), -12 * ONE, 12 * ONE, ends=(0, 1))


@cache
def gelu() -> Table:
    """x Phi(x), with the normal distribution function (Hendrycks & Gimpel 2016)."""
    return tabulate(lambda x: x * (1 + of_erf(x / Decimal(2).sqrt())) / 2, -6 * ONE, 6 * ONE, ends=(0, 1))


@cache
def tanh() -> Table:
    """The hyperbolic tangent."""
    return tabulate(lambda x: 2 * of_sigmoid(2 * x) - 1, -8 * ONE, 8 * ONE)


@cache
def sigmoid() -> Table:
    """1 / (1 + e^-x)."""
    return tabulate(of_sigmoid, -12 * ONE, 12 * ONE)


@cache
def softplus() -> Table:
    """log(1 + e^x)."""
    return tabulate(of_softplus, -12 * ONE, 12 * ONE, ends=(0, 1))


@cache
def soft_bounds(low: float, high: float) -> Table:
    """`vaekit.distributions.numerics.soft_bounds`: the identity within, no further than the bounds outside."""
    bottom, top = Decimal(low), Decimal(high)
    return tabulate(
        lambda x: bottom + of_softplus(top - of_softplus(top - x) - bottom),
        int(low - 16) * ONE,
        int(high + 16) * ONE,
    )
