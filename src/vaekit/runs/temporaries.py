"""Temporary files and folders beside what is being written: whatever happens, they are ours, and the next start removes
those of the dead.

    .NAME.vaekit-0123456789abcdef.tmp

The number is random and the file is created, never opened, so nothing of the user's can be in its place. Its writer
holds a lock of the system on it, which ends when the writer ends, however it ends: what is not locked is a leftover.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

OURS = re.compile(r"\..*\.vaekit-[0-9a-f]{16}\.tmp", re.DOTALL)
BEFORE = re.compile(r"\..*\.[0-9]+\.tmp", re.DOTALL)  # as they were called until there were locks on them
SHORT = 120  # bytes of a name that are kept: with the rest, below what any file system allows
STALE = 86_400  # seconds after which one is dead where there are no locks


@contextmanager
def temporary(path: Path, folder: bool = False) -> Iterator[Path]:
    """A new, empty file (or folder) beside a path, to be written and renamed; removed at the end if it is still there.

    What a killed process left of the same path is removed first.

    Raises:
        OSError: it cannot be made.
    """
    clear(path)
    place, handle = _made(path, folder)
    try:
        yield place
    finally:
        if handle is not None:
            os.close(handle)
        _remove(place)


def clear(path: Path) -> None:
    """Removes what killed processes left that were writing this path."""
    start = f".{_short(path.name)}.vaekit-"
    with suppress(OSError):
        for entry in os.scandir(path.parent):
            if entry.name.startswith(start) and is_temporary(entry.name):
                _remove_if_dead(Path(entry.path))


def remove_temporaries(*folders: Path) -> None:
    """Removes from folders of a run whatever a killed process left half written there."""
    for folder in folders:
        with suppress(OSError):
            for entry in os.scandir(folder):
                if is_temporary(entry.name):
                    _remove_if_dead(Path(entry.path))
                elif BEFORE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    Path(entry.path).unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Returns whether a file of this name is one of ours."""
    return OURS.fullmatch(name) is not None


def _made(path: Path, folder: bool) -> tuple[Path, int | None]:
    """A new file or folder, and a handle that holds its lock, where there are locks."""
    while True:
        place = path.with_name(f".{_short(path.name)}.vaekit-{os.urandom(8).hex()}.tmp")
        if folder:
            place.mkdir()
        else:
            place.open("xb").close()
        try:
            handle = _locked(place)
        except BlockingIOError:  # another's start has just taken it for a leftover, and removes it
            continue
        if place.exists():  # or else another's start took it for a leftover before it was locked
            return place, handle
        if handle is not None:
            os.close(handle)


def _locked(place: Path) -> int | None:
    """A handle with the lock of a file or folder, or without where there are no locks; None where there is no handle.

    Raises:
        BlockingIOError: another has the lock.
    """
    if sys.platform == "win32":
        return None
    try:
        handle = os.open(place, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # no locks here
        pass
    return handle


def _remove_if_dead(place: Path) -> None:
    if sys.platform == "win32":
        _remove_if_old(place)
        return
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # a link, which is none of ours, or gone
        return
    try:
        about = os.fstat(handle)
        if (
            stat.S_ISREG(about.st_mode) and about.st_nlink > 1
        ):  # published already: its other name may hold a lock
            _remove(place)
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(place)
    except BlockingIOError:  # alive
        pass
    except OSError:
        _remove_if_old(place)
    finally:
        os.close(handle)


def _remove_if_old(place: Path) -> None:
    with suppress(OSError):
        if time.time() - place.lstat().st_mtime > STALE:
            _remove(place)


def _remove(place: Path) -> None:
    with suppress(OSError):
        if stat.S_ISDIR(place.lstat().st_mode):
            shutil.rmtree(place, ignore_errors=True)
            _remove_inner(place)
        else:
            place.unlink()


def _remove_inner(folder: Path) -> None:
    """Removes what is left of a folder, with one open handle at a time: `rmtree` needs several, and may have had none."""
    for name in os.listdir(folder):
        path = folder / name
        if stat.S_ISDIR(path.lstat().st_mode):
            _remove_inner(path)
        else:
            path.unlink()
    folder.rmdir()


def _short(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:SHORT]) if len(os.fsencode(name)) > SHORT else name
