"""The classes of samples, read by the nearest training examples: whether a model draws all of them."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.core import derive_seed
from vaekit.data import Split, to_unit
from vaekit.data.picking import chosen
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.samples.precision_recall import nearest
from vaekit.models import Model

MOST = 2_000  # training examples among which the nearest is sought
DRAWN = 256  # samples
READABLE = 0.8  # share of test examples that must be read right, or else nothing is said


def classes_drawn(model: Model, test: Split, train: Split, seed: int = 0) -> float | None:
    """The effective number of classes among samples over that among test examples: 1 where they are drawn as evenly.

    Effective is the exponential of the entropy of their shares. A class is read by the nearest training example,
    value by value; of a conditional model samples have the classes of training examples drawn at random.

    Args:
        model: one that samples.
        train: with labels.
        seed: of draws and choices.

    Returns:
        None where there is one class only, no label, or where the nearest example says too little of the class.
    """
    if train.labels is None or test.labels is None or len(train) < 2:
        return None
    known, held = chosen(train, MOST, seed), chosen(test, MOST, seed)
    assert known.labels is not None
    assert held.labels is not None
    points = _rows(model, known.images)
    read = known.labels[nearest(_rows(model, held.images), points).which]
    whole = effective(held.labels)
    if whole < 1.5 or float((read == held.labels).double().mean()) < READABLE:
        return None
    drawn, _ = generate(model, train, DRAWN, derive_seed(seed, "classes drawn"))
    return effective(known.labels[nearest(_rows(model, drawn), points).which]) / whole


def effective(labels: Tensor) -> float:
    """Exponential of the entropy of the shares of classes, (N,) -> 1 to K."""
    shares = labels.bincount().double() / len(labels)
    return float(torch.exp(-torch.xlogy(shares, shares).sum()))


def _rows(model: Model, images: Tensor) -> Tensor:
    return model.standard(to_unit(images)).double().flatten(1).cpu()
