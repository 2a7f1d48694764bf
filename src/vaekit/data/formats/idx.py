"""IDX files, in which MNIST comes."""

from __future__ import annotations

import gzip
from math import prod
from pathlib import Path

import numpy as np

from vaekit.core import DataError, foreign, reason
from vaekit.data.formats.numpy_files import EXPANSION, UNPACKED

UNSIGNED_BYTE = 8  # the only type code of IDX that image sets use


def read_idx(path: Path, axes: int) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, compressed or not.

    Raises:
        DataError: unreadable, damaged, wrong magic number, or not as long as its header says.
    """
    with foreign(
        str(path), say=lambda error: f"cannot be read or is damaged ({reason(error)}); fetch the file again."
    ):
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            most = max(UNPACKED, EXPANSION * len(content))
            with gzip.open(path) as packed:
                content = packed.read(most + 1)
            if len(content) > most:
                raise ValueError(f"it unpacks to more than {most:,} bytes")
    magic = bytes([0, 0, UNSIGNED_BYTE, axes])
    if content[:4] != magic:
        raise DataError(
            f"{path}: not an IDX file of {axes} axes (starts with {content[:4].hex() or 'nothing'}, "
            f"should be {magic.hex()}); fetch the file again."
        )
    start = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4"))
    expected = prod(shape) if len(shape) == axes else 0
    if len(shape) != axes or len(content) - start != expected:
        raise DataError(
            f"{path}: truncated or damaged: {max(len(content) - start, 0):,} bytes of values, "
            f"its header says {expected:,}; fetch the file again."
        )
    return np.frombuffer(bytearray(content), np.uint8, offset=start).reshape(shape)
