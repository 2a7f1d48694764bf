"""The loop of `fit`: a run's steps, and what is measured on the way. `vaekit.training.state` has what it keeps.

The order of images is a function of (seed, epoch), and the noise of a step one of (seed, step), so a
run that is killed anywhere goes on from its last state to the very weights it would have had.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.options import FitSettings
from vaekit.core import Loss, NonFiniteError, VaekitWarning, derive_seed, reach
from vaekit.data import Batches, Data, Split
from vaekit.inference import at_once
from vaekit.models import Model
from vaekit.objectives.base import Objective, Phase
from vaekit.objectives.ramps import Clock
from vaekit.runs.checkpoints import save_state
from vaekit.runs.files import write_json
from vaekit.runs.write import publish_weights
from vaekit.runtime.device import arithmetic, choose_device, choose_precision, only_deterministic
from vaekit.runtime.distributed import Processes
from vaekit.runtime.random import own_randomness, seed_noise, sharing
from vaekit.training import validate as measuring
from vaekit.training.log import Metrics, not_finite
from vaekit.training.optimizers import Average, clip, weights_in_place
from vaekit.training.progress import Progress
from vaekit.training.state import chosen_weights, state_of, summarise

LOG_EVERY = 50  # steps between lines of metrics.jsonl, and between reads from the device

EXCHANGE_EVERY = 10  # steps between agreements of several processes to save or to stop

REASONS = (None, "SIGINT", "SIGTERM", "stopped")  # to stop, as numbers that processes can exchange


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


class Training:
    """One run: its state, and the loop over it.

    Args:
        model, objective, data, options: of `fit`.
        folder: run folder that has been begun, or None.
        method: key of METHODS, for the summary, or None.
        progress, should_stop: of `fit`.
        processes: those that train this run together; only the first has a folder.
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
        processes: Processes = Processes(),  # noqa: B008  it is frozen
    ) -> None:
        self.device = choose_device(options.device)
        self.precision = choose_precision(options.precision, self.device)
        self.model, self.objective = model.to(self.device), objective.to(self.device)
        self.data, self.options, self.folder, self.method = data, options, folder, method
        self.progress, self.should_stop, self.processes = progress, should_stop, processes
        self.part = (processes.rank, processes.world)
        self.batches = Batches(
            data.train, options.batch_size, self.device, data.dynamic, options.seed, part=self.part
        )
        self.validation = self.in_order(data.validation, "validation")
        self.steps = options.epochs * len(self.batches)
        self.phases = objective.phases(model)
        self.parameters = {phase.name: list(phase.parameters) for phase in self.phases}
        build, rate = options.optimizer.build, options.learning_rate
        self.optimizers = {name: build(owned, rate) for name, owned in self.parameters.items()}
        self.losses = {
            phase.name: processes.average_gradients(phase.loss, self.parameters[phase.name])
            for phase in self.phases
        }
        self.average = Average(model, options.average) if options.average else None
        # What a state holds, beside the weights above (vaekit.training.state).
        self.step = self.epoch = self.batch = self.stale = 0
        self.stopped = False
        self.seconds = 0.0
        self.best: dict[str, Any] = {"value": math.inf, "epoch": None, "weights": None}
        self.metrics = Metrics(folder, progress, processes)
        self._saved_at = -math.inf
        self._remarked = False

    # The loop ------------------------------------------------------------------------------------

    def run(self) -> History:
        """Trains to the end, to an interrupt, or until told to stop."""
        reason, summary = None, {}
        self.progress.begin(self.options.epochs, self.steps, self.step)
        try:
            with own_randomness(self.device), only_deterministic(self.options.deterministic):
                self._started = time.monotonic() - self.seconds
                if self.step == 0:
                    self.save()
                while reason is None and self.epoch < self.options.epochs and not self.stopped:
                    reason = self.train_epoch()
                    if reason is None:
                        self.end_epoch()
                if reason is None:
                    summary = self.finish()
        except KeyboardInterrupt:
            reason = "interrupted"
        finally:
            self.progress.end()
        return History(self.metrics.lines, summary, reason, self.folder)

    def train_epoch(self) -> str | None:
        """The rest of the epoch; a reason if the run is to stop here."""
        self.model.train()
        self.objective.train()
        batches = self.batches.epoch(self.epoch, start=self.batch)
        while self.batch < len(self.batches):
            seed_noise(self.device, derive_seed(self.options.seed, "step", self.step))
            x, y = next(batches)
            with sharing(self.batches.share(self.batch)):
                self.update(x, y)
            self.step, self.batch = self.step + 1, self.batch + 1
            if self.step % LOG_EVERY == 0 or self.batch == len(self.batches):
                self.log_window()
            self.progress.advance(self.step)
            reach("step")
            reason, due = self.decide()
            if reason or due:
                self.save()
            if reason:
                return reason
        return None

    def decide(self) -> tuple[str | None, bool]:
        """A reason to stop here, and whether a state is due; the same for all processes."""
        reason = self.should_stop() if self.should_stop else None
        due = time.monotonic() - self._saved_at >= self.options.checkpoint_seconds
        if self.processes.world == 1:
            return reason, due
        if self.step % EXCHANGE_EVERY:
            return None, False
        number = REASONS.index(reason if reason in REASONS else "stopped")
        number = self.processes.strongest(2 * number + due, self.device)
        return REASONS[number // 2], bool(number % 2)

    def update(self, x: Tensor, y: Tensor | None) -> None:
        """One step: every phase that is due."""
        clock = Clock(self.step, self.steps)
        rate, values = self.learning_rate(clock), self.objective.values(clock)
        for phase in self.phases:
            if self.step % phase.every == 0:
                self.update_phase(phase, x, y, values, rate)
        if self.average is not None:
            self.average.update(self.model, self.step)

    def update_phase(
        self, phase: Phase, x: Tensor, y: Tensor | None, values: Mapping[str, float], rate: float
    ) -> None:
        optimizer = self.optimizers[phase.name]
        for group in optimizer.param_groups:
            group["lr"] = rate
        with arithmetic(self.precision, self.device):
            loss: Loss = self.losses[phase.name](x, y, values)
        optimizer.zero_grad(set_to_none=True)
        share, total = self.batches.share(self.batch), loss.total
        if share is not None:  # processes average their gradients: make that the mean over all images
            total = total * (len(x) * self.processes.world / share.whole)
        total.backward()
        if self.options.clip:
            clip(self.parameters[phase.name], self.options.clip)
        optimizer.step()
        self.metrics.note(self.step, len(x) if share is None else share.whole, loss.terms, loss.counts)

    def end_epoch(self) -> None:
        """Validation, best weights, the decision to stop early."""
        reach("validation")
        self.epoch, self.batch = self.epoch + 1, 0
        if len(self.data.validation):
            with weights_in_place(self.model, self.average and self.average.weights):
                terms, criterion = self.measure(self.validation, "validation"), self.objective.criterion
                if criterion is not None:
                    self.compare(terms[criterion])
            patience = self.options.patience or math.inf
            self.stopped = self.stale >= patience and self.epoch < self.options.epochs
        if self.stopped:
            self.save()
            reach("stopped early")

    def compare(self, value: float) -> None:
        """Keeps the model's weights if this is the best validation value so far."""
        if value < self.best["value"]:
            weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
            self.best, self.stale = {"value": value, "epoch": self.epoch, "weights": weights}, 0
        else:
            self.stale += 1

    def finish(self) -> dict[str, Any]:
        """Chosen weights, the test split, and the files of a run that has ended."""
        reach("finishing")
        weights, about = chosen_weights(self)
        if self.folder is not None:
            publish_weights(self.folder, weights, about)
            reach("published")
        self.model.load_state_dict(weights)
        self.model.eval()
        measured = {}
        if len(self.data.test):
            measured["test"] = self.measure(self.in_order(self.data.test, "test"), "test")
        if len(self.data.validation):
            measured["validation"] = self.measure(self.validation, "validation", log=False)
        self.seconds = time.monotonic() - self._started
        summary = summarise(self, about, measured)
        if self.folder is not None:
            self.metrics.sync()
            write_json(self.folder / "summary.json", summary)
        return summary

    # What is measured ----------------------------------------------------------------------------

    def learning_rate(self, clock: Clock) -> float:
        """Of the update that follows `clock`."""
        return self.options.schedule.rate(self.options.learning_rate, clock.step, clock.steps)

    def in_order(self, split: Split, name: str) -> Batches:
        """Batches for measuring: always the same, whatever the seed of the run."""
        seed = derive_seed("measure", name)
        return Batches(
            split,
            at_once(self.data.shape),
            self.device,
            self.data.dynamic,
            seed,
            shuffle=False,
            part=self.part,
        )

    def measure(self, batches: Batches, name: str, log: bool = True) -> dict[str, Any]:
        """Mean terms of a split, checked and noted under its name."""
        terms = measuring.mean_terms(
            self.model, self.objective, batches, self.precision, batches.seed, self.processes
        )
        if bad := not_finite(terms):
            raise self.error(f"{self._listed(bad)} on the {name} split after step {self.step}")
        if log:
            self.metrics.add({"step": self.step, "epoch": self.epoch, "split": name, **terms})
            if self.processes.leads:
                self.remark(terms)
        return terms

    def remark(self, terms: Mapping[str, Any]) -> None:
        """Warns, once, of what the objective finds wrong with a split."""
        said = self.objective.remark(terms)
        if said is not None and not self._remarked:
            warnings.warn(f"after epoch {self.epoch}: {said}.", VaekitWarning, stacklevel=2)
            self._remarked = True

    def log_window(self) -> None:
        """One line for the steps since the last."""
        self.check_window()
        means, counts = self.metrics.close_window()
        means |= self.objective.figures(means, counts)
        clock = Clock(self.step - 1, self.steps)  # of the last update
        scheduled = {**self.objective.values(clock), "learning_rate": self.learning_rate(clock)}
        where = {"step": self.step, "epoch": self.epoch + 1, "split": "train"}
        self.metrics.add(where | means | scheduled)

    def check_window(self) -> None:
        """Raises NonFiniteError for the first step since the last line that had a term not finite."""
        if (found := self.metrics.first_not_finite()) is not None:
            step, bad = found
            raise self.error(f"{self._listed(bad)} at step {step}")

    def error(self, what: str) -> NonFiniteError:
        last = f" Its last good state is in {self.folder}." if self.folder is not None else ""
        slower = f"learning_rate={self.options.learning_rate / 4:g}"
        return NonFiniteError(f"{what}; try {slower}, clip=10 or a longer warmup.{last}")

    @staticmethod
    def _listed(names: list[str]) -> str:
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not finite"

    def save(self) -> None:
        """Writes a resumable state, and the best weights so far for the other commands.

        Raises:
            NonFiniteError: training has gone wrong since the state before, which therefore stays.
        """
        if self.folder is not None:
            self.check_window()
            if not all(parameter.isfinite().all() for parameter in self.model.parameters()):
                raise self.error(f"the weights are not finite after step {self.step - 1}")
            self.seconds = time.monotonic() - self._started
            self.metrics.sync()
            save_state(self.folder / "checkpoints", self.step, state_of(self))
            if self.step:
                publish_weights(self.folder, *chosen_weights(self))
        self._saved_at = time.monotonic()
