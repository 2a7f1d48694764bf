"""Describes a data set for `vaekit data SOURCE`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vaekit.data.dataset import PIXELS, Data, Split, to_unit
from vaekit.data.pixels import chunks, value_range
from vaekit.data.splits import content_keys, copies


def describe(data: Data) -> dict[str, Any]:
    """A description of a data set in values that JSON can hold.

    Keys: source, path, images (number in all and in each split), shape, pixels, dynamic, range and
    mean of the stored values (of `to_unit` images, so 0 to 1 unless the pixels are real), classes
    (name -> number in each split), factors (name -> number of values, or ends), duplicates (exact copies in all, and between splits),
    fingerprint, notes.
    """
    splits = {name: split for name, split in data.splits.items() if len(split)}
    counts = {name: len(split) for name, split in data.splits.items()}
    low, high = value_range(split.images for split in splits.values())
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
        "classes": _classes(data),
        "factors": None
        if data.factors is None
        else {f.name: f.values if f.values is not None else [f.low, f.high] for f in data.factors},
        "duplicates": _duplicates(splits),
        "fingerprint": data.fingerprint,
        "notes": list(data.notes),
    }


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
