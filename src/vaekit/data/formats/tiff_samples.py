"""TIFF files of samples that Pillow does not read whole: floats of any size, 16 bits and more in colour, planes.

Adobe, TIFF revision 6.0 (1992); predictor 3 and deflate: Adobe Photoshop TIFF technical notes (2002).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
KINDS = {1: "u", 2: "i", 3: "f"}  # SampleFormat -> kind of a numpy type
TYPES = {1: "u1", 3: "u2", 4: "u4", 16: "u8", 13: "u4", 18: "u8"}  # of numbers in tags
NONE, LZW, PACKBITS, DEFLATE = 1, 5, 32773, (8, 32946)
MOST_PIXELS = 2**25  # of pictures whose samples are all held at once
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, BANDS = (
    256,
    257,
    258,
    259,
    262,
    273,
    274,
    277,
)
ROWS, COUNTS, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_COUNTS, EXTRA, FORMAT = (
    278, 279, 284, 317, 322, 323, 324, 325, 338, 339,
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """Form of the first picture of a TIFF file.

    Attributes:
        size: (height, width) as stored.
        bands: samples per pixel, alpha included.
        dtype: of a sample, with its byte order.
        alpha: 0 none, 1 colours were multiplied by it, 2 they were not.
        photometric: 0 where the greatest value is black.
        frames: pictures in the file, as far as two.
        tags: numbers by tag.
    """

    size: tuple[int, int]
    bands: int
    dtype: np.dtype
    alpha: int
    photometric: int
    orientation: int
    frames: int
    tags: dict[int, Any]


def form_of(content: bytes) -> Form | None:
    """The form of a TIFF file; None for content of another kind.

    Raises:
        ValueError: a TIFF that this does not read, or a damaged one; the message says which.
    """
    if content[:4] not in MAGIC:
        return None
    order = "<" if content[:1] == b"I" else ">"
    tags, more = _tags(content, order)
    if WIDTH not in tags or HEIGHT not in tags:
        raise ValueError("a damaged TIFF: it does not say its size")
    bits = np.atleast_1d(tags.get(BITS, 1))
    kinds = np.atleast_1d(tags.get(FORMAT, 1))
    bands = int(tags.get(BANDS, len(bits)))
    size = (int(tags[HEIGHT]), int(tags[WIDTH]))
    photometric = int(tags.get(PHOTOMETRIC, 1))
    extra = np.atleast_1d(tags.get(EXTRA, 0))
    alpha = int(extra[0]) if bands in (2, 4) and int(extra[0]) in (1, 2) else 0
    if len({*bits.tolist()}) > 1 or int(bits[0]) not in (8, 16, 32, 64) or int(kinds[0]) not in KINDS:
        raise ValueError(f"a TIFF of {'/'.join(map(str, bits))} bits per sample; save it as 8 or 16 bits")
    if bands - bool(alpha) not in (1, 3) or photometric > 2:
        what = f"{bands} bands" if photometric <= 2 else "a colour space that is not read"
        raise ValueError(f"a TIFF with {what}; pictures have 1 or 3, and alpha: save those that are wanted")
    if int(tags.get(COMPRESSION, 1)) not in (NONE, LZW, PACKBITS, *DEFLATE):
        raise ValueError("a TIFF of these samples whose compression is not read; save it uncompressed")
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(
            f"a TIFF of {size[0]}x{size[1]} pixels, more than {MOST_PIXELS:,}; save it smaller, or as 8 bits"
        )
    dtype = np.dtype(f"{order}{KINDS[int(kinds[0])]}{int(bits[0]) // 8}")
    turn = int(tags.get(ORIENTATION, 1))
    return Form(size, bands, dtype, alpha, photometric, turn, 1 + more, tags)


def read_samples(content: bytes, form: Form) -> np.ndarray:
    """The samples as they are stored, (H, W, bands) in the byte order of this machine.

    Raises:
        ValueError: damaged or cut short.
    """
    height, width = form.size
    planes = form.bands if form.tags.get(PLANAR, 1) == 2 else 1
    bands = form.bands // planes
    tiled = TILES in form.tags
    high = int(form.tags[TILE_HEIGHT] if tiled else min(form.tags.get(ROWS, height), height))
    wide = int(form.tags[TILE_WIDTH] if tiled else width)
    starts = np.atleast_1d(form.tags[TILES if tiled else OFFSETS]).tolist()
    sizes = np.atleast_1d(form.tags.get(TILE_COUNTS if tiled else COUNTS, len(content))).tolist()
    down, across = -(-height // max(high, 1)), -(-width // max(wide, 1))
    if len(starts) != down * across * planes or len(sizes) != len(starts):
        raise ValueError("a damaged TIFF: pieces are missing")
    if high * wide > MOST_PIXELS or form.bands * height * width * form.dtype.itemsize > 8 * MOST_PIXELS:
        raise ValueError("a TIFF that is too large")
    result = np.empty((height, width, form.bands), form.dtype.newbyteorder("="))
    for number, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        plane, place = divmod(number, down * across)
        top, left = place // across * high, place % across * wide
        rows = high if tiled else min(high, height - top)
        piece = _piece(content[start : start + size], form, (rows, wide, bands))
        inside = piece[: height - top, : width - left]
        result[top : top + high, left : left + wide, plane * bands : (plane + 1) * bands] = inside
    return result


def _tags(content: bytes, order: str) -> tuple[dict[int, Any], bool]:
    """The numbers of the first directory, and whether another directory follows."""
    big = content[2:4] in (b"+\0", b"\0+")
    word, entry, count_type = ("u8", 20, "u8") if big else ("u4", 12, "u2")
    step = int(word[1])
    start = _number(content, 8 if big else 4, order + word)
    entries = _number(content, start, order + count_type)
    if entries > 4096:
        raise ValueError("a damaged TIFF: too many tags")
    tags = {}
    first = start + int(count_type[1])
    for place in range(first, first + entries * entry, entry):
        tag, kind = _number(content, place, order + "u2"), _number(content, place + 2, order + "u2")
        count = _number(content, place + 4, order + word)
        if kind not in TYPES:
            continue
        item = np.dtype(order + TYPES[kind])
        inside = count * item.itemsize <= step
        where = place + 4 + step if inside else _number(content, place + 4 + step, order + word)
        if where + count * item.itemsize > len(content):
            raise ValueError("a damaged TIFF: cut short")
        values = np.frombuffer(content, item, count, where).astype(np.int64)
        tags[tag] = int(values[0]) if count == 1 else values
    return tags, _number(content, first + entries * entry, order + word) != 0


def _number(content: bytes, place: int, kind: str) -> int:
    item = np.dtype(kind)
    if place + item.itemsize > len(content):
        raise ValueError("a damaged TIFF: cut short")
    return int(np.frombuffer(content, item, 1, place)[0])


def _piece(data: bytes, form: Form, shape: tuple[int, int, int]) -> np.ndarray:
    """One strip or tile (rows, width, bands)."""
    length = shape[0] * shape[1] * shape[2] * form.dtype.itemsize
    data = _unpacked(data, int(form.tags.get(COMPRESSION, 1)), length)
    if len(data) < length:
        raise ValueError("a damaged TIFF: cut short")
    predictor = int(form.tags.get(PREDICTOR, 1))
    if predictor == 3:  # differences of the bytes of a row, the high bytes of all its values first
        rows = np.frombuffer(data, np.uint8, length).reshape(shape[0], -1, shape[2])
        planes = np.cumsum(rows, axis=1, dtype=np.uint8).reshape(shape[0], form.dtype.itemsize, -1)
        values = np.ascontiguousarray(planes.swapaxes(1, 2)).view(form.dtype.newbyteorder(">"))
        return values.reshape(shape).astype(form.dtype.newbyteorder("="))
    values = np.frombuffer(data, form.dtype, shape[0] * shape[1] * shape[2]).reshape(shape)
    values = values.astype(form.dtype.newbyteorder("="))
    if predictor == 2:
        kind = np.dtype(f"u{form.dtype.itemsize}")
        values = np.cumsum(values.view(kind), axis=1, dtype=kind).view(values.dtype)
    return values


def _unpacked(data: bytes, compression: int, length: int) -> bytes:
    """At most `length` bytes of a strip."""
    if compression == NONE:
        return data[:length]
    if compression == LZW:
        return _lzw(data, length)
    if compression == PACKBITS:
        return _packbits(data, length)
    try:
        return zlib.decompressobj().decompress(data, length)
    except zlib.error as error:
        raise ValueError(f"a damaged TIFF: {error}") from None


def _packbits(data: bytes, length: int) -> bytes:
    result, place = bytearray(), 0
    while place < len(data) and len(result) < length:
        head = data[place]
        if head < 128:
            result += data[place + 1 : place + 2 + head]
            place += 2 + head
        else:
            if head > 128:
                result += data[place + 1 : place + 2] * (257 - head)
            place += 2 if head > 128 else 1
    return bytes(result[:length])


def _lzw(data: bytes, length: int) -> bytes:
    """TIFF 6.0, section 13: codes of 9 to 12 bits, high bits first; 256 clears the table, 257 ends."""
    start = [bytes([value]) for value in range(256)] + [b"", b""]
    table, width, before = list(start), 9, b""
    result, pieces, held, bits = 0, [], 0, 0
    for byte in data:
        held, bits = (held << 8 | byte) & 0xFFFFFF, bits + 8
        if bits < width:
            continue
        bits -= width
        code = held >> bits & (1 << width) - 1
        if code == 257 or result >= length:
            break
        if code == 256:
            table, width, before = list(start), 9, b""
            continue
        if code > len(table) or (code == len(table) and not before):
            raise ValueError("a damaged TIFF: its LZW codes make no sense")
        entry = table[code] if code < len(table) else before + before[:1]
        pieces.append(entry)
        result += len(entry)
        if before and len(table) < 4096:
            table.append(before + entry[:1])
        before = entry
        width = min(max((len(table) + 1).bit_length(), 9), 12)
    return b"".join(pieces)[:length]
