"""The interface of likelihoods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.config.likelihood_parts import Kind, LikelihoodPart


class Likelihood(nn.Module, ABC):
    """Interface of a likelihood.

    Args:
        part: its options.
        shape: shape of one image, (C, H, W) or (D,).

    Attributes:
        dimensions: number of dimensions of one image: 3 for (C, H, W), 1 for (D,).
        num_params: how many raw numbers the decoder gives for one value of the image.
        normal: p(x|z) is normal about the very numbers that the decoder gives, so that probabilistic PCA is the
            optimum of linear networks.
        logits: the numbers that the decoder gives are logits, of any size.
    """

    num_params: int
    normal: ClassVar[bool] = False
    logits: ClassVar[bool] = False

    def __init__(self, part: LikelihoodPart, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.part, self.dimensions = part, len(shape)

    @property
    def kind(self) -> Kind:
        """As `LikelihoodPart.kind` says."""
        return self.part.kind

    @property
    def pixels(self) -> tuple[str, ...]:
        """As `LikelihoodPart.pixels` says."""
        return self.part.pixels

    @abstractmethod
    def forward(self, raw: Tensor) -> Distribution:
        """(..., numbers * C, H, W) or (..., numbers * D) -> p(x|z) with event shape (C, H, W) or (D,)."""

    @abstractmethod
    def params_from_mean(self, mean: Tensor) -> Tensor:
        """Raw output, (numbers * C, H, W), for which p(x|z) has about this mean image; for initialisation."""

    def begin_from(self, parts: Iterable[Tensor]) -> None:
        """Takes what it wants to know of training images, as most want nothing, before `params_from_mean` is asked.

        Args:
            parts: images, (n, *shape) each, floats in [0, 1] where they are pixels.
        """

    def begin_at(self, sigma: float) -> float:
        """Takes the standard deviation that fits a start, if it is not fixed; returns the one it begins with.

        Raises:
            NotImplementedError: p(x|z) is not `normal`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no standard deviation to begin with.")
