"""The importance-weighted bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.config.configured import options_of
from vaekit.config.objective_options import IWAESettings
from vaekit.core import Latent, Loss, Output, SettingError
from vaekit.distributions import kl_by_dimension
from vaekit.distributions.kl import log_importance_weights
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, EncodesVector, HasPrior, check_needs
from vaekit.objectives.base import Objective


class IWAE(Objective):
    """-log 1/K sum_k p(x, z_k) / q(z_k|x), z_k ~ q(z|x): the importance-weighted bound (Burda et al. 2016, eq. 8).

    With K = 1 the ELBO with a sampled KL; larger K come closer to -log p(x). The encoder sees an image
    once, the decoder K times. `negative_elbo_nats` and its parts are means over the same samples, so
    that runs with an ELBO can be compared.
    Memory and time of the decoder grow with K, `samples`. The estimator "dreg" is the doubly reparameterised
    gradient of the encoder (Tucker et al. 2019), of the same mean and less noise; that of the decoder is the same.

    Example:
        >>> history = vaekit.fit(model, vaekit.IWAE(samples=5), data, steps=2, progress=False)
        >>> vaekit.IWAE(samples=8)(model, images).terms["negative_iwae_bound_nats"].shape
        torch.Size([8])
    """

    criterion = "negative_iwae_bound_nats"
    needs = (Encodes, HasPrior)

    @options_of(IWAESettings)
    def __init__(self, options: IWAESettings) -> None:
        super().__init__(options)
        self.samples, self.estimator = options.samples, options.estimator

    def check(self, model: Model) -> None:
        super().check(model)
        if self.estimator == "dreg":
            name = f"{type(self).__name__} with estimator='dreg'"
            check_needs(model, (EncodesVector, HasPrior), name, "estimator='standard'")

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        output = model(x, y, self.samples)
        if any(latent.posterior is None for latent in output.latents):
            raise SettingError("the IWAE needs a model whose latents all have a posterior; train a vae.")
        log_likelihood = output.likelihood.log_prob(x)
        loss = math.log(self.samples) - self.log_weights(output, log_likelihood).logsumexp(0)
        with torch.no_grad():
            by_dimension = torch.cat([kl_over_samples(latent) for latent in output.latents], dim=-1)
            reconstruction, kl = -log_likelihood.mean(0), by_dimension.sum(-1)
        terms = {
            "negative_iwae_bound_nats": loss,
            "negative_elbo_nats": reconstruction + kl,
            "reconstruction_nats": reconstruction,
            "kl_nats": kl,
            "kl_nats_by_dimension": by_dimension,
        }
        return Loss(loss.mean(), terms)

    def log_weights(self, output: Output, log_likelihood: Tensor) -> Tensor:
        """log p(x, z) / q(z|x), (S, B), from an output with samples and log p(x|z), (S, B).

        With `dreg` the parameters of q are held constant where they enter the density, and what reaches
        the encoder through z is weighted once more: the share of a sample in the sum, squared.

        Args:
            output: of the model, with `samples`.
            log_likelihood: log p(x|z), (S, B), nats.

        Raises:
            SettingError: more than one layer of latents, with `dreg`.
        """
        latents = output.latents
        if self.estimator == "dreg":
            latents = tuple(replace(latent, posterior=detached(latent.posterior)) for latent in latents)
        log_weights = log_importance_weights(latents, log_likelihood)
        if self.estimator == "dreg" and log_weights.requires_grad:
            if len(output.latents) != 1:
                raise SettingError("estimator 'dreg' needs one layer of latents; take 'standard'.")
            z = output.latents[0].z
            shares = log_weights.detach().softmax(0).view(*log_weights.shape, *(1 for _ in z.shape[2:]))
            z.register_hook(lambda gradient: shares * gradient)
        return log_weights


def kl_over_samples(latent: Latent) -> Tensor:
    """KL of a layer by dimension, (B, K), for S draws of z, (S, B, ...): the mean over them where q and p depend on
    the draws of the layers above."""
    assert latent.posterior is not None
    if len(latent.posterior.batch_shape) + len(latent.posterior.event_shape) < latent.z.dim():
        return kl_by_dimension(replace(latent, z=latent.z[0]))
    samples, images = latent.z.shape[:2]
    return kl_by_dimension(latent).view(samples, images, -1).mean(0)


def detached(distribution: Distribution | None) -> Distribution:
    """The same distribution, its parameters constants."""
    assert distribution is not None
    parameters = {name: getattr(distribution, name).detach() for name in distribution.arg_constraints}
    return type(distribution)(**parameters, validate_args=False)
