"""Shared parts of objectives that ask for independent latent dimensions."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Normal

from vaekit.core import SettingError
from vaekit.models import Model
from vaekit.objectives.terms import elbo_terms


def encoded(model: Model, x: Tensor, y: Tensor | None, who: str) -> tuple[Normal, Tensor, dict[str, Tensor]]:
    """q(z|x), z, and the terms of the negative ELBO.

    Raises:
        SettingError: the model has no posterior, several layers of latents, or one that is not normal.
    """
    output = model(x, y)
    if len(output.latents) != 1 or not isinstance(output.latents[0].posterior, Normal):
        raise SettingError(f"{who} needs a model with one layer of normal latents; train a vae.")
    return output.latents[0].posterior, output.latents[0].z, elbo_terms(output, x)
