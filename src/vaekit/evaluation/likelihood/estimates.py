"""Every estimate of log p(x) that an evaluation gives, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vaekit.data import Split
from vaekit.evaluation.likelihood.ais_check import AnnealingCheck, check_by_annealing
from vaekit.evaluation.likelihood.bounds import MeanNats, negative_elbo
from vaekit.evaluation.likelihood.fitted_prior import bounds_under_fitted
from vaekit.evaluation.likelihood.importance import importance_bounds
from vaekit.evaluation.likelihood.sandwich import Sandwich, sandwich_bounds
from vaekit.metrics import in_bits
from vaekit.models import Model
from vaekit.models.which_prior import fitted_density
from vaekit.runtime.pulse import ProgressCallback


def measure_likelihood(
    model: Model,
    split: Split,
    samples: int,
    jackknife: bool,
    *,
    seed: int,
    precision: str,
    tell: ProgressCallback | None,
) -> dict[str, MeanNats]:
    """Every bound on -log p(x), by name, and where a prior was fitted to the latents those under it, with the rate;
    arguments as in `evaluate`."""
    common: dict[str, Any] = {"seed": seed, "precision": precision, "tell": tell}
    bounds = {"negative_elbo_nats": negative_elbo(model, split, **common)}
    fitted = fitted_density(model)
    if fitted is not None:
        bounds |= bounds_under_fitted(model, split, fitted, **common)
    bounds |= importance_bounds(model, split, samples, jackknife=jackknife, fitted=fitted, **common)
    return bounds


def measure_annealing(
    model: Model, split: Split, bound: MeanNats, annealed: int, sandwich: int, chains: int, **walk: Any
) -> tuple[AnnealingCheck | None, Sandwich | None]:
    """Checks a bound of a split by annealing, and the annealing by its sandwich, each on a number of images.

    Args:
        walk: temperatures, leapfrog, seed and tell.

    Other arguments as in `evaluate`.
    """
    check = check_by_annealing(model, split, bound, annealed, chains, **walk) if annealed else None
    walls = sandwich_bounds(model, sandwich, chains, labels=split, **walk) if sandwich else None
    return check, walls


def in_bits_of(model: Model, likelihood: Mapping[str, MeanNats], kind: str) -> dict[str, float]:
    """The bounds in bits/dim, where that is defined."""
    values = {name: mean.value for name, mean in likelihood.items()}
    return in_bits(values, kind, model.pixels, math.prod(model.shape))
