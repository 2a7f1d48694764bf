"""Kills a run at every point where it can be killed, resumes it, and compares with the run left alone.

    python killing.py FOLDER all:CASE half:CASE twice:CASE longer:CASE ...

`test_resume.py` runs this in a process of its own: torch is imported and warm, and each run that is to
be killed is a fork of it, which takes milliseconds. Prints a JSON object for each argument: `points`, the
names of all places passed, in order, and `failures`, a line for each where the resumed run was not equal.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from toy import SMALL, no_images, toy_data
from vaekit import core
from vaekit.config.methods import resolve
from vaekit.core import RunError, TrainingNote
from vaekit.models.build import given_by_data, seeded_model
from vaekit.objectives.elbo import ELBO
from vaekit.runs.files import read_tensors
from vaekit.training import trainer as loop
from vaekit.training.fit import History, fit
from vaekit.training.resume import resume


class OwnEncoder(nn.Module):
    """With noise of its own, and buffers that follow the data."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 6)
        )

    def forward(self, x: torch.Tensor, condition: None) -> torch.Tensor:
        return self.layers(x)


class OwnDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 16)

    def forward(self, z: torch.Tensor, condition: None) -> torch.Tensor:
        return self.linear(z).unflatten(1, (1, 4, 4))


def own_networks(seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    return {"encoder": OwnEncoder(), "decoder": OwnDecoder()}


OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 16, "checkpoint_seconds": 0.0, "seed": 3}
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": {
        "fit": {
            "average": 0.9, "clip": 1.0, "patience": 2, "optimizer": "adamw", "weight_decay": 0.1,
            "schedule": "cosine", "warmup": 2, "epochs": 6, "learning_rate": 0.3, "checkpoint_seconds": 2.0,
        },
        "objective": {"kl_warmup": 0.2, "beta_schedule": "cosine", "free_bits": 0.1},
        "data": {"pixels": "binary", "dynamic": True},
    },
    "seldom": {
        "fit": {"checkpoint_seconds": 4.0, "optimizer": "sgd", "learning_rate": 1e-4}, "log_every": 2,
        "objective": {"kl_warmup": 0.6, "beta_schedule": "cyclical"},
    },
    "steps": {"fit": {"epochs": None, "steps": 5, "average": 0.9, "checkpoint_seconds": 3.0}},
    "once": {"fit": {"checkpoint_seconds": 1e9, "optimizer": "adamax", "weights": "last"}},
    "without validation": {
        "fit": {"checkpoint_seconds": 3.0}, "data": {"validation": no_images()},
    },
    "labels": {"method": "cvae", "fit": {"average": 0.8, "checkpoint_seconds": 3.0}},
    "components": {"model": {"init": "pca"}, "fit": {"learning_rate": 0.3, "checkpoint_seconds": 2.0}},
    "own networks": {"own": True, "fit": {"average": 0.8, "checkpoint_seconds": 2.0}},
}  # fmt: skip


class Case:
    """One run that can be made again and again.

    The clock is one that ticks when it is read, so that states are saved at the same steps each time.
    """

    def __init__(self, name: str) -> None:
        case = CASES[name]
        self.fit = OPTIONS | case.get("fit", {})
        self.method = case.get("method", "vae")
        self.objective, self.model = case.get("objective", {}), case.get("model", {})
        self.data = toy_data(**case.get("data", {}))
        self.own = own_networks if case.get("own") else lambda seed: {}
        ticks = itertools.count()
        loop.time = types.SimpleNamespace(monotonic=lambda: float(next(ticks)))  # type: ignore[assignment]
        loop.LOG_EVERY = case.get("log_every", 50)

    def train(self, folder: Path) -> History:
        """What `vaekit train` does: a model whose weights come from the seed."""
        given = given_by_data(self.method, (1, 4, 4), self.data.pixels, self.data.classes, "toy") | self.own(
            1
        )
        sizes = {"latent_dim": 3} if given.get("encoder") else {"latent_dim": 3, "width": 8}
        settings = resolve(self.method, {"data": "toy", "seed": self.fit["seed"], **sizes, **self.model})
        model = seeded_model(settings, given)
        return fit(model, ELBO(**self.objective), self.data, out=folder, **SMALL, **self.fit)

    def resume(self, folder: Path, **length: Any) -> History:
        """Own networks come with other weights, which the state must replace, if there is one."""
        there = any(folder.glob("checkpoints/*.safetensors"))
        return resume(folder, data=self.data, progress="none", **self.own(99 if there else 1), **length)


def in_fork(action: Callable[[], object], at: int) -> bool:
    """Runs an action in a fork that kills itself at the at-th point; False if it came to its end alive."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            passed = itertools.count()

            def kill(point: str) -> None:
                if next(passed) == at:
                    os.kill(os.getpid(), signal.SIGKILL)

            core.on_reach = kill
            action()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the fork failed otherwise"
    return False


def content(folder: Path) -> dict[str, Any]:
    """What must be equal: weights and what is known of them, metrics byte for byte, the summary but its time."""
    tensors, about = read_tensors(folder / "model.safetensors")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    del summary["train_seconds"], summary["processor_seconds"]
    summary.pop("forecast_seconds", None)
    return {
        "weights": {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
        "about": about,
        "metrics": (folder / "metrics.jsonl").read_bytes(),
        "summary": summary,
        "previews": (folder / "previews.npz").read_bytes(),
        "temporaries": [path.name for path in folder.rglob("*.tmp")],
    }


def go_on(case: Case, folder: Path) -> None:
    """Resumes; where there is no run yet, that is said, and the same command begins it."""
    if (folder / "config.json").exists():
        case.resume(folder)
        return
    try:
        case.resume(folder)
    except RunError:
        case.train(folder)
        for leftover in folder.rglob("*.tmp"):  # of the run that never began
            leftover.unlink()
    else:
        raise AssertionError("resumed what was no run")


def kill_everywhere(name: str, folder: Path, plans: str) -> dict[str, Any]:
    """Runs a case alone, then killed at all points, at every second one, or killed twice."""
    case = Case(name)
    points: list[str] = []
    core.on_reach = points.append
    case.train(folder / "alone")
    core.on_reach = None
    expected, failures = content(folder / "alone"), []
    step = {"all": 1, "half": 2, "twice": 4}[plans]
    later = itertools.cycle([0, 1, 6, 9, 13, 14, 25])
    for at in range(0, len(points), step):
        run = folder / f"killed-{at}"
        where = f"{name} killed at {at} ({points[at]})"
        try:
            assert in_fork(lambda run=run: case.train(run), at), "was not killed"
            if plans == "twice":
                in_fork(lambda run=run: go_on(case, run), next(later))
            if not (run / "summary.json").exists():
                go_on(case, run)
            got = content(run)
            failures += [f"{where}: {key} differ" for key in expected if got[key] != expected[key]]
        except Exception as error:
            failures.append(f"{where}: {type(error).__name__}: {error}")
    return {"points": points, "failures": failures, "summary": expected["summary"]}


def kill_while_longer(name: str, folder: Path) -> dict[str, Any]:
    """A run that has ended is given twice its length and killed at each point: it has ended as before, or is resumed."""
    case, points = Case(name), []
    short = case.fit["steps"]
    case.train(folder / "short")
    before = content(folder / "short")
    shutil.copytree(folder / "short", folder / "alone")
    core.on_reach = points.append
    case.resume(folder / "alone", steps=2 * short)
    core.on_reach = None
    expected, failures = content(folder / "alone"), []
    for at in range(len(points)):
        run = shutil.copytree(folder / "short", folder / f"killed-{at}")
        where = f"{name} longer, killed at {at} ({points[at]})"
        try:
            assert in_fork(lambda run=run: case.resume(run, steps=2 * short), at), "was not killed"
            if (run / "summary.json").exists():
                ended = content(run) | {"temporaries": []}
                failures += [] if ended in (before, expected) else [f"{where}: it has ended otherwise"]
            asked = {} if resumed_length(run) == 2 * short else {"steps": 2 * short}
            case.resume(run, **asked)
            got = content(run)
            failures += [f"{where}: {key} differ" for key in expected if got[key] != expected[key]]
        except Exception as error:
            failures.append(f"{where}: {type(error).__name__}: {error}")
    return {"points": points, "failures": failures, "summary": expected["summary"]}


def resumed_length(run: Path) -> int:
    return json.loads((run / "config.json").read_text(encoding="utf-8"))["settings"]["steps"]


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", TrainingNote)  # a few steps are few
    torch.set_num_threads(1)
    os.fsync = lambda handle: None  # a killed process loses nothing that it has written
    results = {}
    for number, word in enumerate(sys.argv[2:]):
        plans, _, name = word.partition(":")
        place = Path(sys.argv[1]) / str(number)
        results[word] = (
            kill_while_longer(name, place) if plans == "longer" else kill_everywhere(name, place, plans)
        )
    print(json.dumps(results))
