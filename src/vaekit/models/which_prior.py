"""The density of latents that a number or a sample of a model is of: its own prior, or one that was fitted afterwards.

With both, a model is two generative models: those who publish a number say of which (`vaekit.metrics.of_prior`).
"""

from __future__ import annotations

import torch
from torch.distributions import Distribution, Normal

from vaekit.models.base import CodeDensity, Model
from vaekit.models.capabilities import Generates, HasDensity, HasPrior, TakesPrior

STANDARD = "N(0, I)"


def is_standard(prior: object) -> bool:
    """Returns whether a prior is N(0, I)."""
    return isinstance(prior, Normal) and bool((prior.mean == 0).all() and (prior.stddev == 1).all())


def own_prior(model: Model) -> str:
    """Names the prior that is a part of a model, under which its rate and its bounds are; "" without one."""
    if isinstance(model, HasPrior):
        with torch.no_grad():
            return STANDARD if is_standard(model.prior()) else "the model's own prior"
    return STANDARD if isinstance(model, Generates) else ""


def fitted_to(model: Model) -> CodeDensity | None:
    """The prior that was fitted to a model's latents; None without one.

    Raises:
        RunError: there is one, of other weights.
    """
    return model.fitted_prior() if isinstance(model, TakesPrior) else None


def drawn_from(model: Model) -> str:
    """Names the density that `sample` draws latents from: the fitted one where there is one; "" where there is none.

    Raises:
        RunError: there is a fitted one, of other weights.
    """
    prior = fitted_to(model)
    return own_prior(model) if prior is None else f"{prior.described}, fitted to the latents"


def priors_of(model: Model) -> dict[str, str]:
    """Entries of a record of a model's numbers: `prior` and `samples_from`, as far as there are any.

    Raises:
        RunError: there is a fitted prior, of other weights.
    """
    named = {"prior": own_prior(model), "samples_from": drawn_from(model)}
    return {key: name for key, name in named.items() if name}


def fitted_density(model: Model) -> Distribution | None:
    """p(z) as fitted to the latents of a model that has a prior of its own too, batch shape (), event shape (D,).

    Under it bounds on log p(x) can be had as under the own prior, since z ~ q(z|x) stays as it is. None where there is no
    fitted prior, or one without a density in closed form.

    Raises:
        RunError: there is one, of other weights.
    """
    prior = fitted_to(model) if isinstance(model, HasPrior) else None
    return prior.density() if isinstance(prior, HasDensity) else None
