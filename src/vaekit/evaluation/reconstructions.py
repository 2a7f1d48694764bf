"""Measures of what reconstructions explain, beside what they could: on training examples, by principal components, and by p(x|z) itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import Output, derive_seed
from vaekit.data import Split
from vaekit.data.picking import chosen
from vaekit.distributions.likelihoods import measured_under
from vaekit.inference import asking, shown, shown_images
from vaekit.metrics import KINDS
from vaekit.models import Model
from vaekit.models.capabilities import Reconstructs
from vaekit.networks.principal import held_out_curve, principal_components, spread
from vaekit.runtime.random import seed_noise
from vaekit.training.learned import explained_variance

MOST = 2_000  # examples: shares of a percent, for a moment's work


@dataclass(frozen=True)
class Reconstructions:
    """Measures of reconstructions; None where they are not defined, or training examples not known.

    Attributes:
        explained: share of the variance of test examples.
        explained_train: of as many training examples.
        linear: of test examples, by probabilistic PCA of the training examples with no more components than there are
            latents, as many as are best on held-out ones.
        residual_ratio: squared residuals over the variance that p(x|z) gives them, at draws of z: 1 where its scale is
            right, less where it is too wide.
    """

    explained: float
    explained_train: float | None
    linear: float | None
    residual_ratio: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what is undefined is absent."""
        values = {
            "explained_variance_of_training": self.explained_train,
            "linear_explained_variance": self.linear,
            "residual_ratio": self.residual_ratio,
        }
        return {name: value for name, value in values.items() if value is not None}


def measure_reconstructions(
    model: Model, test: Split, train: Split | None, seed: int = 0, explained: float | None = None
) -> Reconstructions:
    """Measures reconstructions of at most 2,000 examples.

    Args:
        model: one that reconstructs.
        test: examples that it was not trained on.
        train: those that it was trained on, if these are known.
        seed: of choices and draws.
        explained: of test examples, where it was measured already.
    """
    assert isinstance(model, Reconstructs)
    few = chosen(test, MOST, seed)
    learned = None if train is None else chosen(train, MOST, seed)
    return Reconstructions(
        explained=explained_variance(model, few) if explained is None else explained,
        explained_train=explained_variance(model, learned)
        if learned is not None and len(learned) > 1
        else None,
        linear=linear_variance(model, few, learned) if learned is not None else None,
        residual_ratio=residual_ratio(model, few, seed),
    )


def linear_variance(model: Model, test: Split, train: Split) -> float | None:
    """Share of the variance of test examples that probabilistic PCA of training examples explains by its posterior mean
    (Tipping & Bishop 1999, section 3.3); None of a model whose latents are no vector, or too few examples.

    Components are no more than there are latents, and no more than held-out training examples say are worth having.
    """
    rows, held = (_rows(model, split) for split in (train, test))
    most = min(model.latent_dim, len(rows) - 2, rows.shape[1] - 1)
    if most < 1 or len(held) < 2:
        return None
    mean = rows.mean(0)
    rows, held = rows - mean, held - mean
    found = principal_components(rows, most).first(held_out_curve(rows, most).best(most))
    shrunk = (1 - found.left / found.variances).clamp_min(0)
    rebuilt = (held @ found.vectors.T * shrunk) @ found.vectors
    whole = float((held - held.mean(0)).double().square().sum())
    return 1 - float((held - rebuilt).double().square().sum()) / whole if whole > 0 else None


def _rows(model: Model, split: Split) -> Tensor:
    """Examples as they are shown to the model, in standard units, flattened, as many as are looked at."""
    images = spread(shown_images(model, split), split.images[0].numel())
    return model.standard(images).float().flatten(1).cpu()


def residual_ratio(model: Model, split: Split, seed: int = 0) -> float | None:
    """Squared residuals of examples over the variance of p(x|z), each summed over values and examples, at draws of q(z|x).

    Sums and not a mean of ratios: one value that hardly varies says little of the scale.

    Returns:
        None where p(x|z) is no likelihood.
    """
    kind = measured_under(model.likelihood_name).kind
    if not kind or not KINDS[kind].bounds:
        return None
    squares, variances = 0.0, 0.0
    with asking(model):
        for index, (x, y) in enumerate(shown(model, split)):
            seed_noise(x.device, derive_seed(seed, "residuals", index))
            output: Output = model(x, y)
            squares += _squares(model, x, output.likelihood.mean)
            variances += _variance(model, output.likelihood)
    return squares / variances if variances > 0 else None


def _squares(model: Model, x: Tensor, mean: Tensor) -> float:
    """Squared distance of examples from a mean, in standard units, summed over all."""
    return float((model.standard(x) - model.standard(mean)).double().square().sum())


def _variance(model: Model, likelihood: Distribution) -> float:
    """The variance of p(x|z) in standard units, summed over values and examples; by a draw where it is not known."""
    try:
        variance = likelihood.variance.double()
    except NotImplementedError:
        return _squares(model, likelihood.sample(), likelihood.mean)
    if model.units is not None:
        variance = variance / model.units.scale.to(variance.device).square()
    return float(variance.sum())
