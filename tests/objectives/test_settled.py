"""The share of a run from which an objective trains what it is judged by."""

from __future__ import annotations

import pytest

from vaekit.objectives import ELBO
from vaekit.objectives.base import Objective
from vaekit.objectives.capacity import Capacity
from vaekit.objectives.ramps import Clock


@pytest.mark.parametrize(
    ("objective", "share"),
    [
        (ELBO(), 0.0),
        (ELBO(beta=4.0, kl_warmup=0.3), 0.3),
        (ELBO(kl_warmup=0.5, beta_schedule="cosine"), 0.5),
        (ELBO(kl_warmup=1.0), 1.0),
        (ELBO(kl_warmup=0.6, beta_schedule="cyclical"), 0.9),  # in the last of four cycles
        (ELBO(kl_warmup=0.0, beta_schedule="cyclical"), 0.0),
        (Capacity(), 0.33),
        (Capacity(capacity_ramp=1.0), 1.0),
        (Capacity(capacity_ramp=0.0), 0.0),
    ],
)
def test_schedules_are_final_from_there_and_not_before(objective: Objective, share: float) -> None:
    found = objective.settled_from()
    assert found == pytest.approx(share, abs=1e-3)
    steps = 5000
    final = objective.values(Clock(steps, steps))
    first = round(found * steps)
    assert all(objective.values(Clock(step, steps)) == final for step in range(first, steps))
    before = [objective.values(Clock(step, steps)) for step in range(first - 10, first - 5)]
    assert share == 0 or final not in before
