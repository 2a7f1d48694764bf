"""MASSES: every likelihood whose pixels can be coded, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaekit.coding.masses import BernoulliMasses, Masses
from vaekit.core import DataError


def masses_of(likelihood: Mapping[str, Any], shape: tuple[int, ...]) -> Masses:
    """Returns the masses of a likelihood.

    Args:
        likelihood: as of `ExactModel`: its name, its options and its tables.
        shape: of one image, (C, H, W) or (D,).

    Raises:
        DataError: a name without masses, as a file from a later version may have.
    """
    name = likelihood["name"]
    if name == "bernoulli":
        return BernoulliMasses()
    raise DataError(f"likelihood {name!r} has no masses that can be coded; update vaekit.")
