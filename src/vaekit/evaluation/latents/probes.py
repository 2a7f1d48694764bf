"""Reads classes from embeddings by the simplest of readers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.evaluation.samples.precision_recall import squared_distances

NEIGHBOURS = 5

RIDGE = 1e-4  # of the linear probe, by the number of embeddings: only where classes are apart does it matter

ITERATIONS = 200  # of L-BFGS, at most


def knn_accuracy(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = NEIGHBOURS
) -> float:
    """Share of test embeddings whose k nearest training embeddings vote for their class.

    A draw of votes goes to the class of the nearest among those that share the lead.

    Args:
        train, test: (N, D) and (M, D) embeddings.
        train_labels, test_labels: (N,) and (M,) class numbers.
    """
    k, right = min(k, len(train)), 0
    classes = int(max(train_labels.max(), test_labels.max())) + 1
    earlier = 1 + 0.5 ** (2.0 + torch.arange(k))  # together less than a vote, each more than all after it
    for rows, squares, _ in squared_distances(test, train):
        nearest = squares.topk(k, dim=1, largest=False).indices
        votes = F.one_hot(train_labels[nearest], classes) * earlier[None, :, None]
        right += int((votes.sum(1).argmax(1) == test_labels[rows]).sum())
    return right / len(test)


def linear_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """Share of test embeddings that multinomial logistic regression on the training embeddings reads as
    labelled.

    Embeddings are standardised by the training embeddings, so that no scale is preferred; fitted by L-BFGS
    with a ridge of 1e-4.

    Args:
        as in `knn_accuracy`.
    """
    mean, scale = train.mean(0), train.std(0).clamp_min(1e-8)
    x, rest = (train - mean) / scale, (test - mean) / scale
    classes = int(max(train_labels.max(), test_labels.max())) + 1
    weights = nn.Parameter(torch.zeros(x.shape[1], classes, dtype=x.dtype))
    bias = nn.Parameter(torch.zeros(classes, dtype=x.dtype))
    search = torch.optim.LBFGS([weights, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        value = F.cross_entropy(x @ weights + bias, train_labels) + RIDGE / 2 * weights.square().sum()
        value.backward()
        return value

    search.step(loss)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        return float(((rest @ weights + bias).argmax(1) == test_labels).double().mean())
