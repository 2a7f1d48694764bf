"""The time that steps and validations take here, by a short measurement, and a budget as the steps that it is enough for."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Iterable
from itertools import chain, count, islice

from torch import Tensor

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

    Of five parts of the steps the median counts: a machine that is busy for a moment does not change it.

    Args:
        at_most: seconds that the timed steps may take; fewer are timed if 50 would take longer.
    """
    with own_randomness(trainer.device):
        seed_noise(trainer.device, derive_seed("timing"))
        trainer.learner.train()
        batches = chain.from_iterable(map(trainer.batches.epoch, count()))
        warming = _seconds(trainer, islice(batches, WARMED)) / WARMED
        enough = at_most / max(warming, 1e-9) / PARTS
        size = max(1, trainer.context.strongest(int(min(enough, PART))))
        parts = [_seconds(trainer, islice(batches, size)) for _ in range(PARTS)]
        began = time.perf_counter()
        if len(trainer.data.validation):
            trainer.measure(trainer.validation, "validation", log=False)
        validating = time.perf_counter() - began
    return Pace(statistics.median(parts) / size, validating)


def _seconds(trainer: Trainer, batches: Iterable[tuple[Tensor, Tensor | None]]) -> float:
    """Seconds that updates on these batches take."""
    began = time.perf_counter()
    for x, y in batches:
        trainer.update(x, y)
    trainer.check_window()  # reads from the device: all of it has been done
    return time.perf_counter() - began
