"""Files that have an end: what is read whole must be no pipe and no device, which may have none. And text as bytes of a file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TypeVar

P = TypeVar("P", str, Path)

SPECIAL = {stat.S_ISFIFO: "pipe", stat.S_ISSOCK: "socket", stat.S_ISCHR: "device", stat.S_ISBLK: "device"}


def plain_file(path: P) -> P:
    """Returns the path of a file, also behind a link.

    Raises:
        OSError: nothing is there, or it is a folder, a pipe, a socket or a device: to read one may never end.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return path


def what_is_there(path: Path) -> str:
    """A link to nowhere, a pipe, a device, in words; empty for a file or folder, and where nothing is."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return "a link that leads nowhere" if path.is_symlink() else ""
    return next((f"a {word}, no file" for is_kind, word in SPECIAL.items() if is_kind(mode)), "")


def as_text(name: str) -> str:
    r"""Returns the name of a class, or of anything that is shown and not looked for, as text that every program can draw."""
    return utf8(name).decode()


def utf8(text: str) -> bytes:
    r"""Returns text as UTF-8. Bytes of names of files that are none are written as \udc80 to \udcff, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace")
