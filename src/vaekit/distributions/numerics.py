"""Functions that keep value and gradient where the textbook form overflows or cancels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def soft_bounds(x: Tensor, low: float, high: float) -> Tensor:
    """The identity well within the bounds, and no further than them outside.

    Past a bound the gradient fades over some ten units, where a hard clamp would cut it off; value
    and gradient are finite everywhere.
    """
    x = high - F.softplus(high - x)
    return low + F.softplus(x - low)


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - exp(-x)) for x > 0, to full relative precision near 0."""
    return torch.log(-torch.expm1(-x))
