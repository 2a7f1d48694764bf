"""The objective of a method, from its options."""

from __future__ import annotations

from vaekit.config.fields import Options
from vaekit.config.methods import find_method
from vaekit.objectives.base import Objective


def create_objective(method: str, options: Options) -> Objective:
    """The objective of a method with its section of options."""
    return find_method(method).objective_class()(**options.flat())
