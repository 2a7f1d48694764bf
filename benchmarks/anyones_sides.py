"""One side of a row of `anyones_data.py`, as a process of its own: trains for processor seconds, prints one JSON line.

    python benchmarks/anyones_sides.py ours|plain|pythae|defaults '{"data": ..., "options": ..., "seconds": 20, "seed": 0}'

The clock is that of the process (`time.process_time`), from before the model is made to the end of `vaekit.train`, its
statistics, validation and files included; imports, loading and measuring are left out on every side.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import math
import runpy
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from anyones_measure import active_units, for_baseline, measured, pca_explained, refitted
from anyones_sets import Source

import vaekit
from vaekit.config.options import FitSettings
from vaekit.data import Data
from vaekit.training.history import History

AIM = 0.97  # share of the seconds that is aimed at: the plain side never uses less than it is given
ENOUGH = (0.85, 1.02)  # shares of the seconds that are taken as they are; else trained once more
FIRST_STEP = 0.01  # seconds that a step is thought to take before one was timed
TRIALS = 3  # at most
TRIAL = (1.0, 0.2)  # a trial takes at least these seconds and an epoch, at most this share of the seconds
UNTIMED = 5  # steps that a process needs to come up to speed
Clock = Callable[[], float]
FEW_TESTED = 16  # test examples that `train` sees: measuring all of them belongs to no side's seconds


@dataclass
class Watch:
    """Times the steps of a trial, and stops it.

    Args:
        most: seconds that it may take.
        epoch: steps per epoch, for the time of a validation.
        clock: gives seconds; None takes processor seconds.
    """

    most: float
    epoch: int
    clock: Clock | None = None
    steps: int = 0
    first: float = 0.0
    last: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.now()

    def now(self) -> float:
        """Seconds of the clock."""
        return (self.clock or time.process_time)()

    def __call__(self) -> str | None:
        """Asked after every step: a reason to stop, or None."""
        self.steps, self.last = self.steps + 1, self.now()
        if self.steps == UNTIMED:
            self.first = self.last
        spent = self.last - self.began
        whole = spent >= TRIAL[0] and self.steps >= self.epoch + UNTIMED
        return "timed" if self.steps > UNTIMED and (whole or spent >= self.most) else None

    @property
    def per_step(self) -> float:
        """Seconds per step, validation between epochs included."""
        return (self.last - self.first) / (self.steps - UNTIMED)

    @property
    def before(self) -> float:
        """Seconds before the steps."""
        return max(0.0, self.first - self.began - UNTIMED * self.per_step)


def length(steps: int, data: Data) -> dict[str, int]:
    """A number of steps as an option of `vaekit.train`: epochs where it takes no steps."""
    if "steps" in FitSettings.names():
        return {"steps": steps}
    return {"epochs": max(1, round(steps / steps_per_epoch(data)))}


def steps_per_epoch(data: Data) -> int:
    """Of the default batch size; where the data decide that, only a hint."""
    size = FitSettings().batch_size
    return math.ceil(len(data.train) / (size if isinstance(size, int) else 128))


def planned(data: Data, seconds: float, seed: int, device: str = "cpu", clock: Clock | None = None) -> int:
    """Steps of the default settings that fit into the seconds. The settings may depend on the length, so a trial whose
    guess was far off is made again."""
    steps = max(1, round(seconds / FIRST_STEP))
    for _ in range(TRIALS):
        watch = Watch(TRIAL[1] * seconds, steps_per_epoch(data), clock)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            ended = train(data, steps, seed, out, device=device, should_stop=watch).summary
        if ended is not None:  # before the trial had its time
            return round(steps * AIM * seconds / (watch.last - watch.began))
        guess, steps = steps, max(1, int((AIM * seconds - watch.before) / watch.per_step))
        if 0.5 < steps / guess < 2:
            break
    return steps


def train(data: Data, steps: int, seed: int, out: Path, **options: Any) -> History:
    """Trains a VAE by default settings."""
    about = {"seed": seed, "device": "cpu", "progress": "none", **length(steps, data), **options}
    return vaekit.train("vae", data, out=out, **about)


def ours(
    data: Data, seconds: float, seed: int, device: str = "cpu", clock: Clock | None = None
) -> dict[str, Any]:
    """Default settings for about these seconds of the clock; trained once more where they were missed."""
    small = data.replace(test=data.test.take(torch.arange(min(FEW_TESTED, len(data.test)))))
    steps, tries, spent = planned(small, seconds, seed, device, clock), 0, 0.0
    watch = Watch(math.inf, 0, clock)
    with tempfile.TemporaryDirectory() as folder:
        while True:
            out = Path(folder) / str(tries)
            began = watch.now()
            history = train(small, steps, seed, out, device=device)
            spent, tries = watch.now() - began, tries + 1
            other = max(1, int(steps * AIM * seconds / spent))
            fits = ENOUGH[0] <= spent / seconds <= ENOUGH[1]
            if fits or tries == 2 or length(other, data) == length(steps, data):
                break
            steps = other
        run = vaekit.load_run(out)
        assert history.summary is not None
        about = {"cpu_seconds": round(spent, 2), "steps": history.summary.steps, "tries": tries}
        figures = measured(run.model.to(device), data, seed)
        return about | figures | {"settings": telling(run.settings.flat())}


def telling(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the data may have decided."""
    left_out = {"data", "data_dir", "device", "seed", "checkpoint_seconds", "layout", "deterministic"}
    kept = {name: value for name, value in settings.items() if name not in left_out}
    return {name: value for name, value in kept.items() if isinstance(value, str | int | float)}


def plain(baseline: str, data: str, seconds: float, seed: int) -> None:
    """Runs the frozen baseline, which prints its JSON line; its one seed is replaced, nothing else."""
    seeded = torch.manual_seed
    torch.manual_seed = functools.partial(lambda own, _: seeded(own), seed)  # type: ignore[assignment]
    sys.argv = [baseline, data, str(seconds)]
    runpy.run_path(baseline, run_name="__main__")


def pythae(data: Data, seconds: float, seed: int) -> dict[str, Any]:
    """pythae's own VAE and trainer by their defaults, on pictures: as many epochs as fit, which shorter trainings tell.

    Wants `pip install --no-deps pythae==0.1.2`, with cloudpickle, imageio, pydantic and tqdm. Its decoder ends in a
    sigmoid, so it has no rows in real units.
    """
    models, trainers = (importlib.import_module(f"pythae.{name}") for name in ("models", "trainers"))
    arrays = {name: torch.from_numpy(part) for name, part in for_baseline(data).items()}
    train, test = (arrays[name].float() / 255 for name in ("train", "test"))

    def trained(epochs: int) -> tuple[Any, float]:
        torch.manual_seed(seed)
        began = time.process_time()
        model = models.VAE(models.VAEConfig(input_dim=tuple(train.shape[1:])))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            settings = trainers.BaseTrainerConfig(output_dir=folder, num_epochs=epochs, no_cuda=True)
            pairs = importlib.import_module("pythae.data.datasets").BaseDataset(
                train, torch.zeros(len(train))
            )
            trainers.BaseTrainer(model, pairs, training_config=settings).train()
        return model.eval(), time.process_time() - began

    epochs = 1
    model, spent = trained(epochs)  # most of which is its start
    while spent < ENOUGH[0] * seconds and (longer := int(epochs * min(8, seconds / spent))) > epochs:
        epochs = longer
        model, spent = trained(epochs)
    values = math.prod(train.shape[1:])
    variance = pythae_errors(model, train[:2000])[0] / values
    sampled, mean, kl = pythae_errors(model, test)
    total = float((test - train.mean(0)).square().sum()) / len(test)
    figures = {
        "negative_elbo": refitted(sampled, kl, variance, values),
        "explained_variance": 1 - mean / total,
    }
    return {"cpu_seconds": round(spent, 2), "epochs": epochs, "kl": kl, "mse": mean / values} | figures


@torch.no_grad()
def pythae_errors(model: Any, x: torch.Tensor) -> tuple[float, float, float]:
    """Squared errors per example at a draw of z and at its mean, and KL, as the baseline has them."""
    totals = torch.zeros(3, dtype=torch.float64)
    for part in x.split(200):
        encoded = model.encoder(part)
        mean, log_variance = encoded.embedding, encoded.log_covariance
        draw = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        rebuilt = [model.decoder(z).reconstruction.reshape(part.shape) for z in (draw, mean)]
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
        totals += torch.stack([*((part - one).square().sum() for one in rebuilt), kl]).double()
    sampled, plain, nats = (totals / len(x)).tolist()
    return sampled, plain, nats


def defaults(source: Source, out: str) -> dict[str, Any]:
    """What a run that `vaekit train` made is worth: explained variance beside that of principal components."""
    run, data = vaekit.load_run(out), source.load()
    assert run.summary is not None
    active = active_units(run.model, data)
    return measured(run.model, data) | {
        "steps": run.summary.steps,
        "forecast_seconds": forecast_in(run.summary.as_dict()),
        "train_seconds": run.summary.train_seconds,
        "active_units": active,
        "pca_explained": pca_explained(data, active) if active else 0.0,
        "settings": telling(run.settings.flat()),
    }


def forecast_in(said: Mapping[str, Any]) -> float | None:
    """The forecast of the time that a run's summary holds, wherever it stands; None without one."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            if (found := forecast_in(value)) is not None:
                return found
        elif "forecast" in name and isinstance(value, int | float):
            return float(value)
    return None


def main() -> None:
    side, job = sys.argv[1], json.loads(sys.argv[2])
    warnings.simplefilter("ignore")
    if side == "plain":
        plain(job["baseline"], job["data"], job["seconds"], job["seed"])
        return
    source = Source(job["data"], job["options"])
    if side == "defaults":
        print(json.dumps(defaults(source, job["out"])))
    else:
        run = ours if side == "ours" else pythae
        print(json.dumps(run(source.load(), job["seconds"], job["seed"])))


if __name__ == "__main__":
    main()
