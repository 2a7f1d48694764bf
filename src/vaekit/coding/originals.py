"""Sources that are to be compressed, as consecutive groups of examples: pictures of the run's form, and files that are kept as
they are since no model of that form codes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from vaekit.coding.portion import Group
from vaekit.core import DataError, counted
from vaekit.data import SOURCES, Data
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.archives import archive_ending, archive_members
from vaekit.data.formats.listing import natural, scan
from vaekit.data.formats.readers import ending_of
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.picking import picked
from vaekit.data.sources import load_as_stored
from vaekit.data.view import show
from vaekit.runs.given import data_of
from vaekit.runs.load import Run

MOST_FILES = 2**26  # bytes of files that are kept in one part before it is ended
AT_ONCE = 64  # files that are read at a time


@dataclass(frozen=True)
class Originals:
    """A source that is to be compressed.

    Attributes:
        name: of the source, without its folder.
        identity: changes where the examples do.
        total: number of examples.
        groups: given the number of the first example and the most that a group may have, gives the groups from there on.
        classes: names of the labels, or None.
        splits: name and number of examples of each split, in order; None where there are none.
        notes: what is odd about the source.
    """

    name: str
    identity: str
    total: int
    groups: Callable[[int, int], Iterator[Group]]
    classes: list[str] | None = None
    splits: list[list[Any]] | None = None
    notes: list[str] = field(default_factory=list)


@contextmanager
def originals_of(run: Run, data: object, split: str = "all", label: str | None = None) -> Iterator[Originals]:
    """The examples of a source for a run, which is open within the block.

    Args:
        data: as in `Run.load_data`; None takes the run's own.
        split: train, validation, test or all; all are in the source's own order.
        label: class of images without labels, for a conditional run.

    Raises:
        DataError, SettingError, RunError: as in `Run.load_data`, or values that are not those of the run's pixels.
    """
    path = _picture_place(run, data)
    if path is None:
        yield _of_arrays(run, data, split, label)
    elif archive_ending(path) is not None and path.is_file():
        with archive_members(path) as (found, notes):
            status = path.stat()
            mark = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
            yield _of_pictures(run, path, found, mark, notes, split, label)
    else:
        listed, notes = scan(path) if path.is_dir() else ({"": (0, 0, 0, 0)}, [])
        if not listed:
            raise DataError(f"{path}: no images in this folder.")
        found = (
            {name: (path / name).read_bytes for name in listed}
            if path.is_dir()
            else {path.name: path.read_bytes}
        )
        mark = f"{path.resolve()} {json.dumps([[name, *stamp[:2]] for name, stamp in listed.items()])}"
        yield _of_pictures(run, path, found, mark, notes, split, label)


def _picture_place(run: Run, data: object) -> Path | None:
    """The folder, archive or image file, where a source is one and is coded file by file."""
    own = run.settings.data
    name = data
    if data is None:
        name = own.data if own.data in SOURCES else run.config.data.path
    if not isinstance(name, str | Path) or name in SOURCES or own.binarize == "static":
        return None
    if why_no_pictures(run.model.shape, run.model.pixels) or run.model.shape[0] not in files.COLOURS:
        return None
    path = Path(name).expanduser()
    image = path.is_file() and (ending_of(path) in files.SUFFIXES or archive_ending(path) is not None)
    return path if path.is_dir() or image else None


def _of_pictures(
    run: Run, path: Path, found: dict[str, Callable[[], bytes]], mark: str, notes: list[str], split: str, label: str | None
) -> Originals:  # fmt: skip
    """Image files, each by itself."""
    if not found:
        raise DataError(f"{path}: no images in this archive.")
    known: dict[str, int] | None = None
    names = list(found)
    if run.model.classes or split != "all":
        chosen = picked(run.load_data(path, label), split)
        inside = list(found) if len(found) == 1 else chosen.names or []
        if run.model.classes and chosen.labels is not None:
            known = dict(zip(inside, chosen.labels.tolist(), strict=True))
        names = names if split == "all" else [name for name in names if name in set(inside)]
    names.sort(key=lambda name: [natural(piece) for piece in name.split("/")])
    identity = hashlib.blake2b(f"{mark} {split} {label}".encode("utf-8", "surrogatepass")).hexdigest()

    def groups(start: int, size: int) -> Iterator[Group]:
        yield from _grouped(run, names[start:], found, known, size)

    classes = run.class_names if known is not None else None
    return Originals(path.name, identity, len(names), groups, classes, None, list(notes))


def _grouped(
    run: Run, names: list[str], found: dict[str, Callable[[], bytes]], known: dict[str, int] | None, size: int
) -> Iterator[Group]:
    """Groups of image files, each ended by its number of examples, or by the bytes of files that are kept."""
    binary, dynamic = run.model.pixels == "binary", run.settings.data.binarize == "dynamic"
    channels, height, width = run.model.shape
    plan = files.Plan((height, width), "crop", channels)

    def read(name: str) -> tuple[str, bytes | np.ndarray]:
        content = found[name]()
        if known is not None and name not in known:  # a model of classes cannot code it
            return name, content
        return name, _levels(name, content, plan, binary, dynamic)

    inside: list[str] = []
    levels: list[np.ndarray] = []
    kept: dict[int, bytes] = {}
    held = 0
    for start in range(0, len(names), AT_ONCE):
        for name, one in files.parallel(read, names[start : start + AT_ONCE]):
            if isinstance(one, bytes):
                kept[len(inside)] = one
                held += len(one)
            else:
                levels.append(one)
            inside.append(name)
            if len(inside) == size or held > MOST_FILES:
                yield _group(inside, levels, kept, known, run.model.shape)
                inside, levels, kept, held = [], [], {}, 0
    if inside:
        yield _group(inside, levels, kept, known, run.model.shape)


def _group(
    names: list[str], levels: list[np.ndarray], kept: dict[int, bytes], known: dict[str, int] | None, shape: tuple[int, ...]
) -> Group:  # fmt: skip
    labels = None if known is None else np.array([known.get(name, -1) for name in names], np.int64)
    stacked = np.stack(levels) if levels else np.empty((0, *shape), np.uint8)
    return Group(stacked, names, labels, kept)


def _levels(name: str, content: bytes, plan: files.Plan, binary: bool, dynamic: bool) -> bytes | np.ndarray:
    """The levels of a picture of the run's form, (C, H, W) uint8; of any other file its bytes."""
    header = files.probe(Path(name), content)
    if isinstance(header, files.Bad):
        return content
    channels = (1 if header.grey else 3) + int(header.alpha)
    plain = not (header.deep or header.cut or header.frames != 1)
    if not plain or (channels, header.size) != (plan.channels, plan.size):
        return content
    decoded = files.decode(header, plan, content)
    if isinstance(decoded, files.Bad):
        return content
    pixels = decoded.pixels
    if not binary:
        return pixels
    if not dynamic and not ((pixels == 0) | (pixels == 255)).all():
        return content
    return in_view(torch.from_numpy(pixels[None]))[0]


def in_view(images: Tensor) -> np.ndarray:
    """Binary levels, 0 and 1, of images as stored, (N, ...) uint8: grey ones by the one draw in which a run of binary
    pixels is shown them (`vaekit.data.view`)."""
    return (show(images, "binary") > 0.5).numpy().astype(np.uint8)


def _of_arrays(run: Run, data: object, split: str, label: str | None) -> Originals:
    """Examples in arrays, in the source's own order where all are wanted."""
    found = _loaded(run, data, split, label)
    form, where = run.form, found.source
    if found.pixels != form.pixels:
        raise DataError(
            f"{where}: values are {found.pixels}, those of {run.path} are {form.pixels}; save them as uint8."
        )
    parts = {name: part for name, part in found.splits.items() if len(part)}
    if split != "all":
        parts = {split: picked(found, split)}
    if not parts:
        raise DataError(f"{where}: no images in it.")
    digest = hashlib.blake2b(f"{split} {label} {form.pixels}".encode())
    for part in parts.values():
        digest.update(np.ascontiguousarray(part.images.numpy()).data)
        if part.labels is not None:
            digest.update(part.labels.numpy().tobytes())
    labelled = all(part.labels is not None for part in parts.values())
    named = all(_has_names(part.names) for part in parts.values())

    def groups(start: int, size: int) -> Iterator[Group]:
        for part in parts.values():
            end = len(part)
            for first in range(min(start, end), end, size):
                last = min(first + size, end)
                images = part.images[first:last]
                levels = in_view(images) if form.pixels == "binary" else images.numpy()
                labels = cast(Tensor, part.labels)[first:last].numpy() if labelled else None
                names = cast("list[str]", part.names)[first:last] if named else None
                yield Group(np.ascontiguousarray(levels), names, labels)
            start = max(start - end, 0)

    splits = [[name, len(part)] for name, part in parts.items()] if len(parts) > 1 else None
    total = sum(map(len, parts.values()))
    classes = found.class_names if labelled else None
    name = Path(where).name if where not in SOURCES else where
    return Originals(name, digest.hexdigest(), total, groups, classes, splits, list(found.notes))


def _loaded(run: Run, data: object, split: str, label: str | None) -> Data:
    if isinstance(data, Data) or split != "all":
        return data_of(run, data, label)
    own = run.settings.data
    options = {name: getattr(own, name) for name in own.names() if name != "data"}
    source = data
    if data is None:
        source = own.data if own.data in SOURCES else run.config.data.path
        if source is None:
            return data_of(run, None, label)  # which says that they were in memory
    else:
        options |= {"layout": "auto", "images_key": None, "labels_key": None}
    found = load_as_stored(source, run.form, **options)
    number = None if label is None else run.class_number(label)
    return run.with_own_classes(found, number) if run.model.classes else found


def _has_names(names: list[str] | None) -> bool:
    """Returns whether examples have names that are more than their numbers."""
    return names is not None and names != [str(number) for number in range(len(names))]


def described(originals: Originals) -> str:
    """Says what is compressed."""
    return f"{counted(originals.total, 'image')} of {originals.name}"
