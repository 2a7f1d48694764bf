"""Which update rule and which size of network get furthest in a given time? Time-matched, over seeds.

    python benchmarks/recipe_search.py [--seconds 10] [--seeds 3] [--only NAME ...] [--out FILE.jsonl]

Each candidate's steps are timed first, in turns, which gives the number of steps that fit into the seconds; then it
trains that many with a linear decay to 0 (schedule-free: none) after 40 steps of warm-up, for each seed,
and -ELBO (`bce`, one sample) is taken on 5,000 validation images of MNIST. The test split is not read.
Prints one JSON object per run. Muon is torch's; schedule-free and SOAP want
`pip install --no-deps schedulefree pytorch_optimizer`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

import vaekit
from vaekit.data import Batches, Data
from vaekit.training.optimizers import Adam
from vaekit.training.validate import mean_terms

WARMUP = 40
TIMED = 30  # steps a round, after as many that are not timed
ROUNDS = 3


@dataclass(frozen=True)
class Candidate:
    """One recipe: what `build` makes of the model's parameters takes the rates as the schedule says."""

    build: Callable[[nn.Module], list[Any]]
    batch: int = 192
    model: dict[str, Any] = field(default_factory=dict)
    schedule: bool = True


def adam(rate: float, beta2: float = 0.99) -> Callable[[nn.Module], list[Any]]:
    return lambda model: [Adam(model.parameters(), rate, (0.9, beta2), fused=True)]


def muon(rate: float, adam_rate: float = 4e-3) -> Callable[[nn.Module], list[Any]]:
    """Muon for the hidden matrices, Adam for the first and last layers and the biases."""

    def build(model: nn.Module) -> list[Any]:
        hidden = [p for name, p in model.named_parameters() if "blocks" in name and p.ndim == 2]
        taken = {id(p) for p in hidden}
        rest = [p for p in model.parameters() if id(p) not in taken]
        return [
            torch.optim.Muon(hidden, rate, weight_decay=0.0),
            Adam(rest, adam_rate, (0.9, 0.99), fused=True),
        ]

    return build


def muon_everywhere(rate: float, adam_rate: float = 4e-3) -> Callable[[nn.Module], list[Any]]:
    """Muon for every matrix, Adam for the biases."""

    def build(model: nn.Module) -> list[Any]:
        matrices = [p for p in model.parameters() if p.ndim == 2]
        rest = [p for p in model.parameters() if p.ndim != 2]
        return [
            torch.optim.Muon(matrices, rate, weight_decay=0.0),
            Adam(rest, adam_rate, (0.9, 0.99), fused=True),
        ]

    return build


def schedule_free(rate: float) -> Callable[[nn.Module], list[Any]]:
    kind = _kind("schedulefree", "AdamWScheduleFree")
    return lambda model: [kind(model.parameters(), rate, betas=(0.9, 0.99), warmup_steps=WARMUP)]


def soap(rate: float) -> Callable[[nn.Module], list[Any]]:
    kind = _kind("pytorch_optimizer", "SOAP")
    return lambda model: [
        kind(model.parameters(), rate, betas=(0.95, 0.99), weight_decay=0.0, precondition_frequency=10)
    ]


def _kind(package: str, name: str) -> Any:
    return getattr(importlib.import_module(package), name) if _there(package) else None


def _there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


CANDIDATES = {
    "adam 4e-3": Candidate(adam(4e-3)),
    "adam 8e-3": Candidate(adam(8e-3)),
    "adam 1.2e-2": Candidate(adam(1.2e-2)),
    "adam 1.6e-2": Candidate(adam(1.6e-2)),
    "adam 8e-3, batch 128": Candidate(adam(8e-3), batch=128),
    "adam 1.2e-2, batch 256": Candidate(adam(1.2e-2), batch=256),
    "adam 8e-3, width 384": Candidate(adam(8e-3), model={"width": 384}),
    "adam 8e-3, width 640": Candidate(adam(8e-3), model={"width": 640}),
    "adam 8e-3, two blocks": Candidate(adam(8e-3), model={"depth": 2}),
    "adam 8e-3, beta2 0.999": Candidate(adam(8e-3, 0.999)),
    "muon in the blocks, 0.02, adam 8e-3": Candidate(muon(0.02, 8e-3)),
    "muon everywhere, 0.02": Candidate(muon_everywhere(0.02)),
    "muon everywhere, 0.02, batch 512": Candidate(muon_everywhere(0.02), batch=512),
    "schedule-free 1e-2": Candidate(schedule_free(1e-2), schedule=False),
    "soap 3e-3": Candidate(soap(3e-3)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=list(CANDIDATES))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    data = vaekit.load_data("mnist")
    rounds = [{name: seconds_a_step(CANDIDATES[name], data) for name in options.only} for _ in range(ROUNDS)]
    steps = {
        name: int(options.seconds / statistics.median(times[name] for times in rounds))
        for name in options.only
    }
    for seed in range(options.seeds):
        for name in options.only:
            began = time.perf_counter()
            value = trained(CANDIDATES[name], data, steps[name], seed)
            seconds = time.perf_counter() - began
            line = json.dumps(
                {
                    "name": name,
                    "seed": seed,
                    "steps": steps[name],
                    "seconds": round(seconds, 1),
                    "nats": round(value, 3),
                }
            )
            print(line, flush=True)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")


def seconds_a_step(candidate: Candidate, data: Data) -> float:
    times: list[float] = []
    train(candidate, data, 2 * TIMED, 0, lambda: times.append(time.perf_counter()))
    return (times[-1] - times[TIMED]) / (len(times) - 1 - TIMED)


def trained(candidate: Candidate, data: Data, steps: int, seed: int) -> float:
    """-ELBO on validation after so many steps."""
    model = train(candidate, data, steps, seed, lambda: None)
    batches = Batches(data.validation, 500, "cpu", seed=1, shuffle=False)
    return mean_terms(model, vaekit.ELBO(), batches, "fp32", 1)["negative_elbo_nats"]


def train(candidate: Candidate, data: Data, steps: int, seed: int, tick: Callable[[], object]) -> vaekit.VAE:
    torch.manual_seed(seed)
    model, objective = vaekit.VAE(data.shape, network="mlp", **candidate.model), vaekit.ELBO()
    model.prepare_from(data.train)
    optimizers = candidate.build(model)
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    free = not candidate.schedule
    if free:
        optimizers[0].train()
    batches, epoch, step = Batches(data.train, candidate.batch, "cpu", seed=seed), 0, 0
    while step < steps:
        for x, y in batches.epoch(epoch):
            if step == steps:
                break
            share = min(1.0, (step + 1) / WARMUP) * (1 - step / steps)
            for optimizer, rates in zip(optimizers, peaks, strict=True):
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate if free else rate * share
                optimizer.zero_grad()
            objective(model, x, y, {"beta": 1.0}).total.backward()
            for optimizer in optimizers:
                optimizer.step()
            step += 1
            tick()
        epoch += 1
    if free:
        optimizers[0].eval()
    return model


if __name__ == "__main__":
    main()
