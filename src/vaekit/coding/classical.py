"""The best of the coders without a model for a block of pictures: LZMA, LZMA of single bits, a sheet as PNG or lossless WebP, and
small pictures by the surroundings of their values.

A part falls back to them where the model needs more bytes, so that no file is larger than theirs.
"""

from __future__ import annotations

import io
import math
import zlib

import numpy as np

from vaekit.coding.packing import packed, unpacked
from vaekit.coding.surroundings import code_by_surroundings, restore_by_surroundings, suits
from vaekit.core import DataError, foreign
from vaekit.images.opening import open_image

LZMA, BITS, SHEET, AROUND = 1, 2, 3, 4  # numbers of the coders in a part; 0 is the model
CALLED = {0: "model", LZMA: "lzma", BITS: "lzma of bits", SHEET: "sheet", AROUND: "surroundings"}
LONGEST_SIDE = 16_383  # of a WebP
QUICK = 0.5  # of what deflate at its quickest makes of pixels, the best general coder hardly needs less


def code_classically(levels: np.ndarray) -> tuple[int, bytes]:
    """The smallest of the coders without a model.

    Args:
        levels: (n, *shape) uint8.

    Returns:
        Number of the coder, and the bytes.
    """
    found = {LZMA: packed(levels.tobytes(), pixels=True)}
    if levels.size and int(levels.max()) <= 1:
        found[BITS] = packed(np.packbits(levels.reshape(-1)).tobytes(), pixels=True)
    elif (sheet := coded_sheet(levels)) is not None:
        found[SHEET] = sheet
    if suits(levels.shape):
        found[AROUND] = code_by_surroundings(levels)
    number = min(found, key=lambda key: (len(found[key]), key))
    return number, found[number]


def restore_classically(coder: int, content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures (n, *shape) uint8 from what `code_classically` gave.

    Raises:
        DataError: damaged, or an unknown coder.
    """
    size = math.prod(shape)
    if coder == LZMA:
        return np.frombuffer(unpacked(content, size), np.uint8).reshape(shape)
    if coder == BITS:
        bits = np.frombuffer(unpacked(content, -(-size // 8)), np.uint8)
        return np.unpackbits(bits)[:size].reshape(shape)
    if coder == SHEET:
        return _from_sheet(content, shape)
    if coder == AROUND:
        return restore_by_surroundings(content, shape)
    raise DataError(f"a coder of number {coder}, which this version does not know.")


def may_lose(levels: np.ndarray, size: int) -> bool:
    """Returns whether a general coder might need less than `size` bytes: by a quick one, and by pictures that repeat."""
    flat = np.ascontiguousarray(levels.reshape(len(levels), -1))
    bits = np.packbits(flat).tobytes() if flat.size and int(flat.max()) <= 1 else flat.tobytes()
    if len(zlib.compress(bits, 1)) * QUICK < size:
        return True
    return len({row.tobytes() for row in flat}) < 0.9 * len(flat)


def coded_sheet(levels: np.ndarray, kinds: tuple[str, ...] = ("PNG", "WEBP")) -> bytes | None:
    """Pictures side by side as one picture, the smallest of PNG and lossless WebP.

    Args:
        levels: (n, C, H, W) uint8.
        kinds: of Pillow's formats, those that are tried.

    Returns:
        None where Pillow is not there or has none of them, or where they do not fit on one sheet.
    """
    if levels.ndim != 4 or levels.shape[1] not in (1, 3, 4):
        return None
    try:
        from PIL import Image, features
    except ImportError:
        return None
    pixels = to_sheet(levels)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    found = []
    for kind in kinds:
        if kind == "WEBP" and (max(picture.size) > LONGEST_SIDE or not features.check("webp")):
            continue
        buffer = io.BytesIO()
        webp = {"lossless": True, "quality": 100, "method": 4, "exact": True}
        picture.save(buffer, kind, **({"optimize": True} if kind == "PNG" else webp))
        found.append(buffer.getvalue())
    return min(found, key=len, default=None)


def columns_of(count: int, height: int, width: int) -> int:
    """Pictures in a row of a sheet: as many as make it about square, and at least one."""
    return max(1, min(count, math.isqrt(count * height // width)))


def to_sheet(levels: np.ndarray) -> np.ndarray:
    """Pictures (n, C, H, W) row by row on a sheet (rows * H, columns * W, C); what is left over is 0."""
    count, channels, height, width = levels.shape
    columns = columns_of(count, height, width)
    rows = -(-count // columns)
    padded = np.zeros((rows * columns, channels, height, width), np.uint8)
    padded[:count] = levels
    grid = padded.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, channels))


def _from_sheet(content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures (n, C, H, W) from a sheet.

    Raises:
        DataError: it is no picture of that size.
    """
    if len(shape) != 4:
        raise DataError("a sheet of what are no pictures.")
    count, channels, height, width = shape
    columns = columns_of(count, height, width)
    rows = -(-count // columns)
    with foreign("a sheet of pictures"), open_image(io.BytesIO(content), ("PNG", "WEBP")) as image:
        if image.size != (columns * width, rows * height) or getattr(image, "n_frames", 1) != 1:
            raise ValueError("not of the size that is named")
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        pixels = np.asarray(image.convert(mode)).reshape(rows, height, columns, width, channels)
    return pixels.transpose(0, 2, 4, 1, 3).reshape(-1, *shape[1:])[:count]
