"""The interface of features: what turns images into the numbers whose distributions are compared."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from vaekit.core import DataError, RunError
from vaekit.data import Data, to_unit
from vaekit.plain_files import plain_file
from vaekit.runtime.device import arithmetic

CHUNK = 500  # images at a time


class Features(ABC):
    """Turns images into features; deterministic, in single precision, in eval mode.

    Attributes:
        name: of these features and no others; part of every figure's name.
        shape: of one image, (C, H, W) or (D,): the only one it is defined for.
        dimensions: number of features.
    """

    name: str
    shape: tuple[int, ...]
    dimensions: int

    def __call__(self, images: Tensor) -> Tensor:
        """(N, dimensions) float32 on the CPU, for images (N, *shape), uint8 or in [0, 1]; real values
        in standard units (`vaekit.data.moments.standard_of`).

        Raises:
            DataError: images of another shape.
        """
        return self.by_chunks(self.compute, images)

    def by_chunks(self, work: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Results of `work` on images as floats on the CPU, in single precision whatever is set around it.

        Raises:
            DataError: images of another shape.
        """
        self.check(tuple(images.shape[1:]))
        with torch.inference_mode(), arithmetic("fp32", torch.device("cpu")):
            return torch.cat([work(to_unit(part.cpu())) for part in images.split(CHUNK)])

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises DataError when images have another shape."""
        if shape != self.shape:
            raise DataError(
                f"features {self.name} are defined for {described(self.shape)} images only, not for "
                f"{described(shape)}; train some for these images (vaekit features)"
            )

    @abstractmethod
    def compute(self, x: Tensor) -> Tensor:
        """(B, dimensions) for x (B, *shape) float in [0, 1], on the CPU."""


def described(shape: tuple[int, ...]) -> str:
    """A shape as a user would write it: 28x28 grey."""
    if len(shape) != 3:
        return "x".join(map(str, shape)) + "-feature"
    channels, height, width = shape
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}.get(channels, f"{channels}-channel")
    return f"{height}x{width} {kind}"


def content_of(path: Path) -> bytes:
    """Raises RunError when the file cannot be read."""
    try:
        return plain_file(path).read_bytes()
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}.") from None


def label(data: Data) -> str:
    """The source's name as it may stand within the name of a figure."""
    return re.sub(r"[^a-z0-9]+", "_", Path(data.source).stem.lower()).strip("_") or "data"
