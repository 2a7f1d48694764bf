"""A budget of processor seconds as the steps that it is enough for, for each method.

Processor seconds and not those of the clock: what else the machine does is not in them. All methods are timed
together, a few steps of each in turn, so that what slows the machine down slows all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaekit.comparison.wish import Request, prior_options
from vaekit.config.options import Settings
from vaekit.core import SettingError
from vaekit.data import Data
from vaekit.runtime.distributed import choose_context
from vaekit.runtime.spent import spent
from vaekit.training.fresh import new_model
from vaekit.training.lengths import Pace, with_length
from vaekit.training.pace import SHARE, time_paces
from vaekit.training.priors import codes_of, prior_settings
from vaekit.training.trainer import Trainer


@dataclass(frozen=True)
class Cost:
    """What training a model takes here, in processor seconds.

    Attributes:
        start: of what is done before the first step.
        pace: of steps and validations.
        steps_per_epoch: how many there are.
    """

    start: float
    pace: Pace
    steps_per_epoch: int

    def of_steps(self, steps: int) -> float:
        """Seconds that so many steps take."""
        return self.start + self.pace.of_steps(steps, self.steps_per_epoch)

    def most_steps(self, seconds: float) -> int:
        """Most steps that take no longer; below 1 where not even one does."""
        return self.pace.most_steps(seconds - self.start, self.steps_per_epoch)


Costs = dict[str, Cost]  # by method


def time_all(
    wish: Request, settings: Mapping[str, Settings], data: Data, two: Sequence[str]
) -> tuple[Costs, Costs]:
    """What training each method takes, and the prior of those that get one (`two`); nothing of it is kept."""
    assert wish.budget is not None
    begun = {(method, ""): begin(own, data) for method, own in settings.items()}
    for method in two:
        model = begun[method, ""][0].model
        latents = codes_of(model, data, data.source)
        begun[method, "prior"] = begin(prior_settings(model, latents, prior_options(wish)), latents)
    trainers = [trainer for trainer, _ in begun.values()]
    device = trainers[0].device
    paces = time_paces(trainers, SHARE * wish.budget, lambda: spent(device))
    found = {
        key: cost_of(trainer, start, pace)
        for (key, (trainer, start)), pace in zip(begun.items(), paces, strict=True)
    }
    return {method: found[method, ""] for method in settings}, {
        method: found[method, "prior"] for method in two
    }


def begin(settings: Settings, data: Data) -> tuple[Trainer, float]:
    """A fresh model before its first step, and the seconds that its preparation took."""
    model, objective = new_model(settings, data)
    context = choose_context(settings.fit.device, settings.fit.precision)
    began = spent(context.device)
    model.prepare_from(data.train)
    start = spent(context.device) - began
    return Trainer(model, objective, data, with_length(settings.fit, steps=10**9), context), start


def cost_of(trainer: Trainer, start: float, pace: Pace) -> Cost:
    """The cost of a model; one that begins fitted is validated before its first step too."""
    return Cost(start + pace.validation * trainer.model.begins_fitted, pace, len(trainer.batches))


def steps_within(budget: float, method: str, own: Cost, prior: Cost | None) -> tuple[int, int]:
    """Steps of a model and of its prior that a budget is enough for: half of it for the model, and what that
    leaves for the prior; all of it for a model without one, and 0.

    Raises:
        SettingError: it is not enough for one step of each.
    """
    first = 0.0 if prior is None else prior.of_steps(1)
    least = own.of_steps(1) + first
    if least > budget:
        raise SettingError(
            f"budget='{budget:g}s' is too short: the first step of {method}{' and of its prior' * (prior is not None)}, "
            f"with all that goes before and a validation, takes {least:.2g} s of processor time here; "
            f"give at least {math.ceil(least)}s, or steps=1.",
            "budget",
        )
    if prior is None:
        return max(own.most_steps(budget), 1), 0
    steps = max(own.most_steps(min(budget / 2, budget - first)), 1)
    return steps, max(prior.most_steps(budget - own.of_steps(steps)), 1)
