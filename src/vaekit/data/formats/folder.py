"""A folder of images as a source: subfolders are splits or classes, pixels are kept in a cache.

folder/*.png                       no labels
folder/CLASS/**/*.png              labels
folder/{train,val,test}/*.png      splits; below them again classes or none
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted
from vaekit.data.cache import RESIDENT, cache_dir, digest, gathered, read_npy, write_npy, written
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.label_files import LABEL_FILES, label_files_in, labelled
from vaekit.data.formats.readers import ending_of, reader_notes
from vaekit.data.kinds.image import parse_size
from vaekit.data.splits import keys_from_bytes

FORMAT = 1  # of what is kept in the cache; raised when the same files would give other pixels

SPLIT_FOLDERS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "test": "test", "testing": "test",
}  # fmt: skip

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


@dataclass(frozen=True)
class Place:
    """The place of an image: key of Loaded.parts, and its class, if any."""

    part: str
    label: str | None


@dataclass
class Manifest:
    """The images that could be read: names, hashes (32 hexadecimal digits), and what was converted."""

    names: list[str]
    keys: list[str]
    notes: list[str]


def load_folder(root: Path, settings: DataSettings) -> Loaded:
    """Images, splits and labels from a folder.

    Raises:
        DataError: unreadable, no images, only damaged ones, or sizes differ without image_size=.
    """
    where = str(root)
    listed, notes = scan(root)
    if not listed:
        found = f" ({'; '.join(notes)})" if notes else ""
        known = " ".join(sorted(files.SUFFIXES))
        raise DataError(f"{where}: no images in this folder{found}; images end in {known}.")
    places, arranged = arrange(list(listed), where)
    labels, said = labelled(list(places), label_files_in(root), settings.labels_key, where)
    if labels:
        places = {name: Place(place.part, labels.get(name)) for name, place in places.items()}
    images, kept = load_pixels(root, {name: listed[name] for name in places}, settings)
    loaded = _assemble(images, kept, places)
    loaded.path = str(root.resolve())
    loaded.notes = notes + arranged + said + kept.notes + reader_notes(kept.names)
    return loaded


def scan(root: Path) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """All image files below a folder, {name with slashes: (size, mtime in ns)}, in natural order.

    Also gives a note for each kind of file that is skipped.

    Raises:
        DataError: the folder cannot be read.
    """
    found: dict[str, tuple[int, int]] = {}
    passed: Counter[str] = Counter()
    for folder, subfolders, names in os.walk(root, onerror=_cannot_list, followlinks=True):
        subfolders[:] = [name for name in subfolders if not (_is_system(name) or _is_loop(folder, name))]
        below = os.path.relpath(folder, root).replace(os.sep, "/")
        for name in names:
            path = Path(folder, name)
            ending = ending_of(name)
            if name.lower() in LABEL_FILES:
                continue
            if _is_system(name):
                passed["system files"] += 1
            elif ending not in files.SUFFIXES:
                passed[ending or "no ending"] += 1
            elif path.is_file():
                stat = path.stat()
                found[name if below == "." else f"{below}/{name}"] = (stat.st_size, stat.st_mtime_ns)
    return {name: found[name] for name in sorted(found, key=_order)}, _passed_notes(passed)


def arrange(names: Sequence[str], where: str) -> tuple[dict[str, Place], list[str]]:
    """Splits and classes from the names of the images, and notes on what was left out.

    Raises:
        DataError: there are subfolders for testing or validation but none for training.
    """
    parts = _without_wrappers({name: PurePosixPath(name).parts for name in names})
    heads = {path[0].lower() for path in parts.values() if len(path) > 1}
    splits = heads & SPLIT_FOLDERS.keys()
    if splits and splits == heads and "train" not in {SPLIT_FOLDERS[head] for head in splits}:
        there = ", ".join(sorted(splits))
        raise DataError(f"{where}: has {there} but no train folder; put the training images into train.")
    if not any(SPLIT_FOLDERS[head] == "train" for head in splits):
        return _with_classes({"train": parts})
    by_part: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, path in parts.items():
        part = SPLIT_FOLDERS.get(path[0].lower()) if len(path) > 1 else None
        if part is not None:
            by_part.setdefault(part, {})[name] = path[1:]
    places, notes = _with_classes(by_part)
    if outside := len(names) - len(places):
        notes.append(f"{counted(outside, 'image')} outside the folders {', '.join(sorted(splits))} skipped")
    return places, notes


def load_pixels(
    root: Path, listed: dict[str, tuple[int, int]], settings: DataSettings
) -> tuple[np.ndarray, Manifest]:
    """The decoded images (N, C, H, W) uint8, from the cache if the files are those of last time.

    Raises:
        DataError: Pillow is missing, all images are damaged, or sizes differ without image_size=.
    """
    slot = cache_dir() / "folders" / digest(str(root.resolve()), str(settings.image_size), settings.fit)
    state = digest(str(FORMAT), json.dumps(listed))
    try:
        return _read_cache(slot, state)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        pass  # none yet, or damaged
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise DataError(f"{root}: a folder of images needs Pillow: pip install 'vaekit[all]'") from None
    headers, plan, bad = _survey(root, list(listed), settings)
    try:
        found = _decode_to_cache(root, headers, plan, bad.copy(), slot, state)
    except OSError as error:
        images, kept = _decode_to_memory(root, headers, plan, bad.copy())
        reason = error.strerror or type(error).__name__
        kept.notes.append(f"the cache {slot.parent} cannot be written ({reason}): decoded again each time")
        return images, kept
    _forget_others(slot, state)
    return found


def natural(text: str) -> tuple[list[int | str], str]:
    """Sort key in which img2 comes before img10 and case does not matter."""
    pieces = re.split(r"([0-9]+)", text)
    return [int(piece) if i % 2 else piece.casefold() for i, piece in enumerate(pieces)], text


def _survey(
    root: Path, names: list[str], settings: DataSettings
) -> tuple[list[files.Header], files.Plan, list[files.Bad]]:
    """Headers of the readable files, what is to become of them, and the unreadable files."""
    bad: list[files.Bad] = []
    headers = list(files.good(files.parallel(files.probe, [root / name for name in names]), bad))
    if not headers:
        raise _all_bad(root, bad)
    size = parse_size(settings.image_size)
    return headers, files.plan_for(headers, size, settings.fit, str(root)), bad


def _stream(
    root: Path, headers: list[files.Header], plan: files.Plan, bad: list[files.Bad], kept: Manifest
) -> Iterator[np.ndarray]:
    """Pixels image by image, while `kept` fills."""
    used = {}
    for decoded in files.good(files.parallel(partial(files.decode, plan=plan), headers), bad):
        used[decoded.path] = True
        kept.names.append(decoded.path.relative_to(root).as_posix())
        kept.keys.append(decoded.key.hex())
        yield decoded.pixels
    if not kept.names:
        raise _all_bad(root, bad)
    kept.notes += files.conversions([header for header in headers if header.path in used], plan)
    if bad:
        first = bad[0].path.relative_to(root).as_posix()
        kept.notes.append(f"{len(bad):,} unreadable images skipped, first {first} ({bad[0].reason})")


def _decode_to_cache(
    root: Path, headers: list[files.Header], plan: files.Plan, bad: list[files.Bad], slot: Path, state: str
) -> tuple[np.ndarray, Manifest]:
    """Streams the images into the cache, so that a set larger than memory passes through."""
    kept = Manifest([], [], [])
    images = _stream(root, headers, plan, bad, kept)
    write_npy(
        slot / f"{state}.npy",
        (image[None] for image in images),
        (plan.channels, *plan.size),
        np.dtype(np.uint8),
    )
    with written(slot / f"{state}.json") as file:
        file.write(json.dumps({"folder": str(root.resolve()), **asdict(kept)}).encode("utf-8"))
    return read_npy(slot / f"{state}.npy"), kept


def _decode_to_memory(
    root: Path, headers: list[files.Header], plan: files.Plan, bad: list[files.Bad]
) -> tuple[np.ndarray, Manifest]:
    kept = Manifest([], [], [])
    return np.stack(list(_stream(root, headers, plan, bad, kept))), kept


def _read_cache(slot: Path, state: str) -> tuple[np.ndarray, Manifest]:
    manifest: dict[str, Any] = json.loads((slot / f"{state}.json").read_text(encoding="utf-8"))
    kept = Manifest(manifest["names"], manifest["keys"], manifest["notes"])
    images = read_npy(slot / f"{state}.npy")
    if not len(images) == len(kept.names) == len(kept.keys):
        raise ValueError("the cached images are not those of the manifest")
    return images, kept


def _forget_others(slot: Path, state: str) -> None:
    """Removes what the same folder gave before it changed."""
    for path in slot.iterdir():
        if path.suffix in (".npy", ".json") and path.stem != state:
            with suppress(OSError):  # in use, on Windows
                path.unlink()


def _assemble(images: np.ndarray, kept: Manifest, places: dict[str, Place]) -> Loaded:
    """Parts and labels; images of one part are neighbours, so that they stay views of one array."""
    class_names = sorted({label for n in kept.names if (label := places[n].label) is not None}, key=natural)
    numbers = {name: i for i, name in enumerate(class_names)}
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(kept.names):
        rows.setdefault(places[name].part, []).append(i)
    mapped = images.nbytes > RESIDENT
    keys = keys_from_bytes(bytes.fromhex("".join(kept.keys)))
    loaded = Loaded({}, class_names=class_names or None, mapped=mapped)
    for part, indices in rows.items():
        pixels = gathered(torch.from_numpy(images), np.array(indices), mapped, "".join(kept.keys))
        labels = [places[kept.names[i]].label for i in indices]
        known = [numbers[label] for label in labels if label is not None]
        tensor = torch.tensor(known, dtype=torch.int64) if len(known) == len(indices) else None
        loaded.parts[part] = Split(pixels, tensor, [kept.names[i] for i in indices])
        loaded.keys[part] = keys[indices]
    return loaded


def _with_classes(by_part: dict[str, dict[str, tuple[str, ...]]]) -> tuple[dict[str, Place], list[str]]:
    """Places of images from their paths below their split's folder."""
    notes = []
    labels: dict[str, dict[str, str]] = {}
    for part, paths in by_part.items():
        nested = {name: path[0] for name, path in paths.items() if len(path) > 1}
        if nested and len(nested) < len(paths):
            notes.append(f"{part}: images lie beside subfolders, so the subfolders are not taken as classes")
        labels[part] = nested if len(nested) == len(paths) else {}
    if len({label for part in labels.values() for label in part.values()}) < 2:
        labels = {part: {} for part in by_part}
    unlabelled = [part for part in by_part if not labels[part]]
    if 0 < len(unlabelled) < len(by_part):
        notes.append(f"no labels in {', '.join(unlabelled)}")
    return {name: Place(part, labels[part].get(name)) for part in by_part for name in by_part[part]}, notes


def _without_wrappers(paths: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The paths without leading folders that all of them share."""
    while all(len(path) > 1 for path in paths.values()) and len({path[0] for path in paths.values()}) == 1:
        paths = {name: path[1:] for name, path in paths.items()}
    return paths


def _order(name: str) -> list[tuple[list[int | str], str]]:
    return [natural(piece) for piece in name.split("/")]


def _is_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def _is_loop(folder: str, name: str) -> bool:
    """Returns whether a subfolder is a link to a folder that contains it."""
    path = Path(folder, name)
    return path.is_symlink() and Path(folder).resolve().is_relative_to(path.resolve())


def _passed_notes(passed: Counter[str]) -> list[str]:
    system = passed.pop("system files", 0)
    notes = [f"{system:,} system files skipped (hidden files, Thumbs.db and the like)"] if system else []
    if passed:
        endings = ", ".join(sorted(passed))
        notes.append(f"{counted(passed.total(), 'file')} skipped: not images ({endings})")
    return notes


def _all_bad(root: Path, bad: list[files.Bad]) -> DataError:
    first = bad[0].path.relative_to(root).as_posix()
    return DataError(
        f"{root}: none of the {len(bad):,} images can be read, first {first} ({bad[0].reason}); "
        "check that the files are whole."
    )


def _cannot_list(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read ({error.strerror}); check the folder's permissions.")
