"""Mean and standard deviation of real values, column by column, or channel by channel of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vaekit.data.dataset import Data
from vaekit.data.pixels import chunks


@dataclass(frozen=True)
class Moments:
    """Of examples (N, D) by column, or (N, C, H, W) by channel.

    Attributes:
        mean, deviation: float64 in the values' own units, shaped to broadcast over an example: (D,) or (C, 1, 1).
        constant: where all values are the same or differ by rounding alone, in the shape of the mean.
    """

    mean: Tensor
    deviation: Tensor
    constant: Tensor

    @property
    def scale(self) -> Tensor:
        """The standard deviation; 1 where all values are the same."""
        return torch.where(self.constant, 1.0, self.deviation)

    def standard(self, x: Tensor) -> Tensor:
        """Examples (..., *shape) less the mean, over the scale, as float32."""
        return ((x.double() - self.mean) / self.scale).float()


def moments(examples: Tensor) -> Moments:
    """Of examples (N, *shape); in float64, a few at a time, and exact to rounding whatever the offset."""
    places = [0, *range(2, examples.ndim)]
    count = examples.numel() / examples.shape[1]
    ends = [_ends(part, places) for part in chunks(examples)]
    low = torch.stack([end[0] for end in ends]).amin(0).double()
    high = torch.stack([end[1] for end in ends]).amax(0).double()
    parts = [(part.double() - low).sum(places, keepdim=True)[0] for part in chunks(examples)]
    mean = low + torch.stack(parts).sum(0) / count
    width = torch.where(
        low == high, 1.0, high - low
    )  # so that no square is too large or too small for a float
    squares = [
        ((part.double() - mean) / width).square().sum(places, keepdim=True)[0] for part in chunks(examples)
    ]
    deviation = width * (torch.stack(squares).sum(0) / count).sqrt()
    return Moments(mean, deviation, deviation <= torch.finfo(examples.dtype).eps * mean.abs())


def _ends(part: Tensor, places: list[int]) -> tuple[Tensor, Tensor]:
    return part.amin(places, keepdim=True)[0], part.amax(places, keepdim=True)[0]


def standard_of(data: Data) -> Callable[[Tensor], Tensor]:
    """Brings examples of real data to units of the spread of their training split; leaves others as they are.

    What is measured of sets of examples (features, distances) is measured in these units.
    """
    return moments(data.train.images).standard if data.pixels == "real" else lambda examples: examples


def in_standard_units(data: Data) -> Data:
    """Real data in units of the spread of their training split, as float32; others as they are."""
    if data.pixels != "real":
        return data
    standard = standard_of(data)
    splits = {name: replace(split, images=standard(split.images)) for name, split in data.splits.items()}
    return data.replace(**splits)
