"""Python objects as a source: lists, pairs of images and labels, dicts, tables, torch and Hugging Face data sets.

Nothing of pandas or Hugging Face is imported: what an object can do says what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from vaekit.config.options import DataSettings
from vaekit.core import DataError
from vaekit.data.dataset import Loaded
from vaekit.data.formats.array_names import role
from vaekit.data.formats.arrays import from_array
from vaekit.data.formats.class_labels import class_numbers
from vaekit.data.formats.given_items import plain, read_items, stacked
from vaekit.data.formats.named_arrays import from_named, from_splits
from vaekit.data.formats.picture_sets import Member, from_members, is_picture
from vaekit.data.formats.table_columns import from_table, is_table


def from_object(data: object, labels: object | None, settings: DataSettings, where: str) -> Loaded:
    """Images, labels and splits from an object in memory.

    Args:
        data: one of `given_items.TAKEN`.
        labels: of the images, where the object has none; of a table also the name of a column.
        where: names the source in errors.

    Raises:
        DataError: nothing that images could be taken from, or as in `from_array`.
    """
    if hasattr(data, "toarray") and hasattr(data, "nnz"):  # a sparse matrix of scipy
        data = data.toarray()  # type: ignore[attr-defined]
    if isinstance(data, np.ndarray) and data.dtype.kind == "O":
        data = list(data)
    if isinstance(data, np.ndarray | Tensor):
        return from_array(data, labels, settings, where)
    if is_picture(data):
        data = [data]
    if is_table(data):
        return from_table(data, labels, settings, where)
    splits = _splits(data, where)
    if splits is None:
        if isinstance(data, Mapping):
            named = {str(name): _numbers(values) for name, values in data.items()}
            _check_given_once(labels, any(role(name)[1] == "labels" for name in named), where)
            return _with_labels(from_named(named, settings, where), labels, where)
        splits = {"train": data}
    read = {name: _collected(part, where) for name, part in splits.items()}
    has_own = any(_has_labels(own) for _, own, _ in read.values())
    _check_given_once(labels, has_own, where)
    if any(isinstance(images, list) for images, _, _ in read.values()):
        loaded = _from_pictures(read, settings, where)
    else:
        loaded = from_splits(
            {name: images for name, (images, _, _) in read.items()},
            {name: own for name, (_, own, _) in read.items() if _has_labels(own)},
            settings,
            where,
        )
    loaded.notes = [note for _, _, notes in read.values() for note in notes] + loaded.notes
    return _with_class_names(_with_labels(loaded, labels, where), next(iter(splits.values())))


def _has_labels(labels: object) -> bool:
    return labels is not None and (not isinstance(labels, list) or len(labels) > 0)


def _check_given_once(labels: object | None, has_own: bool, where: str) -> None:
    if labels is not None and has_own:
        raise DataError(
            f"{where}: labels= is given, and these data have labels of their own; give one of them."
        )


def _with_labels(loaded: Loaded, labels: object | None, where: str) -> Loaded:
    """The same with labels that were given beside it."""
    if labels is None:
        return loaded
    if list(loaded.parts) != ["train"]:
        raise DataError(
            f"{where}: labels= is for a set without splits; give each split's labels with its images."
        )
    part = loaded.parts["train"]
    numbers, loaded.class_names = class_numbers(labels, len(part), where)
    loaded.parts["train"] = replace(part, labels=numbers)
    return loaded


def _with_class_names(loaded: Loaded, source: object) -> Loaded:
    """Names of classes that a torch or Hugging Face data set has for its numbers."""
    names = class_names_of(source)
    known = loaded.class_names
    if (
        names is None
        or known is None
        or not all(name.isdecimal() and int(name) < len(names) for name in known)
    ):
        return loaded
    numbers = torch.tensor([int(name) for name in known])
    for name, part in loaded.parts.items():
        if part.labels is not None:
            loaded.parts[name] = replace(part, labels=numbers[part.labels])
    loaded.class_names = names
    return loaded


def class_names_of(source: object) -> list[str] | None:
    """Names of the classes of a data set, from `classes` (torchvision) or `features[...].names` (Hugging Face)."""
    while isinstance(source, DataLoader) or (not hasattr(source, "classes") and hasattr(source, "dataset")):
        source = source.dataset  # type: ignore[attr-defined]
    names = getattr(source, "classes", None)
    features = getattr(source, "features", None)
    if names is None and isinstance(features, Mapping):
        found = [
            feature.names
            for name, feature in features.items()
            if role(str(name))[1] == "labels" and hasattr(feature, "names")
        ]
        names = found[0] if found else None
    if isinstance(names, Sequence) and names and all(isinstance(name, str) for name in names):
        return list(names) if len(set(names)) == len(names) else None
    return None


def _splits(data: object, where: str) -> dict[str, Any] | None:
    """Several sets in one object, by the name of the split: a dict of sets, or a tuple of pairs as Keras gives them."""
    if isinstance(data, Mapping):
        sets = {role(str(name))[:2]: values for name, values in data.items()}
        if sets and all(
            split and what == "images" and _is_set(values) for (split, what), values in sets.items()
        ):
            return {str(split): values for (split, _), values in sets.items()}
        return None
    if not isinstance(data, tuple) or not 2 <= len(data) <= 4 or hasattr(data, "_fields"):
        return None
    parts: list[Any] = [*data]
    names = ("train", "test") if len(parts) == 2 else ("train", "validation", "test")
    if len(parts) < 4 and all(_is_pair(part) or _is_set(part) for part in parts):
        return dict(zip(names, parts, strict=True))
    shapes = [np.shape(part) for part in parts if isinstance(part, np.ndarray | Tensor)]
    if len(shapes) != len(parts) or len(parts) == 3:
        return None
    alike = len(shapes[0]) > 1 and shapes[0][1:] == shapes[1][1:]
    if len(parts) == 2:
        return dict(zip(names, parts, strict=True)) if alike else None
    if alike:  # x_train, x_test, y_train, y_test
        return {"train": (parts[0], parts[2]), "test": (parts[1], parts[3])}
    return {"train": (parts[0], parts[1]), "test": (parts[2], parts[3])}


def _is_set(value: object) -> bool:
    """Returns whether this is a collection with images and perhaps labels, and not an array."""
    plain = (np.ndarray, Tensor, str, bytes, list, tuple)
    return _is_pair(value) or (hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, plain)) \
        or isinstance(value, DataLoader)  # fmt: skip


def _is_pair(value: object) -> bool:
    """Returns whether this is (images, labels)."""
    if (
        not isinstance(value, tuple | list)
        or len(value) != 2
        or not isinstance(value[0], np.ndarray | Tensor)
    ):
        return False
    count = len(value[0]) if np.ndim(value[0]) > 1 else 0
    return count > 0 and _length(value[1]) == count and np.shape(value[1])[1:] != np.shape(value[0])[1:]


def _length(value: object) -> int:
    try:
        return len(value)  # type: ignore[arg-type]
    except TypeError:
        return -1


def _collected(data: Any, where: str) -> tuple[Any, Any, list[str]]:
    """Images of a collection, as one array or as a list of members, its labels, and notes."""
    if isinstance(data, np.ndarray | Tensor):
        return data, None, []
    if _is_pair(data):
        return data[0], data[1], []
    if (
        isinstance(data, tuple)
        and len(data) == 2
        and _length(data[0]) == _length(data[1]) > 0
        and _holds_images(data[0])
    ):
        images, _, notes = _collected(data[0], where)
        return images, data[1], notes
    items = read_items(data, where)
    if not items.images:
        raise DataError(f"{where}: a {type(data).__name__} without images; give at least one.")
    if items.labels and len(items.labels) != len(items.images):
        raise DataError(
            f"{where}: {len(items.labels):,} labels for {len(items.images):,} images; give one per image."
        )
    if all(isinstance(image, Member) for image in items.images):
        return items.images, items.labels, items.notes
    return stacked(items.images, where), items.labels, items.notes


def _holds_images(value: Any) -> bool:
    """Returns whether a list holds images and not labels."""
    first = value[0] if isinstance(value, list | tuple) and value else None
    return is_picture(first) or np.ndim(plain(first)) > 0


def _numbers(values: Any) -> Any:
    """Values of a dict as an array."""
    if (
        isinstance(values, list | tuple)
        and values
        and (is_picture(values[0]) or isinstance(values[0], Tensor))
    ):
        return np.stack([np.asarray(plain(value)) for value in values])
    return values if isinstance(values, np.ndarray | Tensor) else np.asarray(values)


def _from_pictures(
    read: Mapping[str, tuple[Any, Any, list[str]]], settings: DataSettings, where: str
) -> Loaded:
    """Pictures of one or several splits, with their labels."""
    members = []
    for split, (images, labels, _) in read.items():
        if not isinstance(images, list):
            raise DataError(f"{where}: the {split} images are arrays, others pictures; give one kind.")
        known = _words(labels, len(images), where) if _has_labels(labels) else [None] * len(images)
        for member, label in zip(images, known, strict=True):
            name = f"{split}/{member.name}" if len(read) > 1 else member.name
            members.append(Member(name, member.read, (split, label)))
    return from_members(members, settings, where)


def _words(labels: Any, count: int, where: str) -> list[Any]:
    """Labels in any form as one name per image; numbers stay numbers."""
    numbers, names = class_numbers(labels, count, where)
    known: list[Any] = (
        [int(name) for name in names] if all(name.lstrip("-").isdecimal() for name in names) else names
    )
    return [known[number] for number in numbers.tolist()]
