"""Lengths of a run as steps: from epochs, from a time, or where none is given."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from vaekit.config.options import FitSettings
from vaekit.config.run_length import LENGTHS
from vaekit.core import SettingError

APART = 50  # fewest steps between validations, where the length of a run is given in steps


def with_length(options: FitSettings, **length: int | str | None) -> FitSettings:
    """The options with this length, by its name in LENGTHS, in the place of theirs.

    Raises:
        SettingError: two lengths, or one out of range.
    """
    lengths: dict[str, Any] = {**dict.fromkeys(LENGTHS), **length}
    return dataclasses.replace(options, **lengths)


def steps_of(options: FitSettings, steps_per_epoch: int) -> int:
    """The length of a run in steps. A budget must have been turned into steps before.

    Raises:
        SettingError: it has not been.
    """
    if options.budget is not None:
        raise SettingError(f"budget='{options.budget}' is no number of steps yet.", "budget")
    return options.steps or (options.epochs or 0) * steps_per_epoch


def with_warmup(options: FitSettings, images: int) -> FitSettings:
    """The options with the warm-up of the learning rate in steps, where none is given.

    Args:
        options: with a length other than a budget, and a batch size.
        images: number of training images.
    """
    assert options.batch_size is not None
    steps = steps_of(options, math.ceil(images / options.batch_size))
    schedule = dataclasses.replace(options.schedule, warmup=options.schedule.warmup_of(steps))
    return dataclasses.replace(options, schedule=schedule)


def validation_epochs(options: FitSettings, steps_per_epoch: int) -> int:
    """Epochs from one validation to the next: 1 where the length is given in epochs, else as many as have 50 steps."""
    return 1 if options.steps is None else _epochs_apart(steps_per_epoch)


def _epochs_apart(steps_per_epoch: int) -> int:
    """Epochs between validations of a run whose length is given in steps."""
    return max(1, math.ceil(APART / steps_per_epoch))


@dataclass(frozen=True)
class Pace:
    """The time that a run's steps take on this machine.

    Attributes:
        step: seconds that one takes.
        validation: seconds that a pass over the validation split takes.
    """

    step: float
    validation: float

    def of_steps(self, steps: int, steps_per_epoch: int) -> float:
        """Seconds that so many steps take, with their share of the validations among them and the one at the end."""
        return steps * self._with_validations(steps_per_epoch) + self.validation

    def most_steps(self, seconds: float, steps_per_epoch: int) -> int:
        """Most steps that take no longer; below 1 where not even one does."""
        return math.floor((seconds - self.validation) / self._with_validations(steps_per_epoch))

    def _with_validations(self, steps_per_epoch: int) -> float:
        return self.step + self.validation / (steps_per_epoch * _epochs_apart(steps_per_epoch))

    def steps_within(self, seconds: float, steps_per_epoch: int) -> int:
        """Steps that a time is enough for, with the validations among them and the one at the end.

        Raises:
            SettingError: not even one.
        """
        steps = self.most_steps(seconds, steps_per_epoch)
        if steps < 1:
            least = math.ceil(self.of_steps(1, steps_per_epoch))
            raise SettingError(
                f"budget='{seconds:g}s' is too short: one step takes {self.step:.2g} s here and a validation "
                f"{self.validation:.2g} s; give at least {least}s, or steps=1.",
                "budget",
            )
        return steps
