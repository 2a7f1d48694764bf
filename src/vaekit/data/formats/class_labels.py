"""Labels in whatever form they come, as class numbers and the name of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vaekit.core import DataError, foreign, reason
from vaekit.data.formats.listing import natural
from vaekit.plain_files import as_text

EXACT = 2**53  # whole numbers up to here have a float of their own


def class_numbers(labels: object, count: int, where: str) -> tuple[Tensor, list[str]]:
    """Labels as class numbers 0, 1, ... in the order of the labels, and the name of each.

    Args:
        labels: (N,), (N, 1) or (1, N) whole numbers or words, as an array, a tensor, a list or a column of a table;
            or one-hot, (N, K) zeros with a one in each row, whose K columns may have names.
        count: how many there must be.

    Raises:
        DataError: wrong number or shape, fractions, missing ones, or of another type.
    """
    values = _plain(labels, where)
    if values.ndim == 2 and 1 in values.shape and values.size == count:
        values = values.reshape(-1)
    if values.ndim == 2 and len(values) == count:
        return _of_one_hot(values, _column_names(labels), where)
    if values.shape != (count,):
        raise DataError(f"{where}: labels of shape {values.shape} for {count:,} images; give one per image.")
    if values.dtype.kind == "f":
        values = _whole(values, where)
    if values.dtype.kind not in "biuU":
        raise DataError(f"{where}: labels of type {values.dtype}; give whole numbers or text.")
    known, numbers = np.unique(values, return_inverse=True)
    if values.dtype.kind == "U":
        order = sorted(range(len(known)), key=lambda i: natural(str(known[i])))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        known, numbers = known[order], rank[numbers]
    return torch.from_numpy(numbers.astype(np.int64)), [as_text(str(name)) for name in known]


def _plain(labels: object, where: str) -> np.ndarray:
    """Labels as an array of numbers or of text."""
    if isinstance(labels, np.ma.MaskedArray):
        if missing := int(np.ma.count_masked(labels)):
            raise DataError(f"{where}: {missing:,} labels are masked; give each image one.")
        labels = labels.data
    with foreign(where, say=_unreadable):
        if isinstance(labels, Tensor):
            labels = labels.detach().cpu()
            labels = (labels.float() if labels.dtype == torch.bfloat16 else labels).numpy()
        values = np.asarray(labels)
    if values.dtype.kind == "T":
        values = values.astype(object)
    if values.dtype.kind == "S":
        values = np.array([_word(value, i, where) for i, value in enumerate(values.ravel())]).reshape(
            values.shape
        )
    return _of_objects(values, where) if values.dtype.kind == "O" else values


def _unreadable(error: BaseException) -> str:
    return f"labels cannot be read ({reason(error)}); give one number or word per image."


def _of_objects(values: np.ndarray, where: str) -> np.ndarray:
    """Python objects as numbers if all are, else as text."""
    items = [value.item() if isinstance(value, np.generic | Tensor) else value for value in values.ravel()]
    for i, item in enumerate(items):
        if item is None or item != item or type(item).__name__ in ("NAType", "NaTType"):
            raise DataError(
                f"{where}: the label of image {i} is missing; give each image one, or leave it out."
            )
    if all(isinstance(item, str | bytes) for item in items):
        return np.array([_word(item, i, where) for i, item in enumerate(items)]).reshape(values.shape)
    if all(isinstance(item, int) and abs(item) < 2**63 for item in items):
        return np.array(items, np.int64).reshape(values.shape)
    if all(isinstance(item, int | float) for item in items):
        return np.array(items, np.float64).reshape(values.shape)
    kinds = ", ".join(sorted({type(item).__name__ for item in items})[:4])
    raise DataError(f"{where}: labels are Python objects ({kinds}); give whole numbers or text.")


def _word(value: object, index: int, where: str) -> str:
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode("utf-8")  # type: ignore[arg-type]
    except UnicodeDecodeError:
        raise DataError(
            f"{where}: the label of image {index} is not text in UTF-8; give class names."
        ) from None


def _whole(values: np.ndarray, where: str) -> np.ndarray:
    """Floats that are whole numbers, as such."""
    if not np.isfinite(values).all():
        index = int(np.argmin(np.isfinite(values)))
        raise DataError(
            f"{where}: the label of image {index} is {values[index]}; give a class to each image."
        )
    if not (values == np.rint(values)).all():
        raise DataError(f"{where}: labels are not whole numbers; give class numbers or names.")
    if len(values) and np.abs(values).max() >= EXACT:
        most = values[np.argmax(np.abs(values))]
        raise DataError(
            f"{where}: a label of {most:g} is no class number; give whole numbers below 2^53, or names."
        )
    return values.astype(np.int64)


def _of_one_hot(values: np.ndarray, names: Sequence[str] | None, where: str) -> tuple[Tensor, list[str]]:
    shape = values.shape
    if values.dtype.kind not in "biuf" or not (
        ((values == 0) | (values == 1)).all() and (values.sum(1) == 1).all()
    ):
        raise DataError(
            f"{where}: labels of shape {shape} are neither one per image nor one-hot (a single 1 in each row); "
            "give the class of each image."
        )
    return torch.from_numpy(values.argmax(1).astype(np.int64)), list(names or map(str, range(shape[1])))


def _column_names(labels: object) -> list[str] | None:
    """Names of the columns of a table."""
    columns = getattr(labels, "columns", None)
    return None if columns is None else [str(name) for name in columns]
