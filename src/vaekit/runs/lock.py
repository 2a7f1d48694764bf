"""One process at a time writes a run: a lock that the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vaekit.core import RunError
from vaekit.runs.files import WINDOWS, write_json, writing

FAR = 2**30  # a byte that no config.json has: on Windows nobody can read what is locked

HELD = (errno.EAGAIN, errno.EACCES)  # another has the lock, on POSIX and on Windows

UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # a file system that has no locks

if sys.platform == "win32":
    import msvcrt

    def lock_handle(handle: int) -> None:
        os.lseek(handle, FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def lock_handle(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class BeingTrained(RunError):
    """Another process is training the run."""


class SoleWriter:
    """The one process that may write a run, as long as it holds its config.json.

    Raises:
        RunError: another process is training the run, or its config.json cannot be opened for writing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.json"
        self.file = self._locked()

    def rewrite(self, content: Mapping[str, Any]) -> None:
        """Puts another config.json in the place of the one that is held, whole, and holds that.

        Raises:
            RunError: it cannot be written, or another process took it in between; this one then holds nothing more.
        """
        if WINDOWS:  # where an open file cannot be replaced
            self.file.close()
        write_json(self.path, content)
        before, self.file = self.file, self._locked()
        before.close()

    def close(self) -> None:
        """Lets go of it."""
        self.file.close()

    def _locked(self) -> IO[bytes]:
        """The open file with its lock; of one that was replaced between opening and locking, its successor."""
        while True:
            with writing(self.path):
                file = self.path.open("r+b")
            try:
                lock_handle(file.fileno())
            except OSError as error:
                file.close()
                if error.errno in HELD:
                    raise BeingTrained(
                        f"{self.path.parent}: another process is training this run; stop it first, or let it end."
                    ) from None
                if error.errno not in UNKNOWN:
                    raise
                with writing(self.path):
                    return self.path.open("r+b")
            if os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                return file
            file.close()


@contextmanager
def sole_writer(folder: Path) -> Iterator[SoleWriter]:
    """Keeps other processes from training the run of a folder for the length of the block.

    The lock is one of the system on config.json, which is replaced by its holder alone (`SoleWriter.rewrite`): no file
    is left over, and nothing has to be cleared away after a crash.

    Raises:
        RunError: as in `SoleWriter`.
    """
    writer = SoleWriter(folder)
    try:
        yield writer
    finally:
        writer.close()
