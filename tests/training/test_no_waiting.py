"""No step waits for the device: whatever needs a value on the host, or copies one from it, is refused here.

The steps run on the `meta` device, which computes shapes and no values: reading one raises. New tensors from numbers of
the host (`torch.tensor(0.1, device=...)`) are copies that a GPU is waited for; they are refused by name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vaekit.config.methods import METHODS, resolve
from vaekit.data import Batches, Split
from vaekit.data import batches as batching
from vaekit.models.build import create_model, given_by_data
from vaekit.objectives.create import create_objective
from vaekit.objectives.ramps import Clock
from vaekit.runtime.distributed import Context
from vaekit.training import learner as learning
from vaekit.training.learner import Learner
from vaekit.training.log import Metrics
from vaekit.training.progress import Silent
from vaekit.training.recipe import Facts, filled
from vaekit.training.state import TrainState

META = torch.device("meta")
VARIATIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "gaussian": {"likelihood": "gaussian"},
    "gaussian-learned": {"likelihood": "gaussian-learned"},
    "gaussian-optimal": {"likelihood": "gaussian-optimal"},
    "logistic-mixture": {"likelihood": "logistic-mixture"},
    "histogram-mixture": {"likelihood": "histogram-mixture"},
    "clipped and averaged": {"clip": 1.0, "average": 0.9},
    "free bits": {"free_bits": 0.1},
    "lesson": {"network": "lesson"},
    "resnet": {"network": "resnet"},
}
CASES = [(name, "defaults") for name in METHODS] + [("vae", variation) for variation in VARIATIONS]


class Refusing(TorchDispatchMode):
    """Refuses copies between devices."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        devices = {value.device for value in args if isinstance(value, Tensor)}
        if "copy" in func.name():
            assert len(devices | ({kwargs["device"]} if kwargs.get("device") else set())) == 1, (
                f"{func} between devices"
            )
        return func(*args, **kwargs)


@pytest.fixture
def no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tensors on the device from numbers; autocast, which `meta` has not, changes no waiting."""

    def on_the_host(make: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        place = torch.device(kwargs.get("device") or "cpu")
        assert place.type == "cpu", "a tensor from the host within a step"
        return make(*args, **kwargs)

    for name in ("tensor", "as_tensor"):
        monkeypatch.setattr(torch, name, partial(on_the_host, getattr(torch, name)))
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: contextlib.nullcontext())


def learner(method: str, options: dict[str, Any]) -> Learner:
    settings = resolve(method, {"data": "made up"}, options)
    model = create_model(method, settings.model, given_by_data(method, (1, 28, 28), "8-bit", 10, "made up"))
    objective = create_objective(method, settings.objective)
    decided = filled(settings.fit, Facts(1000, (1, 28, 28)))
    return Learner(model, objective, decided, Context(META, "fp32"))


@pytest.mark.parametrize(("method", "variation"), CASES, ids=[" ".join(case) for case in CASES])
def test_a_step_waits_for_nothing(
    method: str, variation: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, metrics = learner(method, VARIATIONS[variation]), Metrics(None, Silent(), TrainState())
    one.train()
    x, y = torch.rand(8, 1, 28, 28, device=META), torch.zeros(8, dtype=torch.int64, device=META)
    request.getfixturevalue("no_copies")
    monkeypatch.setattr(learning, "arithmetic", lambda *args: contextlib.nullcontext())
    for step in range(2):  # the first makes what stays
        with Refusing() if step else contextlib.nullcontext():
            for phase in one.phases:
                loss = one.update(phase, x, y, Clock(step, 4), None)
                metrics.note(step, loss.terms, loss.counts)
            one.average_weights(step)
    assert metrics.state.window[-1].means.device == META


@pytest.mark.usefixtures("no_copies")
@pytest.mark.parametrize("read", [bool, float, Tensor.item, Tensor.tolist, Tensor.cpu, torch.nonzero])
def test_reading_a_value_is_refused(read: Any) -> None:
    with pytest.raises((RuntimeError, NotImplementedError, AssertionError)), Refusing():
        read(torch.ones(1, device=META) > 0)


@pytest.mark.usefixtures("no_copies")
def test_copies_are_refused() -> None:
    with pytest.raises(AssertionError, match="between devices"), Refusing():
        torch.ones(2).to(META)
    with pytest.raises(AssertionError, match="from the host"):
        torch.as_tensor(0.1, device=META)


class OnTheHost:
    """Stands for a tensor of the host, and notes how it is copied to a GPU."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.calls: list[object] = []

    def pin_memory(self) -> OnTheHost:
        self.calls.append("pinned")
        return self

    def to(self, device: torch.device, non_blocking: bool = False) -> OnTheHost:
        self.calls.append((str(device), non_blocking))
        return self


def test_copies_to_a_gpu_are_not_waited_for() -> None:
    values = OnTheHost()
    batching.moved(values, torch.device("cuda"))  # type: ignore[arg-type]
    assert values.calls == ["pinned", ("cuda", True)]
    values = OnTheHost()
    batching.moved(values, torch.device("cpu"))  # type: ignore[arg-type]
    assert values.calls == [("cpu", False)]


def test_images_that_fit_live_on_the_device() -> None:
    batches = Batches(Split(torch.zeros(20, 1, 4, 4, dtype=torch.uint8)), 8, META)
    assert batches.images.device == META
    with Refusing(), pytest.raises(AssertionError, match="between devices"):
        next(batches.epoch(0))  # the order of an epoch is the one copy
