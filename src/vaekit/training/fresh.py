"""A fresh model and its objective, as `vaekit train` makes them."""

from __future__ import annotations

from vaekit.config import options as s
from vaekit.data import Data
from vaekit.models import Model
from vaekit.models.build import given_by_data, seeded_model
from vaekit.objectives.base import Objective
from vaekit.objectives.create import create_objective


def new_model(settings: s.Settings, data: Data) -> tuple[Model, Objective]:
    """Model and objective for a data set, as `vaekit train` makes them.

    Raises:
        DataError: as in `given_by_data`.
    """
    given = given_by_data(settings.method, data.shape, data.pixels, data.classes, data.source)
    model = seeded_model(settings, given)
    return model, create_objective(settings.method, settings.objective)
