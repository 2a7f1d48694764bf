"""The learning parts of a training: the model and its objective, with their optimisers and the averaged
weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.options import FitSettings
from vaekit.core import Loss, RunError
from vaekit.models import Model
from vaekit.objectives.base import Objective, Phase
from vaekit.objectives.ramps import Clock
from vaekit.runtime.device import arithmetic
from vaekit.runtime.distributed import Context
from vaekit.runtime.random import Share
from vaekit.training.optimizers import WeightEMA, clip, hidden_matrices
from vaekit.training.state import moved


class Learner:
    """A model and its objective, and how they are updated.

    Args:
        model, objective: moved to the context's device.
        options: of `fit`.
        context: where the training takes place.

    Attributes:
        phases: of the objective, each with an optimiser of its own.
        peak: learning rate.
        average: of the model's weights, or None.
    """

    def __init__(self, model: Model, objective: Objective, options: FitSettings, context: Context) -> None:
        self.model, self.objective = model.to(context.device), objective.to(context.device)
        self.options, self.context = options, context
        self.phases = objective.phases(model)
        self.parameters = {phase.name: list(phase.parameters) for phase in self.phases}
        assert options.learning_rate is not None, "decided by the trainer"
        build, self.peak = options.optimizer.build, options.learning_rate
        hidden = hidden_matrices(self.model, self.objective)
        self.optimizers = {name: build(owned, self.peak, hidden) for name, owned in self.parameters.items()}
        self.losses = {
            phase.name: context.average_gradients(phase.loss, self.parameters[phase.name])
            for phase in self.phases
        }
        self.average = WeightEMA(model, options.average) if options.average else None

    def train(self) -> None:
        """Puts both into training mode."""
        self.model.train()
        self.objective.train()

    def learning_rate(self, clock: Clock) -> float:
        """Of the update that follows `clock`."""
        return self.options.schedule.rate(self.peak, clock.step, clock.steps)

    def scheduled(self, clock: Clock) -> dict[str, float]:
        """Everything that changes by a schedule."""
        return {**self.objective.values(clock), "learning_rate": self.learning_rate(clock)}

    def update(self, phase: Phase, x: Tensor, y: Tensor | None, clock: Clock, share: Share | None) -> Loss:
        """Updates what a phase updates.

        Args:
            x, y: a batch, or this process's rows of one.
            clock: of the step.
            share: which rows those are; None if all.
        """
        optimizer = self.optimizers[phase.name]
        rate = self.learning_rate(clock)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with arithmetic(self.context.precision, self.context.device):
            loss: Loss = self.losses[phase.name](x, y, self.objective.values(clock))
        optimizer.zero_grad(set_to_none=True)
        total = loss.total
        if share is not None:  # processes average their gradients: make that the mean over all images
            total = total * (len(x) * self.context.process.world / share.whole)
        total.backward()
        if self.options.clip:
            clip(self.parameters[phase.name], self.options.clip)
        optimizer.step()
        return loss

    def average_weights(self, step: int) -> None:
        """Takes the weights after a step into their average, if there is one."""
        if self.average is not None:
            self.average.update(self.model, step)

    @property
    def averaged(self) -> dict[str, Tensor] | None:
        """The averaged weights, or None where nothing is averaged."""
        return None if self.average is None else self.average.weights

    def last_weights(self) -> dict[str, Tensor]:
        """A copy of the averaged weights, or of the model's."""
        last = self.model.state_dict() if self.averaged is None else self.averaged
        return {name: tensor.detach().clone() for name, tensor in last.items()}

    def all_finite(self) -> bool:
        """Returns whether no weight of the model is NaN or infinite."""
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    def as_nested(self) -> dict[str, Any]:
        """For `vaekit.runs.checkpoints`: all weights, and the optimisers' states."""
        return {
            "model": self.model.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "average": self.averaged,
        }

    def load_nested(self, nested: Mapping[str, Any], where: Path) -> None:
        """Restores what `as_nested` gave, read from a file or folder `where`.

        Raises:
            RunError: it is of another model.
        """
        try:
            self.model.load_state_dict(nested["model"])
            self.objective.load_state_dict(nested["objective"])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(nested["optimizers"][name])
            if self.average is not None:
                now = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
                self.average.weights = now | moved(nested["average"], self.context.device)
        except Exception as error:  # optimisers raise what they like for a state that is none of theirs
            detail = " ".join(str(error).split())[:200]
            raise RunError(f"the state in {where} is not of this run's model: {detail}") from None
