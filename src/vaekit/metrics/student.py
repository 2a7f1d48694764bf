"""Student's t: how many standard errors a difference may have where these were estimated from few values."""

from __future__ import annotations

import math

NORMAL = 3.0  # standard errors of a normal, whose two-sided probability is taken: 99.73 % lie within


def within(t: float, degrees: int) -> float:
    """P(|T| ≤ t) of Student's t (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4).

    Args:
        t: standard errors, at least 0.
        degrees: of freedom, at least 1.
    """
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = total = cosine if odd else 1.0
    for n in range(2 + odd, degrees - 1, 2):
        term *= cosine * cosine * (n - 1) / n
        total += term
    if not odd:
        return sine * total
    return 2 / math.pi * (angle + (sine * total if degrees > 1 else 0.0))


def allowed_errors(degrees: int, normal: float = NORMAL) -> float:
    """Standard errors within which as large a share of Student's t lies as of a normal within `normal`.

    Args:
        degrees: of freedom of the standard error, at least 1.
    """
    wanted, low, high = math.erf(normal / math.sqrt(2)), 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, degrees) < wanted else (low, middle)
    return high
