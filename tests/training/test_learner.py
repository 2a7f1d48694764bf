"""What learns: one update against one by hand, and a state that another model refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from toy import Scripted, Weights
from vaekit.config.options import FitSettings
from vaekit.core import RunError
from vaekit.objectives.ramps import Clock
from vaekit.runtime.distributed import choose_context
from vaekit.runtime.random import Share
from vaekit.training.learner import Learner

WHERE = Path("run")
X = torch.zeros(6, 1, 4, 4)
OPTIONS: dict[str, Any] = {
    "optimizer": "sgd", "learning_rate": 0.5, "schedule": "constant", "warmup": 0, "clip": 0.0, "beta1": 0.0,
}  # fmt: skip


def learner(*start: float, **options: Any) -> Learner:
    def terms(model: Weights, x: Tensor, values: Any) -> dict[str, Tensor]:
        return {"loss_nats": (model.weights * torch.tensor([3.0, 4.0])[: len(start)]).sum()}

    settings = FitSettings.of(OPTIONS | options)
    return Learner(Weights(*start), Scripted(terms), settings, choose_context("cpu", "fp32"))


def step(one: Learner, share: Share | None = None) -> None:
    (phase,) = one.phases
    one.update(phase, X, None, Clock(0, 10), share)
    one.average_weights(0)


def test_an_update_is_the_rate_times_the_gradient() -> None:
    one = learner(1.0, 2.0)
    step(one)
    torch.testing.assert_close(one.model.state_dict()["weights"], torch.tensor([1 - 1.5, 2 - 2.0]))
    assert one.scheduled(Clock(0, 10))["learning_rate"] == 0.5


def test_a_part_of_a_batch_counts_by_its_images() -> None:
    """6 of 24 rows, one process: a quarter of the gradient; others would add the rest."""
    one = learner(1.0)
    step(one, Share(0, 6, 24))
    torch.testing.assert_close(one.model.state_dict()["weights"], torch.tensor([1 - 1.5 / 4]))


def test_averaged_weights_are_those_that_count() -> None:
    plain, averaged = learner(1.0), learner(1.0, average=0.9)
    step(plain)
    step(averaged)
    assert plain.averaged is None
    assert plain.last_weights()["weights"].item() == -0.5
    assert averaged.last_weights()["weights"].item() == pytest.approx(
        0.1 * 1 + 0.9 * -0.5
    )  # (1 + 0) / (10 + 0)


def test_a_state_goes_to_an_equal_model_and_no_other() -> None:
    one, other = learner(1.0, 2.0, average=0.9), learner(5.0, 5.0, average=0.9)
    step(one)
    other.load_nested(one.as_nested(), WHERE)
    step(one)
    step(other)
    assert torch.equal(one.last_weights()["weights"], other.last_weights()["weights"])
    with pytest.raises(
        RunError, match=r"the state in run is not of this run's model: .*size mismatch"
    ) as caught:
        learner(1.0).load_nested(one.as_nested(), WHERE)
    assert "\n" not in str(caught.value)
    assert one.all_finite()
    assert not learner(float("nan")).all_finite()
