"""The records of a data set: what every source returns and everything else reads."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from vaekit.images.notebook import Displayed, spread_over
from vaekit.wording import speak_of

PIXELS = {
    "binary": "0 or 1 (stored as 0 and 255)",
    "8-bit": "whole numbers 0 to 255, scaled by 1/255",
    "unit": "continuous in [0, 1]",
    "real": "any real number",
}


@dataclass(frozen=True)
class Factor:
    """Something that varies between images and is known.

    Attributes:
        name: in words.
        values: how many it can have, numbered from 0; None where it is continuous.
        low, high: ends of a continuous factor.
        ordered: whether its numbers are places on a line; those of classes are not.
    """

    name: str
    values: int | None
    low: float = 0.0
    high: float = 1.0
    ordered: bool = True


@dataclass(frozen=True, repr=False)
class Split(Displayed):
    """Images of one split.

    Attributes:
        images: (N, C, H, W) or (N, D); uint8 for binary and 8-bit pixels, float32 for others. Real values that came
            as float64 stay so: float32 has no digits left for a column of spread 1 about 10^6. May be backed by a
            memory map.
        labels: (N,) int64 class numbers, or None.
        names: one name per image (a file's path within its source), or None.
        factors: (N, F) float32 values of the factors that the images were made from, or None.

    Example:
        >>> data.test.take(data.test.labels == 3).images.shape[1:]
        torch.Size([1, 8, 8])
    """

    images: Tensor
    labels: Tensor | None = None
    names: list[str] | None = None
    factors: Tensor | None = None

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("x", "X", "data", "features", "values"), "images has them, rows of a table too"),
        **dict.fromkeys(("y", "Y", "targets", "target"), "labels has the class of each"),
    }

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        """An image, or (image, label) where there are labels, as a data set of torch gives them; of several a Split."""
        if isinstance(index, slice) or np.ndim(index) > 0:
            return self.take(torch.arange(len(self))[index])
        index = operator.index(index)  # of numpy and torch too
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        return self.images[index] if self.labels is None else (self.images[index], self.labels[index])

    def facts(self) -> dict[str, Any]:
        kind = str(self.images.dtype).removeprefix("torch.")
        labels = None if self.labels is None else len(self.labels.unique())
        return {"images": len(self), "shape": tuple(self.images.shape[1:]), "dtype": kind, "classes": labels}

    def thumbnails(self) -> Tensor | None:
        return spread_over(self.images, self.labels)

    def take(self, indices: Tensor) -> Split:
        """The images at these indices, in their order.

        Args:
            indices: (n,) int64, or a mask (N,).
        """
        return Split(
            self.images[indices],
            None if self.labels is None else self.labels[indices],
            None if self.names is None else [self.names[i] for i in indices.tolist()],
            None if self.factors is None else self.factors[indices],
        )


@dataclass(frozen=True, repr=False)
class Data(Displayed):
    """A data set in three splits.

    Attributes:
        source: what it was loaded from, as given.
        path: absolute path of the files, or None for embedded and rendered sets.
        train, validation, test: validation may be empty; the test split never chooses anything.
        pixels: key of PIXELS: what the values are once binarised.
        dynamic: grey images that are binarised by a new draw each time a batch is made.
        class_names: name of each class number, or None where there are no labels.
        factors: what the images were made from, column for column of the splits' `factors`, or None.
        columns: names of the features of a table, in their order, or None.
        label_column: name of the table's column with the classes, or None.
        fingerprint: hash of all images and labels and of the split.
        options: keyword arguments of `load_data` that load it again, JSON-able.
        notes: one line for each kind of thing that was converted, skipped or found odd.

    Example:
        >>> data.shape, data.pixels, data.classes
        ((1, 8, 8), '8-bit', 10)
        >>> len(data.train), len(data.validation), len(data.test)
        (1360, 124, 313)
        >>> data.train.images.dtype
        torch.uint8
    """

    source: str
    train: Split
    validation: Split
    test: Split
    pixels: str
    dynamic: bool = False
    class_names: list[str] | None = None
    factors: tuple[Factor, ...] | None = None
    path: str | None = None
    fingerprint: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    columns: list[str] | None = None
    label_column: str | None = None

    elsewhere: ClassVar[Mapping[str, str]] = {
        name: f"its splits have: data.train.{ours}, data.test.{ours}"
        for ours, names in {
            "images": "images x X data features values",
            "labels": "labels y Y targets target",
        }.items()
        for name in names.split()
    }

    def facts(self) -> dict[str, Any]:
        counts = {name: len(split) for name, split in self.splits.items()}
        pixels = f"{self.pixels}, drawn anew" if self.dynamic else self.pixels
        return {
            "source": self.source,
            "shape": self.shape,
            "pixels": pixels,
            **counts,
            "classes": self.classes or None,
        }

    def thumbnails(self) -> Tensor | None:
        return None if self.pixels == "real" else self.train.thumbnails()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image: (C, H, W) or (D,)."""
        return tuple(self.train.images.shape[1:])

    @property
    def dimensions(self) -> int:
        """Values per image."""
        return prod(self.shape)

    @property
    def classes(self) -> int:
        """Number of classes; 0 where there are no labels."""
        if self.class_names is not None:
            return len(self.class_names)
        labels = [s.labels for s in self.splits.values() if s.labels is not None and len(s)]
        return 1 + max((int(values.max()) for values in labels), default=-1)

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by their names: train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def replace(self, **changes: object) -> Data:
        """A copy with some fields changed.

        Args:
            changes: fields by their names.
        """
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass
class Loaded:
    """The contents of a source, before its pixels are interpreted and its splits are completed.

    Attributes:
        parts: "train", and "validation" and "test" where the source has splits of its own; a
            source without splits has all its images under "train".
        keys: content hash of each image, (N, 2) uint64, a part; where a part is absent it is
            made from the images.
        class_names: name of each class number, or None.
        factors: what the images were made from, or None.
        path: absolute path of the files, or None.
        notes: one line for each kind of thing that was converted, skipped or found odd.
        mapped: the images are backed by a memory map, too large to be copied in memory.
        binarized: the images are the binary ones that `binarize="static"` asks for.
        white: the value of white in image files of more than 8 bits, if there are any.
        usual_white: whether that is the one of their depth.
        state: what else than the keys decided the images, for what is kept of them in the cache.
        doubts: a line where the source may mean something else than it was taken for.
        columns, label_column: as in `Data`.
        pixels: key of PIXELS, where the source says what its values are; a wish of the user's comes first.
    """

    parts: dict[str, Split]
    keys: dict[str, np.ndarray] = field(default_factory=dict)
    class_names: list[str] | None = None
    factors: tuple[Factor, ...] | None = None
    path: str | None = None
    notes: list[str] = field(default_factory=list)
    mapped: bool = False
    binarized: bool = False
    white: float | None = None
    usual_white: bool = True
    state: str = ""
    doubts: list[str] = field(default_factory=list)
    columns: list[str] | None = None
    label_column: str | None = None
    pixels: str | None = None

    def __post_init__(self) -> None:
        first = next(iter(self.parts.values()), None)
        speak_of((1, 1, 1) if first is None else tuple(first.images.shape[1:]))

    def set_images(self, images: dict[str, Tensor]) -> None:
        """Puts other images, one for one, into the parts named."""
        for name, tensor in images.items():
            self.parts[name] = replace(self.parts[name], images=tensor)


def to_unit(images: Tensor) -> Tensor:
    """Images as floats the way models take them: uint8 divided by 255, float32 and float64 as they are."""
    if images.dtype == torch.uint8:
        return images.to(torch.float32).div_(255.0)
    return images if images.dtype == torch.float64 else images.to(torch.float32)
