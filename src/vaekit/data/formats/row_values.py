"""Kinds of rows of numbers, by their values: pixels, or features in units of their own."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np

from vaekit.data.cache import release_pages, rows_at_once
from vaekit.data.pixels import within_unit


def kind_of_rows(rows: np.ndarray) -> tuple[str, str] | None:
    """Key of PIXELS and a note; None for rows within 0 to 1 that could be pictures. A table is of one kind in whatever units.

    Args:
        rows: (N, D); mapped from a file, it is read in parts.
    """
    if rows.dtype.kind not in "iuf" or rows.dtype == np.uint8 or rows.size == 0:
        return None
    low, high = _ends(rows)
    if (low, high) == (0, 1) and all(bool(((part == 0) | (part == 1)).all()) for part in _parts(rows)):
        return "binary", "all values are 0 or 1: taken as binary"
    if within_unit(low, high) and _square(rows.shape[1]):
        return None
    if are_pixels(rows):
        return (
            "8-bit",
            f"{rows.shape[1]:,} columns of whole numbers 0 to 255: taken as 8-bit pixels (pixels='8-bit')",
        )
    return "real", "columns in units of their own: taken as real values (pixels='real')"


def are_pixels(rows: np.ndarray) -> bool:
    """Returns whether rows (N, D) are pictures, as tables of digits come: a square of pixels or three, whole numbers to 255."""
    if not _square(rows.shape[1]):
        return False
    low, high = _ends(rows)
    return (
        low >= 0 and 128 <= high <= 255 and all(bool((part == np.floor(part)).all()) for part in _parts(rows))
    )


def _square(columns: int) -> bool:
    """Returns whether so many values could be those of a square picture, grey or in colours, of 8 pixels per side at least."""
    sizes = [columns, columns // 3] if columns % 3 == 0 else [columns]
    return any(pixels >= 64 and isqrt(pixels) ** 2 == pixels for pixels in sizes)


def _ends(rows: np.ndarray) -> tuple[float, float]:
    """The least and the greatest value."""
    ends = [(float(part.min()), float(part.max())) for part in _parts(rows)]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    """As many rows at a time as fit easily into memory."""
    step = rows_at_once(rows.shape)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]
        release_pages()
