"""Measures whether samples are nearer to training images than test images are."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from vaekit.data.dataset import to_unit
from vaekit.evaluation.samples.estimate import Estimate, share_of
from vaekit.evaluation.samples.features.pca import averaged_down
from vaekit.evaluation.samples.precision_recall import Nearest, nearest

PART = 10_000  # images held as floats at a time

CLOSEST = 0.01  # share of test images that count as close to training by chance

CLEARLY = 1 - 1e-4  # ratios of distances below this share of another are smaller, whatever was rounded


def memorisation(generated: Tensor, test: Tensor, train: Tensor) -> dict[str, Estimate]:
    """Measures whether generated images are copies of training images, by nearest neighbours in pixels.

    Test and training images are draws of one distribution. A model that has only learned that
    distribution makes images whose nearest neighbour is a training image as often as there are more of
    them, T / (T + N); a copy is always nearest to its original. So `memorised`
    is (share − chance) / (1 − chance): 0 by chance, 1 for copies alone, and the share of copies where all other
    images are as that distribution makes them. Where they are not it may be below 0, to −T / N. It compares two neighbours of the
    same image, so that blurred images, which are near to everything, do not look like copies. Where several
    images are equally near, as among binary ones, it counts as the share of them that are training images.

    Its standard error is that of chance, for the number of different neighbours: grey images that all
    have the same one say little.

    `near_copies` looks for a few copies among many: the ratio of the distances to the nearest training
    and the nearest test image, below what all but 1% of test images have (each against the other test
    images). Images larger than 32 pixels per side are averaged down.

    Args:
        generated, test, train: (., *shape), of (M, N, T) images.
    """
    generated, test = _pixels(generated), _pixels(test)
    to_train, to_test = _nearest(generated, train), nearest(generated, test)
    chance = len(train) / (len(train) + len(test))
    ties = to_train.ties(to_test)
    closer = (to_train.squares < to_test.squares) | ties
    neighbour = torch.where(closer, to_train.which, len(train) + to_test.which)
    weights = neighbour.bincount() / len(generated)
    error = (chance / (1 - chance) * weights.square().sum()) ** 0.5
    alike = to_train.count / (to_train.count + to_test.count)
    share = float(torch.where(ties, alike, closer.float()).double().mean())
    usual = _ratios(_nearest(test, train), nearest(test, test, itself=True))
    close = _ratios(to_train, to_test) < CLEARLY * usual.quantile(CLOSEST)
    return {
        "memorised": Estimate((share - chance) / (1 - chance), float(error)),
        "near_copies": share_of(close),
    }


def as_bytes(images: Tensor) -> Tensor:
    """Images as uint8, as a file would hold them."""
    return images if images.dtype == torch.uint8 else (images.clamp(0, 1) * 255).round().to(torch.uint8)


def _pixels(images: Tensor) -> Tensor:
    return averaged_down(to_unit(images)).flatten(1)


def _nearest(queries: Tensor, images: Tensor) -> Nearest:
    """`nearest` of queries (Q, P) among many images, a part of them at a time."""
    found = nearest(queries, _pixels(images[:PART]))
    for start in range(PART, len(images), PART):
        part = nearest(queries, _pixels(images[start : start + PART]))
        found = found.merged(dataclasses.replace(part, which=start + part.which))
    return found


def _ratios(these: Nearest, those: Nearest) -> Tensor:
    """Squared distances over squared distances; 1 where both are the same."""
    return torch.where(these.ties(those), 1.0, these.squares / those.squares)
