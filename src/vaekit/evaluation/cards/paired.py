"""Figures of pairs, an image and its reconstruction, with errors over the images.

Every figure is computed again without each tenth of the images in turn. Two cards leave out the same tenths, whatever the
order of the images, since an image's hash says where it belongs: so the error of a difference takes into account that both
were measured on the same images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation.cards.card import Figure
from vaekit.evaluation.samples.estimate import mean_of
from vaekit.evaluation.samples.frechet import frechet_distance
from vaekit.evaluation.samples.kernel import SUBSET
from vaekit.metrics import metric_of

GROUPS = 10


def by_hash(keys: np.ndarray) -> Tensor:
    """An order of N images that only their contents decide, (N,).

    Args:
        keys: (N, 2) uint64, of `vaekit.data.splits.content_keys`.
    """
    return torch.from_numpy(np.lexsort((keys[:, 1], keys[:, 0])))


def groups_of(count: int) -> list[Tensor]:
    """The tenths of `count` images that are in the order of `by_hash`: places, every tenth image; one each of fewer."""
    groups = min(GROUPS, count)
    return [torch.arange(start, count, groups) for start in range(groups)]


def jackknife_error(without: Sequence[float]) -> float:
    """Standard error of a figure from its values without each group (Efron & Stein 1981)."""
    values = torch.tensor(without, dtype=torch.float64)
    count = len(values)
    return float(((values - values.mean()).square().sum() * (count - 1) / count).sqrt())


def mean_figure(key: str, values: Tensor) -> Figure:
    """The mean over images, with its standard error.

    Args:
        key: of METRICS.
        values: (N,), in the order of `by_hash`.
    """
    values = values.double()
    total, count = values.sum(), len(values)
    without = [float((total - values[g].sum()) / max(count - len(g), 1)) for g in groups_of(count)]
    error = mean_of(values).error if count > 1 else None
    return Figure(float(values.mean()), error, metric_of(key).unit, tuple(without) if count > 1 else ())


def psnr_figure(mse: Figure) -> Figure | None:
    """PSNR of the mean squared error, for a peak of 1: −10 log₁₀ MSE, in dB; None where the error is 0.

    Its standard error is to first order.
    """
    if min(mse.value, *mse.without, math.inf) <= 0:
        return None
    error = None if mse.error is None else 10 / math.log(10) * mse.error / mse.value
    without = tuple(-10 * math.log10(value) for value in mse.without)
    return Figure(-10 * math.log10(mse.value), error, metric_of("psnr_db").unit, without)


def paired_frechet(key: str, rebuilt: Tensor, images: Tensor) -> Figure:
    """Fréchet distance of reconstructions from the very images, with a jackknife over tenths of the pairs.

    Args:
        rebuilt, images: features, (N, D) float64, in the order of `by_hash`.
    """
    return _jackknifed(key, lambda kept: frechet_distance(rebuilt[kept], images[kept]), len(images))


def _jackknifed(key: str, measure: Callable[[Tensor], float], count: int) -> Figure:
    everything = torch.ones(count, dtype=torch.bool)
    without = []
    for group in groups_of(count):
        kept = everything.clone()
        kept[group] = False
        without.append(measure(kept))
    return Figure(measure(everything), jackknife_error(without), metric_of(key).unit, tuple(without))


def paired_kernel(key: str, rebuilt: Tensor, images: Tensor) -> Figure:
    """Kernel distance of reconstructions from the very images: mean of `paired_mmd` over tenths of the pairs.

    Args:
        rebuilt, images: features, (N, D) float64, in the order of `by_hash`; at least 20.
    """
    values = []
    for group in groups_of(len(images)):
        parts = group.tensor_split(-(-len(group) // SUBSET))
        values.append(sum(paired_mmd(rebuilt[part], images[part]) for part in parts) / len(parts))
    found = torch.tensor(values, dtype=torch.float64)
    without = (found.sum() - found) / (len(found) - 1)
    estimate = mean_of(found)
    return Figure(estimate.value, estimate.error, metric_of(key).unit, tuple(without.tolist()))


def paired_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased squared MMD with the kernel (x·y/D + 1)³ (Bińkowski et al. 2018) of pairs (x_i, y_i).

    A pair is not independent, so that the kernel within pairs is left out of the cross term too; of equal sets the value
    is 0.

    Args:
        x, y: (N, D), at least two pairs.
    """
    count = len(x)
    total = torch.zeros((), dtype=torch.float64)
    for a, b, sign in ((x, x, 1.0), (y, y, 1.0), (x, y, -2.0)):
        kernel = (a @ b.T / a.shape[1] + 1) ** 3
        total = total + sign * (kernel.sum() - kernel.trace())
    return float(total / (count * (count - 1)))
