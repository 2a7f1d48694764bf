"""What rows of numbers are, by their values: pixels, or features in units of their own."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np

from vaekit.data.cache import release_pages, rows_at_once
from vaekit.data.pixels import within_unit


def kind_of_rows(rows: np.ndarray) -> tuple[str, str] | None:
    """Key of PIXELS and a note, where the values say more than that they could be grey levels.

    Args:
        rows: (N, D); mapped from a file, it is read in parts.
    """
    if rows.dtype.kind not in "iuf" or rows.dtype == np.uint8 or rows.size == 0:
        return None
    ends = [(part.min(), part.max()) for part in _parts(rows)]
    if within_unit(float(min(low for low, _ in ends)), float(max(high for _, high in ends))):
        return None
    if are_pixels(rows):
        return (
            "8-bit",
            f"{rows.shape[1]:,} columns of whole numbers 0 to 255: taken as 8-bit pixels (pixels='8-bit')",
        )
    return "real", "columns in units of their own: taken as real values (pixels='real')"


def are_pixels(rows: np.ndarray) -> bool:
    """Returns whether rows (N, D) are pictures, as tables of digits come: a square of pixels or three, whole numbers to 255."""
    columns = rows.shape[1]
    sizes = [columns, columns // 3] if columns % 3 == 0 else [columns]
    if not any(pixels >= 64 and isqrt(pixels) ** 2 == pixels for pixels in sizes):
        return False
    highest = 0.0
    for part in _parts(rows):
        highest = max(highest, float(part.max()))
        if part.min() < 0 or highest > 255 or not bool((part == np.floor(part)).all()):
            return False
    return highest >= 128


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    """As many rows at a time as fit easily into memory."""
    step = rows_at_once(rows.shape)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]
        release_pages()
