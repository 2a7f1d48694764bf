"""One process at a time writes a run: a lock that the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaekit.core import RunError
from vaekit.runs.files import writing

FAR = 2**30  # a byte that no config.json has: on Windows nobody can read what is locked

HELD = (errno.EAGAIN, errno.EACCES)  # another has the lock, on POSIX and on Windows

UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # a file system that has no locks

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keeps other processes from training the run of a folder for the length of the block.

    The lock is one of the system on config.json, which is written once and never replaced: no file is left
    over, and nothing has to be cleared away after a crash.

    Raises:
        RunError: another process is training the run, or its config.json cannot be opened for writing.
    """
    with writing(folder / "config.json"):
        file = (folder / "config.json").open("r+b")
    with file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno in HELD:
                raise RunError(
                    f"{folder}: another process is training this run; stop it first, or let it end."
                ) from None
            if error.errno not in UNKNOWN:
                raise
        yield
