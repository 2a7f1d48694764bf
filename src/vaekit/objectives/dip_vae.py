"""DIP-VAE II: covariances of the latents are penalised."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.config.configured import options_of
from vaekit.config.objective_options import DIPVAESettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import EncodesVector, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.disentangle import encoded


class DIPVAE(Objective):
    """-ELBO + od sum_{i != j} Cov[z]_ij^2 + d sum_i (Cov[z]_ii - 1)^2: DIP-VAE II (Kumar et al. 2018, eq. 7).

    Cov[z] = Cov[E z] + E[Var z], the covariance of q(z), from the batch. The penalty is one number per batch, the
    same for each of its images.
    """

    criterion = "loss_nats"
    needs = (EncodesVector, HasPrior)

    @options_of(DIPVAESettings)
    def __init__(self, options: DIPVAESettings) -> None:
        super().__init__(options)
        self.off_diagonal, self.diagonal = options.off_diagonal, options.diagonal

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        posterior, _, terms = encoded(model, x, y, type(self).__name__)
        covariance = aggregate_covariance(posterior)
        variances = covariance.diagonal()
        off = covariance.square().sum() - variances.square().sum()
        penalty = self.off_diagonal * off + self.diagonal * (variances - 1).square().sum()
        loss = terms["negative_elbo_nats"] + penalty
        return Loss(
            loss.mean(), {"loss_nats": loss, **terms, "covariance_penalty_nats": penalty.expand(len(x))}
        )


def aggregate_covariance(posterior: Normal) -> Tensor:
    """Covariance (D, D) of the mixture of a batch of normal posteriors (B, D)."""
    centred = posterior.mean - posterior.mean.mean(0)
    return centred.T @ centred / len(centred) + torch.diag(posterior.variance.mean(0))
