"""Every figure of this project that wants a GPU, in one call of at most 8 minutes.

    python benchmarks/gpu.py --prepare runs/gpu_arrays --shared FOLDER     where the pictures are: three .npz files
    python benchmarks/gpu.py --arrays runs/gpu_arrays [--minutes 8] [--seconds 20] [--out runs/gpu] [--rows lesson,bound]
    python benchmarks/gpu.py --arrays runs/gpu_arrays --device cpu --quick                          a dry run anywhere

Rows: the lesson's 30 epochs and the time to 100.3 nats (recipes/lesson_mnist.json) against a plain PyTorch loop on the
same device, in fp32 and bf16, and recipes/mnist_quick.json; photographs and emoji by default settings against the plain
baseline's networks at equal seconds on the wall; a step as it is, as a CUDA graph, and compiled; the importance bound at
K = 1000. Each row is written to `--out` as soon as it is there and a row that fails or has no time left says so, so that
a call that is cut short keeps what it had. Wants torch, numpy and safetensors alone.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import plain_gpu
import torch
from anyones_measure import for_baseline
from anyones_sets import SETS, Places
from anyones_sides import ours
from peers import LessonVAE, update
from plain_gpu import now
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import vaekit
from vaekit.config.methods import resolve
from vaekit.config.options import read_config
from vaekit.data import Batches, Data, Split
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.models import Model
from vaekit.objectives.ramps import Clock
from vaekit.runtime.device import arithmetic
from vaekit.training.fresh import new_model

GOAL = 100.3  # nats per image: the lesson's quality
RECIPES = Path(__file__).parent.parent / "recipes"
TIMED, WARM = 200, 20  # steps whose time is taken, and steps before
BATCH = 128  # of timed steps
KEPT = 10  # seconds at the end for the table


class TimeUp(BaseException):
    """The minutes are over."""


@dataclass
class Bench:
    """What the rows share.

    Attributes:
        device: all of them run on it.
        arrays: folder of mnist.npz, photos.npz and emoji.npz.
        seconds: of each side of a comparison at equal seconds.
        quick: everything as short as can be.
    """

    device: torch.device
    arrays: Path
    seconds: float
    quick: bool
    models: dict[str, Model] = field(default_factory=dict)

    def data(self, name: str, validation: float = 1 / 12) -> Data:
        """A set from its arrays; the last examples of `train` are for validation."""
        with np.load(self.arrays / f"{name}.npz") as file:
            train, test = (torch.from_numpy(file[part]) for part in ("train", "test"))
        if self.quick:
            train, test = train[:600], test[:100]
        count = len(train) - round(validation * len(train))
        splits = (Split(train[:count]), Split(train[count:]), Split(test))
        return Data(name, *splits, pixels="8-bit")

    def epochs(self, count: int) -> int:
        """That many, or 2."""
        return 2 if self.quick else count


@dataclass
class Approach:
    """Test -ELBO after every epoch, and the seconds until then without those of measuring."""

    device: torch.device
    measure: Callable[[], float]
    steps_per_epoch: int
    steps: int = 0
    nats: float = math.nan
    reached: float | None = None

    def __post_init__(self) -> None:
        self.began, self.paused = now(self.device), 0.0

    @property
    def seconds(self) -> float:
        """So far, the clock stopped while measuring."""
        return now(self.device) - self.began - self.paused

    def __call__(self) -> None:
        """Noted after every step."""
        self.steps += 1
        if self.steps % self.steps_per_epoch == 0 and self.reached is None:
            at, before = self.seconds, now(self.device)
            self.nats = self.measure()
            self.reached = at if self.nats <= GOAL else None
            self.paused += now(self.device) - before


# Rows ------------------------------------------------------------------------------------------


def plain_lesson(bench: Bench) -> dict[str, Any]:
    """The lesson's loop as it is written: DataLoader, a batch to the device, a step, its loss read."""
    data, device = bench.data("mnist", 0.0), bench.device
    torch.manual_seed(0)
    model, test = LessonVAE().to(device), data.test.images.to(device).float() / 255
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images = data.train.images.float() / 255
    loader = DataLoader(TensorDataset(images), batch_size=128, shuffle=True)
    approach = Approach(device, partial(lesson_nats, model, test), len(loader))
    for _ in range(bench.epochs(30)):
        for (x,) in loader:
            update(model, optimizer, x.to(device))
            approach()
    return described(approach, lesson_nats(model, test))


@torch.no_grad()
def lesson_nats(model: LessonVAE, x: Tensor) -> float:
    """-ELBO (`bce`) of floats (N, 1, 28, 28), one draw of z each."""
    rebuilt, mean, log_variance = model(x)
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return float(nn.functional.binary_cross_entropy(rebuilt, x, reduction="sum") + kl) / len(x)


def described(approach: Approach, nats: float) -> dict[str, Any]:
    """The figures of a training."""
    return {
        "seconds": approach.seconds,
        "seconds_to_goal": approach.reached,
        "nats": nats,
        "steps": approach.steps,
    }


def our_lesson(bench: Bench, recipe: str, precision: str) -> dict[str, Any]:
    """A recipe by `vaekit.fit`, in one precision."""
    data, device = bench.data("mnist", 0.0), bench.device
    given = read_config(str(RECIPES / recipe))
    changes = {"epochs": bench.epochs(given["epochs"]), "precision": precision, "device": str(device)}
    settings = resolve(given["method"], given, changes)
    model, objective = new_model(settings, data)
    test = data.test

    def measure() -> float:
        return negative_elbo(model, test, seed=0, precision="fp32").value

    approach = Approach(device, measure, math.ceil(len(data.train) / given["batch_size"]))
    few = data.replace(test=test.take(torch.arange(1)))  # measured here, not there
    vaekit.fit(model, objective, few, options=settings.fit, progress="none", should_stop=approach)
    found = described(approach, math.nan)
    bench.models.setdefault("lesson", model)
    return found | {"nats": measure()}


def equal_seconds(bench: Bench, name: str) -> dict[str, Any]:
    """Default settings and the plain baseline's networks, each for the seconds on the wall."""
    data, device = bench.data(name), bench.device
    found = ours(data, bench.seconds, 0, str(device), partial(now, device))
    arrays = for_baseline(data)
    train, test = (torch.from_numpy(arrays[part]).to(device).float() / 255 for part in ("train", "test"))
    model, seconds, steps = plain_gpu.trained(train, bench.seconds, device, 0)
    theirs = plain_gpu.figures(model, train, test)
    return {
        "seconds": found["cpu_seconds"], "nats": found["negative_elbo"], "steps": found["steps"],
        "explained": found["explained_variance"], "settings": found["settings"],
        "plain_seconds": seconds, "plain_nats": theirs["negative_elbo"], "plain_steps": steps,
        "plain_explained": theirs["explained_variance"],
    }  # fmt: skip


def step_times(bench: Bench, name: str, network: str, precision: str, how: str) -> dict[str, Any]:
    """Milliseconds of a step of 128 pictures that stay on the device: `eager`, as a CUDA `graph`, or `compiled`."""
    data, device = bench.data(name), bench.device
    if device.type != "cuda" and (how == "graph" or (how == "compiled" and bench.quick)):
        return {"skipped": "wants a GPU"}
    torch.manual_seed(0)
    model = vaekit.VAE(data.shape, latent_dim=64, network=network, likelihood="gaussian-optimal").to(device)
    objective = vaekit.ELBO().to(device)
    model.prepare(data.train.images)
    model.train()
    x, _ = next(Batches(data.train, BATCH, device).epoch(0))
    step = one_step(model, objective, x, precision, how)
    for _ in range(2 if bench.quick else WARM):
        step()
    count = 3 if bench.quick else TIMED
    parts = []
    for _ in range(3):
        began = now(device)
        for _ in range(count):
            step()
        parts.append((now(device) - began) / count * 1e3)
    return {
        "milliseconds": statistics.median(parts),
        "images_per_second": BATCH / statistics.median(parts) * 1e3,
    }


def one_step(model: Model, objective: nn.Module, x: Tensor, precision: str, how: str) -> Callable[[], object]:
    """A step over one batch, without a part that runs on the host in between."""
    cuda = x.device.type == "cuda"
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True, capturable=cuda)
    values = {"beta": 1.0} if not hasattr(objective, "values") else objective.values(Clock(0, 1).end)  # type: ignore[operator]

    def loss() -> Tensor:
        with arithmetic(precision, x.device):
            return objective(model, x, None, values).total

    computed = (
        torch.compile(loss, mode="reduce-overhead" if cuda else "default") if how == "compiled" else loss
    )

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        computed().backward()
        optimizer.step()

    return captured(step) if how == "graph" else step


def captured(step: Callable[[], None]) -> Callable[[], object]:
    """The replay of a step that was captured as a CUDA graph; it warms up on a stream of its own."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def waiting(bench: Bench) -> dict[str, Any]:
    """Counts what a training of 100 steps of photographs waits for, by torch's own watch (CUDA alone)."""
    if bench.device.type != "cuda":
        return {"skipped": "torch watches synchronisations on CUDA alone"}
    data = bench.data("photos")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = vaekit.VAE(data.shape, likelihood="gaussian-optimal")
            length = {"epochs": 3, "batch_size": 64, "weights": "last"}
            vaekit.fit(model, vaekit.ELBO(), data, progress="none", device=str(bench.device), **length)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    places = [f"{Path(one.filename).name}:{one.lineno}" for one in caught if "synchroniz" in str(one.message)]
    counted = {place: places.count(place) for place in sorted(set(places))}
    return {"waits": len(places), "steps": 3 * math.ceil(len(data.train) / 64), "places": counted}


def bound(bench: Bench, precision: str) -> dict[str, Any]:
    """The importance bound at K = 1000 of 1,000 test pictures, of the lesson's model."""
    if "lesson" not in bench.models:
        our_lesson(bench, "mnist_quick.json", "fp32")
    split, samples = bench.data("mnist").test, 10 if bench.quick else 1000
    split = split.take(torch.arange(min(len(split), 20 if bench.quick else 1000)))
    began = now(bench.device)
    found = importance_bound(bench.models["lesson"].to(bench.device), split, samples, precision=precision)
    seconds = now(bench.device) - began
    return {"seconds": seconds, "nats": found.value, "samples": samples, "images": len(split)}


def rows_of() -> dict[str, tuple[Callable[[Bench], dict[str, Any]], float]]:
    """Every row: what makes it, and about how many seconds it takes on a GPU; the most wanted first."""
    rows: dict[str, tuple[Callable[[Bench], dict[str, Any]], float]] = {
        "lesson: plain, fp32": (plain_lesson, 60),
        "lesson: ours, fp32": (partial(our_lesson, recipe="lesson_mnist.json", precision="fp32"), 30),
        "lesson: ours, bf16": (partial(our_lesson, recipe="lesson_mnist.json", precision="bf16"), 30),
        "lesson: ours, mnist_quick": (partial(our_lesson, recipe="mnist_quick.json", precision="bf16"), 15),
        "equal: photos": (partial(equal_seconds, name="photos"), 60),
        "equal: emoji": (partial(equal_seconds, name="emoji"), 60),
        "bound: fp32": (partial(bound, precision="fp32"), 10),
        "bound: bf16": (partial(bound, precision="bf16"), 10),
        "waiting": (waiting, 5),
    }
    for how, seconds in (("eager", 3), ("graph", 3), ("compiled", 60)):
        for precision in ("fp32", "bf16"):
            for name, network in (("mnist", "lesson"), ("photos", "strided")):
                run = partial(step_times, name=name, network=network, precision=precision, how=how)
                rows[f"step: {name} {network}, {precision}, {how}"] = (run, seconds)
    return rows


# One call --------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arrays", type=Path, help="folder that --prepare made")
    parser.add_argument("--prepare", type=Path, help="make that folder, and nothing else")
    parser.add_argument("--shared", type=Path, help="for --prepare: folder with mnist, photos and emoji")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--seconds", type=float, default=20, help="of each side at equal seconds")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rows", default="", help="only rows whose names begin with one of these words")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--quick", action="store_true", help="everything as short as can be")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.prepare is not None:
        prepare(options.prepare, options.shared)
        return
    if options.arrays is None:
        parser.error("--arrays: name the folder that --prepare made")
    bench = Bench(torch.device(options.device), options.arrays, options.seconds, options.quick)
    began, found = time.perf_counter(), []
    for row in made(bench, options.minutes * 60, wanted(options.rows)):
        found.append(row)
        keep(options.out / "rows.json", found)
        print(f"{time.perf_counter() - began:6.1f} s  {row['row']}: {said(row)}", file=sys.stderr, flush=True)
    text = table(found, about(bench.device))
    (options.out / "table.md").write_text(text + "\n", "utf-8")
    print(text)


def prepare(folder: Path, shared: Path | None) -> None:
    """Writes the arrays of the sets, compressed: train with validation, and test."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mnist", "photos", "emoji"):
        arrays = for_baseline(SETS[name](Places(shared and shared.resolve(), folder)).load())
        np.savez_compressed(folder / f"{name}.npz", allow_pickle=False, **arrays)
        print(f"{name}: {len(arrays['train']):,} and {len(arrays['test']):,} pictures")


def wanted(words: str) -> dict[str, tuple[Callable[[Bench], dict[str, Any]], float]]:
    """The rows whose names begin with one of the words; all without any."""
    begins = tuple(word for word in words.split(",") if word) or ("",)
    return {name: row for name, row in rows_of().items() if name.startswith(begins)}


def made(
    bench: Bench, seconds: float, rows: Mapping[str, tuple[Callable[[Bench], dict[str, Any]], float]]
) -> Iterator[dict[str, Any]]:
    """Each row as it is made; one for which no time is left, that fails or is cut says so."""
    ends = time.perf_counter() + seconds - min(KEPT, seconds / 10)
    before = [signal.signal(which, time_up) for which in (signal.SIGALRM, signal.SIGTERM)]
    signal.setitimer(signal.ITIMER_REAL, max(0.01, ends - time.perf_counter()))
    over = False
    try:
        for name, (make, takes) in rows.items():
            if over or (not bench.quick and time.perf_counter() + takes > ends):
                yield {"row": name, "skipped": "no time left"}
                continue
            try:
                yield {"row": name, **make(bench)}
            except TimeUp:
                over = True
                yield {"row": name, "skipped": "cut, the minutes are over"}
            except Exception as error:
                yield {"row": name, "failed": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for which, handler in zip((signal.SIGALRM, signal.SIGTERM), before, strict=True):
            signal.signal(which, handler)


def time_up(number: int, frame: FrameType | None) -> None:
    """Ends the row that is being made."""
    raise TimeUp


def keep(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes the rows so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1), "utf-8")


def about(device: torch.device) -> str:
    """The device and torch in words."""
    name = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    )
    return f"{device.type}: {name}, torch {torch.__version__}"


def table(rows: list[dict[str, Any]], where: str) -> str:
    """One table in markdown."""
    lines = [f"| {row['row']} | {said(row)} |" for row in rows]
    return "\n".join([where, "", "| row | figures |", "| --- | --- |", *lines])


def said(row: Mapping[str, Any]) -> str:
    """The figures of a row for the eye."""
    return "; ".join(
        f"{name} {short(value)}" for name, value in row.items() if name not in ("row", "settings")
    )


def short(value: object) -> str:
    """Four digits of a number; else as it is."""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return "–" if value is None else str(value)


if __name__ == "__main__":
    main()
