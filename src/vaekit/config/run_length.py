"""The three ways to say how long to train: passes over the images, steps, or a time. Imports no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from vaekit.core import SettingError

LENGTHS = ("epochs", "steps", "budget")

UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def parse_budget(text: str) -> float:
    """Seconds from `90s`, `3min`, `2m`, `0.5h` or a number.

    Raises:
        SettingError: it is none of these, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in UNITS or not 0 < float(found[1]) < math.inf:
        raise SettingError(f"budget: {text!r} is no training time; write 90s, 3min or 1h.", "budget")
    return float(found[1]) * UNITS[found[2]]


def check_length(given: Mapping[str, Any]) -> None:
    """Raises SettingError when more than one length is given, or a budget that is no time.

    Args:
        given: those that are, by their names in LENGTHS.
    """
    if len(given) > 1:
        one, other = list(given)[:2]
        raise SettingError(f"{one}= and {other}= exclude each other: a run has one length.", other)
    if "budget" in given:
        parse_budget(given["budget"])


def with_layer(values: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """Options with a layer over them: a length in the layer takes the place of whichever was there."""
    given = any(layer.get(name) is not None for name in LENGTHS)
    kept = {name: value for name, value in values.items() if not (given and name in LENGTHS)}
    return kept | {name: value for name, value in layer.items() if name not in LENGTHS or value is not None}
