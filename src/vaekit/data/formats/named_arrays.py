"""Arrays with names as a source: a .npz file, or a dict. Their names say which are images, labels, and of which split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.config.options import DataSettings
from vaekit.core import DataError, foreign
from vaekit.data.cache import machine_memory
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats.array_names import IMAGES, choose
from vaekit.data.formats.arrays import from_array, unreadable
from vaekit.data.formats.class_labels import class_numbers
from vaekit.data.formats.numpy_files import Arrays, open_npz

SHOWN = 12  # names in an error

ORDER = ("train", "validation", "test")


def load_npz_file(path: Path, settings: DataSettings) -> Loaded:
    """Images, labels and splits from an .npz file.

    Raises:
        DataError: as for an .npy file, or the file has no array of the name wanted, or more than fits into memory.
    """
    with foreign(str(path), say=unreadable), open_npz(path) as file:
        loaded = from_named(_Members(file, str(path)), settings, str(path))
    loaded.path = str(path.resolve())
    return loaded


class _Members(Mapping[str, Any]):
    """The arrays of an .npz, each read when it is asked for; what Python objects are in it is never looked at."""

    def __init__(self, file: Arrays, where: str) -> None:
        self.file, self.where = file, where

    def __getitem__(self, name: str) -> np.ndarray:
        shape, size = self.file.claimed(name)
        if size > machine_memory():
            raise DataError(
                f"{self.where}: the array {name!r} of shape {shape} takes {size / 1e9:.1f} GB, more than this machine "
                "has; save it alone as .npy, which is read piece by piece."
            )
        try:
            return self.file[name]
        except ValueError as error:
            if "Object arrays" in str(error):
                raise DataError(
                    f"{self.where}: the array {name!r} holds Python objects; save it as numbers or text."
                ) from None
            raise

    def __iter__(self) -> Any:
        return iter(self.file.files)

    def __len__(self) -> int:
        return len(self.file.files)

    def axes(self) -> dict[str, int]:
        """Number of axes of each array."""
        return {name: len(self.file.claimed(name)[0]) for name in self}


def from_named(arrays: Mapping[str, Any], settings: DataSettings, where: str) -> Loaded:
    """Images, labels and splits from arrays with names; a note names those that are not used.

    Args:
        arrays: name -> array, or anything that numpy makes one of.

    Raises:
        DataError: there are no images under a name that says so, or splits that do not fit together.
    """
    axes = arrays.axes() if isinstance(arrays, _Members) else {name: np.ndim(arrays[name]) for name in arrays}
    there = _listed(list(axes))
    for option in ("images_key", "labels_key"):
        name = getattr(settings, option)
        if name is not None and name not in axes:
            raise DataError(f"{where}: no array named {name}; give {option}=. Arrays there: {there}.")
    chosen = choose(axes, settings.images_key, settings.labels_key)
    if not chosen.images:
        usual = " or ".join(IMAGES[i] for i in (0, IMAGES.index("x")))
        raise DataError(f"{where}: no array named {usual}; give images_key=. Arrays there: {there}.")
    notes = _notes(chosen.images, chosen.labels, chosen.unused, settings)
    loaded = from_splits(
        {split: arrays[name] for split, name in chosen.images.items()},
        {split: arrays[name] for split, name in chosen.labels.items()},
        settings,
        where,
    )
    loaded.notes = notes + loaded.notes
    return loaded


def from_splits(
    images: Mapping[str, Any], labels: Mapping[str, Any], settings: DataSettings, where: str
) -> Loaded:
    """Images of one or several splits, with the labels of those that have some, numbered together.

    Args:
        images: train, validation, test -> array.
        labels: the same -> labels.

    Raises:
        DataError: the splits' shapes differ, there is no training split beside two others, or as in `from_array`.
    """
    if "train" not in images and len(images) > 1:
        raise DataError(f"{where}: has {' and '.join(images)} but no training images; name some train.")
    alone = next(iter(images)) if "train" not in images else None
    found: Loaded | None = None
    for split in sorted(images, key=ORDER.index):
        part = from_array(images[split], None, settings, where)
        rows = part.parts["train"]
        if found is None:
            found, shape = part, rows.images.shape[1:]
            settings = replace(settings, pixels=part.pixels or settings.pixels)  # one kind in all splits
            found.parts = {}
        elif rows.images.shape[1:] != shape:
            sizes = f"{'x'.join(map(str, rows.images.shape[1:]))}, the others {'x'.join(map(str, shape))}"
            raise DataError(f"{where}: the {split} images are {sizes}; bring them to one shape.")
        else:
            found.notes += [note for note in part.notes if note not in found.notes]
            found.mapped = found.mapped or part.mapped
        found.parts["train" if alone else split] = _named(rows, split if len(images) > 1 else "")
    assert found is not None
    if alone:
        found.notes.append(
            f"only {alone} images are there: they are split like a set without splits of its own"
        )
    _one_type(found, where)
    _set_labels(found, {"train" if alone else split: given for split, given in labels.items()}, where)
    return found


def _one_type(loaded: Loaded, where: str) -> None:
    """Raises DataError when some splits are whole numbers and others fractions, which are scaled differently."""
    kinds = {str(part.images.dtype).removeprefix("torch."): name for name, part in loaded.parts.items()}
    if len(kinds) > 1:
        some = ", ".join(f"{name} {kind}" for kind, name in kinds.items())
        raise DataError(f"{where}: the splits are of different types ({some}); save them as one type.")


def _set_labels(loaded: Loaded, labels: Mapping[str, Any], where: str) -> None:
    """Class numbers of all splits together, so that a class has one number in each."""
    if not labels:
        return
    numbers = {
        split: class_numbers(
            given, len(loaded.parts[split]), f"{where}: {split}" if len(labels) > 1 else where
        )
        for split, given in labels.items()
    }
    every = np.concatenate([np.array(names)[tensor.numpy()] for tensor, names in numbers.values()])
    same = len({tuple(names) for _, names in numbers.values()}) == 1
    if same:
        loaded.class_names = next(iter(numbers.values()))[1]
    else:
        whole = all(name.lstrip("-").isdecimal() for name in np.unique(every).tolist())
        loaded.class_names = class_numbers(every.astype(np.int64) if whole else every, len(every), where)[1]
    place = {name: number for number, name in enumerate(loaded.class_names)}
    for split, (tensor, names) in numbers.items():
        moved = tensor.new_tensor([place[name] for name in names])[tensor]
        loaded.parts[split] = replace(loaded.parts[split], labels=moved)
    if without := [split for split in loaded.parts if split not in labels]:
        loaded.notes.append(f"no labels in {', '.join(without)}")


def _named(rows: Split, split: str) -> Split:
    """Rows whose names tell those of one split from those of another."""
    if rows.names is None or not split:
        return rows
    return replace(rows, names=[f"{split}/{name}" for name in rows.names])


def _notes(
    images: Mapping[str, str], labels: Mapping[str, str], unused: list[str], settings: DataSettings
) -> list[str]:
    """Names the arrays that were taken where that is not plain, and those that were not."""
    usual = {"images", "x", "X"}
    lines = []
    if settings.images_key is None and not {*images.values()} <= usual:
        pairs = [
            f"{name} as {split} images" if len(images) > 1 else f"{name} as images"
            for split, name in images.items()
        ]
        pairs += [f"{name} as labels" for name in labels.values()]
        lines.append(f"arrays taken by their names: {', '.join(pairs)}")
    if unused:
        remedy = "" if labels or settings.labels_key else "; labels_key= names the labels"
        lines.append(f"arrays not used: {_listed(unused)}{remedy}")
    return lines


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more
