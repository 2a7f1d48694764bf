"""A KL that follows an aim."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vaekit.core import Loss, SettingError
from vaekit.models import Model
from vaekit.models.base import Encodes, HasPrior
from vaekit.objectives.base import Objective
from vaekit.objectives.disentangle import check_weight
from vaekit.objectives.ramps import Clock, linear_ramp
from vaekit.objectives.terms import elbo_terms


class Capacity(Objective):
    """-E_q[log p(x|z)] + gamma |KL - C|, with C rising from 0 to `capacity` (Burgess et al. 2018, eq. 8).

    The KL is the mean over the batch, as the paper's expectation says.

    Args:
        capacity: nats that the code may tell of an image in the end.
        capacity_ramp: share of the run over which C rises; a third in disentanglement_lib's study.
        capacity_weight: gamma.

    Raises:
        SettingError: a negative number, or a share outside [0, 1].
    """

    criterion = "loss_nats"
    needs = (Encodes, HasPrior)

    def __init__(
        self, capacity: float = 25.0, capacity_ramp: float = 0.33, capacity_weight: float = 100.0
    ) -> None:
        super().__init__()
        check_weight("capacity", capacity)
        check_weight("capacity_weight", capacity_weight)
        if not 0 <= capacity_ramp <= 1:
            raise SettingError(f"capacity_ramp is a share of the run, from 0 to 1, not {capacity_ramp}.")
        self.capacity, self.ramp, self.weight = capacity, capacity_ramp, capacity_weight
        self.arguments = {
            "capacity": capacity,
            "capacity_ramp": capacity_ramp,
            "capacity_weight": capacity_weight,
        }

    def values(self, clock: Clock) -> dict[str, float]:
        return {"capacity": self.capacity * linear_ramp(clock.progress, self.ramp)}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        terms = elbo_terms(model(x, y), x)
        excess = (terms["kl_nats"].mean() - values["capacity"]).abs()
        loss = terms["reconstruction_nats"] + self.weight * excess
        return Loss(loss.mean(), {"loss_nats": loss, **terms})
