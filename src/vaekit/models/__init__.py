"""Models: networks and distributions put together into p(x, z) and q(z|x)."""

from __future__ import annotations

import dataclasses
from typing import Any

from vaekit.methods import find_method
from vaekit.models.ae import AE
from vaekit.models.base import Autoencoder, CodeDensity, LatentModel, Model
from vaekit.models.gan import GAN
from vaekit.models.vae import VAE
from vaekit.models.vqvae import VQVAE

__all__ = ["AE", "GAN", "VAE", "VQVAE", "Autoencoder", "CodeDensity", "LatentModel", "Model", "create_model"]


def create_model(method: str, options: Any, given: dict[str, Any]) -> Model:
    """The model of a method.

    Args:
        method: key of METHODS.
        options: the method's section of model options.
        given: what the data say: `shape`, `pixels`, `classes` if the method wants labels, and own `encoder` and `decoder` if there are any.
    """
    return find_method(method).model_class()(**given, **dataclasses.asdict(options))
