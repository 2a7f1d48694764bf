"""Image files below a folder, and a line for every kind of thing there that is left out."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vaekit.core import DataError, counted
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.label_files import LABEL_FILES
from vaekit.data.formats.readers import ending_of
from vaekit.plain_files import SPECIAL

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})
SYSTEM_FOLDERS = frozenset({
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
})  # fmt: skip
SMALL_COPIES = frozenset({"thumbs", "thumbnails", "_thumbs", "_thumbnails", "thumbnail"})

Stamp = tuple[int, int, int, int]  # size, time of the content and of the entry in ns, inode


@dataclass
class Passed:
    """Things that are left out: of each kind how many, and the first."""

    counts: dict[str, list[str]] = field(default_factory=dict)
    endings: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, name: str) -> None:
        self.counts.setdefault(kind, []).append(name)

    def notes(self) -> list[str]:
        """One line for each kind."""
        lines = []
        if names := self.counts.get("system file"):
            lines.append(
                f"{counted(len(names), 'system file')} skipped (hidden files, Thumbs.db and the like)"
            )
        if self.endings:
            endings = ", ".join(sorted(self.endings))
            lines.append(f"{counted(sum(self.endings.values()), 'file')} skipped: not images ({endings})")
        for kind, (word, why) in KINDS.items():
            if names := self.counts.get(kind):
                first = names[0] if len(names) == 1 else f"first {names[0]}"
                why = why if len(names) == 1 else why.replace("it leads", "they lead")
                lines.append(f"{counted(len(names), word)} skipped: {why} ({first})")
        if names := self.counts.get("named"):
            lines.append(f"{counted(len(names), 'folder')} with the name of an image ({names[0]})")
        return lines


KINDS = {
    "hidden": ("folder", "of the system, or hidden"),
    "thumbs": ("folder", "small copies, by the name"),
    "broken": ("broken link", "what it leads to is not there; fetch the files first"),
    "again": ("link", "what it leads to is in the set already"),
    "pipe": ("pipe", "no file"),
    "socket": ("socket", "no file"),
    "device": ("device", "no file"),
}


def scan(root: str | os.PathLike[str]) -> tuple[dict[str, Stamp], list[str]]:
    """All image files below a folder, {name with slashes: what tells its content from another}, in natural order.

    Links to folders are followed once all real folders are seen, and no folder is seen twice.

    Returns:
        Also a line for each kind of thing that is left out.

    Raises:
        DataError: a folder cannot be read.
    """
    found: dict[str, Stamp] = {}
    passed = Passed()
    seen: set[tuple[int, int] | tuple[str, str]] = set()
    links: list[str] = []
    todo = [""]
    while todo or links:
        linked = not todo
        below = todo.pop() if todo else links.pop(0)
        folder = os.path.join(root, below) if below else os.fspath(root)
        try:
            entry = os.stat(folder)
            again = _place(entry, folder) in seen or (linked and _holds(folder, root))
            if again and linked:
                passed.add("again", below)
            if again:
                continue
            seen.add(_place(entry, folder))
            subfolders, more = _one_folder(folder, below, found, passed)
        except OSError as error:
            raise DataError(
                f"{error.filename}: cannot be read ({error.strerror}); check the folder's permissions."
            ) from None
        todo += reversed(subfolders)
        links += more
    return {name: found[name] for name in sorted(found, key=_order)}, passed.notes()


def _one_folder(
    folder: str, below: str, found: dict[str, Stamp], passed: Passed
) -> tuple[list[str], list[str]]:
    """Adds the image files of one folder; gives its subfolders, and the links to folders, in order."""
    subfolders, links = [], []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = f"{below}/{entry.name}" if below else entry.name
            if _asked(entry.is_dir):
                kind = _kind_of_folder(entry.name)
                if kind is None:
                    (links if entry.is_symlink() else subfolders).append(name)
                    if ending_of(entry.name) in files.SUFFIXES:
                        passed.add("named", name)
                else:
                    passed.add(kind, name)
                continue
            if entry.name.startswith(".") or entry.name.lower() in SYSTEM_FILES:
                passed.add("system file", name)
                continue
            if entry.name.lower() in LABEL_FILES and _asked(entry.is_file):
                continue
            ending = ending_of(entry.name)
            if ending in files.SUFFIXES or not _asked(entry.is_file):
                _add_file(entry, name, ending, found, passed)
            else:
                passed.endings[ending or "no ending"] = passed.endings.get(ending or "no ending", 0) + 1
    return subfolders, links


def _add_file(
    entry: os.DirEntry[str], name: str, ending: str, found: dict[str, Stamp], passed: Passed
) -> None:
    """Adds an image file, or says why it is none: a broken link, a pipe, a socket, a device."""
    try:
        status = entry.stat()
    except OSError as error:
        if not entry.is_symlink() or isinstance(error, PermissionError):
            raise
        return passed.add("broken", name)
    for is_kind, word in SPECIAL.items():
        if is_kind(status.st_mode):
            return passed.add(word, name)
    if ending in files.SUFFIXES:
        inode = status.st_ino or entry.inode()
        found[name] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, inode)
    return None


def natural(text: str) -> tuple[list[int | str], str]:
    """Sort key in which img2 comes before img10 and case does not matter."""
    pieces = re.split(r"([0-9]+)", text)
    return [int(piece) if i % 2 else piece.casefold() for i, piece in enumerate(pieces)], text


def first_few(names: Iterable[str], most: int = 5) -> str:
    """Some names in natural order, and how many more there are."""
    ordered = sorted(names, key=natural)
    more = f" and {len(ordered) - most:,} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + more


def _kind_of_folder(name: str) -> str | None:
    lower = name.lower()
    if name.startswith(".") or lower in SYSTEM_FOLDERS:
        return "hidden"
    return "thumbs" if lower in SMALL_COPIES else None


def _holds(folder: str, root: str | os.PathLike[str]) -> bool:
    """Returns whether a folder contains the root, so that to follow a link to it would leave the set."""
    inner, outer = os.path.realpath(root), os.path.realpath(folder)
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)


def _asked(question: Callable[[], bool]) -> bool:
    """An answer about an entry; no, where it is a link to itself."""
    try:
        return question()
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return False


def _place(status: os.stat_result, folder: str) -> tuple[int, int] | tuple[str, str]:
    """Device and inode of a folder; where there are none, its real path."""
    return (status.st_dev, status.st_ino) if status.st_ino else ("", os.path.realpath(folder))


def _order(name: str) -> list[tuple[list[int | str], str]]:
    return [natural(piece) for piece in name.split("/")]
