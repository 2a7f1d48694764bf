"""Images as one array of pixels, side by side."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vaekit.core import SettingError

GAP = 3  # dots between tiles

GAP_GREY = 208  # visible between tiles, on black as on white images


def to_rgb(images: Tensor) -> np.ndarray:
    """Images (N, C, H, W) in [0, 1] as uint8 (N, H, W, 3).

    One channel is grey, three are red, green, blue. Two are shown as the colours of fluorescence
    microscopy, the first magenta and the second green, so that both together are white. Four are
    red, green, blue and opacity, laid on white.

    Raises:
        SettingError: not (N, C, H, W) with one to four channels.
    """
    if images.ndim != 4 or not 1 <= images.shape[1] <= 4:
        raise SettingError(f"images must be (N, C, H, W) with C from 1 to 4, not {tuple(images.shape)}.")
    x = images.detach().to("cpu", torch.float32).clamp(0, 1)
    if x.shape[1] == 2:
        x = x[:, [0, 1, 0]]
    elif x.shape[1] == 4:
        x = x[:, :3] * x[:, 3:] + (1 - x[:, 3:])
    x = x.expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    return (x * 255).round().to(torch.uint8).numpy()


def to_bytes(images: Tensor) -> np.ndarray:
    """Images (N, C, H, W) in [0, 1] as uint8 (N, H, W, C)."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def tile(images: Tensor, columns: int, scale: int = 1, gap: int = GAP) -> np.ndarray:
    """Images side by side in one picture, row by row, each pixel enlarged to scale x scale dots.

    Args:
        images: (N, C, H, W) in [0, 1]; the last row may be incomplete and is left white.
    Returns:
        uint8 (rows * (H * scale + gap) - gap, columns * (W * scale + gap) - gap, 3).
    """
    tiles = to_rgb(images).repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = tiles.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap), columns * (width + gap), 3), GAP_GREY, np.uint8)
    sheet[(rows - 1) * (height + gap) :, (count - (rows - 1) * columns) * (width + gap) - gap :] = 255
    for number, picture in enumerate(tiles):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet[: rows * (height + gap) - gap, : columns * (width + gap) - gap]
