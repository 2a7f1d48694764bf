"""Splits and classes from the names of folders, as people write them; what lies there comes before a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from vaekit.core import DataError, counted
from vaekit.data.formats.listing import first_few, natural
from vaekit.data.formats.masks import without_masks
from vaekit.data.formats.split_names import KEYWORDS, SplitName, short_split_name, split_name
from vaekit.plain_files import as_text

FEW = 10  # images outside the splits may be a tenth of all, before the names are doubted
STRAY = 4  # images beside folders of classes are strays if they are at most a quarter of those in the folders

Name = TypeVar("Name")
Paths = dict[str, tuple[str, ...]]  # name of an image -> its path below a folder


@dataclass(frozen=True)
class Place:
    """The place of an image: key of Loaded.parts, and its class, if any."""

    part: str
    label: str | None


def arrange(names: Sequence[str], where: str) -> tuple[dict[str, Place], list[str]]:
    """Splits and classes from the names of the images, and notes on what was left out.

    Raises:
        DataError: there are folders for testing or validation but none for training, or the names of folders may be those
            of splits or of classes.
    """
    kept, notes = without_masks({name: PurePosixPath(name).parts for name in names})
    paths, swapped = _splits_first(_inside(_in_names(_without_wrappers(kept), notes), notes))
    heads = Counter(path[0] for path in paths.values() if len(path) > 1)
    splits = {head: found for head in heads if (found := split_name(head)) is not None}
    if _alike_within(paths):  # then the heads are no classes, and short words mean what they usually do
        splits |= {head: found for head in heads if (found := short_split_name(head)) and head not in splits}
    if not _are_splits(splits, heads, paths, where, notes):
        places, more = _with_classes({"train": paths})
        return places, notes + more
    if swapped:
        notes.append("folders of splits within those of classes: taken as splits with these classes")
    by_part: dict[str, Paths] = {}
    for name, path in paths.items():
        if len(path) > 1 and path[0] in splits:
            found = splits[path[0]]
            by_part.setdefault(found.part, {})[name] = _below(path, found, splits)
    notes += _said(splits)
    places, more = _with_classes(by_part)
    notes += more
    taken = {name for paths in by_part.values() for name in paths}
    if outside := [path[0] if len(path) > 1 else "" for n, path in paths.items() if n not in taken]:
        inside = first_few(splits)
        beside = first_few({head for head in outside if head and head not in splits})
        which = f" ({beside})" if beside else ""
        notes.append(f"{counted(len(outside), 'image')} outside the folders {inside} skipped{which}")
    return places, notes


def _are_splits(
    splits: dict[str, SplitName], heads: Counter[str], paths: Paths, where: str, notes: list[str]
) -> bool:
    """Returns whether folders with names of splits are splits, by what lies in and beside them.

    Raises:
        DataError: nobody could say.
    """
    parts = {found.part for found in splits.values()}
    others = [head for head in heads if head not in splits]
    outside = len(paths) - sum(heads[head] for head in splits)
    few = outside * FEW <= len(paths)
    rests = {found.rest.strip("0123456789 ") for found in splits.values()}
    several = len(rests) > 1 and "" not in rests  # steam_train, diesel_train
    if len(parts) == 1 and (several or (others and not few and "" not in rests)):
        notes.append(_as_classes(splits, others))
        return False
    if "train" not in parts:
        if splits and not others:
            there = ", ".join(sorted(splits))
            raise DataError(f"{where}: has {there} but no train folder; put the training images into train.")
        if len(parts) < 2 or few:
            if splits:
                notes.append(_as_classes(splits, others))
            return False
    elif _same_classes(splits, paths) or (few and not others):
        return True
    elif others:
        if several or (len(parts) == 1 and len(others) > 1):
            notes.append(_as_classes(splits, others))
            return False
        if few:
            return True
    raise DataError(
        f"{where}: {first_few(splits)} may be splits or classes, with {outside:,} of {len(paths):,} images beside them "
        f"({first_few(others) or 'in no folder'}): move these away or into a folder train, or rename the classes (train to "
        "trains, say)."
    )


def _as_classes(splits: dict[str, SplitName], others: list[str]) -> str:
    beside = f" beside {first_few(others)}" if others else ""
    return f"{first_few(splits)}{beside}: taken as classes, not as splits"


def _same_classes(splits: dict[str, SplitName], paths: Paths) -> bool:
    """Returns whether folders of different splits have subfolders of the same names."""
    below: dict[str, set[str]] = {}
    for path in paths.values():
        if len(path) > 2 and path[0] in splits:
            below.setdefault(splits[path[0]].part, set()).add(path[1])
    train = below.pop("train", set())
    return any(len(train & names) >= min(2, len(train)) and train & names for names in below.values())


def _in_names(paths: Paths, notes: list[str]) -> Paths:
    """The paths with a folder for each split, where the name of every file says one and no folder does: train_1.png."""
    said = {}
    for name, path in paths.items():
        found = split_name(path[-1].rpartition(".")[0])
        if found is None or any(map(split_name, path[:-1])):
            return paths
        said[name] = found.part
    if "train" not in said.values() or len({*said.values()}) < 2:
        return paths
    notes.append("the names of the files say their splits")
    return {name: (said[name], *path) for name, path in paths.items()}


def _inside(paths: Paths, notes: list[str]) -> Paths:
    """The paths within the one folder that has splits and nearly all of the images, if there is one: data/train, samples."""
    below: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for path in paths.values():
        if len(path) > 2 and (found := split_name(path[1])):
            below.setdefault(path[0], set()).add(found.part)
            counts[path[0]] += 1
    for head, parts in below.items():
        if len(parts) > 1 and "train" in parts and (len(paths) - counts[head]) * FEW <= len(paths):
            kept = {name: path[1:] for name, path in paths.items() if path[0] == head}
            if left := len(paths) - len(kept):
                notes.append(
                    f"{counted(left, 'image')} outside the folder {head}, which has the splits, skipped"
                )
            return kept
    return paths


def _splits_first(paths: Paths) -> tuple[Paths, bool]:
    """The paths with splits before classes, where every class has folders of splits of its own."""
    if not all(len(path) > 2 for path in paths.values()) or len({path[0] for path in paths.values()}) < 2:
        return paths, False
    inner = {path[1]: split_name(path[1]) for path in paths.values()}
    if not all(inner.values()) or {found.part for found in inner.values() if found} <= {"train"}:
        return paths, False
    if all(split_name(path[0]) for path in paths.values()):
        return paths, False
    train = {path[0] for path in paths.values() if (found := inner[path[1]]) and found.part == "train"}
    if train != {path[0] for path in paths.values()}:
        return paths, False
    return {name: (path[1], path[0], *path[2:]) for name, path in paths.items()}, True


def _below(path: tuple[str, ...], found: SplitName, splits: dict[str, SplitName]) -> tuple[str, ...]:
    """The path within a split; what is left of the names is a class, where every split has the same ones: train_cats."""
    rests: dict[str, set[str]] = {}
    for other in splits.values():
        rests.setdefault(other.part, set()).add(other.rest)
    train = rests["train"]
    numbered = len({re.sub("[0-9 ]+", "", rest) for rest in train}) == 1
    if len(train) < 2 or "" in train or numbered or any(train != names for names in rests.values()):
        return path[1:]
    return (found.rest, *path[1:])


def _said(splits: dict[str, SplitName]) -> list[str]:
    """A note on names of splits that are not the word alone."""
    unusual = [head for head in splits if head.lower() not in KEYWORDS or head.lower() in ("dev", "eval")]
    if not unusual:
        return []
    listed = [f"{head} ({splits[head].part})" for head in sorted(splits, key=natural)]
    more = f" and {len(listed) - 9} more" if len(listed) > 9 else ""
    return [f"folders taken as splits: {', '.join(listed[:9])}{more}"]


def _with_classes(by_part: dict[str, Paths]) -> tuple[dict[str, Place], list[str]]:
    """Places of images from their paths below their split's folder."""
    notes = []
    labels: dict[str, dict[str, str]] = {}
    by_part = _without_common_wrappers(by_part)
    for part, paths in by_part.items():
        nested = {name: as_text(path[0]) for name, path in paths.items() if len(path) > 1}
        strays = [name for name in paths if name not in nested]
        if nested and strays and len({*nested.values()}) > 1 and len(strays) * STRAY <= len(nested):
            first = strays[0] if len(strays) == 1 else f"first {strays[0]}"
            notes.append(
                f"{part}: {counted(len(strays), 'image')} beside the folders of classes skipped ({first})"
            )
            by_part[part] = {name: path for name, path in paths.items() if name in nested}
            strays = []
        elif nested and strays:
            notes.append(f"{part}: images lie beside subfolders, so the subfolders are not taken as classes")
        labels[part] = {} if strays else nested
    inside = {name: path for part, paths in by_part.items() if labels[part] for name, path in paths.items()}
    if within := _alike_within(inside):
        which = first_few({path[0] for path in inside.values()})
        notes.append(f"{which}: taken as classes, each of which has the folders {within}")
    if len({label for part in labels.values() for label in part.values()}) < 2:
        labels = {part: {} for part in by_part}
    unlabelled = [part for part in by_part if not labels[part]]
    if 0 < len(unlabelled) < len(by_part):
        notes.append(f"no labels in {', '.join(unlabelled)}")
    return {name: Place(part, labels[part].get(name)) for part in by_part for name in by_part[part]}, notes


def _alike_within(paths: Paths) -> str:
    """The subfolders of all classes where these are the same, so that perhaps they are the classes: fold1/cats, fold2/cats."""
    below: dict[str, set[str]] = {}
    for path in paths.values():
        below.setdefault(path[0], set()).add(path[1] if len(path) > 2 else "")
    first = next(iter(below.values()), set())
    alike = (
        len(below) > 1
        and len(first) > 1
        and "" not in first
        and all(names == first for names in below.values())
    )
    return (
        f"{first_few(first)}: if these are the classes, give the folders one by one, or as train, validation and test"
        if alike
        else ""
    )


def _without_common_wrappers(by_part: dict[str, Paths]) -> dict[str, Paths]:
    """The paths without leading folders that all images of all splits share: train/images, test/images."""
    every = _without_wrappers(
        {(part, name): path for part, paths in by_part.items() for name, path in paths.items()}
    )
    return {part: {name: every[part, name] for name in paths} for part, paths in by_part.items()}


def _without_wrappers(paths: dict[Name, tuple[str, ...]]) -> dict[Name, tuple[str, ...]]:
    """The paths without leading folders that all of them share."""
    while all(len(path) > 1 for path in paths.values()) and len({path[0] for path in paths.values()}) == 1:
        paths = {name: path[1:] for name, path in paths.items()}
    return paths
