"""What `anyones_data.py` measures of a trained model: -ELBO and explained variance by the plain baseline's definition.

The baseline's units are pixels in [0, 1] and, for real values, those standardised by the training columns (mean and
unbiased standard deviation over all examples that are not for testing). A model may see its values otherwise scaled,
column by column: a value x that is shown to it is scale * x + shift in the baseline's units. So its errors are scaled
before sigma is refitted; and its own density, which is one per unit of x, is divided by the scales: -log p grows by
the sum of log scale (change of variables).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Data, Split
from vaekit.data.splits import joined
from vaekit.inference import asking, encode, flat_moments, shown
from vaekit.metrics import ACTIVE_VARIANCE
from vaekit.objectives.terms import elbo_terms

REFITTED = 2_000  # training examples on which the baseline refits sigma
NARROW = 1e-8  # smallest standard deviation that the baseline divides by
CLOSE = 1e-2  # how far shown values may lie from a scaling of each column, in standard deviations


@dataclass(frozen=True)
class Units:
    """The baseline's units: scale * x + shift, for values x as a model sees them; both (*shape) float64."""

    scale: Tensor
    shift: Tensor

    @property
    def nats(self) -> float:
        """What -log p of an example gains by the change of units: the sum of log |d theirs / d x|."""
        return float(self.scale.log().sum())


@dataclass(frozen=True)
class Sums:
    """Means over the examples of a split.

    Attributes:
        sampled, plain: squared errors per example in the baseline's units, at a draw of z and at the mean of q(z|x).
        kl: nats per example.
        own: -ELBO under the model's own likelihood, in nats per example and the baseline's units.
    """

    sampled: float
    plain: float
    kl: float
    own: float


def trained_on(data: Data) -> Split:
    """Every example that is not for testing, validation last: the baseline's training set, in its order."""
    return joined([data.train, data.validation]) if len(data.validation) else data.train


def for_baseline(data: Data) -> dict[str, np.ndarray]:
    """The arrays of its DATA.npz, `train` and `test`: values as stored, but for double precision, which it cannot take."""
    parts = {"train": trained_on(data).images, "test": data.test.images}
    return {
        name: (images.float() if images.dtype == torch.float64 else images).numpy()
        for name, images in parts.items()
    }


def baseline_values(images: Tensor, train: Tensor) -> Tensor:
    """Stored examples (N, *shape) in the baseline's units, float64."""
    if images.dtype == torch.uint8:
        return images.double() / 255
    mean, std = train.double().mean(0), train.double().std(0).clamp_min(NARROW)
    return (images.double() - mean) / std


def units_of(model: Any, data: Data) -> Units:
    """Finds from the training examples how values that are shown to the model become the baseline's.

    Raises:
        ValueError: what the model sees is no scaling of each column.
    """
    train = trained_on(data)
    if train.images.dtype == torch.uint8:  # the model sees pixels in [0, 1], as the baseline does
        one = torch.ones(data.shape, dtype=torch.float64)
        return Units(one, torch.zeros_like(one))
    theirs = baseline_values(train.images, train.images)
    ours = torch.cat([x.double().cpu() for x, _ in shown(model, train)])
    return units_between(ours, theirs)


def units_between(ours: Tensor, theirs: Tensor) -> Units:
    """The scaling of each column that takes one set of values (N, *shape) to the other.

    A column that does not vary keeps its scale: no density of it can be compared.

    Raises:
        ValueError: there is none.
    """
    spread = ours.std(0)
    scale = torch.where(spread > 0, theirs.std(0) / spread, 1.0)
    scale = torch.where(scale > 0, scale, 1.0)
    shift = theirs.mean(0) - scale * ours.mean(0)
    if not bool(((scale * ours + shift - theirs).abs() < CLOSE).all()):
        raise ValueError("the model sees values that are no scaling of each column; they cannot be compared.")
    return Units(scale, shift)


def sums(model: Any, split: Split, units: Units, seed: int) -> Sums:
    """Errors, KL and -ELBO over a split, one draw of z per example, in eval mode and fp32."""
    totals = torch.zeros(4, dtype=torch.float64)
    with asking(model):
        torch.manual_seed(seed)
        for x, _ in shown(model, split):
            output = model(x)
            terms = elbo_terms(output, x)
            mean, _ = flat_moments(model.infer(x))
            errors = [x - output.likelihood.mean, x - model.decode(mean).mean]
            squares = [(error.double().cpu() * units.scale).square().sum() for error in errors]
            nats = [terms[name].double().sum().cpu() for name in ("kl_nats", "negative_elbo_nats")]
            totals += torch.stack([*squares, *nats])
    sampled, plain, kl, own = (totals / len(split)).tolist()
    return Sums(sampled, plain, kl, own + units.nats)


def refitted(sampled: float, kl: float, variance: float, values: int) -> float:
    """The baseline's -ELBO in nats per example.

    Args:
        sampled: squared error of an example at a draw of z.
        kl: nats per example.
        variance: sigma^2, the squared error per value of training examples at a draw of z.
        values: per example.
    """
    return values / 2 * math.log(2 * math.pi * variance) + sampled / (2 * variance) + kl


def measured(model: Any, data: Data, seed: int = 0) -> dict[str, float]:
    """-ELBO at the refitted sigma and as the model has it, explained variance, all of the test split."""
    train, values = trained_on(data), data.dimensions
    units = units_of(model, data)
    variance = sums(model, train.take(torch.arange(min(REFITTED, len(train)))), units, seed).sampled / values
    test = sums(model, data.test, units, seed + 1)
    return {
        "negative_elbo": refitted(test.sampled, test.kl, variance, values),
        "own_negative_elbo": test.own,
        "explained_variance": 1 - test.plain / spread(data),
        "mse": test.plain / values,
        "kl": test.kl,
    }


def spread(data: Data) -> float:
    """Squared distance of a test example from the training mean, on average, in the baseline's units."""
    train = trained_on(data).images
    centre = baseline_values(train, train).mean(0)
    return float((baseline_values(data.test.images, train) - centre).square().sum()) / len(data.test)


def active_units(model: Any, data: Data) -> int:
    """Latent dimensions whose mean varies over the test examples (Burda et al. 2016)."""
    variances = encode(model, data.test).mean.var(0, correction=0)
    return int((variances > ACTIVE_VARIANCE).sum())


def pca_explained(data: Data, components: int) -> float:
    """Share of the variance of the test examples that this many principal components of the training set explain."""
    stored = trained_on(data).images
    train, test = (baseline_values(images, stored).flatten(1) for images in (stored, data.test.images))
    centre = train.mean(0)
    train, test = train - centre, test - centre
    directions = principal(train, components)
    return float((test @ directions.T).square().sum() / test.square().sum())


def principal(centred: Tensor, components: int) -> Tensor:
    """Orthonormal directions of the largest variance, (K, D), of rows (N, D) with mean 0; K at most their rank."""
    rows, columns = centred.shape
    gram = centred @ centred.T if rows < columns else centred.T @ centred
    values, vectors = torch.linalg.eigh(gram)
    kept = min(components, int((values > values[-1] * 1e-12).sum()))
    chosen = vectors[:, len(values) - kept :].T.flip(0)
    if rows >= columns:
        return chosen
    return (chosen @ centred) / values[len(values) - kept :].flip(0).sqrt()[:, None]
