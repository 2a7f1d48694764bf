"""Picks examples of a data set: one split, all of them in the order of their names, some at random, or a mix of
classes to look at."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.core import SettingError, choose, derive_seed
from vaekit.data.dataset import Data, Split
from vaekit.data.formats.listing import natural
from vaekit.data.splits import joined

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
    together = joined([split for split in data.splits.values() if len(split)])
    names = together.names
    if names is None:
        return together
    return together.take(torch.tensor(sorted(range(len(names)), key=lambda i: natural(names[i]))))


def some(count: int, most: int, seed: int, *purpose: str) -> Tensor:
    """Numbers of `most` of `count` examples, drawn at random under a seed and rising; of all where there are no more.

    What is measured of a part of a set is measured of such a part, never of its first examples: files are in an order
    that means something (classes, years; the first half of MNIST's test images is by writers that are easier to read).

    Args:
        purpose: draws for different purposes are unrelated.
    """
    if count <= most:
        return torch.arange(count)
    generator = torch.Generator().manual_seed(derive_seed(seed, *purpose))
    return torch.randperm(count, generator=generator)[:most].sort().values


def chosen(split: Split, most: int, seed: int) -> Split:
    """Returns the split itself, or `most` of its examples at random under a seed."""
    return split if len(split) <= most else split.take(some(len(split), most, seed, "chosen"))


def mixed(split: Split, most: int) -> Split:
    """At most `most` examples to look at, drawn under a fixed seed: one of each class after another, and of examples
    without labels any. However many are taken from the start, they are a mix."""
    generator = torch.Generator().manual_seed(derive_seed(0, "mixed"))
    order = torch.randperm(len(split), generator=generator)
    if split.labels is not None:
        order = order[torch.argsort(_turns(split.labels[order]), stable=True)]
    return split.take(order[:most])


def _turns(labels: Tensor) -> Tensor:
    """The place of each example when the classes take turns, (N,), from its label."""
    turns = torch.empty(len(labels), dtype=torch.long)
    present = torch.unique(labels)
    for place, label in enumerate(present):
        own = labels == label
        turns[own] = torch.arange(int(own.sum())) * len(present) + place
    return turns
