"""Latents of images beside the factors that the images were made from: what measures of disentanglement read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vaekit.core import SettingError
from vaekit.data import Factor

BINS = 20  # of a latent, and of a continuous factor (Locatello et al. 2019)

FEWEST = 1000  # images: a histogram of 20 by 40 bins has 800 cells

MOST = 10_000


@dataclass(frozen=True)
class FactorTable:
    """N images by their latents and their factors.

    Attributes:
        latents: (N, D); posterior means, say. Dimensions that are the same for all images are of no account.
        factors: (N, F).
        kinds: of the factors.
        live: (D,) which dimensions may vote in the FactorVAE score; None: those that vary at all.

    Raises:
        SettingError: fewer images than the estimators need, or a factor that is the same for all.
    """

    latents: np.ndarray
    factors: np.ndarray
    kinds: Sequence[Factor]
    live: np.ndarray | None = None

    def __post_init__(self) -> None:
        assert self.latents.shape[0] == self.factors.shape[0]
        assert self.factors.shape[1] == len(self.kinds)
        if len(self.latents) < FEWEST:
            raise SettingError(
                f"measures of disentanglement need at least {FEWEST:,} images, but there are "
                f"{len(self.latents):,}; take a larger split."
            )
        for values, kind in zip(self.factors.T, self.kinds, strict=True):
            if (values == values[0]).all():
                raise SettingError(
                    f"the factor {kind.name} is the same for all images, and nothing can be informative about it; leave it out."
                )

    @property
    def dimensions(self) -> int:
        return self.latents.shape[1]

    @cached_property
    def scaled(self) -> np.ndarray:
        """Latents of unit variance, (N, D); 0 where there is none."""
        centred = self.latents - self.latents.mean(0)
        spread = centred.std(0)
        return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)

    @cached_property
    def groups(self) -> np.ndarray:
        """Number of each image's factor value, (N, F); a continuous factor has BINS of equal frequency."""
        columns = []
        for values, kind in zip(self.factors.T, self.kinds, strict=True):
            if kind.values is None:
                ends = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
                columns.append(np.searchsorted(ends, values, side="right"))
            else:
                columns.append(np.unique(values, return_inverse=True)[1])
        return np.stack(columns, axis=1)

    @cached_property
    def latent_bins(self) -> np.ndarray:
        """BINS of equal width between the extremes of each dimension, (N, D)."""
        low, high = self.latents.min(0), self.latents.max(0)
        width = np.where(high > low, high - low, 1.0)
        return np.minimum(((self.latents - low) / width * BINS).astype(np.int64), BINS - 1)

    def halves(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to fit on, and rows to score on: two random halves."""
        order = np.random.default_rng(seed).permutation(len(self.latents))
        return order[: len(order) // 2], order[len(order) // 2 :]


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """I(a; b) in nats of two columns of small whole numbers, from their joint frequencies (plug-in)."""
    joint = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1))
    return entropy(np.bincount(a)) + entropy(np.bincount(b)) - entropy(joint)


def entropy(counts: np.ndarray) -> float:
    """In nats, of a variable that was seen so often with each value."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def two_largest(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the second largest number of each column, (F,) each, of (D, F); a second of 0 if D is 1."""
    ordered = np.sort(np.vstack([table, np.zeros_like(table[:1])]) if len(table) == 1 else table, axis=0)
    return ordered[-1], ordered[-2]
