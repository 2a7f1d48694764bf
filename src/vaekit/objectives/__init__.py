"""Objectives: from what a model says about a batch to the number that is minimised."""

from __future__ import annotations

from vaekit.objectives.adversarial import Adversarial
from vaekit.objectives.base import Objective, Phase, Step
from vaekit.objectives.create import create_objective
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.iwae import IWAE
from vaekit.objectives.nll import CodeLength, Density, Reconstruction
from vaekit.objectives.vq import QuantizedReconstruction

__all__ = [
    "ELBO",
    "IWAE",
    "Adversarial",
    "CodeLength",
    "Density",
    "Objective",
    "Phase",
    "QuantizedReconstruction",
    "Reconstruction",
    "Step",
    "create_objective",
]
