"""Sizes of images: which are possible, and how arrays reach the size that was asked for.

Image files are resized as they are decoded, by Pillow.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor
from torch.nn import functional

from vaekit.core import DataError, SettingError
from vaekit.data.cache import rows_at_once
from vaekit.data.dataset import Loaded

SMALLEST, LARGEST = 8, 256  # pixels per side


def why_no_pictures(shape: tuple[int, ...], pixels: str) -> str:
    """Returns why examples cannot be shown or written as pictures; empty if they can.

    Args:
        shape: of an example.
        pixels: key of PIXELS.
    """
    if len(shape) == 1:
        return f"the data are {shape[0]} features, not images"
    if shape[0] > 4:
        return f"images of {shape[0]} channels cannot be shown (1 to 4 can)"
    return "the pixels are real numbers, not brightness from 0 to 1" if pixels == "real" else ""


def parse_size(text: str | int | None) -> tuple[int, int] | None:
    """(height, width) in pixels from "64", "48x64" or None.

    Raises:
        SettingError: not of that form, or not possible.
    """
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,6})(?:\s*[xX×]\s*(\d{1,6}))?\s*", str(text))
    if match is None:
        raise SettingError(f"image_size='{text}': write 64, or 48x64 for height x width.", "image_size")
    height = int(match[1])
    width = int(match[2] or match[1])
    if not all(SMALLEST <= side <= LARGEST for side in (height, width)):
        raise SettingError(
            f"image_size='{text}': sides must be {SMALLEST} to {LARGEST} pixels.", "image_size"
        )
    return height, width


class NoCommonSize(DataError):
    """Images of several sizes, or of one that the networks cannot take: `image_size=` brings them to one."""


def check_size(height: int, width: int, where: str) -> None:
    """Raises NoCommonSize for a size that the networks cannot take."""
    if not all(SMALLEST <= side <= LARGEST for side in (height, width)):
        raise NoCommonSize(
            f"{where}: images of {height}x{width} pixels; {SMALLEST} to {LARGEST} a side are possible: "
            "give image_size=64, say."
        )


def resize(loaded: Loaded, size: tuple[int, int] | None, fit: str, where: str) -> bool:
    """Brings all images to one size, if asked, and checks the size; says whether pixels changed.

    Raises:
        DataError: features have no size, or the size is not possible.
    """
    shape = loaded.parts["train"].images.shape
    if len(shape) == 2:
        if size is not None:
            raise DataError(f"{where}: rows of features (N, D) have no size; leave image_size= away.")
        return False
    if size is None or tuple(shape[2:]) == size:
        check_size(shape[2], shape[3], where)
        return False
    loaded.set_images({name: resized(s.images, size, fit) for name, s in loaded.parts.items()})
    loaded.notes.append(f"resized from {shape[2]}x{shape[3]} to {size[0]}x{size[1]} pixels ({fit})")
    return True


def resized(images: Tensor, size: tuple[int, int], fit: str) -> Tensor:
    """Images at another size, smoothed before they shrink; type and range are kept.

    Another aspect ratio is reached by cutting off the longer side about its centre ("crop") or by
    zeros around the shorter ("pad").

    Args:
        images: (N, C, H, W).
        size: (height, width).
    """
    height, width = images.shape[2:]
    if fit == "crop":
        crop = _inside((height, width), size)
        inner = size
    else:
        crop = (height, width)
        inner = _inside(size, (height, width))
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    view = images[:, :, top : top + crop[0], left : left + crop[1]]
    result = torch.zeros((*images.shape[:2], *size), dtype=images.dtype)
    top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    target = result[:, :, top : top + inner[0], left : left + inner[1]]
    step = min(rows_at_once(view.shape), rows_at_once(target.shape))
    for i in range(0, len(images), step):
        part = view[i : i + step]
        part = part if part.dtype == torch.float64 else part.float()
        scaled = functional.interpolate(part, inner, mode="bilinear", antialias=True, align_corners=False)
        target[i : i + step] = scaled.round_() if images.dtype == torch.uint8 else scaled
    return result


def _inside(box: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the aspect ratio of `shape` that lies in `box`, at least one pixel."""
    scale = min(box[0] / shape[0], box[1] / shape[1])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
