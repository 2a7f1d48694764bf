"""The 256 levels of 8-bit pixels. Pixels are v/255 for v = 0..255, as everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

TOP = 255


def split_numbers(raw: Tensor, numbers: int, dimensions: int) -> Tensor:
    """(..., numbers * C, H, W) -> (..., numbers, C, H, W), and the same for (..., numbers * D)."""
    return raw.unflatten(-dimensions, (numbers, -1))


def all_levels(like: Tensor) -> Tensor:
    """0, 1/255, ... 1, (256,)."""
    return torch.linspace(0, 1, TOP + 1, dtype=like.dtype, device=like.device)


def to_levels(x: Tensor) -> Tensor:
    """The nearest level in [0, 1]."""
    return (x.clamp(0, 1) * TOP).round() / TOP
