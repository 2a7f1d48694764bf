"""Files of numpy, whose headers are checked against the file's own size before anything is allocated."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from vaekit.plain_files import plain_file

UNPACKED = 2**28  # bytes that a compressed array may always take,
EXPANSION = 400  # and how many times its packed size a larger one: dSprites takes 113 times, zeros 1,030


class Unfit(ValueError):
    """A file that is one of numpy, but not taken; the message is the rest of a line that begins with its path."""


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that the header of an .npy file claims; leaves the stream behind it.

    Raises:
        ValueError: no such header.
    """
    try:
        version = np.lib.format.read_magic(stream)
    except ValueError:
        raise Unfit("is not a numpy file; save an array with numpy.save.") from None
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"arrays of format {version[0]}.{version[1]} are not read")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers as Python 2 wrote them, which are read all the same
        shape, _, dtype = readers[version](stream)
    return shape, dtype


def check_header(stream: IO[bytes], size: int) -> tuple[tuple[int, ...], np.dtype]:
    """Reads the header of an .npy file and leaves the stream behind it.

    Args:
        size: bytes of the whole file.

    Returns:
        Shape and type of the values.

    Raises:
        ValueError: no such header, or one that claims more values than the file can hold.
    """
    shape, dtype = read_header(stream)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    claimed, there = prod(shape) * dtype.itemsize, size - stream.tell()
    if any(side < 0 for side in shape) or claimed > max(there, 0):
        raise ValueError(f"its header claims {claimed:,} bytes of values, {max(there, 0):,} are there")
    return shape, dtype


def check_npy(path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """As `check_header`, of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: as in `check_header`.
    """
    with open(plain_file(path), "rb") as stream:
        return check_header(stream, os.fstat(stream.fileno()).st_size)


def bytes_behind(path: Path) -> int:
    """Bytes of an .npy file that lie behind its array, of a second one that was saved into it, say."""
    with open(plain_file(path), "rb") as stream:
        shape, dtype = read_header(stream)
        return max(0, os.fstat(stream.fileno()).st_size - stream.tell() - prod(shape) * dtype.itemsize)


class Arrays:
    """The arrays of an .npz file, each read when it is asked for.

    Args:
        file: the open file.
        size: its bytes.

    Attributes:
        files: their names.
    """

    def __init__(self, file: zipfile.ZipFile, size: int) -> None:
        self._file, self._size = file, size
        self._members = {
            info.filename.removesuffix(".npy"): info
            for info in file.infolist()
            if info.filename.endswith(".npy")
        }
        self.files = list(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def claimed(self, name: str) -> tuple[tuple[int, ...], int]:
        """Shape of an array and its size in bytes, by its header alone; of one that has none an empty one."""
        try:
            with self._file.open(self._members[name]) as stream:
                shape, dtype = read_header(stream)
        except Exception:  # numpy parses a header as Python; to read the array says what is wrong
            return (), 0
        return shape, prod(shape) * dtype.itemsize

    def __getitem__(self, name: str) -> np.ndarray:
        info = self._members[name]
        if info.compress_size > self._size:
            raise Unfit(f"{name} reaches beyond the end of the file; save it again.")
        if info.file_size > max(UNPACKED, EXPANSION * info.compress_size):
            raise Unfit(
                f"{name} unpacks from {info.compress_size:,} to {info.file_size:,} bytes, more than {EXPANSION} times as "
                "many; save it with numpy.savez, uncompressed."
            )
        with self._file.open(info) as stream:
            check_header(stream, info.file_size)
        with self._file.open(info) as stream:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # as in read_header
                array = np.lib.format.read_array(stream, allow_pickle=False)
            stream.read(1)  # to its end, where the checksum is compared
            return array


@contextmanager
def open_npz(path: Path) -> Iterator[Arrays]:
    """The arrays of an .npz file; numpy leaves a damaged one open, and takes its headers' word for their size.

    Raises:
        OSError, zipfile.BadZipFile and others: it cannot be read (see `vaekit.core.foreign`).
    """
    with open(plain_file(path), "rb") as stream:
        if stream.read(6) == b"\x93NUMPY":
            raise Unfit("holds a single array; rename it to .npy.")
        with zipfile.ZipFile(stream) as file:
            yield Arrays(file, os.fstat(stream.fileno()).st_size)
