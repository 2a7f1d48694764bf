"""The sets of `notes.py`, small enough for a few seconds' training each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from anyones_sets import Missing, pictures_in

from vaekit import load_data
from vaekit.core import DataError
from vaekit.data import Data

MANY, FEW = 800, 200  # pictures of a folder of photographs, at most, as many of each class


@cache
def data(name: str) -> Data:
    """A set by its name.

    Raises:
        Missing: it cannot be made here.
    """
    return SETS[name]()


def strokes() -> Data:
    """1,000 of the drawn digits."""
    whole = load_data("strokes")
    sizes = {"train": 1000, "validation": 100, "test": 300}
    return whole.replace(**{key: whole.splits[key].take(torch.arange(size)) for key, size in sizes.items()})


def table(name: str) -> Data:
    """A table that comes with scikit-learn, in its own units."""
    try:
        from sklearn import datasets
    except ImportError:
        raise Missing("scikit-learn is not installed: pip install 'vaekit[data]'") from None
    found: Any = getattr(datasets, f"load_{name}")()
    return load_data(found.data.astype(np.float32), labels=found.target, pixels="real")


def normals() -> Data:
    """600 rows of a linear model with noise: principal components are all that there is to find."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(600, 3)) @ random.normal(size=(3, 12)) + 0.5 * random.normal(size=(600, 12))
    return load_data(rows.astype(np.float32), pixels="real")


def photos(count: int) -> Data:
    """A folder of so many photographs in class folders, of which VAEKIT_DATA has more."""
    source = Path(os.environ.get("VAEKIT_DATA", "nowhere")) / "photos"
    if not source.is_dir():
        raise Missing("no folder photos in VAEKIT_DATA")
    classes = sorted(path for path in source.iterdir() if path.is_dir())
    with tempfile.TemporaryDirectory() as folder:
        for label in classes:
            there = Path(folder) / label.name
            there.mkdir()
            for picture in pictures_in(label)[: count // len(classes)]:
                (there / picture.name).symlink_to(picture)
        try:
            return load_data(folder)
        except DataError as error:
            raise Missing(str(error)) from None


def shapes() -> Data:
    """200 discs and squares of any colour on any ground, with noise: (N, 3, 16, 16) uint8, and which of both."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    images = []
    for number in range(200):
        ink, ground = random.uniform(0, 255, (2, 3, 1, 1))
        (x, y), size = random.uniform(4, 12, 2), random.uniform(2, 6)
        disc = (columns - x) ** 2 + (rows - y) ** 2 < size**2
        square = (abs(columns - x) < size) & (abs(rows - y) < size)
        picture = np.where((square, disc)[number % 2], ink, ground) + random.normal(0, 8, (3, 16, 16))
        images.append(picture.clip(0, 255).astype(np.uint8))
    return load_data(np.stack(images), labels=np.arange(200) % 2)


SETS: dict[str, Callable[[], Data]] = {
    "digits": lambda: load_data("digits"),
    "binary digits": lambda: load_data("digits", binarize="dynamic"),
    "strokes": strokes,
    "wine": lambda: table("wine"),
    "cancer": lambda: table("breast_cancer"),
    "normals": normals,
    "photos": lambda: photos(MANY),
    "few photos": lambda: photos(FEW),
    "shapes": shapes,
}
