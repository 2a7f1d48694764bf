"""What a run keeps: its resumable state and how it takes one up again, its weights, its summary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.core import RunError
from vaekit.distributions.likelihoods import measured_under
from vaekit.metrics import in_bits

if TYPE_CHECKING:
    from vaekit.training.trainer import Training

COUNTERS = ("step", "epoch", "batch", "stale", "stopped", "seconds")  # of a state, beside its tensors


def state_of(run: Training) -> dict[str, Any]:
    """Everything that the rest of the run depends on."""
    value = run.best["value"]
    return {
        "model": run.model.state_dict(),
        "objective": run.objective.state_dict(),
        "optimizers": {name: optimizer.state_dict() for name, optimizer in run.optimizers.items()},
        "average": run.average and run.average.weights,
        "best": {**run.best, "value": None if math.isinf(value) else value},
        "window": run.metrics.window,
        "counts": run.metrics.counts,
        "metrics_size": run.metrics.size,
        **{name: getattr(run, name) for name in COUNTERS},
    }


def restore(run: Training, state: dict[str, Any]) -> None:
    """Takes up a state; metrics.jsonl is cut back to it.

    Raises:
        RunError: the state is of another model, or metrics.jsonl is shorter than it was.
    """
    try:
        run.model.load_state_dict(state["model"])
        run.objective.load_state_dict(state["objective"])
        for name, optimizer in run.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
    except (RuntimeError, ValueError, KeyError) as error:
        detail = " ".join(str(error).split())[:200]
        raise RunError(f"the state in {run.folder} is not of this run's model: {detail}") from None
    if run.average is not None:
        run.average.weights = _moved(state["average"], run.device)
    best = state["best"]
    run.best = {
        "value": math.inf if best["value"] is None else best["value"],
        "epoch": best["epoch"],
        "weights": None if best["weights"] is None else _moved(best["weights"], run.device),
    }
    for name in COUNTERS:
        setattr(run, name, state[name])
    window = [_moved(row, run.device) for row in state["window"]]
    run.metrics.restore(state["metrics_size"], window, _moved(state.get("counts", {}), run.device))


def _moved(values: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The same with its tensors on a device."""
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in values.items()}


def chosen_weights(run: Training) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights to use so far, and what they are."""
    averaged = run.average is not None
    if run.options.weights == "best" and run.best["weights"] is not None:
        return run.best["weights"], {"which": "best", "epoch": run.best["epoch"], "averaged": averaged}
    last = run.average.weights if run.average is not None else run.model.state_dict()
    about = {"which": "last", "epoch": run.epoch, "averaged": averaged}
    return {name: tensor.detach().clone() for name, tensor in last.items()}, about


def summarise(run: Training, about: dict[str, Any], measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The content of summary.json."""
    arguments, data = run.model.arguments, run.data
    under = measured_under(arguments.get("likelihood"))
    splits = {
        name: {"images": len(data.splits[name])}
        | {key: value for key, value in terms.items() if not isinstance(value, list)}
        | in_bits(terms, under.kind, data.pixels, data.dimensions)
        for name, terms in measured.items()
    }
    return {
        **({} if run.method is None else {"method": run.method}),
        **{name: value for name, value in arguments.items() if name == "likelihood"},
        "data": data.source,
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "epochs": run.epoch,
        "steps": run.step,
        "stopped_early": run.stopped,
        "train_seconds": round(run.seconds, 3),
        "device": str(run.device),
        "precision": run.precision,
        "weights": about,
        **splits,
    }
