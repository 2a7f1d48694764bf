"""The loop of `fit`: a run's steps, and what is measured on the way. `vaekit.training.state` says where it stands.

The order of images is a function of (seed, epoch), and the noise of a step one of (seed, step), so a
run that is killed anywhere resumes from its last state to the very weights it would have had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.options import FitSettings
from vaekit.core import NonFiniteError, derive_seed, reach
from vaekit.data import Batches, Data, Split
from vaekit.inference import at_once
from vaekit.models import Model
from vaekit.objectives.base import Objective
from vaekit.objectives.ramps import Clock
from vaekit.runs.checkpoints import keep_last, save_state
from vaekit.runs.records import MetricLine, Summary, WeightsRecord
from vaekit.runs.write import publish_weights, write_summary
from vaekit.runtime.device import only_deterministic
from vaekit.runtime.distributed import Context
from vaekit.runtime.random import own_randomness, seed_noise, sharing
from vaekit.training import validate as measuring
from vaekit.training.history import History
from vaekit.training.learner import Learner
from vaekit.training.lengths import steps_of, validation_epochs
from vaekit.training.log import Metrics, listed, not_finite
from vaekit.training.optimizers import weights_in_place
from vaekit.training.progress import Progress, Timed
from vaekit.training.recipe import Facts, filled
from vaekit.training.state import Best, Stint, TrainState
from vaekit.training.summarise import judged, split_summary

LOG_EVERY = 50  # steps between lines of metrics.jsonl, and between reads from the device

EXCHANGE_EVERY = 10  # steps between agreements of several processes to save or to stop

REASONS = (None, "SIGINT", "SIGTERM", "stopped")  # to stop, as numbers that processes can exchange


class Trainer:
    """One run: its state, and the loop over it.

    Args:
        model, objective, data, options: of `fit`; a budget has become steps.
        context: where it takes place; of several processes only the first has a folder.
        folder: run folder that has been begun, or None.
        method: key of METHODS, for the summary, or None.
        progress, should_stop: of `fit`.
        started: whether the model has the weights of another run.

    Attributes:
        steps: of the whole run.
        state: where the training stands.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        data: Data,
        options: FitSettings,
        context: Context,
        *,
        folder: Path | None = None,
        method: str | None = None,
        progress: Progress | None = None,
        should_stop: Callable[[], str | None] | None = None,
        started: bool = False,
    ) -> None:
        self.context, self.device, self.precision = context, context.device, context.precision
        options = filled(options, Facts(len(data.train), data.shape))
        assert options.batch_size is not None
        self.learner = Learner(model, objective, options, context)
        self.model, self.objective = self.learner.model, self.learner.objective
        self.data, self.options, self.folder, self.method = data, options, folder, method
        self.should_stop, self.started = should_stop, started
        size, seed, part = options.batch_size, options.seed, context.part
        self.batches = Batches(
            data.train, size, self.device, data.dynamic, seed, part=part, flip=options.flip
        )
        self.validation = self.in_order(data.validation, "validation")
        self.steps = steps_of(options, len(self.batches))
        self.validation_epochs = validation_epochs(options, len(self.batches))
        between = self.validation_epochs * len(self.batches)
        every = 1 if self.device.type == "cpu" else LOG_EVERY  # steps between reads from the device
        self.progress = Timed(progress, data, options.batch_size, between, every)
        # Before, what is judged is not what is trained, and values cannot be compared.
        self.settled_at = objective.settled_from() * self.steps
        self.state = TrainState()
        self.metrics = Metrics(folder, self.progress, self.state)
        self._stint = Stint(self.state, self.device)
        self._saved_at = -math.inf

    # The loop ------------------------------------------------------------------------------------

    def run(self) -> History:
        """Trains to the end, to an interrupt, or until asked to stop."""
        reason, summary = None, None
        self.progress.begin(math.ceil(self.steps / len(self.batches)), self.steps, self.state.step)
        try:
            with own_randomness(self.device), only_deterministic(self.options.deterministic):
                self._stint = Stint(self.state, self.device)
                if self.state.step == 0:
                    self.judge_start()
                    self.save()
                ended = self.state.stopped
                while reason is None and not ended:
                    reason = self.train_epoch()
                    ended = reason is None and self.end_epoch()
                if reason is None:
                    summary = self.finish()
        except KeyboardInterrupt:
            reason = "interrupted"
        finally:
            self.progress.end()
        return History(self.metrics.lines, summary, reason, self.folder)

    def judge_start(self) -> None:
        """Validates a model that begins at an optimum: its first weights may be the best.

        A state comes first, since a run that has metrics and no state cannot be resumed; one that has them judged
        already has been resumed from the state after that.
        """
        if self.model.begins_fitted and len(self.data.validation) and not self.metrics.lines:
            self.save()
            self.validate(judge=True)

    def train_epoch(self) -> str | None:
        """The rest of the epoch, or of the run; a reason if the run is to stop here.

        The state after the last step is kept: a longer run begins with these very steps, and goes on from there.
        """
        self.learner.train()
        state, batches = self.state, self.batches.epoch(self.state.epoch, start=self.state.batch)
        while state.batch < len(self.batches) and state.step < self.steps:
            seed_noise(self.device, derive_seed(self.options.seed, "step", state.step))
            x, y = next(batches)
            with sharing(self.batches.share(state.batch)):
                self.update(x, y)
            state.step, state.batch = state.step + 1, state.batch + 1
            if state.step % LOG_EVERY == 0 or state.batch == len(self.batches):
                self.log_window()
            self.progress.advance(state.step)
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
        last = self.state.step == self.steps
        due = last or time.monotonic() - self._saved_at >= self.options.checkpoint_seconds
        if self.context.process.world == 1:
            return reason, due
        if self.state.step % EXCHANGE_EVERY and not last:
            return None, False
        number = REASONS.index(reason if reason in REASONS else "stopped")
        number = self.context.strongest(2 * number + due)
        return REASONS[number // 2], bool(number % 2)

    def update(self, x: Tensor, y: Tensor | None) -> None:
        """One step: every phase that is due."""
        clock, share = Clock(self.state.step, self.steps), self.batches.share(self.state.batch)
        for phase in self.learner.phases:
            if self.state.step % phase.every == 0:
                loss = self.learner.update(phase, x, y, clock, share)
                self.metrics.note(self.state.step, loss.terms, loss.counts)
        self.learner.average_weights(self.state.step)

    def end_epoch(self) -> bool:
        """Validation where it is due, and the decision to stop early; returns whether the run is over."""
        reach("validation")
        state, last = self.state, self.state.step >= self.steps
        if state.window:  # of a last epoch that is not whole
            self.log_window()
        state.epoch, state.batch = state.epoch + 1, 0
        if len(self.data.validation) and (last or state.epoch % self.validation_epochs == 0):
            self.validate(judge=last or state.step >= self.settled_at)
            state.stopped = not last and state.stale >= (self.options.patience or math.inf)
        if state.stopped:
            self.save()
            reach("stopped early")
        return last or state.stopped

    def validate(self, judge: bool) -> None:
        """Measures the validation split; `judge` also compares it with the best so far."""
        with weights_in_place(self.model, self.learner.averaged):
            terms, criterion = self.measure(self.validation, "validation"), self.objective.criterion
        if judge and criterion is not None:
            self.compare(terms[criterion])

    def compare(self, value: float) -> None:
        """Keeps the weights if this is the best validation value so far; none where the last are wanted."""
        if value < self.state.best.value:
            kept = self.learner.last_weights() if self.options.weights == "best" else None
            self.state.best, self.state.stale = Best(value, self.state.epoch, kept), 0
        else:
            self.state.stale += 1

    def finish(self) -> Summary:
        """Chosen weights, the test split, and the files of a run that has ended."""
        reach("finishing")
        self._stint.note(self.state)  # what is measured of the test split is no training
        self.check_weights()
        weights, about = self.chosen_weights()
        if self.folder is not None:
            publish_weights(self.folder, weights, about)
            reach("published")
        self.model.load_state_dict(weights)
        self.model.eval()
        test = self.in_order(self.data.test, "test")
        measured = {"test": self.measure(test, "test")} if len(self.data.test) else {}
        if len(self.data.validation):
            measured["validation"] = self.measure(self.validation, "validation", log=False)
        self.state.seconds = self._stint.seconds
        summary = self.summarise(about, measured)
        if self.folder is not None:
            self.metrics.sync()
            write_summary(self.folder, summary)
            keep_last(self.folder / "checkpoints")
        return summary

    def summarise(self, weights: WeightsRecord, measured: Mapping[str, Mapping[str, Any]]) -> Summary:
        """Summarises the run, from the terms that were measured of each split."""
        splits = {
            name: split_summary(self.data.splits[name], terms, self.model, self.data)
            for name, terms in measured.items()
        }
        summary = Summary(
            method=self.method,
            likelihood=self.model.likelihood_name,
            data=self.data.source,
            parameters=sum(p.numel() for p in self.model.parameters()),
            epochs=self.state.epoch,
            steps=self.state.step,
            stopped_early=self.state.stopped,
            train_seconds=round(self.state.seconds, 3),
            processor_seconds=round(self.state.processor_seconds, 3),
            forecast_seconds=self.progress.seconds,
            device=str(self.device),
            precision=self.precision,
            weights=weights,
            test=splits.get("test"),
            validation=splits.get("validation"),
        )
        settings = {**self.options.flat(), **self.objective.arguments, **self.model.arguments}
        lines, criterion = self.metrics.lines, self.objective.criterion
        return judged(summary, settings, self.data, lines, self.steps, criterion, self.started)

    # What is measured ----------------------------------------------------------------------------

    def in_order(self, split: Split, name: str) -> Batches:
        """Batches for measuring: always the same, whatever the seed of the run."""
        seed = derive_seed("measure", name)
        size, dynamic, part = at_once(self.data.shape), self.data.dynamic, self.context.part
        return Batches(split, size, self.device, dynamic, seed, shuffle=False, part=part)

    def measure(self, batches: Batches, name: str, log: bool = True) -> dict[str, Any]:
        """Mean terms of a split, checked and noted under its name."""
        terms = measuring.mean_terms(self.model, self.objective, batches, self.precision, batches.seed)
        if bad := not_finite(terms):
            raise self.error(f"{listed(bad)} on the {name} split after step {self.state.step}")
        if log:
            self.metrics.add(MetricLine(self.state.step, self.state.epoch, name, terms))
        return terms

    def log_window(self) -> None:
        """One line for the steps since the last."""
        self.check_window()
        means, counts = self.metrics.close_window()
        means |= self.objective.figures(means, counts)
        clock = Clock(self.state.step - 1, self.steps)  # of the last update
        values = means | self.learner.scheduled(clock)
        self.metrics.add(MetricLine(self.state.step, self.state.epoch + 1, "train", values))

    def check_window(self) -> None:
        """Raises NonFiniteError for the first step since the last line that had a term not finite."""
        if (found := self.metrics.first_not_finite()) is not None:
            step, bad = found
            raise self.error(f"{listed(bad)} at step {step}")

    def error(self, what: str) -> NonFiniteError:
        last = f" Its last good state is in {self.folder}." if self.folder is not None else ""
        slower = f"learning_rate={self.learner.peak / 4:g}"
        return NonFiniteError(f"{what}; try {slower}, clip=10 or a longer warmup.{last}")

    # What is kept --------------------------------------------------------------------------------

    def check_weights(self) -> None:
        """Raises NonFiniteError when training has gone wrong."""
        if not self.learner.all_finite():
            raise self.error(f"the weights are not finite after step {self.state.step - 1}")

    def save(self) -> None:
        """Writes a resumable state, and the best weights so far for the other commands.

        Raises:
            NonFiniteError: training has gone wrong since the state before, which therefore stays.
        """
        if self.folder is not None:
            self.check_window()
            self.check_weights()
            self._stint.note(self.state)
            self.metrics.sync()
            nested = self.learner.as_nested() | self.state.as_nested()
            save_state(self.folder / "checkpoints", self.state.step, nested)
            if self.state.step:
                publish_weights(self.folder, *self.chosen_weights())
        self._saved_at = time.monotonic()

    def chosen_weights(self) -> tuple[dict[str, Tensor], WeightsRecord]:
        """The weights to use so far, and which they are."""
        best, averaged = self.state.best, self.learner.averaged is not None
        if self.options.weights == "best" and best.weights is not None and best.epoch is not None:
            return best.weights, WeightsRecord("best", best.epoch, averaged)
        return self.learner.last_weights(), WeightsRecord("last", self.state.epoch, averaged)

    def restore(self, nested: Mapping[str, Any], where: Path) -> None:
        """Restores a state that `save` wrote, read from `where`, and changes nothing there.

        Raises:
            RunError: it is of another model, or metrics.jsonl is shorter than it was.
        """
        self.learner.load_nested(nested, where)
        self.state = TrainState.from_nested(nested, self.device, where)
        self.metrics = Metrics(self.folder, self.progress, self.state)
        self.metrics.check()

    def go_on(self, lengthened_at: int = -1) -> None:
        """Cuts metrics.jsonl back to the state.

        Args:
            lengthened_at: steps after which the run got its present length; if it had stopped early by then, it goes on,
                and patience counts anew.
        """
        if self.state.stopped and self.state.step <= lengthened_at:
            self.state.stopped, self.state.stale = False, 0
        self.metrics.cut()
