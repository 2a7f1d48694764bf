"""Answers of a run: embeddings or codes, samples, reconstructions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Split
from vaekit.images.notebook import Displayed, spread_over
from vaekit.inference import Embedding


@dataclass(frozen=True, repr=False)
class Encoded(Displayed):
    """Examples as a run's model encodes them.

    Attributes:
        source: of the data.
        split: the examples as stored.
        embedding: posteriors; None where the model encodes as a grid of codes.
        codes: (N, h, w) int64, for a grid of codes.
        class_names: names of the labels, where there are any.
    """

    source: str
    split: Split
    embedding: Embedding | None = None
    codes: Tensor | None = None
    class_names: list[str] | None = None

    def facts(self) -> dict[str, Any]:
        codes = self.codes if self.embedding is None else self.embedding.mean
        grid = None if codes is None or self.embedding is not None else tuple(codes.shape[1:])
        latents = None if self.embedding is None else self.embedding.mean.shape[1]
        return {"source": self.source, "images": len(self.split), "latents": latents, "grid": grid}

    def thumbnails(self) -> Tensor | None:
        return self.split.thumbnails()

    @property
    def finite(self) -> bool:
        """True where all means are finite numbers."""
        return self.embedding is None or bool(self.embedding.mean.isfinite().all())

    def arrays(self) -> dict[str, np.ndarray]:
        """`mean` and `std` (N, D), or `codes` (N, h, w), with `labels` and `names` (N,) where there are any."""
        found = {} if self.codes is None else {"codes": self.codes.numpy()}
        if self.embedding is not None:
            found = {"mean": self.embedding.mean.numpy(), "std": self.embedding.stddev.numpy()}
        if self.split.labels is not None:
            found["labels"] = self.split.labels.numpy()
        return found if self.split.names is None else found | {"names": np.array(self.split.names)}


@dataclass(frozen=True, repr=False)
class Samples(Displayed):
    """Images that a run's model drew.

    Attributes:
        images: (N, *shape), in [0, 1] where they are pictures.
        labels: (N,), where they were drawn by class.
        classes: names of the classes that were drawn, each once and in their order.
    """

    images: Tensor
    labels: Tensor | None = None
    classes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)

    def facts(self) -> dict[str, Any]:
        return {"images": len(self), "shape": tuple(self.images.shape[1:]), "classes": self.classes or None}

    def thumbnails(self) -> Tensor | None:
        return spread_over(self.images)


@dataclass(frozen=True, repr=False)
class Reconstructions(Displayed):
    """Images and what comes back of them.

    Attributes:
        originals: (N, *shape), as they were shown to the model.
        rebuilt: (N, *shape).
        names: of the image files, or of the previews.
        squared_errors: the mean per value of each image, (N,) float64; of real values in units of the training
            data's spread.
        redrawn_as: name of the class under which they were decoded, where one was asked for.
        pixels: key of PIXELS.
    """

    originals: Tensor
    rebuilt: Tensor
    names: list[str]
    squared_errors: Tensor
    redrawn_as: str | None = None
    pixels: str = "8-bit"

    def facts(self) -> dict[str, Any]:
        mean = float(self.squared_errors.mean()) if len(self.names) else None
        count, shape = len(self.rebuilt), tuple(self.rebuilt.shape[1:])
        squared = None if mean is None else float(f"{mean:.4g}")
        return {"images": count, "shape": shape, "mean_squared_error": squared, "redrawn_as": self.redrawn_as}

    def thumbnails(self) -> Tensor | None:
        """Originals above what came back of them."""
        if self.pixels == "real" or self.originals.ndim != 4:
            return None
        return torch.cat([spread_over(self.originals), spread_over(self.rebuilt)], dim=2)
