"""Zip and tar archives of images as a source, read in place: nothing is unpacked, names are only names.

Folders within an archive mean what they mean in a folder of images: splits or classes.
"""

from __future__ import annotations

import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted, foreign, reason
from vaekit.data.cache import machine_memory
from vaekit.data.dataset import Loaded
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.arrangement import arrange
from vaekit.data.formats.label_files import LABEL_FILES, labelled
from vaekit.data.formats.listing import SYSTEM_FILES
from vaekit.data.formats.picture_sets import Member, from_members
from vaekit.data.formats.readers import ending_of

TWICE, CUT = "of one name", "cut short"  # what is counted beside kinds of files
BLOCK = 512  # bytes, of a tar; its end are two of zeros
MOST = 2**28  # bytes of one image file
SHARE = 4  # images of a compressed tar may take a 4th of the machine's memory
FORWARD = 16  # times that may be unpacked to find them

ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".tar.zst")

Found = dict[str, Callable[[], bytes]]


def archive_ending(path: Path) -> str | None:
    """The ending by which a file is an archive, or None."""
    name = path.name.lower()
    return next((ending for ending in sorted(ENDINGS, key=len, reverse=True) if name.endswith(ending)), None)


def load_archive(path: Path, settings: DataSettings) -> Loaded:
    """Images, splits and labels from an archive.

    Raises:
        DataError: damaged, encrypted, no images, too large, or as in `from_members`.
    """
    where = str(path)
    with foreign(where, say=_unreadable), (_zip if _is_zip(path) else _tar)(path) as members:
        loaded = _of_members(path, *members, settings)
    loaded.path = str(path.resolve())
    return loaded


@contextmanager
def archive_members(path: Path) -> Iterator[tuple[Found, list[str]]]:
    """The image files of an archive that is open within the block, by name, each read when it is asked for; and notes.

    Raises:
        DataError: damaged, encrypted, or too large.
    """
    with ExitStack() as stack:
        with foreign(str(path), say=_unreadable):
            found, passed = stack.enter_context((_zip if archive_ending(path) == ".zip" else _tar)(path))
            images = {name: read for name, read in found.items() if _is_image(name)}
        yield images, _notes(passed)


def _is_zip(path: Path) -> bool:
    """By the ending; a tar that is a zip, by its content."""
    return archive_ending(path) == ".zip" or zipfile.is_zipfile(path)


def _unreadable(error: BaseException) -> str:
    if isinstance(error, tarfile.ReadError) and "not" in str(error):
        return "cannot be read as an archive (no tar, nor one packed by gzip, bzip2 or xz); save it as .zip, or unpack it."
    return f"cannot be read as an archive ({reason(error)}); save it again, or unpack it."


def _of_members(path: Path, found: Found, passed: Counter[str], settings: DataSettings) -> Loaded:
    """Images, splits and labels from the members of an archive that is open."""
    where = str(path)
    images = {name: read for name, read in found.items() if _is_image(name)}
    notes = _notes(passed)
    if not images:
        reason = f" ({'; '.join(notes)})" if notes else ""
        known = " ".join(sorted(files.SUFFIXES))
        raise DataError(f"{where}: no images in this archive{reason}; images end in {known}.")
    texts = {name: read for name, read in found.items() if name not in images}
    places, arranged = arrange(sorted(images), where)
    members = [Member(name, images[name], (place.part, place.label)) for name, place in places.items()]
    labels, said = labelled(list(places), texts, settings.labels_key, where)
    if labels:
        members = [replace(member, place=(member.place[0], labels.get(member.name))) for member in members]
    status = path.stat()
    loaded = from_members(members, settings, where, f"{path.resolve()} {status.st_size} {status.st_mtime_ns}")
    loaded.notes = notes + arranged + said + loaded.notes
    return loaded


def _is_image(name: str) -> bool:
    return ending_of(name) in files.SUFFIXES


def _wanted(name: str, size: int, is_file: bool, passed: Counter[str]) -> bool:
    """Returns whether a member is read; others are counted by their kind."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if any((part.startswith(".") and part != ".") or part.lower() in SYSTEM_FILES for part in parts):
        passed["system files"] += 1
    elif not is_file:
        passed["links and devices"] += 1
    elif not _is_image(name) and not (
        PurePosixPath(name).name.lower() in LABEL_FILES or name.endswith(".cls")
    ):
        passed[PurePosixPath(name).suffix.lower() or "no ending"] += 1
    elif size > MOST:
        passed["too large"] += 1
    else:
        return True
    return False


def _inside(name: str) -> str:
    """A member's name without what would lead out of a folder that it was unpacked in."""
    return "/".join(
        part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")
    )


@contextmanager
def _zip(path: Path) -> Iterator[tuple[Found, Counter[str]]]:
    """Members of a zip, each read when it is asked for, and how many of each kind are skipped."""
    passed: Counter[str] = Counter()
    found: Found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = info.external_attr >> 28  # where the archive was made on Unix: 8 is a file, 10 a link
            name = _inside(info.filename)
            if info.is_dir() or not _wanted(name, info.file_size, kind in (0, 8), passed):
                continue
            if info.flag_bits & 1:
                raise DataError(
                    f"{path}: {name} is encrypted; unpack the archive, or save it without a password."
                )
            passed[TWICE] += name in found
            found[name] = partial(archive.read, info)
        yield found, passed


@contextmanager
def _tar(path: Path) -> Iterator[tuple[Found, Counter[str]]]:
    """Members of a tar: of a plain one where they lie, of a compressed one their bytes, since it has to be read from
    its start for each of them."""
    most = machine_memory() // SHARE
    passed: Counter[str] = Counter()
    found: Found = {}
    total, lock = 0, threading.Lock()
    with open(path, "rb") as stream:
        plain = stream.read(262)[257:] == b"ustar"
        with tarfile.open(path, "r:" if plain else "r:*") as archive:
            for info in archive:
                if not plain and info.offset_data + info.size > FORWARD * most:
                    raise DataError(
                        f"{path}: unpacks to more than {FORWARD * most / 1e9:.1f} GB; unpack it into a folder."
                    )
                name = _inside(info.name)
                if info.isdir() or not _wanted(name, info.size, info.isreg(), passed):
                    continue
                passed[TWICE] += name in found
                if plain and not info.sparse:
                    found[name] = partial(_slice, stream, lock, info.offset_data, info.size)
                    continue
                total += info.size
                if total > most:
                    raise DataError(
                        f"{path}: its images take more than {most / 1e9:.1f} GB; unpack it into a folder."
                    )
                member = archive.extractfile(info)
                found[name] = partial(bytes, b"" if member is None else member.read(info.size))
            passed[CUT] += plain and _slice(stream, lock, archive.offset, BLOCK) != bytes(BLOCK)
        yield found, passed


def _slice(stream: BinaryIO, lock: threading.Lock, start: int, size: int) -> bytes:
    with lock:
        stream.seek(start)
        return stream.read(size)


def _notes(passed: Counter[str]) -> list[str]:
    """One line for each kind of member that is skipped."""
    lines = []
    for kind, word in (
        ("system files", "system files skipped (hidden files, Thumbs.db and the like)"),
        ("links and devices", "links and devices skipped"),
        ("too large", f"files of more than {MOST / 1e6:.0f} MB skipped"),
        (TWICE, "files skipped: a later one in the archive has the same name"),
    ):
        if count := passed.pop(kind, 0):
            lines.append(f"{count:,} {word}")
    if passed.pop(CUT, 0):
        lines.append("the archive lacks the mark of its end: what came after may be cut off")
    if passed:
        lines.append(f"{counted(passed.total(), 'file')} skipped: not images ({', '.join(sorted(passed))})")
    return lines
