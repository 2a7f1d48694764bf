"""Likelihoods p(x|z): what the decoder's numbers mean.

Each is a module that turns the decoder's raw output into a `torch.distributions` object over whole
images: `log_prob(x)` is in nats per image. Each declares on which pixels it is defined and whether it
is a mass function, a density, or neither, because only like can be compared with like.
"""

from __future__ import annotations

import inspect

from vaekit.core import SettingError, choose
from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.likelihoods.bernoulli import BCE, BernoulliLikelihood
from vaekit.distributions.likelihoods.categorical import CategoricalLikelihood
from vaekit.distributions.likelihoods.continuous_bernoulli import ContinuousBernoulliLikelihood
from vaekit.distributions.likelihoods.gaussian import (
    GaussianLikelihood,
    LearnedGaussianLikelihood,
    OptimalGaussianLikelihood,
)
from vaekit.distributions.likelihoods.logistic_mixture import LogisticMixtureLikelihood
from vaekit.metrics import Under

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bce": BCE,
    "bernoulli": BernoulliLikelihood,
    "continuous-bernoulli": ContinuousBernoulliLikelihood,
    "gaussian": GaussianLikelihood,
    "gaussian-learned": LearnedGaussianLikelihood,
    "gaussian-optimal": OptimalGaussianLikelihood,
    "logistic-mixture": LogisticMixtureLikelihood,
    "categorical": CategoricalLikelihood,
}

_DEFAULTS = {"binary": "bernoulli", "8-bit": "bce", "unit": "bce", "real": "gaussian"}


def build_likelihood(
    name: str, pixels: str, shape: tuple[int, ...], sigma: float = 0.1, mixtures: int = 10
) -> tuple[str, Likelihood]:
    """The likelihood of a name (`auto`: what suits the pixels) and its resolved name.

    Args:
        name: key of LIKELIHOODS, or `auto`.
        pixels: key of PIXELS.
        shape: shape of one image.
        sigma, mixtures: for those that take them.

    Raises:
        SettingError: unknown name, or a likelihood that is not defined on such pixels.
    """
    choose(pixels, _DEFAULTS, "kind of pixels")
    choose(name, ["auto", *LIKELIHOODS], "likelihood")
    name = _DEFAULTS[pixels] if name == "auto" else name
    check_support(name, pixels)
    given = {"shape": tuple(shape), "dimensions": len(shape), "sigma": sigma, "mixtures": mixtures}
    wanted = inspect.signature(LIKELIHOODS[name]).parameters
    return name, LIKELIHOODS[name](**{key: value for key, value in given.items() if key in wanted})


def check_support(name: str, pixels: str) -> None:
    """Raises SettingError when a likelihood is not defined on pixels of this kind."""
    if pixels in LIKELIHOODS[name].pixels:
        return
    fitting = [key for key, kind in LIKELIHOODS.items() if pixels in kind.pixels]
    hint = " Or make the pixels binary with --binarize dynamic." if name == "bernoulli" else ""
    raise SettingError(
        f"likelihood {name!r} is not defined on {pixels} pixels; take --likelihood {' or '.join(fitting)}.{hint}"
    )


def measured_under(name: str | None, classes: bool = False) -> Under:
    """What numbers of a model with this likelihood are measured under.

    Args:
        name: of a likelihood, or None for a model without one; of one that is not in LIKELIHOODS the kind is unknown.
        classes: whether the model is conditioned on the class of each image.
    """
    kind = LIKELIHOODS[name].kind if name in LIKELIHOODS else ""
    return Under(name or "", kind, classes)
