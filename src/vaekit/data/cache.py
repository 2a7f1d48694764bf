"""The user's cache, and image files in it that are mapped into memory instead of read.

Files are named by a hash of what they hold. They are written under a temporary name, fsynced and
renamed, so that a reader never sees half a file, a process that has one mapped keeps what it
mapped, and two processes that write the same file do not disturb each other.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from vaekit.core import reason
from vaekit.data.formats.numpy_files import Unfit, check_npy

SHARE = 16  # images up to a 16th of the machine's memory are read into memory, larger ones are mapped
ASSUMED_MEMORY = 8 * 2**30  # bytes, where the system does not tell


def machine_memory() -> int:
    """Bytes of memory that this machine has."""
    if sys.platform == "win32":
        return ASSUMED_MEMORY
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


RESIDENT = machine_memory() // SHARE  # bytes
_MAPS: list[tuple[weakref.ref[mmap.mmap], int, int]] = []  # what is mapped, its address and size
AT_ONCE = 2**24  # values handled at a time, where all at once could be too many


def cache_dir() -> Path:
    """$VAEKIT_CACHE, else the place that the platform has for caches."""
    if chosen := os.environ.get("VAEKIT_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "vaekit" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vaekit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vaekit"


def rows_at_once(shape: Sequence[int]) -> int:
    """Returns how many images of an (N, ...) array to handle at a time."""
    return max(1, AT_ONCE // max(1, prod(shape[1:])))


def digest(*parts: str | bytes | np.ndarray) -> str:
    """Hash of some text and data, 32 hexadecimal digits."""
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, str):
            part = part.encode("utf-8", "surrogatepass")
        elif isinstance(part, np.ndarray):
            part = np.ascontiguousarray(part).tobytes()
        total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write that appears at `path` only once it is complete.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            temporary.replace(path)
        except PermissionError:  # Windows, while another process has the file there open
            if not path.exists():
                raise
    finally:
        temporary.unlink(missing_ok=True)


def write_npy(path: Path, blocks: Iterable[np.ndarray], shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Streams blocks (n, *shape) of images into an .npy file; their number need not be known beforehand.

    The header is written last over its own place: numpy pads it so that the first axis can grow.
    """
    with written(path) as file:
        _write_header(file, 0, shape, dtype)
        start, count = file.tell(), 0
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=dtype).tobytes())
            count += len(block)
        file.seek(0)
        _write_header(file, count, shape, dtype)
        assert file.tell() == start


def read_npy(path: Path) -> np.ndarray:
    """An .npy file, in memory or (above RESIDENT) mapped copy-on-write.

    Raises:
        OSError, ValueError, EOFError: missing, not an .npy file, pickled, or cut short.
    """
    mapped = path.stat().st_size > RESIDENT
    try:
        check_npy(path)
        array = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except (OSError, EOFError, Unfit):
        raise
    except Exception as error:  # numpy parses a header as Python, and a damaged one raises anything
        raise ValueError(reason(error)) from error
    if isinstance(array, np.memmap) and isinstance(array._mmap, mmap.mmap):  # type: ignore[attr-defined]
        _MAPS.append((weakref.ref(array._mmap), array.ctypes.data, array.nbytes))  # type: ignore[attr-defined]
    return array


def is_mapped(images: Tensor) -> bool:
    """Returns whether images lie in a file that `read_npy` has mapped."""
    address = images.data_ptr() if images.device.type == "cpu" else 0
    return any(
        reference() is not None and start <= address < start + size for reference, start, size in _MAPS
    )


def release_pages() -> None:
    """Lets the system take back what has been read of mapped files; else it counts as ours.

    The pages are clean copies of the file: reading them again brings them back.
    """
    for reference, _, _ in _MAPS:
        mapping = reference()
        if mapping is not None and sys.platform != "win32":
            mapping.madvise(mmap.MADV_DONTNEED)


def gathered(images: Tensor, indices: np.ndarray, mapped: bool, token: str) -> Tensor:
    """The images at these indices: a view where they are neighbours, else a copy.

    The copy of a large mapped set is itself a mapped file in the cache; without a usable cache it
    is made in memory.

    Args:
        images: (N, ...).
        indices: (M,) rising.
        mapped: whether `images` is backed by a memory map.
        token: names the content of `images` for the cache.
    """
    if len(indices) and indices[-1] - indices[0] == len(indices) - 1:
        return images[int(indices[0]) : int(indices[-1]) + 1]
    if not mapped:
        return images[torch.from_numpy(indices)]
    array = images.numpy()
    if images[0].nbytes * len(indices) <= RESIDENT:
        made, filled = np.empty((len(indices), *array.shape[1:]), array.dtype), 0
        for block in _blocks(array, indices):
            made[filled : filled + len(block)] = block
            filled += len(block)
        return torch.from_numpy(made)
    path = cache_dir() / "splits" / f"{digest(token, str(array.shape), str(array.dtype), indices)}.npy"
    try:
        if not path.exists():
            write_npy(path, _blocks(array, indices), array.shape[1:], array.dtype)
        return torch.from_numpy(read_npy(path))
    except (OSError, ValueError, EOFError):
        return images[torch.from_numpy(indices)]


def _blocks(array: np.ndarray, indices: np.ndarray) -> Iterator[np.ndarray]:
    """Copies of the rows at these indices, some at a time, letting go of what was read of a mapped file."""
    step = rows_at_once(array.shape)
    for first in range(0, len(indices), step):
        yield array[indices[first : first + step]]
        release_pages()


def _write_header(file: BinaryIO, count: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
    described = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": described, "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)
