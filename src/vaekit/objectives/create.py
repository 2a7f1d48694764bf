"""The objective of a method, from its options."""

from __future__ import annotations

import dataclasses
from typing import Any

from vaekit.config.methods import find_method
from vaekit.objectives.base import Objective


def create_objective(method: str, options: Any) -> Objective:
    """The objective of a method with its section of options."""
    return find_method(method).objective_class()(**dataclasses.asdict(options))
