"""A small classifier whose last hidden layer are the features of the Fréchet and kernel distances.

It is no VAE run and has nothing of one: one loop of its own, on the labels of a data set.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.core import DataError, SettingError, derive_seed
from vaekit.data import Batches, Data, Split
from vaekit.models.base import evaluating
from vaekit.runtime.device import arithmetic, choose_device, choose_precision
from vaekit.runtime.random import own_randomness
from vaekit.training.optimizers import WeightEMA, weights_in_place

COARSEST = 4  # the stages halve the image until no side is longer

WIDTHS = (32, 64, 128)  # channels of the first stages; later ones have the last

SMALL = 16  # pixels per side up to which the first layer keeps the resolution

BATCH, SMALLEST_BATCH = 256, 16  # images per step: a fortieth of the training images, between these

LEARNING_RATE = 2e-3

DECAY = 0.998  # of the averaged weights

# How far training images are moved about; digits and things both stay what they are.
DEGREES, SCALE, SHIFT = 10.0, 0.1, 0.07


class Classifier(nn.Module):
    """Convolutions of stride 2 down to 4x4, then `dimensions` standardised features, then the classes.

    The features are what a batch norm without scale and shift gives: on the training images each has
    mean 0 and variance 1, which fixes the scale of every distance measured in them.

    Args:
        shape: shape of one image, (C, H, W), or (D,) for arrays, which get two dense layers instead.
        classes: K.
        dimensions: number of features.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, dimensions: int = 64) -> None:
        super().__init__()
        trunk, width = _convolutions(shape) if len(shape) == 3 else _dense(shape[0])
        self.trunk = trunk
        self.embed = nn.Linear(width, dimensions, bias=False)
        self.standardise = nn.BatchNorm1d(dimensions, affine=False)
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(dimensions, classes))

    def features(self, x: Tensor) -> Tensor:
        """(B, dimensions) for x (B, *shape) in [0, 1]."""
        return self.standardise(self.embed(self.trunk(x.to(self.embed.weight.dtype))))

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (B, K)."""
        return self.head(self.features(x))


def _convolutions(shape: tuple[int, ...]) -> tuple[nn.Module, int]:
    channels, *sides = shape
    layers: list[nn.Module] = []
    kernel, stride, stage = 5, 2 if max(sides) > SMALL else 1, 0
    while stage == 0 or max(sides) > COARSEST:
        width = WIDTHS[min(stage, len(WIDTHS) - 1)]
        convolution = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
        channels, sides = width, [-(-side // stride) for side in sides]
        kernel, stride, stage = 3, 2, stage + 1
    return nn.Sequential(*layers, nn.Flatten()), channels * math.prod(sides)


def _dense(dimensions: int) -> tuple[nn.Module, int]:
    return nn.Sequential(nn.Linear(dimensions, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()), 256


@dataclass(frozen=True)
class Trained:
    """A trained classifier and how good it is.

    Attributes:
        classifier: with averaged weights of its best epoch, those of two and more axes rounded to
            half precision, as they are stored.
        epoch: the best on validation; the last where there is no validation split.
        validation_accuracy: share of validation images read as labelled, or None.
        accuracy: the same of the test images, which were read once.
    """

    classifier: Classifier
    epoch: int
    validation_accuracy: float | None
    accuracy: float


def train_classifier(
    data: Data,
    *,
    dimensions: int = 64,
    epochs: int = 12,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[int, float | None], None] = lambda epoch, accuracy: None,
) -> Trained:
    """Trains on the labels of a data set; the test split is read once, at the end.

    Args:
        data: with labels; grey images are taken as they are, also where they are to be binarised.
        dimensions: number of features.
        epochs: passes; the best on validation is kept.
        report: called with each epoch's number, from 1, and validation accuracy.

    Raises:
        DataError: no labels, a single class, or fewer than two training images.
        SettingError: an option out of range.
    """
    classes = _check(data, dimensions, epochs)
    place = choose_device(device)
    with own_randomness(place):
        torch.manual_seed(derive_seed(seed, "classifier"))
        classifier = Classifier(data.shape, classes, dimensions)
        classifier = classifier.to(place, torch.float32).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        epoch, weights = _train(classifier, data, epochs, seed, place, report)
    classifier.load_state_dict({name: as_stored(tensor).float() for name, tensor in weights.items()})
    held_out = accuracy(classifier, data.validation) if len(data.validation) else None
    return Trained(classifier.eval(), epoch, held_out, accuracy(classifier, data.test))


def as_stored(tensor: Tensor) -> Tensor:
    """Weights in half precision; statistics and biases as they are."""
    return tensor.half() if tensor.ndim > 1 else tensor


def accuracy(classifier: Classifier, split: Split) -> float:
    """Share of the images that are read as they are labelled."""
    right = 0
    device = next(classifier.parameters()).device
    with evaluating(classifier), torch.inference_mode():
        for x, y in Batches(split, 1000, device, shuffle=False).epoch(0):
            assert y is not None
            right += int((classifier(x).argmax(1) == y).sum())
    return right / len(split)


def _check(data: Data, dimensions: int, epochs: int) -> int:
    """The number of classes, if everything fits."""
    if data.train.labels is None or data.test.labels is None or data.class_names is None:
        raise DataError(f"{data.source} has no labels to train a classifier on; PCA features need none.")
    if len(data.class_names) < 2 or len(data.train) < 2:
        raise DataError(
            f"{data.source}: {len(data.class_names)} class and {len(data.train)} training images are too few to train a classifier on."
        )
    for name, value, least in (("dimensions", dimensions, 2), ("epochs", epochs, 1)):
        if value < least:
            raise SettingError(f"{name} must be at least {least}, not {value}.", name)
    return len(data.class_names)


def _train(
    classifier: Classifier,
    data: Data,
    epochs: int,
    seed: int,
    device: torch.device,
    report: Callable[[int, float | None], None],
) -> tuple[int, dict[str, Tensor]]:
    """The best epoch and its averaged weights."""
    size = min(BATCH, max(SMALLEST_BATCH, len(data.train) // 40), len(data.train))
    batches = Batches(data.train, size, device, seed=seed, drop_last=True)
    fused = device.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(classifier.parameters(), LEARNING_RATE, weight_decay=0.02, fused=fused)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, epochs * len(batches), pct_start=0.2)
    average = WeightEMA(classifier, DECAY)
    precision = choose_precision("auto", device)
    step, best, kept = 0, -1.0, (0, average.weights)
    for epoch in range(1, epochs + 1):
        classifier.train()
        for x, y in batches.epoch(epoch):
            assert y is not None
            with arithmetic(precision, device):
                loss = F.cross_entropy(classifier(moved_about(x)).float(), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rate.step()
            step += 1
            average.update(classifier, step)
        value = None
        if len(data.validation):
            with weights_in_place(classifier, average.weights):
                value = accuracy(classifier, data.validation)
        report(epoch, value)
        if value is None or value >= best:  # of equals the later: it was averaged for longer
            best = -1.0 if value is None else value
            kept = (epoch, {name: tensor.clone() for name, tensor in average.weights.items()})
    return kept


def moved_about(x: Tensor) -> Tensor:
    """Each image turned, scaled and shifted a little at random; arrays (B, D) as they are."""
    if x.ndim != 4:
        return x
    turn, wide, high, right, down = (2 * torch.rand(5, len(x), device=x.device) - 1).unbind()
    angle = turn * math.radians(DEGREES)
    across, along = 1 + SCALE * wide, 1 + SCALE * high
    cos, sin = angle.cos(), angle.sin()
    top = torch.stack([across * cos, -along * sin, 2 * SHIFT * right], 1)
    bottom = torch.stack([across * sin, along * cos, 2 * SHIFT * down], 1)
    grid = F.affine_grid(torch.stack([top, bottom], 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
