"""TIFF files of samples that Pillow does not read whole: floats of any size, 16 bits and more in colour, planes.

Adobe, TIFF revision 6.0 (1992); predictor 3 and deflate: Adobe Photoshop TIFF technical notes (2002).
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from vaekit.images.opening import open_image

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
KINDS = {1: "u", 2: "i", 3: "f"}  # SampleFormat -> kind of a numpy type
TYPES = {1: "u1", 3: "u2", 4: "u4", 16: "u8", 13: "u4", 18: "u8"}  # of numbers in tags
NONE, LZW, PACKBITS, DEFLATE = 1, 5, 32773, (8, 32946)
BY_LIBTIFF = (34925, 50000)  # LZMA and Zstandard, where the libtiff that comes with Pillow has them
READ = frozenset({NONE, LZW, PACKBITS, *DEFLATE, *BY_LIBTIFF})
UNREAD = "a TIFF of these samples whose compression is not read; save it uncompressed"
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
        bits: of a sample, where they do not fill their type: those of a row follow each other without gaps.
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
    bits: int

    @property
    def top(self) -> float:
        """The greatest value of a sample; 1 of floats."""
        return 1.0 if self.dtype.kind == "f" else float(2 ** (self.bits - (self.dtype.kind == "i")) - 1)

    @property
    def packed(self) -> bool:
        """Samples that begin within a byte."""
        return self.bits != 8 * self.dtype.itemsize


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
    depth, kind = int(bits[0]), KINDS.get(int(kinds[0]), "")
    whole = depth in (8, 16, 32, 64)
    packed = kind == "u" and 1 <= depth < 32 and depth % 8 > 0 and int(tags.get(PREDICTOR, 1)) == 1
    if len({*bits.tolist()}) > 1 or not kind or not (whole or packed) or (kind, depth) == ("f", 8):
        raise ValueError(f"a TIFF of {'/'.join(map(str, bits))} bits per sample; save it as 8 or 16 bits")
    if bands - bool(alpha) not in (1, 3) or photometric > 2:
        what = f"{bands} bands" if photometric <= 2 else "a colour space that is not read"
        raise ValueError(f"a TIFF with {what}; pictures have 1 or 3, and alpha: save those that are wanted")
    if int(tags.get(COMPRESSION, 1)) not in READ:
        raise ValueError(UNREAD)
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(
            f"a TIFF of {size[0]}x{size[1]} pixels, more than {MOST_PIXELS:,}; save it smaller, or as 8 bits"
        )
    size_of_type = next(count for count in (1, 2, 4, 8) if depth <= 8 * count)
    dtype = np.dtype(f"{order}{kind}{size_of_type}")
    turn = int(tags.get(ORIENTATION, 1))
    return Form(size, bands, dtype, alpha, photometric, turn, 1 + more, tags, depth)


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
    row = shape[1] * shape[2]
    length = shape[0] * (-(-row * form.bits // 8))
    data = _unpacked(data, int(form.tags.get(COMPRESSION, 1)), length)
    if len(data) < length:
        raise ValueError("a damaged TIFF: cut short")
    if form.packed:
        rows = np.frombuffer(data, np.uint8, length).reshape(shape[0], -1)
        return _spread(rows, form.bits, row).astype(form.dtype.newbyteorder("=")).reshape(shape)
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


def _spread(rows: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Numbers of a few bits each, the high bits first: rows of bytes -> (rows, count) uint32."""
    single = np.unpackbits(rows, axis=1, count=count * bits).reshape(len(rows), count, bits)
    values = np.zeros((len(rows), count), np.uint32)
    for place in range(bits):
        values = values << np.uint32(1) | single[:, :, place]
    return values


def _unpacked(data: bytes, compression: int, length: int) -> bytes:
    """At most `length` bytes of a strip."""
    if compression == NONE:
        return data[:length]
    if compression == LZW:
        return _lzw(data, length)
    if compression == PACKBITS:
        return _packbits(data, length)
    if compression in BY_LIBTIFF:
        return _by_libtiff(data, compression, length)
    try:
        return zlib.decompressobj().decompress(data, length)
    except zlib.error as error:
        raise ValueError(f"a damaged TIFF: {error}") from None


def _by_libtiff(data: bytes, compression: int, length: int) -> bytes:
    """Asks libtiff for the bytes of a strip: as the one strip of a grey picture of 8 bits and one row, whatever they stand for."""
    numbers = {
        WIDTH: length, HEIGHT: 1, BITS: 8, COMPRESSION: compression, PHOTOMETRIC: 1, OFFSETS: 0, BANDS: 1, ROWS: 1,
        COUNTS: len(data),
    }  # fmt: skip
    numbers[OFFSETS] = 8 + 2 + 12 * len(numbers) + 4
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, number) for tag, number in sorted(numbers.items()))
    head = struct.pack("<4sIH", MAGIC[0], 8, len(numbers)) + tags + bytes(4)
    try:
        with open_image(io.BytesIO(head + data), ["TIFF"]) as image:
            return image.tobytes()
    except Exception as error:  # decoders raise errors of many kinds
        if not _has(compression):
            raise ValueError(UNREAD) from None
        raise ValueError(f"a damaged TIFF: {' '.join(str(error).split())}") from None


@cache
def _has(compression: int) -> bool:
    """Returns whether libtiff has a compression: it can write with it."""
    from PIL import Image

    name = {34925: "lzma", 50000: "zstd"}[compression]
    try:
        Image.new("L", (8, 1)).save(io.BytesIO(), "TIFF", compression=name)
    except Exception:  # as above
        return False
    return True


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
