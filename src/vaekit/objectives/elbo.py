"""The evidence lower bound."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vaekit.config.configured import options_of
from vaekit.config.objective_options import ELBOSettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.ramps import RAMPS, Clock
from vaekit.objectives.terms import elbo_terms


class ELBO(Objective):
    """-E_q[log p(x|z)] + beta KL(q(z|x) || p(z)), one sample of z per image.

    beta = 1 is the evidence lower bound (Kingma & Welling 2014, eq. 3); beta > 1 is the beta-VAE
    (Higgins et al. 2017, eq. 4). `negative_elbo_nats` always has beta = 1 and no free bits.
    A latent dimension whose KL, averaged over the batch, is below `free_bits` costs as much as that and has
    no gradient (Kingma et al. 2016, eq. 15).

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(beta=4.0), data, steps=2, progress=False)
        >>> loss = vaekit.ELBO()(model, images)  # in a loop of one's own
        >>> loss.total.backward()
        >>> loss.terms["kl_nats"].shape  # of each image
        torch.Size([8])
    """

    criterion = "loss_nats"
    needs = (Encodes, HasPrior)

    @options_of(ELBOSettings)
    def __init__(self, options: ELBOSettings) -> None:
        super().__init__(options)
        self.beta, self.kl_warmup = options.beta, options.kl_warmup
        self.ramp, self.free_bits = RAMPS[options.beta_schedule], options.free_bits

    def values(self, clock: Clock) -> dict[str, float]:
        return {"beta": self.beta * self.ramp(clock.progress, self.kl_warmup)}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        terms = elbo_terms(model(x, y), x)
        charged = terms["kl_nats"]
        if self.free_bits > 0:
            charged = terms["kl_nats_by_dimension"].mean(0).clamp_min(self.free_bits).sum()
        loss = terms["reconstruction_nats"] + values["beta"] * charged
        return Loss(loss.mean(), {"loss_nats": loss, **terms})
