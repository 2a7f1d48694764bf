"""A training's state comes back from its file as it went in, bit for bit."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from vaekit.core import RunError
from vaekit.runs.checkpoints import load_state, save_state
from vaekit.training.state import Best, StepTerms, TrainState

CPU = torch.device("cpu")
WINDOW = [
    StepTerms(6, 16, ["loss_nats", "kl_nats"], torch.tensor([2.5, 1e-40])),
    StepTerms(7, 8, ["loss_nats"], torch.tensor([2.0])),
]


def state(**changes: Any) -> TrainState:
    return TrainState(
        **{
            "step": 7, "epoch": 2, "batch": 1, "stale": 3, "stopped": True, "seconds": 0.1 + 0.2,
            "best": Best(1 / 3, 1, {"layer.weight": torch.tensor([[0.1, -0.0]]), "n": torch.tensor(5)}),
            "window": WINDOW,
            "counts": {"code": torch.tensor([3.0, 0.0, 1.0])},
            "metrics_size": 12_345,
        } | changes
    )  # fmt: skip


def through_a_file(before: TrainState, folder: Path) -> TrainState:
    save_state(folder, before.step, {"model": {"w": torch.ones(2)}} | before.as_nested())
    nested = load_state(folder)
    assert nested is not None
    return TrainState.from_nested(nested, CPU, Path("run"))


def bits(record: Any) -> Any:
    """Tensors as their type, shape and bytes, everything else as it is."""
    if isinstance(record, torch.Tensor):
        return str(record.dtype), tuple(record.shape), record.numpy().tobytes()
    if dataclasses.is_dataclass(record):
        return {field.name: bits(getattr(record, field.name)) for field in dataclasses.fields(record)}
    if isinstance(record, dict):
        return {key: bits(value) for key, value in record.items()}
    return [bits(item) for item in record] if isinstance(record, list) else record


def test_a_state_comes_back_from_its_file_bit_for_bit(tmp_path: Path) -> None:
    assert bits(through_a_file(state(), tmp_path)) == bits(state())


def test_a_fresh_state_too_with_its_infinite_value(tmp_path: Path) -> None:
    fresh = through_a_file(TrainState(), tmp_path)
    assert bits(fresh) == bits(TrainState())
    assert fresh.best.value == math.inf


def test_every_field_is_kept() -> None:
    """A field that is added without a place in the file would be lost by resuming."""
    assert {field.name for field in dataclasses.fields(TrainState)} == state().as_nested().keys()


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(TrainState)])
def test_a_state_that_lacks_something_is_refused(name: str) -> None:
    nested = {key: value for key, value in state().as_nested().items() if key != name}
    with pytest.raises(
        RunError, match=rf"the state in run is of another version of vaekit, or damaged: '{name}'"
    ):
        TrainState.from_nested(nested, CPU, Path("run"))
