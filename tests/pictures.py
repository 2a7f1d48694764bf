"""Finds images in drawn pictures, for tests that look at what was drawn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor


def dots(picture: Path | bytes) -> np.ndarray:
    """The dots of a PNG, int16 (height, width, 3)."""
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)


def enlarged(image: Tensor, scale: int) -> np.ndarray:
    """An image (1 or 3, H, W) in [0, 1] with scale x scale dots for each pixel, (., ., 3)."""
    levels = (image.detach().expand(3, -1, -1).movedim(0, -1).numpy() * 255).round().astype(np.int16)
    return levels.repeat(scale, 0).repeat(scale, 1)


def places(sheet: np.ndarray, image: Tensor, scale: int) -> list[tuple[int, int]]:
    """Where an image stands in a sheet of dots, (top, left) each, but for a level of rounding."""
    return where(sheet, enlarged(image, scale), step=scale)


def where(sheet: np.ndarray, part: np.ndarray, step: int = 1) -> list[tuple[int, int]]:
    """Where a part stands in a sheet, (top, left) each, but for a level of rounding.

    Args:
        step: dots between those that are looked at first; few places survive a row of them.
    """
    height, width = part.shape[:2]
    tops, lefts = sheet.shape[0] - height + 1, sheet.shape[1] - width + 1
    found = np.argwhere(np.abs(sheet[: max(0, tops), : max(0, lefts), 0] - part[0, 0, 0]) <= 1)
    for y in range(0, height, step):
        for x in range(0, width, step):
            if len(found) < 50:
                break
            there = sheet[found[:, 0] + y, found[:, 1] + x]
            found = found[np.abs(there - part[y, x]).max(1) <= 1]
    return [
        (top, left)
        for top, left in found.tolist()
        if np.abs(sheet[top : top + height, left : left + width] - part).max() <= 1
    ]


def place(sheet: np.ndarray, image: Tensor, scale: int) -> tuple[int, int]:
    """The only place where an image stands."""
    (found,) = places(sheet, image, scale)
    return found


def colour(picture: Path | bytes) -> float:
    """Share of dots that are neither grey nor paper: what is plotted, not its frame and its words."""
    sheet = dots(picture)
    return float((np.ptp(sheet, axis=2) > 30).mean())


def row_beside(figure: Figure, label: str) -> int:
    """Dots from the top of a figure's picture to the middle of a label at its left."""
    (text,) = [t for t in figure.texts if t.get_text() == label and t.get_horizontalalignment() == "right"]
    top = figure.axes[0].get_position().y1
    return round((top - text.get_position()[1]) * figure.get_figheight() * figure.dpi)


def column_above(figure: Figure, label: str) -> int:
    """Dots from the left of a figure's picture to the middle of a label below it."""
    (text,) = [t for t in figure.texts if t.get_text() == label and t.get_verticalalignment() == "top"]
    left = figure.axes[0].get_position().x0
    return round((text.get_position()[0] - left) * figure.get_figwidth() * figure.dpi)
