"""Picks examples of a data set: one split, or all of them in the order of their names."""

from __future__ import annotations

import torch

from vaekit.core import SettingError, choose
from vaekit.data.dataset import Data, Split
from vaekit.data.formats.folder import natural

SPLITS = ("all", "train", "validation", "test")


def picked(data: Data, name: str) -> Split:
    """The examples of a split, or all of them.

    Args:
        name: one of SPLITS.

    Raises:
        SettingError: no such split, or an empty one.
    """
    choose(name, SPLITS, "split")
    split = in_order(data) if name == "all" else data.splits[name]
    if len(split) == 0:
        raise SettingError(f"split {name!r} of {data.source} holds no images.")
    return split


def in_order(data: Data) -> Split:
    """All examples, in the order of their names where they have any, else split after split."""
    parts = [split for split in data.splits.values() if len(split)]
    labels = [split.labels for split in parts if split.labels is not None]
    names = [name for split in parts for name in split.names or []]
    together = Split(
        torch.cat([split.images for split in parts]),
        torch.cat(labels) if len(labels) == len(parts) else None,
        names or None,
    )
    if len(names) != len(together):
        return together
    return together.take(torch.tensor(sorted(range(len(names)), key=lambda i: natural(names[i]))))
