"""The record of the data that a run was trained on, within its config.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from vaekit.core import RunError
from vaekit.data.dataset import PIXELS
from vaekit.runs.json_records import OPTIONAL

LARGEST = 2**24  # values of one example
MOST_CLASSES = 2**20


@dataclass(frozen=True)
class DataRecord:
    """The data that a run was trained on.

    Attributes:
        source: as it was given.
        path: absolute path of the files, or None for named sets and arrays.
        shape: of one image.
        pixels: key of `vaekit.data.dataset.PIXELS`.
        dynamic: whether grey images are binarised by a new draw each time.
        class_names: name of each class, or None without labels.
        classes: how many there are; 0 without labels.
        images: of each split.
        fingerprint: hash of all images and labels and of the split.
        notes: what was converted, skipped or found odd, one line each.
        columns: names of the features of a table, in their order.
        label_column: name of the table's column with the classes.
    """

    source: str
    path: str | None
    shape: tuple[int, ...]
    pixels: str
    dynamic: bool
    class_names: tuple[str, ...] | None
    classes: int
    images: Mapping[str, int]
    fingerprint: str
    notes: tuple[str, ...]
    columns: tuple[str, ...] | None = field(default=None, metadata=OPTIONAL)
    label_column: str | None = field(default=None, metadata=OPTIONAL)


def check_data(data: DataRecord, path: Path) -> None:
    """Raises RunError when what config.json says of the data cannot be: an empty or a huge shape, counts below 0."""
    shape = data.shape
    if not 1 <= len(shape) <= 4 or any(side < 1 for side in shape) or prod(shape) > LARGEST:
        raise _cannot(
            path, "data.shape", list(shape), f"1 to 4 sizes of 1 or more, of {LARGEST:,} values together"
        )
    if data.pixels not in PIXELS:
        raise _cannot(path, "data.pixels", data.pixels, f"one of {', '.join(PIXELS)}")
    if not 0 <= data.classes <= MOST_CLASSES:
        raise _cannot(path, "data.classes", data.classes, f"from 0 to {MOST_CLASSES:,}")
    if data.class_names is not None and len(data.class_names) != data.classes:
        raise _cannot(
            path, "data.class_names", f"{len(data.class_names)} names", f"of {data.classes} classes"
        )
    if data.columns is not None and (len(data.columns),) != data.shape:
        raise _cannot(path, "data.columns", f"{len(data.columns)} names", f"of {shape[0]} features")
    for name in ("train", "validation", "test"):
        if data.images.get(name, -1) < 0:
            raise _cannot(path, f"data.images.{name}", data.images.get(name), "a number of images")


def _cannot(path: Path, name: str, value: Any, wanted: str) -> RunError:
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    return RunError(f"{path}: {name} = {shown} must be {wanted}.")
