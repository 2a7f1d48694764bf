"""Images as a run's own model gives them back, with the bits of their latents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from math import prod
from typing import Any

from torch import Tensor, full

from vaekit import inference
from vaekit.core import SettingError
from vaekit.data import Split
from vaekit.evaluation.cards.roles import in_bits, nats_of
from vaekit.evaluation.likelihood.bounds import distortion_and_rate
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior, Quantizes, Reconstructs


@dataclass(frozen=True)
class Rebuilt:
    """Images that came back.

    Attributes:
        images: (N, *shape), in [0, 1] or beyond.
        bits: key -> bits of each image, (N,) float64: `rate_bits` or `fixed_bits`; empty where latents have no price.
        about: the autoencoder, for the card.
        notes: what a reader should know.
    """

    images: Tensor
    bits: dict[str, Tensor] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def rebuilt_by(model: Model, split: Split, about: dict[str, Any]) -> Rebuilt:
    """Images through a model of ours and back, at the means of the posterior or the nearest codes.

    Raises:
        SettingError: the model reconstructs nothing.
    """
    if not isinstance(model, Reconstructs):
        raise SettingError(f"a card is of an autoencoder; a {type(model).__name__} has no encoder.")
    images = inference.reconstruct(model, split)
    return Rebuilt(images, _bits(model, split), {"model": type(model).__name__, **about})


def _bits(model: Model, split: Split) -> dict[str, Tensor]:
    if isinstance(model, Quantizes):
        return {"fixed_bits": full((len(split),), prod(model.grid) * math.log2(model.quantizer.size))}
    if not isinstance(model, Encodes):
        return {}
    found = inference.encode(model, split)
    if found.random and found.normal and found.standard:
        return {"rate_bits": in_bits(nats_of(found.mean, 2 * found.stddev.double().log()))}
    if isinstance(model, HasPrior):
        _, rates = distortion_and_rate(model, split)
        return {"rate_bits": in_bits(rates.sum(-1).double())}
    return {}
