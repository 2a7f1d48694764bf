"""Labels as a condition: checked, found by name, and one-hot for the networks.

Whatever is conditional on a class (a model's encoder and decoder, a prior, a discriminator) takes
labels y, (B,) whole numbers from 0 to K - 1, and turns them into its condition here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from vaekit.core import DataError, SettingError, near_miss
from vaekit.data.dataset import Split


def check_labels(y: Tensor | None, count: int, classes: int, validate: bool = True) -> Tensor:
    """Labels of a batch, (count,) int64.

    Args:
        y: labels, or None where there are none.
        count: B, images that they belong to.
        classes: K.
        validate: check the values too, for which the host waits for the device.

    Raises:
        DataError: they are missing, not one whole number per image, or out of range.
    """
    if y is None:
        raise DataError(
            f"this model is conditioned on the class of each image: pass y, whole numbers from 0 to {classes - 1}."
        )
    if y.shape != (count,) or y.is_floating_point() or y.is_complex():
        kind = f"{y.dtype} of shape {tuple(y.shape)}".removeprefix("torch.")
        raise DataError(f"labels must be {count} whole numbers, one per image, not {kind}.")
    y = y.long()
    if validate and count:
        low, high = int(y.min()), int(y.max())
        if low < 0 or high >= classes:
            wrong = low if low < 0 else high
            raise DataError(f"label {wrong} is out of range; the classes are 0 to {classes - 1}.")
    return y


def label_notes(splits: Mapping[str, Split], names: Sequence[str] | None) -> list[str]:
    """Notes on labels that may mean something else, and on classes of which a split has nothing.

    Args:
        splits: of a set to train on.
        names: of the classes.
    """
    found = {name: split.labels for name, split in splits.items() if split.labels is not None and len(split)}
    if names is None or not found:
        return []
    notes = []
    below = [name for name in names if re.fullmatch(r"-\d+", name)]
    if below:
        notes.append(f"labels of {', '.join(below[:3])} are classes too: leave images out that have no class")
    counts = torch.stack([torch.bincount(labels, minlength=len(names)) for labels in found.values()])
    few = (counts.sum(0) < len(found)) | ((counts[0] == 0) if "train" in found else False)
    numbers = few.nonzero().flatten().tolist()
    if numbers:
        said = [
            f"{names[number]} (none in {', '.join(split for split, count in zip(found, counts[:, number], strict=True) if not count)})"
            for number in numbers[:5]
        ]
        rest = f" and {len(numbers) - 5:,} more" if len(numbers) > 5 else ""
        notes.append(f"classes with too few images for every split: {'; '.join(said)}{rest}")
    return notes


def one_hot(y: Tensor, classes: int, like: Tensor) -> Tensor:
    """(B,) -> (B, K), sqrt(K) for the class and 0 elsewhere, of the type and on the device of `like`.

    With ones, the label is faint beside latents of unit variance, and learned late; so scaled its mean
    square is 1 too (docs/log.md has the difference). y was checked before.
    """
    return F.one_hot(y.to(like.device), classes).to(like.dtype) * classes**0.5


def round_robin(count: int, classes: int) -> Tensor:
    """Labels 0, 1, ..., classes - 1, 0, ...: as even as `count` of them can be, (count,)."""
    return torch.arange(count) % classes


def find_class(word: str, names: Sequence[str], option: str = "label") -> int:
    """The class that a word means: its name, or else its number.

    Raises:
        SettingError: there is no such class; names the option and the near miss.
    """
    if word in names:
        return list(names).index(word)
    if word.isdecimal() and int(word) < len(names):
        return int(word)
    known = f"{', '.join(names[:20])}{', ...' * (len(names) > 20)}"
    raise SettingError(
        f"{option}='{word}': no such class.{near_miss(word, names)} Classes: {known}, or 0 to {len(names) - 1}."
    )


def renumbered(labels: Tensor, theirs: Sequence[str], ours: Sequence[str], where: str) -> Tensor:
    """Labels of one list of class names as numbers of another.

    Raises:
        DataError: a class that occurs is in the first list only.
    """
    numbers = torch.full((len(theirs),), -1)
    for number in labels.unique().tolist():
        name = theirs[int(number)]
        if name not in ours:
            raise DataError(
                f"{where}: class {name!r} is none of those that the run was trained on.{near_miss(name, ours)}"
            )
        numbers[int(number)] = list(ours).index(name)
    return numbers[labels]
