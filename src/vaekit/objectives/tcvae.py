"""beta-TCVAE: the total correlation weighs more."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor
from torch.distributions import Normal

from vaekit.config.configured import options_of
from vaekit.config.objective_options import TCVAESettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import EncodesVector, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.disentangle import encoded


class TCVAE(Objective):
    """-ELBO + (beta - 1) TC(z): the KL in its three parts, of which only the total correlation weighs beta
    (Chen et al. 2018, the decomposition of the ELBO, with alpha = gamma = 1).

    TC = E[log q(z) - sum_d log q(z_d)] by their minibatch-weighted sampling, over the batch alone: with N training
    images the paper's estimator is larger by the constant (D - 1) log N. It is biased upwards for the TC of all
    images, the more the smaller the batch: near the rate less log B where that is positive. The rest of the KL keeps its closed form.
    """

    criterion = "loss_nats"
    needs = (EncodesVector, HasPrior)

    @options_of(TCVAESettings)
    def __init__(self, options: TCVAESettings) -> None:
        super().__init__(options)
        self.beta = options.beta

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        posterior, z, terms = encoded(model, x, y, type(self).__name__)
        correlation = batch_total_correlation(posterior, z)
        loss = terms["negative_elbo_nats"] + (self.beta - 1) * correlation
        return Loss(
            loss.mean(), {"loss_nats": loss, **terms, "minibatch_total_correlation_nats": correlation}
        )


def batch_total_correlation(posterior: Normal, z: Tensor) -> Tensor:
    """log q(z_n) - sum_d log q(z_nd), (B,), with q(z) = 1/B sum_m q(z|x_m) over the batch; z: (B, D)."""
    densities = Normal(posterior.mean, posterior.stddev, validate_args=False).log_prob(
        z[:, None]
    )  # (B, B, D)
    count = math.log(len(z))
    joint = densities.sum(-1).logsumexp(1) - count
    product = (densities.logsumexp(1) - count).sum(-1)
    return joint - product
