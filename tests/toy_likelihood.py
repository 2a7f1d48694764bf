"""A likelihood with an option of its own, in a file of its own: a Laplace density.

The one line of registration is `LIKELIHOODS["laplace"] = Laplace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import Laplace as TorchLaplace

from vaekit.config import LikelihoodPart, option
from vaekit.distributions import Likelihood
from vaekit.runtime.device import full_precision


class LaplaceLikelihood(Likelihood):
    """Absolute errors."""

    num_params = 1

    def __init__(self, part: Laplace, shape: tuple[int, ...]) -> None:
        super().__init__(part, shape)
        self.spread = part.spread

    def forward(self, raw: Tensor) -> Distribution:
        return Independent(
            TorchLaplace(full_precision(raw), self.spread, validate_args=False), self.dimensions
        )

    def params_from_mean(self, mean: Tensor) -> Tensor:
        return mean


@dataclass(frozen=True)
class Laplace(LikelihoodPart):
    """Laplace with one fixed spread."""

    spread: float = option(0.1, above=0, help="mean absolute error that is expected")

    kind: ClassVar = "density"
    pixels: ClassVar = ("8-bit", "unit", "real")
    module: ClassVar = LaplaceLikelihood
