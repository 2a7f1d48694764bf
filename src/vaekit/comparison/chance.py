"""Distributions of what chance does with few numbers: Student's t, Fisher's F, Fisher's exact test.

Verdicts are drawn from a handful of seeds, where "two standard errors" is wrong: of pairs of equal means over three seeds
each it calls 12 in 100 different, not 5.
"""

from __future__ import annotations

import math

from vaekit.comparison.rows import Spread

LEVEL = 0.05  # share of equal pairs that are taken for different, both sides together
STEPS = 10_000  # of the continued fraction, at most; it takes about the root of the larger argument
TINY = 1e-300


def half_width(a: Spread, b: Spread) -> float:
    """Half the width of the 95 % interval of the difference of two means (Welch 1947).

    t(nu) sqrt(s_a^2 / n_a + s_b^2 / n_b), with the degrees of freedom nu of Welch and Satterthwaite. A mean without a
    deviation is a number, or values that are all alike, and adds nothing; but a single seed beside several is taken to
    vary as those do.

    Returns:
        0 where neither has a deviation: of a single seed of each there is no interval.
    """
    known = [spread for spread in (a, b) if spread.deviation]
    if not known:
        return 0.0
    parts = [(spread.deviation**2 / spread.count, spread.count - 1) for spread in known if spread.deviation]
    total = sum(square for square, _ in parts)
    freedom = total**2 / sum(square**2 / own for square, own in parts)
    if any(spread.single for spread in (a, b)):
        (one,) = known
        assert one.deviation is not None
        total, freedom = one.deviation**2 * (1 / one.count + 1), one.count - 1
    return t_quantile(1 - LEVEL / 2, freedom) * math.sqrt(total)


def t_quantile(share: float, freedom: float) -> float:
    """The t below which a share of Student's distribution lies, for a share of at least 1/2.

    Args:
        share: in [0.5, 1).
        freedom: degrees of freedom, above 0; fractions too.
    """
    low, high = 0.0, 1.0
    while t_share(high, freedom) < share:
        low, high = high, 2 * high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_share(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def t_share(t: float, freedom: float) -> float:
    """Share of Student's distribution below t >= 0: 1 - I_x(nu / 2, 1 / 2) / 2 with x = nu / (nu + t^2)."""
    return 1 - beta_share(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def f_share(above: float, below: float, freedom_above: int, freedom_below: int) -> float:
    """Share of Fisher's F distribution below the ratio of two variances: I_x(d1 / 2, d2 / 2), x = d1 F / (d1 F + d2).

    Args:
        above, below: sample variances of normal numbers, F = above / below.
        freedom_above, freedom_below: d1 and d2, their degrees of freedom.

    Returns:
        1/2 where both are 0, which says nothing.
    """
    weights = freedom_above * above, freedom_below * below
    return (
        beta_share(weights[0] / sum(weights), freedom_above / 2, freedom_below / 2) if sum(weights) else 0.5
    )


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, evaluated as by
    Lentz), of I_{1-x}(b, a) where that is the faster one.

    Args:
        x: in [0, 1].
        a, b: above 0.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(1 - x, b, a)
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    upper, lower = 1.0, 1 / _kept_off_zero(1 - (a + b) * x / (a + 1))
    value, change = lower, 0.0
    for m in range(1, STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            lower = 1 / _kept_off_zero(1 + term * lower)
            upper = _kept_off_zero(1 + term / upper)
            change = upper * lower
            value *= change
        if abs(change - 1) < 1e-15:
            break
    return math.exp(front) * value / a


def _kept_off_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY


def same_rate(failed: int, count: int, other: int, other_count: int) -> float:
    """Probability that failures fall as unevenly on two methods if both fail as often (Fisher's exact test, two
    sides): the share of all ways to distribute them that are no likelier than the one that was found.

    Args:
        failed, count: failures among the runs of one method.
        other, other_count: of the other.
    """
    total = failed + other
    ways = [
        math.comb(count, k) * math.comb(other_count, total - k)
        for k in range(max(0, total - other_count), min(count, total) + 1)
    ]
    found = math.comb(count, failed) * math.comb(other_count, other)
    return sum(way for way in ways if way <= found) / sum(ways)
