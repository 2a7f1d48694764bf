"""Many images as one PNG: contact sheets for people, plain ones for programs that cut them up again."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from torch import Tensor

from vaekit.images.png import png
from vaekit.images.tile import GAP, tile

TILE = 56  # dots, about, of the shorter side of a tile; small images are enlarged to it
WIDTH, LARGEST = 8 * TILE, 4 * TILE  # dots, about, to which tiles of a few images grow: of a row, of a tile


def contact_sheet(
    images: Tensor,
    columns: int | None = None,
    scale: int | None = None,
    gap: int = GAP,
    *,
    optimize: bool = False,
) -> bytes:
    """PNG of images side by side, each pixel enlarged to whole dots.

    Args:
        images: (N, C, H, W) in [0, 1].
        columns: None makes the sheet about square.
        scale: dots to a pixel; None makes tiles of about TILE dots, larger ones where there are fewer than 8 columns.
        gap: dots between tiles.
    """
    height, width = images.shape[-2:]
    columns = min(columns or ceil(sqrt(len(images) * height / width)), len(images))
    side = max(TILE, min(LARGEST, WIDTH // columns))
    scale = scale or max(1, round(side / min(height, width)))
    return png(tile(images, columns, scale, gap), optimize=optimize)


def plain_sheet(levels: np.ndarray, columns: int) -> bytes:
    """PNG of images without gaps, dot for dot; missing ones of the last row are black.

    Args:
        levels: uint8 (N, C, H, W); of two channels the third of the PNG is empty.
    """
    count, channels, height, width = levels.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, channels, height, width), np.uint8)
    sheet[:count] = levels
    sheet = sheet.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    if channels == 2:
        sheet = np.concatenate([sheet, np.zeros_like(sheet[..., :1])], axis=-1)
    return png(sheet, level=3)
