"""Tables of the entropy coder that stand in a file beside its model, so that another program need not compute them
(docs/format.md has what each is)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vaekit.coding.knots import Table, tanh
from vaekit.coding.latents import normal_table, scale_table
from vaekit.coding.level_masses import SHARE_BITS
from vaekit.coding.masses import BITS, exponential_table, sigmoid_table
from vaekit.coding.mixture_masses import logistic_scale_table, logistic_table

TABLES: dict[str, Callable[[], Table]] = {
    "normal": normal_table,
    "inverse_scale": scale_table,
    "sigmoid": sigmoid_table,
    "exponential_24": lambda: exponential_table(BITS),
    "exponential_20": lambda: exponential_table(SHARE_BITS),
    "logistic": logistic_table,
    "logistic_scale": logistic_scale_table,
    "tanh": tanh,
}


def tables_for(likelihood: str) -> dict[str, np.ndarray]:
    """Returns knots by name, int64: those of latents, and those of the masses of a likelihood.

    Args:
        likelihood: name of one with masses.
    """
    names = {
        "bernoulli": ("sigmoid",),
        "categorical": ("exponential_24",),
        "histogram-mixture": ("exponential_24", "exponential_20"),
        "logistic-mixture": ("exponential_24", "logistic", "logistic_scale", "tanh"),
    }
    return {name: knots(name) for name in ("normal", "inverse_scale", *names.get(likelihood, ()))}


def knots(name: str) -> np.ndarray:
    """Returns the knots of one of TABLES, (n + 1,) int64."""
    return TABLES[name]().knots
