"""The evidence lower bound."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vaekit.core import Loss, SettingError, choose
from vaekit.models import Model
from vaekit.models.base import Encodes, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.ramps import RAMPS, Clock
from vaekit.objectives.terms import elbo_terms


class ELBO(Objective):
    """-E_q[log p(x|z)] + beta KL(q(z|x) || p(z)), one sample of z an image.

    beta = 1 is the evidence lower bound (Kingma & Welling 2014, eq. 3); beta > 1 is the beta-VAE
    (Higgins et al. 2017, eq. 4). `negative_elbo_nats` always has beta = 1 and no free bits.

    Args:
        beta: weight of the KL term.
        kl_warmup: share of the run, 0 to 1, over which beta rises from 0 (of each cycle if cyclical).
        beta_schedule: key of RAMPS.
        free_bits: nats; a latent dimension whose KL, averaged over the batch, is below this costs
            this much and has no gradient (Kingma et al. 2016, eq. 15). 0 switches it off.

    Raises:
        SettingError: a negative weight, or a share outside [0, 1].
    """

    criterion = "loss_nats"
    needs = (Encodes, HasPrior)

    def __init__(
        self, beta: float = 1.0, kl_warmup: float = 0.0, beta_schedule: str = "linear", free_bits: float = 0.0
    ) -> None:
        super().__init__()
        if not beta >= 0:
            raise SettingError(f"beta must be 0 or more, not {beta}.")
        if not 0 <= kl_warmup <= 1:
            raise SettingError(f"kl_warmup is a share of the run, from 0 to 1, not {kl_warmup}.")
        if not free_bits >= 0:
            raise SettingError(f"free_bits must be 0 nats or more, not {free_bits}.")
        choose(beta_schedule, RAMPS, "beta_schedule")
        self.beta, self.kl_warmup = beta, kl_warmup
        self.ramp, self.free_bits = RAMPS[beta_schedule], free_bits
        self.arguments = {
            "beta": beta,
            "kl_warmup": kl_warmup,
            "beta_schedule": beta_schedule,
            "free_bits": free_bits,
        }

    def values(self, clock: Clock) -> dict[str, float]:
        return {"beta": self.beta * self.ramp(clock.progress, self.kl_warmup)}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        terms = elbo_terms(model(x, y), x)
        charged = terms["kl_nats"]
        if self.free_bits > 0:
            charged = terms["kl_nats_by_dimension"].mean(0).clamp_min(self.free_bits).sum()
        loss = terms["reconstruction_nats"] + values["beta"] * charged
        return Loss(loss.mean(), {"loss_nats": loss, **terms})
