"""Kept in the user's cache: what it is, how large, and whether it is still what was written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.config.configured import strict
from vaekit.core import DataError
from vaekit.data.cache import PLACES, cache_dir, clean_parts, read_npy, rows_at_once
from vaekit.data.formats.numpy_files import check_npy
from vaekit.data.formats.picture_cache import Manifest, read_manifest
from vaekit.data.named import IDX_SETS

ENDINGS = (".npy", ".json", ".gz")  # of what the cache holds


@dataclass(frozen=True)
class Entry:
    """One thing in the cache.

    Attributes:
        kind: pictures (of a folder, decoded), archive (likewise, of one larger than memory), split (of a source larger
            than memory) or download.
        what: the folder, or the name of the set.
        files: paths of its files.
        bytes: their size.
        images: how many, where that is known.
        problem: why it is not used, or is no longer needed; empty where it is well.
    """

    kind: str
    what: str
    files: list[str]
    bytes: int
    images: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Cache:
    """The contents of the cache, those that were removed included.

    Attributes:
        path: of the cache; None where the user has no home folder.
        entries: the largest first.
        checked: whether contents were compared with their hashes.
        emptied: whether all was removed.

    Example:
        >>> kept = vaekit.cache()
        >>> kept.bytes >= 0, kept.checked
        (True, False)
    """

    path: str | None
    entries: list[Entry]
    checked: bool
    emptied: bool

    @property
    def bytes(self) -> int:
        """Size of all entries."""
        return sum(entry.bytes for entry in self.entries)

    @property
    def problems(self) -> int:
        """Entries that are not well."""
        return sum(bool(entry.problem) for entry in self.entries)

    def as_dict(self) -> dict[str, Any]:
        """All of it in values that JSON can hold."""
        return {**asdict(self), "bytes": self.bytes, "problems": self.problems}


@strict
def cache(check: bool = False, empty: bool = False) -> Cache:
    """Shows what is in the cache of decoded images and downloads, and checks or empties it.

    What killed processes left unfinished is removed in any case. Nothing in the cache is needed: it is made again, or
    downloaded again.

    Args:
        check: read all of it, and compare it with the hashes that were written down.
        empty: remove it all.

    Returns:
        What is there, or was.

    Raises:
        DataError: it cannot be read or removed.

    Example:
        >>> vaekit.cache(check=True).problems
        0
    """
    try:
        root = cache_dir()
    except OSError:
        return Cache(None, [], check, empty)
    try:
        clean_parts(root)
        entries = [*_pictures(root / "folders", check), *_splits(root / "splits")]
        entries += [*_splits(root / "archives", "archive"), *_downloads(root, check)]
        if empty:
            _remove(root, entries)
    except OSError as error:
        raise DataError(
            f"{error.filename or root}: {error.strerror}; check its permissions, or name another cache in $VAEKIT_CACHE."
        ) from None
    return Cache(str(root), sorted(entries, key=lambda entry: -entry.bytes), check, empty)


def _pictures(folder: Path, check: bool) -> Iterator[Entry]:
    """Decoded images of folders: two files each."""
    for slot in _inside(folder):
        for stem in sorted({path.stem for path in _inside(slot) if path.suffix in ENDINGS}):
            pair = [path for ending in (".npy", ".json") if (path := slot / f"{stem}{ending}").is_file()]
            what, images, problem = "", None, ""
            try:
                manifest = read_manifest(slot / f"{stem}.json")
                what, images = manifest.folder, len(manifest.names)
                problem = _problem(slot / f"{stem}.npy", manifest, check)
            except (OSError, ValueError, KeyError, TypeError):
                problem = "damaged, or of another version: not used"
            yield _entry("pictures", what or slot.name, pair, images, problem)


def _problem(path: Path, manifest: Manifest, check: bool) -> str:
    """The fault of decoded images; empty if there is none."""
    try:
        shape, _ = check_npy(path)
        stored = read_npy(path) if check else None
    except Exception:  # numpy parses a header as Python, and a damaged one raises anything
        return "damaged, or cut short: not used"
    if not shape or shape[0] != len(manifest.names):
        return "not the images that were written down: not used"
    if stored is not None and _hash(stored) != manifest.pixels:
        return "damaged: other values than were written"
    if not Path(manifest.folder).is_dir():
        return "its folder is gone"
    return ""


def _hash(stored: np.ndarray) -> str:
    total = hashlib.blake2b(digest_size=16)
    step = rows_at_once(stored.shape)
    for first in range(0, len(stored), step):
        total.update(np.ascontiguousarray(stored[first : first + step]).tobytes())
    return total.hexdigest()


def _splits(folder: Path, kind: str = "split") -> Iterator[Entry]:
    """Images of one split, or of an archive, side by side; one file each."""
    for path in _inside(folder):
        if path.suffix == ".npy":
            images, problem = None, ""
            try:
                (images, *_), _ = check_npy(path)
            except Exception:  # as in _problem
                problem = "damaged, or cut short: not used"
            yield _entry(kind, path.stem, [path], images, problem)


def _downloads(root: Path, check: bool) -> Iterator[Entry]:
    """Files of named sets."""
    for folder in _inside(root / "downloads"):
        if folder.name not in IDX_SETS:
            continue
        known = IDX_SETS[folder.name].sha256
        files = [path for name in known if (path := folder / f"{name}.gz").is_file()]
        wrong = [p.name for p in files if check and _sha256(p) != known[p.name.removesuffix(".gz")]]
        yield _entry("download", folder.name, files, None, f"damaged: {', '.join(wrong)}" if wrong else "")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(kind: str, what: str, files: list[Path], images: int | None, problem: str) -> Entry:
    return Entry(
        kind, what, [str(path) for path in files], sum(path.stat().st_size for path in files), images, problem
    )


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove(root: Path, entries: list[Entry]) -> None:
    """Removes the files of the entries, and the folders that are empty then; nothing else that may lie there."""
    for entry in entries:
        for path in entry.files:
            Path(path).unlink(missing_ok=True)
    for below in (*PLACES, "downloads"):
        for folder, _, _ in os.walk(root / below, topdown=False):
            with suppress(OSError):  # something of somebody else's is in it
                os.rmdir(folder)
