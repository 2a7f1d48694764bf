"""Tables of the entropy coder that stand in a file beside its model, so that another program need not compute them
(docs/format.md has what each is)."""

from __future__ import annotations

from functools import cache

import numpy as np

from vaekit.coding import latents, mixture_masses
from vaekit.coding.knots import ONE, of_sigmoid, of_softplus, tabulate, tanh
from vaekit.coding.level_masses import SHARE_BITS
from vaekit.coding.masses import BITS, REACH


def tables_for(likelihood: str) -> dict[str, np.ndarray]:
    """Knots by name, int64: those of latents, and those of the masses of a likelihood.

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


@cache
def knots(name: str) -> np.ndarray:
    """The knots of a table, (n + 1,) int64."""
    if name == "normal":
        return latents.normal_table().knots
    if name == "inverse_scale":
        low, high = latents.LOG_VARIANCE
        return tabulate(
            lambda x: (x / 2).exp(), -high, -low, step=6, extra=0, fraction_out=latents.SCALE
        ).knots
    if name == "sigmoid":
        return tabulate(of_sigmoid, -REACH, REACH, fraction_out=BITS).knots
    if name.startswith("exponential"):
        bits = BITS if name.endswith("24") else SHARE_BITS
        return tabulate(lambda x: x.exp(), -REACH, 0, step=6, fraction_out=bits).knots
    if name == "logistic":
        within = mixture_masses.WITHIN
        return tabulate(
            of_sigmoid, -mixture_masses.END, mixture_masses.END,
            step=within - 5, fraction_in=within, fraction_out=mixture_masses.SIGMOID_BITS,
        ).knots  # fmt: skip
    if name == "logistic_scale":
        low, high = mixture_masses.LOG_SCALE
        return tabulate(
            lambda x: (-(low + of_softplus(high - of_softplus(high - x) - low))).exp() / mixture_masses.TOP2,
            (low - 16) * ONE,
            (high + 16) * ONE,
            extra=0,
            fraction_out=mixture_masses.INVERSE_BITS,
        ).knots
    return tanh().knots
