"""Measures an objective on a whole split."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vaekit.data import Batches
from vaekit.models import Model
from vaekit.models.base import evaluating
from vaekit.objectives.base import Objective
from vaekit.objectives.ramps import Clock
from vaekit.runtime.device import arithmetic
from vaekit.runtime.random import own_randomness, seed_noise, sharing, total


def mean_terms(
    model: Model,
    objective: Objective,
    batches: Batches,
    precision: str,
    seed: int,
) -> dict[str, Any]:
    """Every term of the objective at its final schedule, as mean over all images of a split.

    In eval mode, under a seed, without touching the global random numbers; summed in float64.

    Args:
        batches: of the split, in order (`shuffle=False`), on the model's device; of several processes each
            makes its part.
        precision: "fp32" or "bf16".
        seed: of the draws of z.

    Returns:
        name -> float, or a list of floats for terms by dimension; and the objective's further figures.
    """
    device = batches.device
    values = objective.values(Clock(0, 1).end)
    totals: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    with (
        own_randomness(device),
        evaluating(model),
        evaluating(objective),
        torch.inference_mode(),
        arithmetic(precision, device),
    ):
        seed_noise(device, seed)
        for index, (x, y) in enumerate(batches.epoch(0)):
            with sharing(batches.share(index)):
                loss = objective(model, x, y, values)
            for name, term in loss.terms.items():
                totals[name] = totals.get(name, 0) + _sum(term)
            for name, part in loss.counts.items():
                counts[name] = counts.get(name, 0) + _sum(part[None])
        with sharing(batches.share(0)):
            totals = {name: total(part) for name, part in totals.items()}
            counts = {name: total(part) for name, part in counts.items()}
    means = {name: (part / len(batches.images)).tolist() for name, part in totals.items()}
    return means | objective.figures(means, counts)


def _sum(term: Tensor) -> Tensor:
    """Over images, in float64 (of which MPS has none): (B,) -> (), (B, D) -> (D,)."""
    return (term.cpu() if term.device.type == "mps" else term).double().sum(0)
