"""Image files written from the definitions of their formats, so that the tests do not read what the same library wrote."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

COMPRESSIONS = {"none": 1, "deflate": 8, "lzw": 5, "zstd": 50000, "lzma": 34925}


def tiff(
    array: np.ndarray,
    compression: str = "none",
    photometric: int | None = None,
    orientation: int = 1,
    alpha: int = 0,
    planar: bool = False,
    order: str = "<",
    rows: int = 5,
    bits: int = 0,
) -> bytes:
    """A TIFF of strips.

    Args:
        array: (H, W) or (H, W, bands).
        compression: none, deflate, or lzw, zstd or lzma (by Pillow's libtiff, of the same bytes as an 8-bit picture).
        alpha: what ExtraSamples says of the last band; 0 writes none.
        bits: per sample, where they are packed.
    """
    values = array[:, :, None] if array.ndim == 2 else array
    height, width, bands = values.shape
    stored = values.astype(values.dtype.newbyteorder(order))
    planes = [stored[:, :, band] for band in range(bands)] if planar else [stored]
    strips = [plane[top : top + rows].tobytes() for plane in planes for top in range(0, height, rows)]
    if bits:  # those of a row follow each other, the high ones first
        strips = [
            b"".join(packed(row, bits) for row in plane[top : top + rows].reshape(-1, plane[0].size))
            for plane in planes
            for top in range(0, height, rows)
        ]
    by_name = {"none": bytes, "deflate": zlib.compress}
    strips = [
        by_name[compression](strip) if compression in by_name else by_libtiff(strip, compression)
        for strip in strips
    ]
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("H", [width]), 257: ("H", [height]), 258: ("H", [bits or 8 * values.dtype.itemsize] * bands),
        259: ("H", [COMPRESSIONS[compression]]),
        262: ("H", [photometric if photometric is not None else 2 if bands > 2 else 1]),
        273: ("I", []), 274: ("H", [orientation]), 277: ("H", [bands]), 278: ("H", [rows]),
        279: ("I", [len(strip) for strip in strips]), 284: ("H", [2 if planar else 1]),
        339: ("H", [{"u": 1, "i": 2, "f": 3}[values.dtype.kind]] * bands),
    }  # fmt: skip
    if alpha:
        tags[338] = ("H", [alpha])
    start, places = 8, []
    for strip in strips:
        places.append(start)
        start += len(strip) + len(strip) % 2
    tags[273] = ("I", places)
    body = b"".join(strip + b"\0" * (len(strip) % 2) for strip in strips)
    entries, beside, after = b"", b"", start + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind, numbers = tags[tag]
        data = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        head = struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(numbers))
        if len(data) <= 4:
            entries += head + data.ljust(4, b"\0")
        else:
            entries += head + struct.pack(f"{order}I", after + len(beside))
            beside += data
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return (
        mark
        + struct.pack(f"{order}I", start)
        + body
        + struct.pack(f"{order}H", len(tags))
        + entries
        + bytes(4)
        + beside
    )


def packed(row: np.ndarray, bits: int) -> bytes:
    """Numbers of so many bits each, filled up with zeros to a byte."""
    text = "".join(f"{int(value):0{bits}b}" for value in row)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def by_libtiff(content: bytes, compression: str) -> bytes:
    """One strip of bytes, compressed by libtiff."""
    picture, file = Image.frombytes("L", (len(content), 1), content), io.BytesIO()
    picture.save(file, "TIFF", compression={"lzw": "tiff_lzw"}.get(compression, compression))
    with Image.open(io.BytesIO(file.getvalue())) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        (place,), (count,) = tags[273], tags[279]
    return file.getvalue()[place : place + count]


ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)  # top, left, steps


def png(
    array: np.ndarray, filters: bool = True, before: bytes = b"", after: bytes = b"", interlaced: bool = False
) -> bytes:
    """A PNG of 8 or 16 bits; filtered rows take turns among none, sub and up.

    Args:
        array: (H, W) or (H, W, bands), uint8 or uint16.
        before, after: further chunks, before and after the pixels.
    """
    values = array[:, :, None] if array.ndim == 2 else array
    height, width, bands = values.shape
    passes = [values[top::down, left::right] for top, left, down, right in ADAM7] if interlaced else [values]
    lines = [line for part in passes if part.size for line in _filtered(part, filters)]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[bands]
    header = struct.pack(">IIBBBBB", width, height, 8 * values.dtype.itemsize, colour, 0, 0, interlaced)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(lines)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND", b"")


def _filtered(values: np.ndarray, filters: bool) -> list[bytes]:
    """The rows of one pass, each after the number of its filter."""
    step = values.shape[2] * values.dtype.itemsize
    content = values.astype(values.dtype.newbyteorder(">")).tobytes()
    rows = np.frombuffer(content, np.uint8).reshape(len(values), -1)
    lines = []
    for number, row in enumerate(rows):
        kind = number % 3 if filters else 0
        left = np.concatenate([np.zeros(step, np.uint8), row[:-step]])
        above = rows[number - 1] if number else np.zeros_like(row)
        lines.append(bytes([kind]) + (row - [np.zeros_like(row), left, above][kind]).tobytes())
    return lines


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def exif(orientation: int) -> bytes:
    """An EXIF block with the orientation alone."""
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HH", orientation, 0) + bytes(4)


def stored_as(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Rows and columns as TIFF 6.0 defines the tag: the 0th row is the visual top, right, ..."""
    return np.ascontiguousarray({
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(upright, -1),
    }[orientation])  # fmt: skip
