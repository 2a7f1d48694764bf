"""Zip and tar archives of images as a source, read in place: nothing is unpacked, names are only names.

Folders within an archive mean what they mean in a folder of images: splits or classes.
"""

from __future__ import annotations

import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted
from vaekit.data.cache import machine_memory
from vaekit.data.dataset import Loaded
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.folder import SYSTEM_FILES, arrange
from vaekit.data.formats.label_files import LABEL_FILES, labelled
from vaekit.data.formats.picture_sets import Member, from_members

MOST = 2**28  # bytes of one image file
SHARE = 4  # what is unpacked of a compressed tar may take a 4th of the machine's memory

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
    try:
        read = _zip if archive_ending(path) == ".zip" else _tar
        found, passed = read(path)
    except DataError:
        raise
    except Exception as error:  # what damaged archives raise is of many kinds
        line = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(
            f"{where}: cannot be read as an archive ({line}); save it again, or unpack it."
        ) from None
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
    loaded.path = str(path.resolve())
    loaded.notes = notes + arranged + said + loaded.notes
    return loaded


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in files.SUFFIXES


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


def _zip(path: Path) -> tuple[Found, Counter[str]]:
    archive = zipfile.ZipFile(path)
    passed: Counter[str] = Counter()
    found: Found = {}
    for info in archive.infolist():
        if info.is_dir():
            continue
        kind = (
            info.external_attr >> 28
        )  # of the entry, where the archive was made on Unix: 8 is a file, 10 a link
        if _wanted(info.filename, info.file_size, kind in (0, 8), passed):
            if info.flag_bits & 1:
                raise DataError(
                    f"{path}: {info.filename} is encrypted; unpack the archive, or save it without password."
                )
            found[info.filename] = lambda info=info: archive.read(info)
    return found, passed


def _tar(path: Path) -> tuple[Found, Counter[str]]:
    """Members of a tar: of a plain one where they lie, of a compressed one their bytes, since it has to be read from
    its start for each of them."""
    with open(path, "rb") as probe:
        plain = probe.read(262)[257:] == b"ustar"
    most = machine_memory() // SHARE
    passed: Counter[str] = Counter()
    found: Found = {}
    stream: BinaryIO = open(path, "rb")  # noqa: SIM115 - stays open as long as its members are read
    lock, total = threading.Lock(), 0
    with tarfile.open(path, "r:" if plain else "r:*") as archive:
        for info in archive:
            if not plain and info.offset_data + info.size > 16 * most:
                raise DataError(
                    f"{path}: unpacks to more than {16 * most / 1e9:.0f} GB; unpack it into a folder."
                )
            if info.isdir() or not _wanted(info.name, info.size, info.isreg(), passed):
                continue
            if plain and not info.sparse:
                found[info.name] = lambda info=info: _slice(stream, lock, info.offset_data, info.size)
                continue
            total += info.size
            if total > most:
                raise DataError(
                    f"{path}: its images take more than {most / 1e9:.0f} GB; unpack it into a folder."
                )
            member = archive.extractfile(info)
            content = b"" if member is None else member.read(info.size)
            found[info.name] = lambda content=content: content
    return found, passed


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
    ):
        if count := passed.pop(kind, 0):
            lines.append(f"{count:,} {word}")
    if passed:
        lines.append(f"{counted(passed.total(), 'file')} skipped: not images ({', '.join(sorted(passed))})")
    return lines
