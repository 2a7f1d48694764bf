"""Images and labels as they come out of a list, a data set or a loader, one item after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader

from vaekit.core import DataError, a_kind, foreign, reason
from vaekit.data.cache import machine_memory
from vaekit.data.formats.array_names import role
from vaekit.data.formats.arrays import of_tensor
from vaekit.data.formats.picture_sets import Member, encoded, is_picture

TAKEN = (
    "a name, a path, a numpy array, a tensor, a list of arrays or images, a pair (images, labels), a dict of arrays, a "
    "table, or a data set of torch or Hugging Face"
)

SHARE = 2  # of the machine's memory, that items may take


@dataclass
class Items:
    """Images and labels as they come out of a collection.

    Attributes:
        images: arrays, all of one shape, or pictures as encoded files.
        labels: of each image, or none at all.
        notes: what of the items is not used.
    """

    images: list[Any] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_items(data: Any, where: str) -> Items:
    """Reads a collection item by item, or a loader batch by batch.

    Raises:
        DataError: it cannot be read, or is larger than memory.
    """
    if isinstance(data, str | bytes | Mapping) or not (
        hasattr(data, "__iter__") or hasattr(data, "__getitem__")
    ):
        raise DataError(f"data is {a_kind(data)}; give {TAKEN}.")
    batched = (isinstance(data, DataLoader) and data.batch_size is not None) or (
        isinstance(data, DataLoader) and data.batch_sampler is not None
    )  # fmt: skip
    found, size, most = Items(), 0, machine_memory() // SHARE

    def said(error: BaseException) -> str:
        line = f"{type(error).__name__}: {reason(error)}"
        return f"item {len(found.images):,} of the {type(data).__name__} cannot be read ({line})."

    with foreign(where, say=said):
        for item in _each(data):
            image, label, note = _parted(item)
            if note and note not in found.notes:
                found.notes.append(note)
            images = list(_batch(image)) if batched else [image]
            found.images += [_image(one, len(found.images) + i) for i, one in enumerate(images)]
            if label is not None:
                found.labels += list(_batch(label)) if batched else [plain(label)]
            size += sum(getattr(one, "nbytes", 0) for one in found.images[len(found.images) - len(images) :])
            if size > most:
                raise DataError(
                    f"{where}: more than {most / 1e9:.0f} GB of images; save them as one .npy, which is mapped."
                )
    return found


def _each(data: Any) -> Iterator[Any]:
    """The items: by number where a length is known (a torch data set need not be iterable), else one after another."""
    if isinstance(data, list | tuple | DataLoader) or not (
        hasattr(data, "__getitem__") and hasattr(data, "__len__")
    ):
        yield from data
        return
    count = len(data)
    yield from (data[i] for i in range(count)) if not isinstance(data, Iterable) else islice(data, count)


def _is_one_hot(label: Any) -> bool:
    """Returns whether a batch of labels, (B, K), has a single 1 in each row and zeros beside it."""
    return (
        np.ndim(label) == 2
        and np.shape(label)[1] > 1
        and bool(((label == 0) | (label == 1)).all() and (label.sum(1) == 1).all())
    )


def _batch(values: Any) -> Iterable[Any]:
    return (plain(value) for value in values)


def _parted(item: Any) -> tuple[Any, Any, str | None]:
    """Image and label of an item, and a note on what else there is."""
    if isinstance(item, Mapping) and not ({"bytes", "path"} >= {*item}):
        roles = sorted((role(str(name))[2], str(name)) for name in item if role(str(name))[1] == "images")
        labels = sorted((role(str(name))[2], str(name)) for name in item if role(str(name))[1] == "labels")
        if not roles:
            roles = [
                (0, str(name))
                for name, value in item.items()
                if is_picture(value) or np.ndim(plain(value)) > 1
            ]
        if len(roles) == 0:
            raise ValueError(f"no image under {', '.join(map(str, item))}")
        used = {roles[0][1], *([labels[0][1]] if labels else [])}
        unused = ", ".join(str(name) for name in item if name not in used)
        note = f"of each item not used: {unused}" if unused else None
        return item[roles[0][1]], item[labels[0][1]] if labels else None, note
    if isinstance(item, tuple | list) and item and not _is_numbers(item):
        parts: list[Any] = [*item]
        label = parts[1] if len(parts) > 1 else None
        if (
            label is not None
            and not isinstance(label, str | bytes)
            and (is_picture(label) or (np.ndim(plain(label)) > 1 and not _is_one_hot(plain(label))))
        ):
            return parts[0], None, "the second of each item is no label and not used"
        note = f"of each item the first two are used, of {len(item)}" if len(item) > 2 else None
        return parts[0], label, note
    return item, None, None


def _is_numbers(item: Sequence[Any]) -> bool:
    """Returns whether a list is an image itself: numbers, or lists of them."""
    first = item[0]
    if isinstance(first, list | tuple):
        return len(first) > 0 and _is_numbers(first)
    return isinstance(first, int | float | np.number)


def _image(value: Any, index: int) -> np.ndarray | Member:
    """An image as an array, or as a file in memory."""
    if is_picture(value):
        return encoded(value, str(index))
    if isinstance(value, Mapping):  # Hugging Face's images that are not decoded
        content, path = value.get("bytes"), value.get("path")
        return Member(str(path or index), (lambda: content) if content else Path(str(path)).read_bytes)
    if isinstance(value, str | Path):
        return Member(str(value), Path(value).expanduser().read_bytes)
    if isinstance(value, bytes):
        return Member(str(index), lambda: value)
    found = np.asarray(plain(value))
    if found.dtype.kind not in "biuf":
        raise TypeError(f"a {type(value).__name__} is no image")
    return found


def plain(value: Any) -> Any:
    """Tensors as arrays."""
    return of_tensor(value, "array") if isinstance(value, Tensor) else value


def stacked(images: Sequence[Any], where: str) -> np.ndarray:
    """One array of images that have one shape."""
    shapes: dict[tuple[int, ...], int] = {}
    for index, image in enumerate(images):
        if isinstance(image, Member):
            raise DataError(f"{where}: image {index} is a picture and others are arrays; give one kind.")
        shapes.setdefault(image.shape, index)
    if len(shapes) > 1:
        (first, _), (second, index) = list(shapes.items())[:2]
        raise DataError(
            f"{where}: image {index} is of shape {second}, image 0 of {first}; bring them to one shape."
        )
    if next(iter(shapes)) == ():
        raise DataError(f"{where}: single numbers are no images; a row of features is a list of numbers.")
    return np.stack(list(images))
