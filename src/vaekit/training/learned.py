"""Two shares of the variance of a split that need no likelihood: what reconstructions explain of it, and what there is of
it between samples."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.core import derive_seed
from vaekit.data import Split
from vaekit.data.picking import chosen
from vaekit.inference import reconstruct, sample, shown_images, squared_errors
from vaekit.models import Model
from vaekit.models.base import CodeDensity
from vaekit.models.capabilities import Generates, HasPrior, Reconstructs, TakesPrior

LOOKED_AT = 256  # examples of a split, at most: an error of a few percent of a share, for a moment's work


def learned(model: Model, split: Split) -> dict[str, float]:
    """`explained_variance` and `sample_variance` of a model that reconstructs or samples by itself; else nothing.

    Args:
        split: 256 of its examples are looked at, drawn under a fixed seed.
    """
    found = {"explained_variance": None, "sample_variance": variety(model, split)}
    if isinstance(model, Reconstructs):
        found["explained_variance"] = explained_variance(model, few_of(split))
    return {name: value for name, value in found.items() if value is not None}


def variety(model: Model, split: Split) -> float | None:
    """`sample_variance` on 256 examples of a split, of a model that samples, from a prior of its own or a fitted one; else
    None."""
    samples = isinstance(model, HasPrior | Generates | TakesPrior) and not isinstance(model, CodeDensity)
    if not (samples and model.can_sample()):
        return None
    return sample_variance(model, few_of(split))


def few_of(split: Split) -> Split:
    """Those of its examples that are looked at."""
    return chosen(split, LOOKED_AT, derive_seed(0, "learned"))


def explained_variance(model: Reconstructs, split: Split) -> float:
    """Share of the variance of the values, as they are shown to the model, that reconstructions explain, at most 1.

    Real values have the same weight in every column, whatever its units.
    """
    assert isinstance(model, Model)
    images, rebuilt = shown_images(model, split), reconstruct(model, split)
    error = float(squared_errors(images, rebuilt, model).mean()) * images[0].numel()
    spread = float(model.standard(images).double().var(0, correction=0).sum())
    return 1 - error / spread if spread > 0 else 1.0


def sample_variance(model: Model, split: Split) -> float | None:
    """Variance between as many samples, over that between the examples of a split; None if those are all equal.

    Samples of a conditional model have the classes of the examples, and both variances are within classes: samples
    that differ by their class alone are like each other.
    """
    labels = split.labels if model.sampled_classes else None
    drawn = sample(model, len(split), labels, seed=derive_seed(0, "sample_variance"))
    spread = _within(model.standard(shown_images(model, split)), labels)
    return _within(model.standard(drawn), labels) / spread if spread > 0 else None


def _within(images: Tensor, labels: Tensor | None) -> float:
    """Squared distances from the mean of the class, summed over all images (N, *shape)."""
    flat = images.flatten(1).double()
    groups = [flat] if labels is None else [flat[labels == label] for label in torch.unique(labels)]
    return sum(float((group - group.mean(0)).square().sum()) for group in groups)
