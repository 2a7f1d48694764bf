"""The interface of likelihoods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.distributions import Distribution

Kind = Literal["mass", "density", "pseudo"]


class Likelihood(nn.Module, ABC):
    """Interface of a likelihood.

    A constructor takes what it needs of these, by name: `shape` of one image, its number of
    `dimensions` (3 for (C, H, W), 1 for (D,)), `sigma`, `mixtures`.

    Attributes:
        kind: "mass" (sums to 1 over the pixel values), "density" (integrates to 1), or "pseudo"
            (neither: its values are no likelihoods and are named so).
        pixels: the keys of `vaekit.data.dataset.PIXELS` on which it is defined.
        numbers: how many raw numbers the decoder gives for one value of the image.
    """

    kind: ClassVar[Kind]
    pixels: ClassVar[tuple[str, ...]]
    numbers: int

    @abstractmethod
    def forward(self, raw: Tensor) -> Distribution:
        """(..., numbers * C, H, W) or (..., numbers * D) -> p(x|z) with event shape (C, H, W) or (D,)."""

    @abstractmethod
    def raw_of_mean(self, mean: Tensor) -> Tensor:
        """Raw output, (numbers * C, H, W), for which p(x|z) has about this mean image; for initialisation."""
