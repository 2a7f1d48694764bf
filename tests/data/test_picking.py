"""A mix of examples to look at."""

from __future__ import annotations

import torch

from vaekit.data import Split
from vaekit.data.picking import mixed


def numbered(count: int, labels: torch.Tensor | None = None) -> Split:
    return Split(torch.arange(count).reshape(count, 1), labels, [str(i) for i in range(count)])


def test_classes_take_turns_however_they_lie_in_the_split() -> None:
    """As in a folder: one class after another, 100 of each."""
    split = numbered(300, torch.arange(3).repeat_interleave(100))
    found = mixed(split, 32)
    assert found.labels is not None
    assert found.labels.tolist() == [i % 3 for i in range(32)]
    assert len(set(found.names or [])) == 32
    assert torch.equal(found.images[:, 0] // 100, found.labels)


def test_a_class_of_few_examples_comes_first_and_is_not_repeated() -> None:
    found = mixed(numbered(12, torch.tensor([7] * 10 + [2] * 2)), 12)
    assert found.labels is not None
    assert found.labels.tolist() == [2, 7, 2, 7, *[7] * 8]
    assert sorted(found.images[:, 0].tolist()) == list(range(12))


def test_without_labels_any_few_are_of_the_whole_split() -> None:
    first = mixed(numbered(1000), 64).images[:16, 0].tolist()
    assert min(first) < 200
    assert max(first) > 800
    assert mixed(numbered(1000), 16).images[:, 0].tolist() == first


def test_of_fewer_than_wanted_all_are_taken() -> None:
    assert sorted(mixed(numbered(5), 64).images[:, 0].tolist()) == [0, 1, 2, 3, 4]
    assert len(mixed(numbered(0), 64)) == 0
