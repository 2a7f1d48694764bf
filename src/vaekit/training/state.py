"""The resumable training state: all that its rest depends on, beside what modules and optimisers hold
themselves."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.core import RunError
from vaekit.runtime.spent import spent

MOST = 2**62  # of anything counted

COUNTERS = ("step", "epoch", "batch", "stale", "stopped", "seconds", "processor_seconds")


@dataclass(frozen=True)
class Best:
    """The best weights so far.

    Attributes:
        value: of the objective's criterion on validation, in its unit; infinite before the first.
        epoch: after which it was measured.
        weights: the model's, on its device; None where the last ones are wanted.
    """

    value: float = math.inf
    epoch: int | None = None
    weights: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class StepTerms:
    """The terms of one step, which still lie on the device.

    Attributes:
        step: its number.
        images: in it, over all processes.
        names: of the terms.
        means: over those images, (len(names),).
    """

    step: int
    images: int
    names: list[str]
    means: Tensor


@dataclass
class TrainState:
    """The resumable training state.

    Attributes:
        step, epoch, batch: done so far; batches within the epoch.
        stale: validations since the best one.
        stopped: early, because validation no longer got better.
        seconds: of training, up to the state.
        processor_seconds: likewise, as `vaekit.runtime.spent` counts them, the preparation of the model included.
        best: weights so far.
        window: steps since the last line of metrics.jsonl.
        counts: histograms of those steps, summed, (K,) each.
        metrics_size: bytes of metrics.jsonl.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    stale: int = 0
    stopped: bool = False
    seconds: float = 0.0
    processor_seconds: float = 0.0
    best: Best = Best()
    window: list[StepTerms] = field(default_factory=list)
    counts: dict[str, Tensor] = field(default_factory=dict)
    metrics_size: int = 0

    def as_nested(self) -> dict[str, Any]:
        """For `vaekit.runs.checkpoints`: JSON and tensors."""
        value = None if math.isinf(self.best.value) else self.best.value  # JSON has no infinity
        return {
            "best": _items(self.best) | {"value": value},
            "window": [_items(row) for row in self.window],
            "counts": self.counts,
            "metrics_size": self.metrics_size,
            **{name: value for name, value in _items(self).items() if name in COUNTERS},
        }

    @classmethod
    def from_nested(cls, nested: Mapping[str, Any], device: torch.device, where: Path) -> TrainState:
        """Restores a state from what `as_nested` gave, read from `where`; its tensors on a device.

        Raises:
            RunError: something is missing.
        """
        try:
            check_counters(nested)
            best = nested["best"]
            value = math.inf if best["value"] is None else best["value"]
            weights = None if best["weights"] is None else moved(best["weights"], device)
            return cls(
                **{name: nested[name] for name in COUNTERS},
                best=Best(value, best["epoch"], weights),
                window=[StepTerms(**moved(row, device)) for row in nested["window"]],
                counts=moved(nested["counts"], device),
                metrics_size=nested["metrics_size"],
            )
        except Exception as error:  # whatever a value of another kind leads to
            raise RunError(
                f"the state in {where} is of another version of vaekit, or damaged: {error}."
            ) from None


def check_counters(nested: Mapping[str, Any]) -> None:
    """Raises ValueError when what a state counts is no number from 0 on, or KeyError when it is missing."""
    for name in (*COUNTERS, "metrics_size"):
        value = nested[name]
        kinds = bool if name == "stopped" else float | int if name.endswith("seconds") else int
        if not isinstance(value, kinds) or not 0 <= value < MOST:
            raise ValueError(f"{name} = {str(value)[:40]} is no count")
    value = nested["best"]["value"]
    if value is not None and not (isinstance(value, float | int) and math.isfinite(value)):
        raise ValueError(f"best.value = {str(value)[:40]} is no number")


class Stint:
    """The time that a run has taken when a part of it ends, from where it stood when the part began.

    Args:
        state: of the run where the part begins.
        device: on which it is trained.
    """

    def __init__(self, state: TrainState, device: torch.device) -> None:
        self._device = device
        self._began = time.monotonic() - state.seconds
        self._spent = spent(device) - state.processor_seconds

    @property
    def seconds(self) -> float:
        """Returns the seconds of the whole run."""
        return time.monotonic() - self._began

    def note(self, state: TrainState) -> None:
        """Brings the times of a state up to now."""
        state.seconds, state.processor_seconds = self.seconds, spent(self._device) - self._spent


def moved(values: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """The same with its tensors on a device."""
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in values.items()}


def _items(record: Best | StepTerms | TrainState) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
