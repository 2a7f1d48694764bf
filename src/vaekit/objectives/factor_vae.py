"""FactorVAE: the total correlation from a discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional

from vaekit.config.configured import options_of
from vaekit.config.objective_options import FactorVAESettings
from vaekit.core import Loss
from vaekit.distributions import reparameterize
from vaekit.models import Model
from vaekit.models.capabilities import EncodesVector, HasPrior, check_needs
from vaekit.objectives.base import Objective, Phase, Step
from vaekit.objectives.disentangle import encoded
from vaekit.runtime.random import own_randomness, seed_noise, uniform

LAYERS = 6  # of FactorVAE's discriminator (Kim & Mnih 2018)


class FactorVAE(Objective):
    """-ELBO + gamma TC(z), the total correlation from a discriminator (Kim & Mnih 2018, eq. 2).

    A second phase of each step teaches the discriminator to distinguish latents from latents whose dimensions
    were permuted over the batch, each by itself; its log-odds are the density ratio log q(z) / prod_d q(z_d).
    Where the paper takes a second batch for the permuted latents, the same batch serves. It begins with the same
    weights in every run, whatever the seed.
    """

    criterion = "loss_nats"
    needs = (EncodesVector, HasPrior)

    @options_of(FactorVAESettings)
    def __init__(self, options: FactorVAESettings) -> None:
        super().__init__(options)
        self.gamma, self.width = options.gamma, options.discriminator_width
        self.discriminator: nn.Sequential | None = None

    def phases(self, model: Model) -> list[Phase]:
        critic = Critic(self, model)
        return [
            Phase("main", Step(self, model), model.parameters()),
            Phase("discriminator", critic, self.judge(model).parameters()),
        ]

    def judge(self, model: Model) -> nn.Sequential:
        """The discriminator, made for the model's latent dimensions when first asked for."""
        if self.discriminator is None:
            device = next(model.parameters()).device
            sizes = [model.latent_dim, *[self.width] * LAYERS]
            with own_randomness(torch.device("cpu")), torch.inference_mode(False):
                seed_noise(torch.device("cpu"), LAYERS)
                layers: list[nn.Module] = []
                for before, after in pairwise(sizes):
                    layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
                self.discriminator = nn.Sequential(*layers, nn.Linear(self.width, 1)).to(device)
        return self.discriminator

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        _, z, terms = encoded(model, x, y, type(self).__name__)
        correlation = self.judge(model)(z)[:, 0].float()
        loss = terms["negative_elbo_nats"] + self.gamma * correlation
        return Loss(
            loss.mean(), {"loss_nats": loss, **terms, "discriminator_total_correlation_nats": correlation}
        )


class Critic(nn.Module):
    """FactorVAE's second phase: cross-entropy of the discriminator, in nats per image, half for latents and half
    for permuted ones (Kim & Mnih 2018)."""

    def __init__(self, objective: FactorVAE, model: Model) -> None:
        super().__init__()
        check_needs(model, objective.needs, type(objective).__name__)
        self.discriminator, self.model = objective.judge(model), model

    def forward(self, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        with torch.no_grad():
            posterior = cast(EncodesVector, self.model).encode(x, y)
            assert isinstance(posterior, Normal)
            z = reparameterize(posterior)  # what is decoded is of no account here
            permuted = permute_dimensions(z)
        own, other = (self.discriminator(latents)[:, 0].float() for latents in (z, permuted))
        loss = 0.5 * (functional.softplus(-own) + functional.softplus(other))
        return Loss(loss.mean(), {"discriminator_nats": loss})


def permute_dimensions(z: Tensor) -> Tensor:
    """Latents (B, D) whose dimensions are permuted over the batch, each by a permutation of its own (Kim & Mnih
    2018, algorithm 1)."""
    return z.gather(0, uniform(tuple(z.shape), z.device).argsort(0))
