"""Records of what pictures cost as a file, as `compress` measured it. `vaekit.runs.kept_files` keeps them with a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vaekit.runs.json_records import OPTIONAL


@dataclass(frozen=True)
class Point:
    """A coder at one setting.

    Attributes:
        size: bytes of a picture, on average.
        error: mean squared error of a value in [0, 1].
    """

    size: float
    error: float


@dataclass(frozen=True)
class General:
    """Coders without a model on some of the same pictures.

    Attributes:
        images: number of these pictures.
        ours: bytes that they take in the file, by their own bits; None where something is lost.
        sizes: coder -> bytes of all of them, each as a file of its own ("... files"), or as one block or sheet.
        points: coder -> its points, where something is lost.
    """

    images: int
    ours: float | None = field(default=None, metadata=OPTIONAL)
    sizes: Mapping[str, float] = field(default_factory=dict)
    points: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FileCost:
    """A file that `compress` wrote of a run's own pictures; numbers are those of `vaekit.coding.sums.Sums`.

    Attributes:
        source, split: which pictures.
        images, pictures: examples, and how many of them are coded as pictures of the run's form.
        values: C x H x W of a picture.
        size, pixels, model: bytes of the whole file, of the pictures, and of the model.
        inside: whether the model is in the file.
        coders: name of a coder -> pictures of the parts that it coded.
        against: smallest of the other coders, of a lossy file at its error; None where there is none, or none reaches that.
        pays_after: images after which the model has paid for itself against it; None where it never does.
        general: the others, or None.
        error: mean squared error of a value in [0, 1], where something is lost.
        trade: as in `compress`, where something is lost.
        prior: hash of the weights of the prior of codes; None where none is fitted.
    """

    source: str
    split: str
    images: int
    pictures: int
    values: int
    size: int
    pixels: int
    model: int
    inside: bool
    coders: Mapping[str, int]
    against: str | None = None
    pays_after: int | None = None
    general: General | None = None
    error: float | None = field(default=None, metadata=OPTIONAL)
    trade: float | None = field(default=None, metadata=OPTIONAL)
    prior: str | None = field(default=None, metadata=OPTIONAL)

    @property
    def each(self) -> float:
        """Returns the bytes of a picture, of its pixels alone."""
        return self.pixels / max(self.pictures, 1)

    @property
    def bits_per_value(self) -> float:
        """Returns bits of the pictures' own bytes per value C x H x W."""
        return 8 * self.pixels / max(self.pictures * self.values, 1)

    @property
    def point(self) -> Point | None:
        """Returns bytes against error, where something is lost."""
        return None if self.error is None else Point(self.each, self.error)

    def stands_beside(self, other: FileCost) -> bool:
        """Returns whether another file is of the same pictures and the same prior, at another setting."""
        alike = ("source", "split", "images", "pictures", "values", "prior")
        same = all(getattr(self, name) == getattr(other, name) for name in alike)
        return same and self.point is not None and (self.trade, self.inside) != (other.trade, other.inside)
