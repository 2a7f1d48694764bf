"""`describe`: what there is to say about a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vaekit.config.configured import documented, strict
from vaekit.config.options import DataSettings
from vaekit.data.dataset import PIXELS, Data, Split, to_unit
from vaekit.data.moments import moments
from vaekit.data.pixels import chunks, value_range
from vaekit.data.sources import as_data
from vaekit.data.splits import content_keys, copies


@strict
@documented(DataSettings)
def describe(data: object, *, labels: object | None = None, **options: Any) -> dict[str, Any]:
    """Describes a data set, with the problems found in it, in values that JSON can hold.

    Args:
        data: a source as in `load_data`, an array, or a data set that is loaded already.
        labels: class numbers or names of an array's images, (N,).
        options: as in `load_data`.

    Returns:
        source, path, images (number in all and in each split), shape, pixels, dynamic, range and
        mean of the stored values (of `to_unit` images, so 0 to 1 unless the pixels are real), columns (of real
        values: ends of the means and standard deviations of the columns, or channels, of the training split,
        and which are constant; else None), classes
        (name -> number in each split), factors (name -> number of values, or ends), duplicates (exact
        copies in all, and between splits), fingerprint, notes.

    Raises:
        SettingError, DataError: as in `load_data`.

    Example:
        >>> about = vaekit.describe("digits")
        >>> about["shape"], about["duplicates"]["all"]
        ([1, 8, 8], 0)
    """
    return _description(as_data(data, labels=labels, **options))


def _description(data: Data) -> dict[str, Any]:
    splits = {name: split for name, split in data.splits.items() if len(split)}
    counts = {name: len(split) for name, split in data.splits.items()}
    low, high = value_range(split.images for split in splits.values())
    columns = _columns(data)
    scale = 255 if data.train.images.dtype == torch.uint8 else 1
    return {
        "source": data.source,
        "path": data.path,
        "images": {"all": sum(counts.values()), **counts},
        "shape": list(data.shape),
        "pixels": data.pixels,
        "pixels_meaning": PIXELS[data.pixels],
        "dynamic": data.dynamic,
        "range": [low / scale, high / scale],
        "mean": _mean(splits),
        "columns": columns,
        "classes": _classes(data),
        "factors": None
        if data.factors is None
        else {f.name: f.values if f.values is not None else [f.low, f.high] for f in data.factors},
        "duplicates": _duplicates(splits),
        "fingerprint": data.fingerprint,
        "notes": [*data.notes, *_constant(columns)],
    }


def _columns(data: Data) -> dict[str, Any] | None:
    """Of the training split, whose moments a model takes."""
    if data.pixels != "real":
        return None
    found = moments(data.train.images)
    ends = {
        name: [float(values.min()), float(values.max())]
        for name, values in (("mean", found.mean), ("standard_deviation", found.deviation))
    }
    return {
        "kind": "column" if len(data.shape) == 1 else "channel",
        **ends,
        "constant": found.constant.flatten().nonzero().flatten().tolist(),
    }


def _constant(columns: dict[str, Any] | None) -> list[str]:
    """A note on columns whose values are all the same."""
    if columns is None or not columns["constant"]:
        return []
    some = ", ".join(map(str, columns["constant"][:10])) + ", ..." * (len(columns["constant"]) > 10)
    return [f"{columns['kind']}s that are constant in training, counted from 0: {some}; they say nothing"]


def _mean(splits: dict[str, Split]) -> float:
    total = 0.0
    for split in splits.values():
        total += sum(float(to_unit(part).sum(dtype=torch.float64)) for part in chunks(split.images))
    values = sum(split.images.numel() for split in splits.values())
    return total / values


def _classes(data: Data) -> dict[str, dict[str, int]] | None:
    if data.class_names is None:
        return None
    counted: dict[str, list[int]] = {}
    for name, split in data.splits.items():
        if split.labels is not None:
            counted[name] = torch.bincount(split.labels, minlength=len(data.class_names)).tolist()
    return {
        label: {name: numbers[i] for name, numbers in counted.items()}
        for i, label in enumerate(data.class_names)
    }


def _duplicates(splits: dict[str, Split]) -> dict[str, int]:
    """Images that are an exact copy of another one: in all, and between splits."""
    keys = {name: content_keys(split.images) for name, split in splits.items()}
    every = np.concatenate(list(keys.values()))[:, 0]
    found = {"all": int(len(every) - len(np.unique(every)))}
    for held, other in (("test", "train"), ("test", "validation"), ("validation", "train")):
        if held in keys and other in keys:
            found[f"{held} in {other}"] = copies(keys[held], keys[other])
    return found
