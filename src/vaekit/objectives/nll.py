"""Negative log-likelihoods: of an autoencoder, of a density of latents, of a grid of codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vaekit.config.configured import options_of
from vaekit.config.objective_options import NoSettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.base import CodeDensity
from vaekit.models.capabilities import Reconstructs
from vaekit.objectives.base import Objective


class NegativeLogLikelihood(Objective):
    """-log p of what is given, as the model says it; reported under the name of the criterion."""

    criterion: str

    @options_of(NoSettings)
    def __init__(self, options: NoSettings) -> None:
        super().__init__(options)

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        nats = -model(x, y).likelihood.log_prob(x)
        return Loss(nats.mean(), {self.criterion: nats})


class Reconstruction(NegativeLogLikelihood):
    """-log p(x|z) and nothing else: an autoencoder's loss.

    Example:
        >>> history = vaekit.fit(vaekit.AE(data.shape), vaekit.Reconstruction(), data, steps=2, progress=False)
    """

    criterion = "reconstruction_nats"
    needs = (Reconstructs,)


class Density(NegativeLogLikelihood):
    """-log p(x) of a model that says it exactly: a density of latents."""

    criterion = "nll_nats"
    needs = (CodeDensity,)


class CodeLength(NegativeLogLikelihood):
    """-log p(c) of a grid of codes, which is what the codes of an image cost: `code_bits` and `code_nats`."""

    criterion = "code_nats"
    needs = (CodeDensity,)

    def figures(self, means: Mapping[str, Any], counts: Mapping[str, Tensor]) -> dict[str, float]:
        return {"code_bits": means["code_nats"] / math.log(2)}
