"""Structural similarity of images and their reconstructions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

WINDOW, SIGMA = 11, 1.5  # pixels
K1, K2 = 0.01, 0.03
AT_ONCE = 2**20  # values of images at a time


def window_of(shape: tuple[int, ...]) -> int:
    """Side of the window for images (C, H, W): 11 pixels, or the largest odd number that fits into smaller images."""
    least = min(shape[1:])
    return min(WINDOW, least - 1 + least % 2)


def structural_similarity(x: Tensor, y: Tensor) -> Tensor:
    """Mean structural similarity of pairs of images, (N,) float64: 1 for equal ones (Wang et al. 2004, eq. 13 and 17).

    Means, variances and the covariance under a Gaussian window of 11 pixels and σ = 1.5 that sums to 1, at every place
    where it lies within the image; K1 = 0.01, K2 = 0.03, and values that range over 1. The mean over places and channels.
    As in the paper, images are not averaged down beforehand, whatever their size. Images with a side below 11 pixels get a
    smaller window (`window_of`) of the same σ, which is not the paper's figure.

    Args:
        x, y: (N, C, H, W), in [0, 1].
    """
    at_a_time = max(1, AT_ONCE // max(1, x[0].numel()))
    window = _window(window_of(tuple(x.shape[1:])))
    parts = zip(x.split(at_a_time), y.split(at_a_time), strict=True)
    return torch.cat([_similarity(a.double(), b.double(), window) for a, b in parts])


def _window(side: int) -> Tensor:
    """One axis of the window, (side,); the whole is its outer product with itself."""
    places = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    weights = torch.exp(-places.square() / (2 * SIGMA**2))
    return weights / weights.sum()


def _similarity(x: Tensor, y: Tensor, window: Tensor) -> Tensor:
    mean_x, mean_y = _local(x, window), _local(y, window)
    variance_x = _local(x * x, window) - mean_x.square()
    variance_y = _local(y * y, window) - mean_y.square()
    covariance = _local(x * y, window) - mean_x * mean_y
    first = (2 * mean_x * mean_y + K1**2) / (mean_x.square() + mean_y.square() + K1**2)
    second = (2 * covariance + K2**2) / (variance_x + variance_y + K2**2)
    return (first * second).flatten(1).mean(1)


def _local(x: Tensor, window: Tensor) -> Tensor:
    """Weighted means around each place at which the window lies within the image."""
    channels = x.flatten(0, 1)[:, None]
    columns = functional.conv2d(channels, window.reshape(1, 1, -1, 1))
    return functional.conv2d(columns, window.reshape(1, 1, 1, -1)).unflatten(0, x.shape[:2])[:, :, 0]
