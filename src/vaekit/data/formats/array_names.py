"""The part that an array plays in a collection of named ones, from its name: images or labels, and of which split.

images, labels                    x, y                        arr_0
x_train, y_train, x_test, y_test  train_images, val_labels    testX, Ytr
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SPLITS = {
    "train": "train", "training": "train", "tr": "train", "fit": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation", "va": "validation",
    "test": "test", "testing": "test", "te": "test", "tst": "test", "eval": "test", "evaluation": "test",
    "holdout": "test", "heldout": "test",
}  # fmt: skip

FILLERS = ("set", "split", "subset", "part")  # beside the name of a split: training_set, train_set_x

# in the order in which one goes before another
IMAGES = (
    "images", "image", "imgs", "img", "x", "xs", "data", "pixels", "pictures", "picture", "inputs", "input", "samples",
    "features", "feature", "photos", "frames", "digits", "faces", "values", "signals", "rows", "arr", "array",
)  # fmt: skip
LABELS = (
    "labels",
    "label",
    "y",
    "ys",
    "targets",
    "target",
    "classes",
    "class",
    "category",
    "categories",
    "lbl",
    "lbls",
)

JOINED = re.compile(
    rf"(?P<first>{'|'.join(sorted((*SPLITS, *IMAGES, *LABELS), key=len, reverse=True))})"
    rf"(?P<second>{'|'.join(sorted((*SPLITS, *IMAGES, *LABELS), key=len, reverse=True))})"
)


@dataclass(frozen=True)
class Chosen:
    """Names of the arrays that are taken.

    Attributes:
        images, labels: split -> name; "train" where there are no splits.
        unused: names of the others.
    """

    images: Mapping[str, str]
    labels: Mapping[str, str]
    unused: list[str] = field(default_factory=list)


def words(name: str) -> list[str]:
    """Words of a name, in lower case: train_images, trainImages, images/train, XTrain, xtrain, X2."""
    pieces = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", re.sub(r"([a-z])([XY])$", r"\1_\2", name))
    found: list[str] = []
    for piece in (piece.lower() for piece in pieces):
        match = None if piece in SPLITS or piece in IMAGES or piece in LABELS else JOINED.fullmatch(piece)
        found += [piece] if match is None else [match["first"], match["second"]]
    return found


def role(name: str) -> tuple[str | None, str | None, int]:
    """Split, or None; "images", "labels", or None; and the place among names of that role, lower is surer.

    A name with words that mean nothing here has no role, unless it is numbered: `x_mean` is no x.
    """
    found = words(name)
    splits = {SPLITS[word] for word in found if word in SPLITS}
    rest = [word for word in found if word not in SPLITS and not (splits and word in FILLERS)]
    if len(splits) > 1:
        return None, None, 0
    split = next(iter(splits), None)
    rest = rest[:-1] if len(rest) > 1 and rest[-1].isdigit() and int(rest[-1]) == 0 else rest
    if not rest:
        return split, "images" if split else None, len(IMAGES)
    if len(rest) > 1 and {*rest} & {*LABELS} and {*rest} <= {*LABELS, *IMAGES}:  # image_labels
        return split, "labels", max(LABELS.index(word) for word in rest if word in LABELS)
    if len(rest) > 1 and {*rest} <= {*IMAGES}:  # x_data
        return split, "images", min(IMAGES.index(word) for word in rest)
    if len(rest) > 1:
        return split, None, 0
    if rest[0] in IMAGES:
        return split, "images", IMAGES.index(rest[0])
    return (split, "labels", LABELS.index(rest[0])) if rest[0] in LABELS else (split, None, 0)


def choose(axes: Mapping[str, int], images_key: str | None = None, labels_key: str | None = None) -> Chosen:
    """Chooses images and labels among named arrays.

    Args:
        axes: of each array, by its name.
        images_key: the name of the images; of those of the training split, also the other splits' are found by their
            names.
        labels_key: the name of the labels, likewise.

    Returns:
        No images where no name says which they are.
    """
    images = _by_split(axes, "images", images_key)
    if not images and images_key is None:
        images = _by_split(axes, "images", None, 0)
    if not images and images_key is None:
        alone = [name for name, count in axes.items() if count >= 2 and role(name)[1] != "labels"]
        images = {"train": alone[0]} if len(alone) == 1 else {}
    labels = _by_split(axes, "labels", labels_key)
    labels = {split: name for split, name in labels.items() if split in images and name != images[split]}
    taken = {*images.values(), *labels.values()}
    return Chosen(images, labels, [name for name in axes if name not in taken])


def _by_split(axes: Mapping[str, int], wanted: str, chosen: str | None, least: int = 2) -> dict[str, str]:
    """The surest name of each split, of images with at least so many axes; without a split only where no other has one."""
    if chosen is not None and chosen not in axes:
        return {}
    found: dict[str | None, list[tuple[int, str]]] = {}
    for name, count in axes.items():
        split, what, rank = role(name)
        if what == wanted and (wanted == "labels" or count >= least):
            found.setdefault(split, []).append((rank, name))
    best = {split: min(names, key=lambda entry: entry[0])[1] for split, names in found.items()}
    if chosen is not None:
        split, what, _ = role(chosen)
        if what != wanted or split is None:
            return {"train": chosen}
        best[split] = chosen
    whole = best.pop(None, None)
    splits = {str(split): name for split, name in best.items()}
    return splits if "train" in splits or whole is None else {**splits, "train": whole}
