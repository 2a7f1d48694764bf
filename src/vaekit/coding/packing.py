"""Bytes packed and unpacked by LZMA, never to more than is allowed; and numbers with names as bytes, without pickle."""

from __future__ import annotations

import json
import lzma
import struct
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from vaekit.core import DataError, foreign

DICTIONARY = 2**24  # bytes that a decoder keeps at most
LENGTH = struct.Struct("<I")
MOST_TEXT = 2**26  # bytes of a JSON text
TYPES = {
    "i1",
    "u1",
    "<i2",
    "<u2",
    "<i4",
    "<u4",
    "<i8",
    "<f8",
}  # of arrays: whole numbers, and floats that hold them


def packed(content: bytes, pixels: bool = False) -> bytes:
    """Bytes as a raw LZMA2 stream, whose decoder needs DICTIONARY bytes.

    Args:
        pixels: contexts of the bytes before alone, as suits pixels; else also of the place, as suits text.
    """
    options = {"lc": 4, "lp": 0, "pb": 0} if pixels else {}
    return lzma.compress(content, lzma.FORMAT_RAW, filters=[_filter(len(content)) | options])


def unpacked(content: bytes, size: int) -> bytes:
    """Undoes `packed`, whose bytes must have `size` bytes; no more than that is ever made.

    Raises:
        DataError: damaged, or of another size.
    """
    with foreign("an LZMA stream"):
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[_filter()])
        found = decoder.decompress(content, max_length=size + 1)
        if len(found) == size and not decoder.eof:  # the end mark may be left
            found += decoder.decompress(b"", max_length=1)
        if len(found) != size or not decoder.eof or decoder.unused_data:
            raise ValueError(f"not of the {size:,} bytes that are named")
    return found


def _filter(size: int = DICTIONARY) -> dict[str, Any]:
    """LZMA2; a coder of few bytes takes a small dictionary, for which it need not clear much memory."""
    dictionary = min(DICTIONARY, max(4096, 1 << max(size - 1, 0).bit_length()))
    return {"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": dictionary}


def packed_json(content: object) -> bytes:
    """JSON, in ASCII, packed: four bytes of its length, then the stream."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
    return LENGTH.pack(len(text)) + packed(text)


def unpacked_json(content: bytes, most: int = MOST_TEXT) -> Any:
    """Undoes `packed_json`.

    Args:
        most: bytes that the text may have.

    Raises:
        DataError: damaged, or longer.
    """
    if len(content) < LENGTH.size:
        raise DataError("a packed text is cut.")
    (size,) = LENGTH.unpack_from(content)
    if size > most:
        raise DataError(f"a packed text of {size:,} bytes, more than {most:,}.")
    with foreign("a packed text"):
        return json.loads(unpacked(content[LENGTH.size :], size).decode("ascii"), parse_constant=_no_number)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def arrays_to_bytes(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Facts and arrays of whole numbers as bytes: a packed text, then the arrays as one packed stream.

    An array is written in the smallest type that holds its values, byte by byte: first the lowest bytes of all values,
    then the next, which packs better. The text is {"about": ..., "arrays": [[name, shape, type written, type], ...]}.
    """
    table, planes = [], []
    for name in sorted(arrays):
        values = np.asarray(arrays[name])
        written = smallest(values)
        kind = values.dtype.str if values.dtype.itemsize > 1 else values.dtype.str[1:]
        table.append([name, list(values.shape), written, kind])
        planes.append(by_planes(values.astype(np.dtype(written))))
    text = packed_json({"about": about, "arrays": table})
    return LENGTH.pack(len(text)) + text + packed(b"".join(planes), pixels=True)


def arrays_from_bytes(content: bytes, most: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Undoes `arrays_to_bytes`.

    Args:
        most: bytes that all arrays together may take.

    Raises:
        DataError: damaged, or larger.
    """
    with foreign("the arrays of a model"):
        (length,) = LENGTH.unpack_from(content)
        facts = unpacked_json(content[LENGTH.size : LENGTH.size + length])
        table = [(str(name), tuple(map(int, shape)), str(a), str(b)) for name, shape, a, b in facts["arrays"]]
        if not all({a, b} <= TYPES and min(shape, default=1) >= 0 for _, shape, a, b in table):
            raise ValueError("an array of an unknown type or shape")
        if sum(prod(shape) * np.dtype(b).itemsize for _, shape, _, b in table) > most:
            raise ValueError(f"arrays of more than {most:,} bytes")
        sizes = [prod(shape) * np.dtype(a).itemsize for _, shape, a, _ in table]
        planes = memoryview(unpacked(content[LENGTH.size + length :], sum(sizes)))
        arrays, start = {}, 0
        for (name, shape, a, b), size in zip(table, sizes, strict=True):
            bytes_of = np.frombuffer(planes[start : start + size], np.uint8).reshape(
                np.dtype(a).itemsize, prod(shape)
            )
            arrays[name] = np.ascontiguousarray(bytes_of.T).view(a).reshape(shape).astype(b)
            start += size
        return dict(facts["about"]), arrays


def by_planes(values: np.ndarray) -> bytes:
    """The lowest bytes of all values, then the next, and so on."""
    flat = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return np.ascontiguousarray(flat.reshape(values.size, values.itemsize).T).tobytes()


def smallest(values: np.ndarray) -> str:
    """The smallest type of TYPES that holds all values of an array.

    Raises:
        ValueError: a type that is not written, or floats that are no whole numbers.
    """
    if values.dtype.kind not in "iuf" or (values.dtype.kind == "f" and values.dtype.itemsize != 8):
        raise ValueError(f"arrays of {values.dtype} are not written")
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if values.dtype.kind == "f" and not (values == np.rint(values)).all():
        return "<f8"
    for name in ("i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8"):
        limits = np.iinfo(np.dtype(name))
        if limits.min <= low and high <= limits.max:
            return name
    raise ValueError(f"values from {low} to {high} are not written")
