"""Objectives: from what a model says about a batch to the number that is minimised.

An objective reads only the `Output` record, so one ELBO serves every model with a posterior. It is a
module: parameters of its own (a discriminator, say) are saved, moved and resumed with the run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from vaekit.config.fields import Options, check_known
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import check_needs
from vaekit.models.doors import as_labels
from vaekit.objectives.ramps import Clock

GRID = 1000  # steps of a run on which schedules are looked at


class Objective(nn.Module, ABC):
    """Interface of an objective.

    Args:
        options: of the objective; a constructor that is decorated with `options_of` takes them one by one.

    Attributes:
        criterion: the term, in nats per image, by which weights are compared on validation; None where
            no term says how good they are, and the last are kept.
        arguments: the options, JSON-able.
        needs: what a model must be able to do, protocols of `vaekit.models.capabilities`; `fit` checks it before
            anything runs.
    """

    criterion: str | None
    needs: ClassVar[tuple[type, ...]] = ()
    arguments: dict[str, Any]

    def __init__(self, options: Options | None = None) -> None:
        super().__init__()
        self.arguments = {} if options is None else options.flat()

    def values(self, clock: Clock) -> dict[str, float]:
        """Returns what is scheduled, at this point of the run: name -> value, {"beta": 0.3}. Nothing by
        default.

        Args:
            clock: step and steps of the run.
        """
        return {}

    def settled_from(self) -> float:
        """Returns the share of the run from which all that is scheduled has its final value, 0 to 1, to a thousandth.

        Only then is trained what models are judged by, so that validation values can be compared: best weights and
        patience count from there.
        """
        final = self.values(Clock(GRID, GRID))
        unsettled = (step for step in range(GRID - 1, -1, -1) if self.values(Clock(step, GRID)) != final)
        return (next(unsettled, -1) + 1) / GRID

    def __call__(
        self, model: Model, x: Any, y: Any = None, values: Mapping[str, float] | None = None, **other: Any
    ) -> Loss:
        """Loss of a batch, with a graph: `loss = ELBO()(model, x)` in a training loop of one's own.

        `loss.total` is what is minimised, `loss.terms` what it is made of. Where an objective has several `phases`, this
        is the first of them.

        Args:
            model: what `needs` says.
            x: (B, *shape), uint8 or floats as the model takes them, checked; or a batch as a loader gives it, (x,) or
                (x, y).
            y: (B,) labels, for a conditional model.
            values: what is scheduled, at this point of the run, `objective.values(Clock(step, steps))`; x has been shown
                already then, as in `fit`, and is not looked at. None takes the final values.

        Raises:
            SettingError: a model that cannot do what the objective needs.
            DataError: images that are none of the model's.
        """
        check_known(other, ("y", "values"), type(self).__name__)
        if values is None:
            self.check(model)
            x, y = batch_of(model, x, y)
            values = self.values(Clock(0, 1).end)
        return super().__call__(model, x, y, values)

    @abstractmethod
    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        """Loss of a batch; x: (B, *shape) float, y: (B,) labels or None.

        Args:
            model: what `needs` says.
            x: (B, *shape), as it is shown to the model.
            y: (B,) labels, or None.
            values: what is scheduled, as `values` returns it.
        """

    def figures(self, means: Mapping[str, Any], counts: Mapping[str, Tensor]) -> dict[str, float]:
        """Returns what is reported beside the means of the terms over images, because it is none itself.

        Args:
            means: of the terms, over the images of a split or of some steps.
            counts: histograms of the same images, summed.
        """
        return {}

    def check(self, model: Model) -> None:
        """Raises SettingError when the model cannot do what the objective needs of it; names both.

        Args:
            model: that is to be trained.
        """
        check_needs(model, self.needs, type(self).__name__)

    def phases(self, model: Model) -> list[Phase]:
        """Returns the phases of one step. One update of all parameters, unless an objective says otherwise.

        Args:
            model: that is trained.
        """
        return [Phase("main", Step(self, model), [*model.parameters(), *self.parameters()])]


def batch_of(model: Model, x: Any, y: Any) -> tuple[Tensor, Tensor | None]:
    """A batch as objectives take it: examples as shown to the model, and labels where it has classes.

    Raises:
        DataError: images that are none of the model's.
    """
    if (
        isinstance(x, list | tuple)
        and 1 <= len(x) <= 2
        and isinstance(x[0], Tensor)
        and x[0].shape[1:] == model.shape
    ):
        y = x[1] if y is None and len(x) == 2 else y
        x = x[0]
    shown = model.shown(x)
    if y is None or not model.classes:
        return shown, None
    return shown, (y if isinstance(y, Tensor) else as_labels(y, len(shown))).to(shown.device)


class Step(nn.Module):
    """An objective bound to its model, so that a phase is one module's forward."""

    def __init__(self, objective: Objective, model: Model) -> None:
        super().__init__()
        self.objective = objective
        self.model = model

    def forward(self, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        return self.objective(self.model, x, y, values)


@dataclass(frozen=True)
class Phase:
    """One update within a step: which loss, by which parameters, how often.

    Attributes:
        name: of the phase, unique in its objective.
        loss: module whose forward(x, y, values) gives a Loss.
        parameters: those that this phase updates.
        every: the phase takes part in steps 0, every, 2 * every, ...
    """

    name: str
    loss: nn.Module
    parameters: Iterable[nn.Parameter]
    every: int = 1
