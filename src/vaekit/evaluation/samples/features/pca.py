"""Features without labels: principal components."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vaekit.core import DataError, SettingError
from vaekit.data import Data, to_unit
from vaekit.data.moments import standard_of
from vaekit.evaluation.samples.features.base import CHUNK, Features, label
from vaekit.runtime.random import own_randomness

SIDE = 32  # pixels per side to which PCA averages larger images down

MOST_FITTED = 20_000  # training images that PCA looks at


class PCAFeatures(Features):
    """Coordinates on the principal components of the training images, times one common factor.

    Images larger than 32 pixels per side are averaged down first. The factor makes the features' mean
    variance 1 on the training images, so that figures of different data have the same scale.

    Args:
        name: of the features.
        shape: of one image.
        mean: (P,) of the training images, averaged down and flattened.
        components: (P, dimensions), orthogonal, with the factor.
    """

    def __init__(self, name: str, shape: tuple[int, ...], mean: Tensor, components: Tensor) -> None:
        self.name, self.shape, self.dimensions = name, tuple(shape), components.shape[1]
        self.mean, self.components = mean, components

    def compute(self, x: Tensor) -> Tensor:
        return (averaged_down(x).flatten(1) - self.mean) @ self.components


def fit_pca(data: Data, dimensions: int = 64) -> PCAFeatures:
    """Principal components of the training images; needs no labels.

    Args:
        data: its training split is looked at, at most 20,000 images of it; real values in units of their spread.
        dimensions: at most; fewer where images have fewer values or are too few.

    Raises:
        SettingError: dimensions below 2.
        DataError: all images are alike.
    """
    if dimensions < 2:
        raise SettingError(f"dimensions must be at least 2, not {dimensions}.", "dimensions")
    chosen = data.train.images[:: -(-len(data.train) // MOST_FITTED)]
    standard = standard_of(data)
    x = torch.cat([averaged_down(to_unit(standard(part))).flatten(1) for part in chosen.split(CHUNK)])
    mean = x.double().mean(0).float()
    dimensions = min(dimensions, x.shape[1], len(x) - 1)
    with own_randomness(torch.device("cpu")):
        torch.manual_seed(0)  # of the randomised decomposition
        _, scales, components = torch.svd_lowrank(x - mean, min(2 * dimensions, *x.shape), niter=4)
    variance = float(scales[:dimensions].double().square().mean()) / (len(x) - 1)
    if not variance > 0:
        raise DataError(f"{data.source}: all training images are alike; features of them say nothing.")
    name = f"pca{dimensions}_{label(data)}_{data.fingerprint[:8]}"
    return PCAFeatures(name, data.shape, mean, components[:, :dimensions] / variance**0.5)


def averaged_down(x: Tensor) -> Tensor:
    """Images (B, C, H, W) averaged to at most 32 pixels per side; arrays (B, D) as they are."""
    if x.ndim != 4 or max(x.shape[2:]) <= SIDE:
        return x
    height, width = x.shape[2:]
    return F.adaptive_avg_pool2d(x, (min(height, SIDE), min(width, SIDE)))
