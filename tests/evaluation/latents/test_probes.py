"""Readers of codes, against scikit-learn's."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from vaekit.evaluation.latents.probes import RIDGE, knn_accuracy, linear_accuracy


def blobs(count: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Overlapping clouds, each of a class, on axes of very different scale."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (count,), generator=generator)
    centres = torch.randn(classes, 4, generator=torch.Generator().manual_seed(9))
    scales = torch.tensor([1.0, 50.0, 0.02, 3.0])
    return (centres[labels] + 0.8 * torch.randn(count, 4, generator=generator)) * scales, labels


@pytest.mark.parametrize(("k", "classes"), [(1, 5), (3, 2), (5, 2)])
def test_neighbours_vote_as_in_scikit_learn(k: int, classes: int) -> None:
    """Numbers for which no vote can be a draw."""
    (train, train_labels), (test, test_labels) = blobs(300, classes, 0), blobs(200, classes, 1)
    theirs = KNeighborsClassifier(k).fit(train.numpy(), train_labels.numpy())
    expected = theirs.score(test.numpy(), test_labels.numpy())
    assert knn_accuracy(train, train_labels, test, test_labels, k) == pytest.approx(expected, abs=1e-9)


def test_a_draw_goes_to_the_nearest_and_a_majority_wins_over_it() -> None:
    train = torch.tensor([[0.1], [0.2], [0.3], [0.4]])
    test, expected = torch.zeros(1, 1), torch.tensor([2])
    assert knn_accuracy(train, torch.tensor([2, 0, 0, 2]), test, expected, k=4) == 1
    assert knn_accuracy(train, torch.tensor([2, 0, 1, 3]), test, expected, k=4) == 1
    assert knn_accuracy(train, torch.tensor([2, 0, 0, 1]), test, torch.tensor([0]), k=4) == 1


def test_the_linear_reader_is_scikit_learns() -> None:
    (train, train_labels), (test, test_labels) = blobs(400, 4, 0), blobs(300, 4, 1)
    mean, scale = train.mean(0), train.std(0)
    theirs = LogisticRegression(C=1 / (RIDGE * len(train)), max_iter=2000)
    theirs.fit(((train - mean) / scale).numpy(), train_labels.numpy())
    expected = theirs.score(((test - mean) / scale).numpy(), test_labels.numpy())
    assert 0.5 < expected < 0.95
    assert linear_accuracy(train, train_labels, test, test_labels) == pytest.approx(expected, abs=1.5 / 300)


def test_codes_without_information_are_read_at_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    codes, labels = torch.randn(1000, 3, generator=generator), torch.randint(4, (1000,), generator=generator)
    halves = codes[:500], labels[:500], codes[500:], labels[500:]
    assert linear_accuracy(*halves) == pytest.approx(0.25, abs=0.07)
    assert knn_accuracy(*halves) == pytest.approx(0.25, abs=0.07)
    still = torch.zeros(500, 3)  # a collapsed posterior: nothing to standardise by
    assert linear_accuracy(still, labels[:500], still, labels[500:]) == pytest.approx(0.25, abs=0.07)
