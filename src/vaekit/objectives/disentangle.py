"""What objectives that ask for independent latent dimensions share."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Normal

from vaekit.core import SettingError
from vaekit.distributions import kl_by_dimension
from vaekit.models import Model


def encoded(model: Model, x: Tensor, y: Tensor | None, who: str) -> tuple[Normal, Tensor, dict[str, Tensor]]:
    """q(z|x), z, and the terms of the negative ELBO.

    Raises:
        SettingError: the model has no posterior, several layers of latents, or one that is not normal.
    """
    output = model(x, y)
    if len(output.latents) != 1 or not isinstance(output.latents[0].posterior, Normal):
        raise SettingError(f"{who} needs a model with one layer of normal latents; train a vae.")
    latent = output.latents[0]
    reconstruction, by_dimension = -output.likelihood.log_prob(x), kl_by_dimension(latent)
    kl = by_dimension.sum(-1)
    terms = {
        "negative_elbo_nats": reconstruction + kl,
        "reconstruction_nats": reconstruction,
        "kl_nats": kl,
        "kl_nats_by_dimension": by_dimension,
    }
    assert isinstance(latent.posterior, Normal)
    return latent.posterior, latent.z, terms


def check_weight(name: str, value: float) -> None:
    """Raises SettingError for a number below 0, or none."""
    if not value >= 0:
        raise SettingError(f"{name} must be 0 or more, not {value}.")
