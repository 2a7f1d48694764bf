"""A KL that follows an aim."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vaekit.config.configured import options_of
from vaekit.config.objective_options import CapacitySettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.ramps import Clock, linear_ramp
from vaekit.objectives.terms import elbo_terms


class Capacity(Objective):
    """-E_q[log p(x|z)] + gamma |KL - C|, with C rising from 0 to `capacity` (Burgess et al. 2018, eq. 8).

    The KL is the mean over the batch, as the paper's expectation says. C rises over a third of the run by
    default, as in disentanglement_lib's study.
    """

    criterion = "loss_nats"
    needs = (Encodes, HasPrior)

    @options_of(CapacitySettings)
    def __init__(self, options: CapacitySettings) -> None:
        super().__init__(options)
        self.capacity, self.ramp = options.capacity, options.capacity_ramp
        self.weight = options.capacity_weight

    def values(self, clock: Clock) -> dict[str, float]:
        return {"capacity": self.capacity * linear_ramp(clock.progress, self.ramp)}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        terms = elbo_terms(model(x, y), x)
        excess = (terms["kl_nats"].mean() - values["capacity"]).abs()
        loss = terms["reconstruction_nats"] + self.weight * excess
        return Loss(loss.mean(), {"loss_nats": loss, **terms})
