"""The user's cache, and image files in it that are mapped into memory instead of read.

Files are named by a hash of what they hold. They are written under a temporary name, fsynced and
renamed, so that a reader never sees half a file, a process that has one mapped keeps what it
mapped, and two processes that write the same file do not disturb each other.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import re
import sys
import time
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
PLACES = ("folders", "splits", "archives")  # below the cache, of what is written here
LEFT_OVER = re.compile(r"[0-9a-f]{32}\.(?:npy|json)\.[0-9a-f]{8}\.tmp")  # and of nobody else
PART = ".tmp"  # ending of a file that is being written
STALE = 3600  # seconds
AT_ONCE = 2**24  # values handled at a time, where all at once could be too many


def cache_dir() -> Path:
    """$VAEKIT_CACHE, else the place that the platform has for caches.

    Raises:
        OSError: there is none, since the user has no home folder.
    """
    if chosen := os.environ.get("VAEKIT_CACHE"):
        return Path(chosen)
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return Path(local or Path.home() / "AppData" / "Local") / "vaekit" / "Cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "vaekit"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vaekit"
    except RuntimeError:  # a container's user without an entry in the table of users
        raise OSError(errno.ENOENT, "no home folder for it: name a folder in $VAEKIT_CACHE") from None


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
    temporary = path.with_name(f"{path.name}.{os.urandom(4).hex()}{PART}")
    try:
        with open(temporary, "wb") as file:
            _lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not _is_there(temporary, file):
                raise OSError(errno.ESTALE, "removed by somebody else", str(temporary))
        try:
            temporary.replace(path)
        except PermissionError:  # Windows, while another process has the file there open
            if not path.exists():
                raise
    finally:
        temporary.unlink(missing_ok=True)


def clean_parts(folder: Path) -> None:
    """Removes what killed processes left of the cache's own files that they were writing; a writer holds a lock on its own."""
    for part in (path for place in PLACES for path in (folder / place).rglob(f"*{PART}")):
        if not LEFT_OVER.fullmatch(part.name):
            continue
        with suppress(OSError), open(part, "rb") as file:
            if _lock(file):
                part.unlink()


def _lock(file: BinaryIO) -> bool:
    """Takes the lock on a file until it is closed; says whether nobody else has it."""
    if sys.platform == "win32":  # there, a file that is open cannot be removed
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks on this disk: a writer that lives has touched its file lately
        return time.time() - os.fstat(file.fileno()).st_mtime > STALE
    return True


def _is_there(path: Path, file: BinaryIO) -> bool:
    """Returns whether a file that is open still has its name: another process may have cleaned it up before it was locked."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def write_npy(path: Path, blocks: Iterable[np.ndarray], shape: tuple[int, ...], dtype: np.dtype) -> str:
    """Streams blocks (n, *shape) of images into an .npy file; their number need not be known beforehand.

    The header is written last over its own place: numpy pads it so that the first axis can grow.

    Returns:
        Hash of the values, 32 hexadecimal digits.
    """
    total = hashlib.blake2b(digest_size=16)
    with written(path) as file:
        _write_header(file, 0, shape, dtype)
        start, count = file.tell(), 0
        for block in blocks:
            content = np.ascontiguousarray(block, dtype=dtype).tobytes()
            total.update(content)
            file.write(content)
            count += len(block)
        file.seek(0)
        _write_header(file, count, shape, dtype)
        assert file.tell() == start
    return total.hexdigest()


def read_npy(path: Path) -> np.ndarray:
    """An .npy file, in memory or (above RESIDENT) mapped copy-on-write.

    Raises:
        OSError, ValueError, EOFError: missing, not an .npy file, pickled, or cut short.
    """
    mapped = path.stat().st_size > RESIDENT
    try:
        check_npy(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in numpy_files.read_header
            array = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except (OSError, EOFError, Unfit):
        raise
    except Exception as error:  # numpy parses a header as Python, and a damaged one raises anything
        raise ValueError(reason(error)) from error
    if isinstance(array, np.memmap) and isinstance(array._mmap, mmap.mmap):  # type: ignore[attr-defined]
        _MAPS.append((weakref.ref(array._mmap), array.ctypes.data, array.nbytes))  # type: ignore[attr-defined]
    return array


def copy_on_write(array: np.ndarray) -> np.ndarray:
    """An array that lies in a file which somebody has mapped (`np.load(mmap_mode="r")`, or a view of that), mapped anew
    so that writing to it leaves the file alone; other arrays as they are.

    Small ones are read into memory.
    """
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or root.filename is None or any(s < 0 for s in array.strides):
        return array
    if array.nbytes <= RESIDENT // SHARE:
        return np.array(array)
    offset = root.offset + array.ctypes.data - root.ctypes.data
    with open(root.filename, "rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    mapped = np.ndarray(array.shape, array.dtype, mapping, offset, array.strides)
    whole = np.frombuffer(mapping, np.uint8)
    _MAPS.append((weakref.ref(mapping), whole.ctypes.data, whole.nbytes))
    return mapped


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
    name = f"{digest(token, str(array.shape), str(array.dtype), indices)}.npy"
    try:
        path = cache_dir() / "splits" / name
        if not path.exists():
            clean_parts(cache_dir())
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
