"""Matrices as scikit-learn gives them, as examples for a model, and back."""

from __future__ import annotations

from math import prod
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from vaekit.core import DataError, SettingError, choose
from vaekit.data import Data, Split
from vaekit.data.splits import unitless_keys, validation_rows
from vaekit.data.view import check_values

PIXELS = ("real", "unit", "binary")  # those of a matrix; 8-bit ones are divided by 255
FEWEST = 10  # rows of which some can be held out for validation


def shape_for(features: int, wanted: object) -> tuple[int, ...]:
    """The shape of an example: (features,), or that of the image that each row holds.

    Args:
        wanted: (C, H, W), (H, W) of a grey image, or None.

    Raises:
        SettingError: no such shape, or one of another number of values; names both.
    """
    if wanted is None:
        return (features,)
    sizes = tuple(wanted) if isinstance(wanted, list | tuple) else ()
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in sizes)
    if len(sizes) not in (2, 3) or not whole:
        raise SettingError(f"image_shape={wanted!r}: give (height, width) or (channels, height, width).")
    if prod(sizes) != features:
        raise SettingError(
            f"image_shape={wanted!r} has {prod(sizes)} values, and X has {features} features; they must agree."
        )
    return (1, *map(int, sizes)) if len(sizes) == 2 else tuple(map(int, sizes))


def examples_of(matrix: np.ndarray, shape: tuple[int, ...], pixels: str) -> Tensor:
    """Rows of a matrix, (N, features) float32 or float64, as examples (N, *shape).

    Real values stay of their type; those of pixels become float32.

    Raises:
        SettingError: unknown pixels.
        DataError: values that are no pixels of that kind.
    """
    choose(pixels, PIXELS, "pixels")
    rows = torch.from_numpy(np.require(matrix, requirements=["C", "W"])).view(-1, *shape)
    check_values(rows, pixels)
    if pixels == "binary" and not bool(((rows == 0) | (rows == 1)).all()):
        raise DataError("pixels='binary' takes the values 0 and 1, and X has others; take pixels='unit'.")
    return rows if pixels == "real" else rows.float()


def as_data(rows: Tensor, pixels: str, validation: float = 0.0) -> Data:
    """A data set without test examples: all rows are there to be fitted to, some to choose weights by.

    Which ones is decided as everywhere, by the rows themselves; of fewer than 10, or of copies alone, none.

    Args:
        rows: (N, *shape), as `examples_of` gives them.
        validation: share that is held out.

    Raises:
        SettingError: no such share.
    """
    if not isinstance(validation, Real) or not 0 <= validation < 1:
        raise SettingError(f"validation={validation!r}: must be a number from 0 to below 1.", "validation")
    share = float(validation) if len(rows) >= FEWEST else 0.0
    held = validation_rows(unitless_keys(rows) if share else np.empty((len(rows), 2)), share)
    mask = torch.from_numpy(held if not held.all() else np.zeros_like(held))
    train, kept = Split(rows[~mask]), Split(rows[mask])
    return Data("X", train, kept, Split(rows[:0]), pixels)


def as_matrix(examples: Tensor, dtype: np.dtype) -> np.ndarray:
    """Examples (N, *shape) as a matrix (N, features) of that type."""
    return examples.flatten(1).numpy().astype(dtype)
