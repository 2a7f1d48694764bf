"""The time that steps and validations take here, by a short measurement, and a budget as the steps that it is enough for."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import chain, count, islice

from vaekit.config.options import FitSettings
from vaekit.config.run_length import parse_budget
from vaekit.core import derive_seed
from vaekit.data import Data
from vaekit.models import Model
from vaekit.objectives.base import Objective
from vaekit.runtime.distributed import Context
from vaekit.runtime.random import own_randomness, seed_noise
from vaekit.training.lengths import Pace, with_length
from vaekit.training.trainer import Trainer

WARMED, PARTS, PART = 5, 5, 10  # steps before the timed ones, and these: parts, and most steps of each

SHARE = 0.1  # of a budget that measuring may take before steps are measured by fewer of them


def in_steps(
    options: FitSettings, model: Model, objective: Objective, data: Data, context: Context, done: int = 0
) -> FitSettings:
    """The options with their budget as a number of steps, the same in all processes; others stay as they are.

    Copies of model and objective are timed, so that the run is that of the same number of steps given at first.

    Args:
        done: steps that were made before; the budget is for more.

    Raises:
        SettingError: it is not enough for one step.
    """
    if options.budget is None:
        return options
    seconds = parse_budget(options.budget)
    model, objective = copy.deepcopy((model, objective))
    model.prepare_from(data.train)
    trainer = Trainer(model, objective, data, with_length(options, steps=10**9), context)
    steps = time_pace(trainer, SHARE * seconds).steps_within(seconds, len(trainer.batches))
    return with_length(options, steps=done + context.strongest(steps))


def time_pace(trainer: Trainer, at_most: float = math.inf) -> Pace:
    """Seconds that a step and a validation take here, from 50 timed steps and one validation; the model is changed.

    Args:
        at_most: seconds that the timed steps may take; fewer are timed if 50 would take longer.
    """
    return time_paces([trainer], at_most, time.perf_counter)[0]


def time_paces(trainers: Sequence[Trainer], at_most: float, clock: Callable[[], float]) -> list[Pace]:
    """The paces of several trainers on one device, a few steps of each in turn, in five rounds.

    Of the rounds the median counts: a machine that is busy for a moment does not change it, and one that is slow for long
    is slow for all of them.

    Args:
        at_most: seconds that the timed steps of each may take.
        clock: gives seconds.
    """
    device = trainers[0].device
    with own_randomness(device):
        seed_noise(device, derive_seed("timing"))
        timed = [_Timed(trainer, at_most, clock) for trainer in trainers]
        rounds = [[one.part() for one in timed] for _ in range(PARTS)]
        validations = [one.validation() for one in timed]
    return [
        Pace(statistics.median(parts), validating)
        for parts, validating in zip(zip(*rounds, strict=True), validations, strict=True)
    ]


class _Timed:
    """A trainer whose first steps have been made, and whose next are timed in parts."""

    def __init__(self, trainer: Trainer, at_most: float, clock: Callable[[], float]) -> None:
        self.trainer, self.clock = trainer, clock
        trainer.learner.train()
        self.batches = chain.from_iterable(map(trainer.batches.epoch, count()))
        enough = at_most / max(self._seconds(WARMED) / WARMED, 1e-9) / PARTS
        self.size = max(1, trainer.context.strongest(int(min(enough, PART))))

    def part(self) -> float:
        """Returns seconds of a step, from the next few."""
        return self._seconds(self.size) / self.size

    def validation(self) -> float:
        """Returns seconds of a validation; 0 where there are no images for it."""
        began = self.clock()
        if len(self.trainer.data.validation):
            self.trainer.measure(self.trainer.validation, "validation", log=False)
        return self.clock() - began

    def _seconds(self, steps: int) -> float:
        began = self.clock()
        for x, y in islice(self.batches, steps):
            self.trainer.update(x, y)
        self.trainer.check_window()  # reads from the device: all of it has been done
        return self.clock() - began
