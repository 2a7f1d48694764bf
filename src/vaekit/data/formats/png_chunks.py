"""Chunks of PNG files, for what Pillow leaves out: metadata after the pixels, and samples of 16 bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
METADATA = (b"eXIf", b"zTXt", b"tEXt", b"iTXt")
SAMPLES = {2: ("RGB", "RGB;16"), 6: ("RGBA", "RGBA;16")}  # colour type -> mode, and raw mode of its bytes


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of each chunk; nothing of them is read."""
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[:4], "big")
        start = file.tell()
        yield head[4:], start, length
        file.seek(start + length + 4)


def has_late_metadata(file: BinaryIO) -> bool:
    """Returns whether metadata come after the pixels, where a reader of headers does not see them."""
    late = False
    for name, _, _ in chunks(file):
        late = late or name == b"IDAT"
        if late and name in METADATA:
            return True
        if name == b"IEND":
            break
    return False


def deep_samples(file: BinaryIO, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray | None]:
    """All 16 bits of the samples of a colour PNG, or of a grey one with alpha.

    Pillow's decoder undoes the filters for pixels of any number of bytes and then keeps the high byte of each sample; asked for
    samples of the other byte order, it keeps the low one.

    Args:
        size: (width, height).

    Returns:
        (H, W) or (H, W, 3) uint16, and alpha (H, W) uint16 or None.

    Raises:
        OSError, ValueError: damaged or cut short.
    """
    from PIL import Image

    parts: dict[bytes, list[bytes]] = {}
    for name, start, length in chunks(file):
        if name in (b"IHDR", b"IDAT", b"tRNS"):
            file.seek(start)
            parts.setdefault(name, []).append(file.read(length))
    data, header = b"".join(parts[b"IDAT"]), parts[b"IHDR"][0]
    colour, interlaced = header[9], header[12]
    if colour == 4:  # two samples: four bytes per pixel
        four = np.asarray(Image.frombytes("RGBA", size, data, "zip", "RGBA", interlaced)).astype(np.uint16)
        pairs = four[:, :, 0::2] * 256 + four[:, :, 1::2]
        return pairs[:, :, 0], pairs[:, :, 1]
    mode, raw = SAMPLES[colour]
    high, low = (
        np.asarray(Image.frombytes(mode, size, data, "zip", f"{raw}{order}", interlaced)).astype(np.uint16)
        for order in "BL"
    )
    values = high * np.uint16(256) + low
    if colour == 6:
        return values[:, :, :3], values[:, :, 3]
    if b"tRNS" in parts:
        key = np.frombuffer(parts[b"tRNS"][0][:6], ">u2")
        return values, np.where((values == key).all(2), 0, 65535).astype(np.uint16)
    return values, None
