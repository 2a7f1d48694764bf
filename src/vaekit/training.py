"""`fit`: one loop for every method. It knows phases and terms, and no method by name.

The order of images is a function of (seed, epoch), and the noise of a step one of (seed, step), so a
run that is killed anywhere goes on from its last state to the very weights it would have had.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.checkpoints import load_state, save_state, sync_file, write_json, writing
from vaekit.core import Loss, NonFiniteError, RunError, SettingError, choose, derive_seed, reach
from vaekit.data import Batches, Data, Split
from vaekit.distributions.likelihoods import check_support, with_bits
from vaekit.models import Model
from vaekit.models.base import evaluating
from vaekit.objectives import Objective, Phase
from vaekit.optimizers import OPTIMIZERS, Average, weights_in_place
from vaekit.precision import arithmetic, choose_device, choose_precision, only_deterministic, own_randomness
from vaekit.progress import Progress, choose_progress
from vaekit.runs import (
    begin_run,
    build_model,
    method_name,
    publish_weights,
    read_json,
    read_metrics,
    read_run_config,
    settings_for,
    settings_of,
    write_previews,
)
from vaekit.objectives import create_objective
from vaekit.schedules import RATES, Clock, learning_rate as rate_at
from vaekit.settings import FitSettings, Settings

LOG_EVERY = 50  # steps between lines of metrics.jsonl, and between reads from the device
EVALUATION_BATCH = 1000


@dataclass
class History:
    """What came of a run.

    Attributes:
        metrics: the lines of metrics.jsonl: step, epoch, split, and named values with units.
        summary: what summary.json holds; empty if the run was interrupted.
        interrupted: why it ended early, or None.
        out: the run folder, if there is one.
    """

    metrics: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    interrupted: str | None = None
    out: Path | None = None


def fit(
    model: Model,
    objective: Objective,
    data: Data,
    *,
    out: str | Path | None = None,
    method: str | None = None,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    epochs: int = 25,
    batch_size: int = 192,
    optimizer: str = "adam",
    learning_rate: float = 4e-3,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
    schedule: str = "linear",
    warmup: int = 40,
    clip: float = 0.0,
    average: float = 0.0,
    weights: str = "best",
    patience: int = 0,
    checkpoint_seconds: float = 15.0,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    deterministic: bool = False,
) -> History:
    """Trains a model; afterwards it has the weights that validation chose (or the last).

    Args:
        model: changed in place.
        objective: likewise, if it has parameters.
        data: its validation split chooses the weights, its test split is read once, at the end.
        out: run folder to make; None writes nothing.
        method: key of METHODS to note in the run folder; None finds it from the classes.
        progress: "auto", "none", or an object that is told.
        should_stop: asked after every step; a reason ends the run, resumable.
        others: as in `vaekit.settings.FitSettings`.

    Returns:
        The history; after an interrupt (Ctrl-C) that of the part that was run.

    Raises:
        SettingError: an option out of range, or a likelihood that does not fit the data's pixels.
        RunError: `out` is not free or cannot be written.
        NonFiniteError: a loss term became NaN or infinite.
    """
    options = FitSettings(
        epochs, batch_size, optimizer, learning_rate, beta2, weight_decay, schedule, warmup, clip, average,
        weights, patience, checkpoint_seconds, seed, device, precision, deterministic,
    )  # type: ignore[arg-type]  # fmt: skip
    check_options(options)
    check_data(model, data)
    folder = None
    name = method
    if out is not None:
        folder = Path(out)
        name = method or method_name(model, objective)
        begin_run(folder, settings_for(name, model, objective, data, dataclasses.asdict(options)), data)
    model.prepare(data.train.images)
    training = Training(model, objective, data, options, folder, name, choose_progress(progress), should_stop)
    return training.run()


def resume(
    path: str | Path,
    *,
    data: Data | None = None,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
) -> History:
    """Goes on with a run from its last state, to the weights of the uninterrupted run.

    Args:
        path: run folder.
        data: the data, if they cannot be loaded by their name.
        encoder, decoder: own networks, if the run was trained with such.

    Raises:
        RunError: not a run folder, damaged, without states, or its data changed since.
    """
    from vaekit.data import load_data

    folder = Path(path)
    config = read_run_config(folder)
    settings: Settings = settings_of(folder, config)
    if (folder / "summary.json").exists():
        return History(read_metrics(folder), read_json(folder / "summary.json"), None, folder)
    state = load_state(folder / "checkpoints")
    if state is None and (folder / "metrics.jsonl").exists():
        raise RunError(
            f"{folder} has no states to go on from; train anew: "
            f"vaekit train {settings.method} --config {folder / 'config.json'}"
        )
    data = data or load_data(**dataclasses.asdict(settings.data))
    if data.fingerprint != config["data"]["fingerprint"]:
        raise RunError(f"{folder}: the images of {data.source} have changed since this run began.")
    model = build_model(settings, config, encoder, decoder)
    objective = create_objective(settings.method, settings.objective)
    if not (folder / "previews.npz").exists():
        write_previews(folder, data)
    model.prepare(data.train.images)
    training = Training(
        model, objective, data, settings.fit, folder, settings.method, choose_progress(progress), should_stop
    )
    if state is not None:
        training.restore(state)
    return training.run()


def check_options(options: FitSettings) -> None:
    """Raises SettingError for the first option out of range."""
    at_least = {
        "epochs": 1, "batch_size": 1, "warmup": 0, "clip": 0, "weight_decay": 0, "patience": 0,
        "checkpoint_seconds": 0, "seed": 0,
    }  # fmt: skip
    for name, least in at_least.items():
        value = getattr(options, name)
        if not value >= least:
            raise SettingError(f"--{name.replace('_', '-')} must be at least {least}, not {value}.")
    if not (options.learning_rate > 0 and math.isfinite(options.learning_rate)):
        raise SettingError(f"--learning-rate must be above 0, not {options.learning_rate}.")
    for name in ("beta2", "average"):
        if not 0 <= getattr(options, name) < 1:
            raise SettingError(f"--{name} must be from 0 to below 1, not {getattr(options, name)}.")
    choose(options.optimizer, OPTIMIZERS, "optimizer")
    choose(options.schedule, RATES, "schedule")
    choose(options.weights, ["best", "last"], "choice of weights")
    choose(options.precision, ["auto", "fp32", "bf16"], "precision")


def check_data(model: Model, data: Data) -> None:
    """Raises SettingError when the model was not made for these data."""
    if data.shape != model.shape:
        raise SettingError(f"the model takes images of shape {model.shape}, the data have {data.shape}.")
    check_support(model.arguments["likelihood"], data.pixels)


def mean_terms(
    model: Model, objective: Objective, split: Split, dynamic: bool, device: torch.device, precision: str, seed: int
) -> dict[str, Any]:  # fmt: skip
    """Every term of the objective at its final schedule, as mean over all images of a split.

    In eval mode, under a seed, without touching the global random numbers; summed in float64.

    Returns:
        name -> float, or a list of floats for terms by dimension.
    """
    batches = Batches(split, EVALUATION_BATCH, device, dynamic=dynamic, seed=seed, shuffle=False)
    values = objective.values(Clock(0, 1).end)
    totals: dict[str, Tensor] = {}
    with own_randomness(device), evaluating(model), torch.inference_mode(), arithmetic(precision, device):
        torch.manual_seed(seed)
        for x, y in batches.epoch(0):
            for name, term in objective(model, x, y, values).terms.items():
                total = term.sum(0).double() if device.type != "mps" else term.sum(0).cpu().double()
                totals[name] = totals.get(name, 0) + total
    return {name: (total / len(split)).tolist() for name, total in totals.items()}


class Training:
    """One run: its state, and the loop over it.

    Args:
        model, objective, data, options: of `fit`.
        folder: run folder that has been begun, or None.
        method: key of METHODS, for the summary.
        progress, should_stop: of `fit`.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        data: Data,
        options: FitSettings,
        folder: Path | None,
        method: str | None,
        progress: Progress,
        should_stop: Callable[[], str | None] | None,
    ) -> None:
        self.device = choose_device(options.device)
        self.precision = choose_precision(options.precision, self.device)
        self.model, self.objective = model.to(self.device), objective.to(self.device)
        self.data, self.options, self.folder, self.method = data, options, folder, method
        self.progress, self.should_stop = progress, should_stop
        self.batches = Batches(
            data.train, options.batch_size, self.device, dynamic=data.dynamic, seed=options.seed
        )
        self.steps = options.epochs * len(self.batches)
        self.phases = objective.phases(model)
        build = OPTIMIZERS[options.optimizer]
        self.optimizers = {phase.name: build(list(phase.parameters), options) for phase in self.phases}
        self.average = Average(model, options.average) if options.average else None
        # What a state holds, beside the weights above.
        self.step = self.epoch = self.batch = self.stale = 0
        self.stopped = False
        self.seconds = 0.0
        self.best: dict[str, Any] = {"value": math.inf, "epoch": None, "weights": None}
        self.window: list[dict[str, Any]] = []  # mean terms of each step since the last line
        self.metrics: list[dict[str, Any]] = []
        self.metrics_size = 0  # bytes of metrics.jsonl
        self._saved_at = -math.inf

    # The loop ------------------------------------------------------------------------------------

    def run(self) -> History:
        """Trains to the end, to an interrupt, or until told to stop."""
        reason = None
        self.progress.begin(self.steps, self.step)
        try:
            with own_randomness(self.device), only_deterministic(self.options.deterministic):
                self._started = time.monotonic() - self.seconds
                if self.step == 0:
                    self.save()
                while reason is None and self.epoch < self.options.epochs and not self.stopped:
                    reason = self.train_epoch()
                    if reason is None:
                        self.end_epoch()
                summary = self.finish() if reason is None else {}
        except KeyboardInterrupt:
            reason, summary = "interrupted", {}
        finally:
            self.progress.end()
        return History(self.metrics, summary, reason, self.folder)

    def train_epoch(self) -> str | None:
        """The rest of the epoch; a reason if the run is to stop here."""
        self.model.train()
        batches = self.batches.epoch(self.epoch, start=self.batch)
        while True:
            torch.manual_seed(derive_seed(self.options.seed, "step", self.step))
            pair = next(batches, None)
            if pair is None:
                return None
            self.update(*pair)
            self.step, self.batch = self.step + 1, self.batch + 1
            if self.step % LOG_EVERY == 0 or self.batch == len(self.batches):
                self.log_window()
            reach("step")
            reason = self.should_stop() if self.should_stop else None
            if reason or time.monotonic() - self._saved_at >= self.options.checkpoint_seconds:
                self.save()
            if reason:
                return reason

    def update(self, x: Tensor, y: Tensor | None) -> None:
        """One step: every phase that is due."""
        values = self.objective.values(self.clock)
        for phase in self.phases:
            if self.step % phase.every == 0:
                self.update_phase(phase, x, y, values)
        if self.average is not None:
            self.average.update(self.model, self.step)

    def update_phase(self, phase: Phase, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> None:
        optimizer = self.optimizers[phase.name]
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate
        with arithmetic(self.precision, self.device):
            loss: Loss = phase.loss(x, y, values)
        optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        if self.options.clip:
            nn.utils.clip_grad_norm_(
                [p for group in optimizer.param_groups for p in group["params"]], self.options.clip
            )
        optimizer.step()
        scalars = {name: term.detach().mean() for name, term in loss.terms.items() if term.dim() == 1}
        self.window.append({"step": self.step, "images": len(x), **scalars})

    def end_epoch(self) -> None:
        """Validation, best weights, the decision to stop early."""
        reach("validation")
        self.epoch, self.batch = self.epoch + 1, 0
        if len(self.data.validation):
            with weights_in_place(self.model, self.average and self.average.weights):
                terms = self.measure(self.data.validation, "validation")
                value = terms[self.objective.criterion]
                if not math.isfinite(value):
                    raise self.not_finite(self.step, self.objective.criterion)
                if value < self.best["value"]:
                    weights = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
                    self.best, self.stale = {"value": value, "epoch": self.epoch, "weights": weights}, 0
                else:
                    self.stale += 1
            self.stopped = bool(self.options.patience) and self.stale >= self.options.patience
        if self.stopped:
            self.save()
            reach("stopped early")

    def finish(self) -> dict[str, Any]:
        """Chosen weights, the test split, and the files of a run that has ended."""
        reach("finishing")
        weights, about = self.chosen_weights()
        self.model.load_state_dict(weights)
        self.model.eval()
        test = self.measure(self.data.test, "test") if len(self.data.test) else {}
        validation = self.measure(self.data.validation, None) if len(self.data.validation) else {}
        self.seconds = time.monotonic() - self._started
        summary = self.summarise(about, {"test": test, "validation": validation})
        if self.folder is not None:
            publish_weights(self.folder, weights, about)
            reach("published")
            write_json(self.folder / "summary.json", summary)
        return summary

    # What is measured ----------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        return Clock(self.step, self.steps)

    @property
    def learning_rate(self) -> float:
        options = self.options
        return rate_at(options.schedule, options.learning_rate, options.warmup, self.clock)

    def measure(self, split: Split, name: str | None) -> dict[str, Any]:
        """Mean terms of a split, noted under its name (None: not noted)."""
        seed = derive_seed("measure", name or "validation")
        terms = mean_terms(
            self.model, self.objective, split, self.data.dynamic, self.device, self.precision, seed
        )
        if name is not None:
            self.log({"step": self.step, "epoch": self.epoch, "split": name, **terms})
        return terms

    def log_window(self) -> None:
        """One line for the steps since the last; the only place where training reads from the device."""
        if not self.window:
            return
        names = {name: None for row in self.window for name in row if name not in ("step", "images")}
        means: dict[str, float] = {}
        for name in names:
            rows = [row for row in self.window if name in row]
            values = torch.stack([row[name] for row in rows]).double().cpu()
            bad = (~values.isfinite()).nonzero()
            if len(bad):
                raise self.not_finite(rows[int(bad[0])]["step"], name)
            images = torch.tensor([row["images"] for row in rows], dtype=torch.float64)
            means[name] = float((values * images).sum() / images.sum())
        scheduled = self.objective.values(Clock(self.step - 1, self.steps))
        self.window = []
        self.log(
            {"step": self.step, "epoch": self.epoch + 1, "split": "train", **means, **scheduled}
            | {"learning_rate": self.optimizers[self.phases[0].name].param_groups[0]["lr"]}
        )

    def log(self, line: dict[str, Any]) -> None:
        """Adds a line to the metrics, in memory and in the run folder."""
        self.metrics.append(line)
        self.progress.advance(self.step)
        self.progress.report(line["split"], line["epoch"], line)
        if self.folder is not None:
            content = (json.dumps(line) + "\n").encode()
            path = self.folder / "metrics.jsonl"
            with writing(path), path.open("ab") as file:
                file.write(content)
            self.metrics_size += len(content)

    def not_finite(self, step: int, term: str) -> NonFiniteError:
        where = f" Its last state is in {self.folder}." if self.folder is not None else ""
        return NonFiniteError(
            f"{term} is not finite at step {step}; try --learning-rate {self.options.learning_rate / 4:g}, "
            f"--clip 100 or a longer --warmup.{where}"
        )

    # What is kept --------------------------------------------------------------------------------

    def chosen_weights(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The weights to use so far, and what they are."""
        averaged = self.average is not None
        if self.options.weights == "best" and self.best["weights"] is not None:
            return self.best["weights"], {"which": "best", "epoch": self.best["epoch"], "averaged": averaged}
        last = self.average.weights if self.average is not None else self.model.state_dict()
        about = {"which": "last", "epoch": self.epoch, "averaged": averaged}
        return {name: tensor.detach().clone() for name, tensor in last.items()}, about

    def save(self) -> None:
        """Writes a resumable state, and the best weights so far for the other commands."""
        self._saved_at = time.monotonic()
        if self.folder is None:
            return
        self.seconds = time.monotonic() - self._started
        if self.metrics_size:  # a state must never know more of metrics.jsonl than the disk does
            sync_file(self.folder / "metrics.jsonl")
        save_state(self.folder / "checkpoints", self.step, self.state())
        if self.step:
            publish_weights(self.folder, *self.chosen_weights())
        self._saved_at = time.monotonic()

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "model": self.model.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "average": self.average and self.average.weights,
            "best": {**self.best, "value": None if math.isinf(self.best["value"]) else self.best["value"]},
            "window": self.window,
            "metrics_size": self.metrics_size,
            **{name: getattr(self, name) for name in ("step", "epoch", "batch", "stale", "stopped", "seconds")},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up a state; metrics.jsonl is cut back to it.

        Raises:
            RunError: the state is of another model, or metrics.jsonl is shorter than it was.
        """
        try:
            self.model.load_state_dict(state["model"])
            self.objective.load_state_dict(state["objective"])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
        except (RuntimeError, ValueError, KeyError) as error:
            detail = " ".join(str(error).split())[:200]
            raise RunError(f"the state in {self.folder} is not of this run's model: {detail}") from None
        if self.average is not None:
            self.average.weights = _to(state["average"], self.device)
        value = state["best"]["value"]
        self.best = {
            "value": math.inf if value is None else value,
            "epoch": state["best"]["epoch"],
            "weights": _to(state["best"]["weights"], self.device),
        }
        self.window = state["window"]
        for name in ("step", "epoch", "batch", "stale", "stopped", "seconds", "metrics_size"):
            setattr(self, name, state[name])
        self.cut_metrics()

    def cut_metrics(self) -> None:
        if self.folder is None:
            return
        path = self.folder / "metrics.jsonl"
        if self.metrics_size:
            if not path.exists() or path.stat().st_size < self.metrics_size:
                raise RunError(f"{path} is shorter than its state says; train anew.")
            with writing(path), path.open("r+b") as file:
                file.truncate(self.metrics_size)
        else:
            path.unlink(missing_ok=True)
        self.metrics = read_metrics(self.folder)

    def summarise(self, about: dict[str, Any], measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """The content of summary.json."""
        likelihood = self.model.arguments["likelihood"]
        splits = {
            name: {"images": len(self.data.splits[name])}
            | with_bits(
                {key: value for key, value in terms.items() if not isinstance(value, list)},
                likelihood,
                self.data.pixels,
                self.data.dimensions,
            )
            for name, terms in measured.items()
            if terms
        }
        return {
            "method": self.method,
            "likelihood": likelihood,
            "data": self.data.source,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "epochs": self.epoch,
            "steps": self.step,
            "stopped_early": self.stopped,
            "train_seconds": round(self.seconds, 3),
            "device": str(self.device),
            "precision": self.precision,
            "weights": about,
            **splits,
        }


def _to(weights: dict[str, Tensor] | None, device: torch.device) -> dict[str, Tensor] | None:
    return None if weights is None else {name: tensor.to(device) for name, tensor in weights.items()}
