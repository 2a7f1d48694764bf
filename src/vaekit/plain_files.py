"""Files that have an end: what is read whole must be no pipe and no device, which may have none. And text as bytes of a file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def plain_file(path: Path) -> Path:
    """Returns the path of a file, also behind a link.

    Raises:
        OSError: nothing is there, or it is a folder, a pipe, a socket or a device: to read one may never end.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return path


def as_text(name: str) -> str:
    r"""Returns the name of a class, or of anything that is shown and not looked for, as text that every program can draw."""
    return utf8(name).decode()


def utf8(text: str) -> bytes:
    r"""Returns text as UTF-8. Bytes of names of files that are none are written as \udc80 to \udcff, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace")
