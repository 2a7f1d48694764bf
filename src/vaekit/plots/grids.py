"""Grids of images, exact to the pixel: each pixel becomes a square of whole dots, brightness 0 to 1
is the same in every grid, and nothing is rescaled or smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.images.tile import GAP, tile
from vaekit.inference import squared_errors
from vaekit.metrics import METRICS
from vaekit.plots import style
from vaekit.plots.inputs import images_of
from vaekit.plots.style import DPI, LABEL, SMALL, text_style

MSE = METRICS["mse"]

BAND = 18  # dots between bands of rows

TILE = 0.55  # inches, about, of a tile that is to be looked at

WIDTH = 1240  # dots for a row of tiles; the rest of the page holds labels

HEIGHT = 1500  # dots for the rows of a grid

LEAST = 6  # columns and rows of large images, though the page grows

APART = 0.14  # inches between a picture and what stands beside it

Mark = tuple[float, str]  # position in dots from the left or top of the grid, and what stands there


@dataclass(frozen=True)
class Fit:
    """Number of tiles that fit on a page, and their size: dots to a pixel."""

    columns: int
    rows: int
    scale: int
    pitch: tuple[int, int]  # dots from one tile to the next, (down, right)

    def middles(self, names: Sequence[str], axis: int) -> list[Mark]:
        """A mark at the middle of each row (axis 0) or column (axis 1)."""
        return [((i + 0.5) * self.pitch[axis], name) for i, name in enumerate(names)]


def fit(shape: Sequence[int], columns: int, rows: int = 1, inches: float = TILE, gap: int = GAP) -> Fit:
    """As many of the wanted columns and rows as fit at about this size of a tile.

    Args:
        shape: (..., H, W) of one image.
    """
    height, width = shape[-2:]
    scale = max(1, round(inches * DPI / max(width, height)))
    down, right = height * scale + gap, width * scale + gap
    across, along = max(LEAST, WIDTH // right), max(LEAST, HEIGHT // down)
    return Fit(min(columns, across), min(rows, along), scale, (down, right))


def sheet(
    picture: np.ndarray,
    title: str,
    note: str = "",
    rows: Sequence[Mark] = (),
    columns: Sequence[Mark] = (),
    bottom: str = "",
    left: str = "",
    beside: tuple[np.ndarray, str] | None = None,
) -> Figure:
    """A figure that holds a picture dot for dot, with labels beside rows and under columns.

    Args:
        picture: uint8 (height, width, 3 or 4), a dot each at 200 dots an inch; the fourth is opacity.
        title, note: headline, and what the reader must know to read the picture.
        rows, columns: marks at the left (lines parted by a line feed) and at the bottom.
        bottom, left: names of the two axes.
        beside: another picture, that stands at the right, and what is said under it.
    """
    tall, wide = picture.shape[0] / DPI, picture.shape[1] / DPI
    labels = [line for _, text in rows for line in text.split("\n")]
    margin = 0.12 + (0.22 if left else 0)
    if labels:
        margin += 0.08 + max(map(_widest, labels))
    aside = 0.0 if beside is None else APART + max(beside[0].shape[1] / DPI, _widest(beside[1]))
    width = max(3.4, margin + wide + aside + 0.14)
    heading = style.Heading.fit(title, note, width)
    foot = 0.10 + (0.14 if columns else 0) + (0.15 if bottom else 0)
    height = heading.height + 0.06 + tall + foot
    # whole dots, so that no pixel of the picture is resampled
    dots_x, dots_y = round(margin * DPI), round(foot * DPI)
    page_x, page_y = round(width * DPI), round(height * DPI)
    figure = style.paper(page_x / DPI, page_y / DPI)
    _place(figure, picture, dots_x, dots_y)
    if beside is not None:
        x, y = dots_x + picture.shape[1] + round(APART * DPI), dots_y + picture.shape[0] - beside[0].shape[0]
        _place(figure, beside[0], x, y)
        figure.text(x / page_x, (y - 8) / page_y, beside[1], ha="left", va="top", **text_style(SMALL))
    heading.write(figure)
    for position, text in rows:
        y = (dots_y + picture.shape[0] - position) / page_y
        figure.text((dots_x - 12) / page_x, y, text, ha="right", va="center", **text_style(SMALL))
    for position, text in columns:
        x = (dots_x + position) / page_x
        figure.text(x, (dots_y - 8) / page_y, text, ha="center", va="top", **text_style(SMALL))
    if bottom:
        middle = (dots_x + picture.shape[1] / 2) / page_x
        figure.text(middle, 8 / page_y, bottom, ha="center", va="bottom", **text_style(LABEL))
    if left:
        middle = (dots_y + picture.shape[0] / 2) / page_y
        figure.text(8 / page_x, middle, left, ha="left", va="center", rotation=90, **text_style(LABEL))
    return figure


def _place(figure: Figure, picture: np.ndarray, x: int, y: int) -> None:
    """Puts a picture dot for dot, its lower left corner at whole dots of the page."""
    page_x, page_y = (round(side * DPI) for side in figure.get_size_inches())
    axes = figure.add_axes((x / page_x, y / page_y, picture.shape[1] / page_x, picture.shape[0] / page_y))
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    axes.set_axis_off()


def _widest(text: str) -> float:
    """Inches of the longest line of small type."""
    return max(style.text_width(line, SMALL) for line in text.split("\n"))


def samples(images: Any, columns: int = 10, title: str = "Samples", note: str = "") -> Figure:
    """A grid of images (N, C, H, W) in [0, 1], or of samples of a run; those that do not fit on a page are left out."""
    images = images_of(images)
    place = fit(images.shape, columns, -(-len(images) // columns))
    shown = images[: place.columns * place.rows]
    columns = min(place.columns, len(shown))
    return sheet(tile(shown, columns, place.scale), title, note or f"{len(shown)} images.")


def select(errors: Tensor, count: int) -> dict[str, Tensor]:
    """Indices of the best, the most ordinary (around the median) and the worst images, `count` each."""
    order = torch.argsort(errors, stable=True)
    start = max(0, (len(order) - count) // 2)
    return {
        "best": order[:count],
        "median": order[start : start + count],
        "worst": order[-count:],
    }


def reconstructions(images: Tensor, rebuilt: Tensor, choose: str = "error", columns: int = 10) -> Figure:
    """Originals above their reconstructions.

    Args:
        images, rebuilt: (N, C, H, W) in [0, 1], images as they were shown to the model.
        choose: "error" shows the best, median and worst by squared error; "first" the first ones.
    """
    errors = squared_errors(images, rebuilt)
    place = fit(images.shape, min(columns, len(images)), 6)
    bands = select(errors, place.columns) if choose == "error" else {"first": torch.arange(place.columns)}
    tiles = [tile(torch.cat([images[i], rebuilt[i]]), len(i), place.scale) for i in bands.values()]
    picture, middles = stack(tiles)
    ends = [(brief(errors[i].min().item()), brief(errors[i].max().item())) for i in bands.values()]
    ranges = [least if least == most else f"{least} – {most}" for least, most in ends]
    note = (
        f"Each pair of rows: original above, reconstruction below. Left: {MSE.label}, {MSE.unit} "
        f"(smallest – largest); chosen from {len(images):,} images."
    )
    labels = [f"{name}\n{span}" for name, span in zip(bands, ranges, strict=True)]
    return sheet(picture, "Reconstructions", note, rows=list(zip(middles, labels, strict=True)))


def brief(value: float) -> str:
    """A number of two digits, without a power of ten."""
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def stack(pictures: Sequence[np.ndarray], gap: int = BAND) -> tuple[np.ndarray, list[float]]:
    """Pictures of one width above each other, and the middle of each in dots.

    Between them is the page, so that the result has opacity; thin gaps are lines between tiles, white and part of it.
    """
    parts, middles, top = [], [], 0
    for picture in pictures:
        if gap > GAP:
            picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
        between = np.full((gap, *picture.shape[1:]), 255, np.uint8)
        between[..., 3:] = 0
        parts += [picture, between]
        middles.append(top + picture.shape[0] / 2)
        top += picture.shape[0] + gap
    return np.concatenate(parts[:-1]), middles
