"""Shows stored examples to a model: scaled, and binary ones drawn from grey.

One door: whoever asks a model about an image (training's validation, every command, figure and page) shows it
here, so that one image has one embedding. What is shown is a function of the image alone: no seed, position in a
batch or way of storing it (uint8, floats) enters, and the exported page computes the same bits.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vaekit.core import DataError
from vaekit.data.dataset import to_unit

SLACK = 1e-3  # values may leave [0, 1] by so much: interpolation and low precision do that
AT_ONCE = 2**22  # values that are drawn at a time


def show(images: Tensor, pixels: str) -> Tensor:
    """Examples as floats the way a model takes them.

    Args:
        images: (N, *shape), as stored or as floats; values that are shown already stay as they are.
        pixels: key of PIXELS: what the model's values are. Grey values are drawn once for a model of binary
            ones: white with the probability that the grey value says (Salakhutdinov & Murray 2008), by
            `fixed_draw`.
    """
    x = to_unit(images)
    if pixels != "binary" or not has_grey(x):
        return x
    per_image = max(1, x[0].numel())
    parts = [fixed_draw(part) for part in x.split(max(1, AT_ONCE // per_image))]
    return torch.cat(parts)


def check_values(images: Tensor, pixels: str) -> None:
    """Checks that examples have the values that a model takes, before they are shown to it.

    Args:
        images: (N, *shape), as stored or as floats.
        pixels: key of PIXELS.

    Raises:
        DataError: other values; names what they are and what to do.
    """
    if not len(images) or images.dtype in (torch.uint8, torch.bool):
        return
    if not images.is_floating_point():
        if images.is_complex() or pixels != "real":
            kind = str(images.dtype).removeprefix("torch.")
            raise DataError(
                f"images of {kind} given to a model; give uint8, or floats as the model takes them."
            )
        return
    low, high = (float(end) for end in torch.aminmax(images.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        row = int((~images.isfinite()).flatten(1).any(1).nonzero()[0])
        raise DataError(f"NaN or infinite values in image {row} given to a model; remove or repair it.")
    if pixels != "real" and not (low >= -SLACK and high <= 1 + SLACK):
        grey = ": divide by 255, or give uint8" if low >= 0 and high <= 255 else ""
        raise DataError(f"values from {low:g} to {high:g} given to a model of values from 0 to 1{grey}.")


def fixed_draw(x: Tensor) -> Tensor:
    """Binary images from grey ones (N, ...) in [0, 1], 0.0 or 1.0: always the same draw for the same image.

    A pixel of level v (of 255) is white where a 32-bit number r has 255 r < 2^32 v; r is a hash of the pixel's place
    and of all levels of the image, so that the pixels are independent for all purposes. On the CPU, in numpy.
    """
    levels = (x.detach().cpu().flatten(1) * 255).round().to(torch.uint8).numpy()
    place = np.arange(1, levels.shape[1] + 1, dtype=np.uint32)
    key = mixed((levels.astype(np.uint32) * (mixed(place) | np.uint32(1))).sum(1, dtype=np.uint32))
    numbers = mixed(key[:, None] + place * np.uint32(0x9E3779B9))
    white = numbers.astype(np.uint64) * np.uint64(255) < levels.astype(np.uint64) << np.uint64(32)
    return torch.from_numpy(white).view(x.shape).to(x.device, x.dtype)


def mixed(numbers: np.ndarray) -> np.ndarray:
    """A bijection of 32-bit numbers whose result looks random: the finaliser of MurmurHash3 (Appleby 2011)."""
    numbers = (numbers ^ (numbers >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    numbers = (numbers ^ (numbers >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return numbers ^ (numbers >> np.uint32(16))


def has_grey(images: Tensor) -> bool:
    """Returns whether images, as stored or as floats, have values between black and white."""
    white = 255 if images.dtype == torch.uint8 else 1
    return bool(((images != 0) & (images != white)).any())
