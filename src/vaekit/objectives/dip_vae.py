"""DIP-VAE II: covariances of the codes are penalised."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.base import EncodesVector, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.disentangle import check_weight, encoded


class DIPVAE(Objective):
    """-ELBO + od sum_{i != j} Cov[z]_ij^2 + d sum_i (Cov[z]_ii - 1)^2: DIP-VAE II (Kumar et al. 2018, eq. 7).

    Cov[z] = Cov[E z] + E[Var z], the covariance of q(z), from the batch. The penalty is one number a batch, the
    same for each of its images.

    Args:
        off_diagonal: weight of the covariances.
        diagonal: weight of the variances' distance from 1.

    Raises:
        SettingError: a negative weight.
    """

    criterion = "loss_nats"
    needs = (EncodesVector, HasPrior)

    def __init__(self, off_diagonal: float = 10.0, diagonal: float = 10.0) -> None:
        super().__init__()
        check_weight("off_diagonal", off_diagonal)
        check_weight("diagonal", diagonal)
        self.off_diagonal, self.diagonal = off_diagonal, diagonal
        self.arguments = {"off_diagonal": off_diagonal, "diagonal": diagonal}

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
