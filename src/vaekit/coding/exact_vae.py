"""Turns a trained VAE into exact arithmetic."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.coding.exact import RANGES, ExactModel
from vaekit.coding.integers import Program
from vaekit.coding.knots import FRACTION, ONE, soft_bounds
from vaekit.coding.of_networks import translated
from vaekit.coding.translate import WEIGHT_BITS, Builder, Grid, array
from vaekit.config.likelihood_parts import LIKELIHOODS
from vaekit.config.parts import name_of
from vaekit.core import SettingError
from vaekit.distributions import Likelihood
from vaekit.distributions.posteriors import LOG_VARIANCE
from vaekit.models import Model
from vaekit.models.capabilities import HasPrior
from vaekit.models.latent import LatentModel

FURTHEST = 16  # of a latent from 0: beyond, N(0, I) has less than 1e-56 of its mass


def exact_model(model: Model, weight_bits: int = WEIGHT_BITS) -> ExactModel:
    """A trained model in exact arithmetic, a function of its weights alone: the same on every machine.

    Args:
        model: a VAE of one layer of latents, whose likelihood gives masses of pixels.
        weight_bits: bits after the point of a weight; fewer where sums could not be exact otherwise.

    Raises:
        SettingError: another model, likelihood or network, or weights so large that sums could not be exact.
    """
    if not (isinstance(model, LatentModel) and isinstance(model, HasPrior) and is_standard(model.prior())):
        raise SettingError(
            f"a {type(model).__name__} cannot code images without loss: that needs one layer of latents with the "
            "prior N(0, I); train method='vae'.",
            "method",
        )
    likelihood = likelihood_of(model.likelihood, model.pixels)
    encoder, decoder = Builder(weight_bits), Builder(weight_bits)
    return ExactModel(
        shape=model.shape,
        latent_dim=model.latent_dim,
        classes=model.classes,
        pixels=model.pixels,
        likelihood=likelihood,
        encoder=encoder_of(encoder, model),
        decoder=decoder_of(decoder, model),
        weight_bits=weight_bits,
    )


def is_standard(prior: Distribution) -> bool:
    """Says whether a prior is N(0, I)."""
    return isinstance(prior, Normal) and bool((prior.mean == 0).all() and (prior.stddev == 1).all())


def likelihood_of(likelihood: Likelihood, pixels: str) -> dict[str, Any]:
    """The description of a likelihood for a coder.

    Raises:
        SettingError: it gives no masses of pixels.
    """
    name = name_of(likelihood.part, LIKELIHOODS, "likelihood")
    if likelihood.kind != "mass" or pixels not in RANGES:
        raise SettingError(
            f"likelihood={name!r} on {pixels} pixels gives no mass of a pixel's value, which a file without loss "
            "needs; train with likelihood='logistic-mixture' on 8-bit or likelihood='bernoulli' on binary pixels.",
            "likelihood",
        )
    tables = {key: whole_numbers(values) for key, values in likelihood.named_parameters()}
    return {"name": name, "numbers": likelihood.num_params, **dataclasses.asdict(likelihood.part), **tables}


def whole_numbers(values: Tensor) -> np.ndarray:
    """A parameter of a likelihood times 2^12, int64."""
    return np.rint(array(values) * ONE).astype(np.int64)


def condition_of(b: Builder, classes: int) -> Grid | None:
    """The input "y", 1 for the class; networks take sqrt(K) in its place (`vaekit.data.labels.one_hot`)."""
    return b.input("y", (classes,), 0, 1, math.sqrt(classes), 0) if classes else None


def encoder_of(b: Builder, model: LatentModel) -> Program:
    """Images to means and bounded log-variances."""
    top, size = RANGES[model.pixels], model.latent_dim
    x = b.input("x", model.shape, 0, top, 1 / top, 0)
    y = condition_of(b, model.classes)
    raw = b.flat(translated(b, model.encoder, x, y))
    assert model.principal is None  # a path of principal components stands beside normal likelihoods alone
    log_variance = b.table(b.part(raw, size, size), soft_bounds(*LOG_VARIANCE))
    return b.program({"mean": b.part(raw, 0, size), "log_variance": log_variance})


def decoder_of(b: Builder, model: LatentModel) -> Program:
    """Latents to the raw numbers of the likelihood."""
    z = b.input("z", (model.latent_dim,), -FURTHEST * ONE, FURTHEST * ONE, 1.0, FRACTION)
    return b.program({"raw": translated(b, model.decoder, z, condition_of(b, model.classes))})
