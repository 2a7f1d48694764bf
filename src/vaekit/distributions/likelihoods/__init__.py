"""Likelihoods p(x|z): what the decoder's numbers mean.

Each is a module that turns the decoder's raw output into a `torch.distributions` object over whole
images: `log_prob(x)` is in nats an image. Each declares on which pixels it is defined and whether it
is a mass function, a density, or neither, because only like can be compared with like.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

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

_BOUNDS = ("negative_elbo_nats", "negative_iwae_bound_nats")  # of -log p(x)


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


def bits_per_dimension(nats: float, dimensions: int) -> float:
    """Bits a value of the image, from nats an image of so many values."""
    return nats / (dimensions * math.log(2))


def bounds_in_bits(
    terms: Mapping[str, Any], name: str | None, pixels: str, dimensions: int
) -> dict[str, float]:
    """Those of the terms that are bounds on -log p(x), in bits a dimension where that is defined.

    That is for mass functions on 8-bit pixels: what a lossless code of the images would take. The
    logarithm of a density has no such meaning, and binary pixels have the nats that papers give.

    Args:
        terms: name -> mean over the images, in nats an image.
        name: key of LIKELIHOODS, or None for a model without a likelihood.
        pixels: key of PIXELS.
        dimensions: values an image.
    """
    if name is None or LIKELIHOODS[name].kind != "mass" or pixels != "8-bit":
        return {}
    return {
        f"{key.removesuffix('_nats')}_bpd": bits_per_dimension(terms[key], dimensions)
        for key in _BOUNDS
        if key in terms
    }
