"""The images that a card is measured on, and the hashes that say which they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaekit.core import DataError
from vaekit.data import Data, Split
from vaekit.data.cache import digest
from vaekit.data.moments import standard_of
from vaekit.data.splits import content_keys
from vaekit.data.view import show
from vaekit.evaluation.cards.paired import by_hash
from vaekit.inference import shown_images
from vaekit.models import Model


@dataclass(frozen=True)
class Sheet:
    """The images of a card, in an order that their contents decide.

    Attributes:
        images: as stored.
        shown: (N, *shape) float, as networks see them.
        train: training images as stored, as many at most, in such an order; None where there are none.
        pixels: key of PIXELS.
        standard: brings examples to the units in which errors of real values are measured.
        hashes: of crop, split and data.
        about: the same in words.
    """

    images: Split
    shown: Tensor
    train: Tensor | None
    pixels: str
    standard: Callable[[Tensor], Tensor]
    hashes: Mapping[str, str]
    about: Mapping[str, Any]


def sheet_of(data: Data | Split, model: Model | None = None) -> Sheet:
    """The images to measure, and the hashes of what they are.

    Args:
        model: shows images as its pixels ask; without one the data say it.

    Raises:
        DataError: there are none.
    """
    split = data.test if isinstance(data, Data) else data
    if not len(split):
        raise DataError("there are no images to measure; the split is empty.")
    pixels = data.pixels if isinstance(data, Data) else _pixels_of(split) if model is None else model.pixels
    keys = content_keys(split.images)
    order = by_hash(keys)
    split = split.take(order)
    shown = show(split.images, pixels) if model is None else shown_images(model, split)
    train, training = None, ""
    if isinstance(data, Data):
        all_keys = content_keys(data.train.images)
        first = by_hash(all_keys)
        train, training = data.train.images[first[: len(split)]], digest(all_keys[first.numpy()])
    formed = _form(data, pixels)
    name = "test" if isinstance(data, Data) else "images given"
    about = {
        "data": data.source if isinstance(data, Data) else name, "split": name, "images": len(split),
        "shape": list(split.images.shape[1:]), "crop": ", ".join(formed),
    }  # fmt: skip
    hashes = {
        "crop": digest(*formed),
        "split": digest(name, str(len(split)), training),
        "data": digest(str(shown.dtype), keys[order.numpy()]),
    }
    return Sheet(split, shown, train, pixels, _standard(data), hashes, about)


def _standard(data: Data | Split) -> Callable[[Tensor], Tensor]:
    return standard_of(data) if isinstance(data, Data) else lambda examples: examples


def _pixels_of(split: Split) -> str:
    """Key of PIXELS of given images: whole numbers are 8-bit, values within [0, 1] unit, others real."""
    if split.images.dtype == torch.uint8:
        return "8-bit"
    return "unit" if float(split.images.min()) >= 0 and float(split.images.max()) <= 1 else "real"


def _form(data: Data | Split, pixels: str) -> list[str]:
    """The size of the images, how they were brought to it, and what their values are."""
    images = data.test.images if isinstance(data, Data) else data.images
    options = data.options if isinstance(data, Data) else {}
    size = "x".join(map(str, images.shape[1:]))
    how = f"resized, {options.get('fit', 'crop')}" if options.get("image_size") else "as stored"
    drawn = [f"binarised, {options['binarize']}"] if options.get("binarize", "none") != "none" else []
    return [size, how, pixels, *drawn]
