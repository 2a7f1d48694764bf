"""The parts of the negative ELBO, from what a model says about a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.core import Output, SettingError
from vaekit.distributions import kl_by_dimension


def elbo_terms(output: Output, x: Tensor) -> dict[str, Tensor]:
    """Named terms in nats per image, (B,), the KL by dimension of all layers (B, K) among them.

    Args:
        output: with one draw of z.
        x: (B, *shape), as the model saw them.

    Raises:
        SettingError: a model without a posterior.
    """
    layers = [kl_by_dimension(latent) for latent in output.latents if latent.posterior is not None]
    if not layers:
        raise SettingError("the ELBO needs a model with a posterior; for an AE take Reconstruction().")
    reconstruction, by_dimension = -output.likelihood.log_prob(x), torch.cat(layers, dim=-1)
    kl = by_dimension.sum(-1)
    return {
        "negative_elbo_nats": reconstruction + kl,
        "reconstruction_nats": reconstruction,
        "kl_nats": kl,
        "kl_nats_by_dimension": by_dimension,
    }
