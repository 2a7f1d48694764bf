"""Masses of every likelihood whose pixels can be coded, by its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vaekit.coding.level_masses import LEVELS, CategoricalMasses, histogram_masses
from vaekit.coding.masses import BernoulliMasses, Masses
from vaekit.coding.mixture_masses import mixture_masses
from vaekit.core import DataError


def masses_of(likelihood: Mapping[str, Any], shape: tuple[int, ...]) -> Masses:
    """Returns the masses of a likelihood.

    Args:
        likelihood: as of `ExactModel`: its name, its options and its tables.
        shape: of one image, (C, H, W) or (D,).

    Raises:
        DataError: a name without masses, as a file from a later version may have, or numbers that do not fit, as in a
            damaged one.
    """
    name, numbers = likelihood["name"], int(likelihood["numbers"])
    if name == "histogram-mixture":
        return histogram_masses(likelihood["tables"], math.prod(shape), numbers)
    if name == "logistic-mixture":
        return mixture_masses(int(likelihood["mixtures"]), shape, numbers)
    if (name, numbers) == ("categorical", LEVELS):
        return CategoricalMasses()
    if (name, numbers) == ("bernoulli", 1):
        return BernoulliMasses()
    raise DataError(f"likelihood {name!r} with {numbers} numbers per value has no masses to code with.")
