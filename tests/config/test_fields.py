"""Options: what a field accepts, and what it says where it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest

from vaekit.config.fields import Options, Rule, option, same
from vaekit.core import SettingError


@dataclass(frozen=True)
class Oven(Options):
    """Made up."""

    heat: float = option(180.0, help="degrees", above=0, at_most=300)
    trays: int = option(1, help="number of trays", at_least=1)
    mode: Literal["top", "bottom"] = option("top", help="where it is hot")
    name: str | None = option(None, help="what it is called")
    light: bool = option(False, help="light inside")


@dataclass(frozen=True)
class Kitchen(Options):
    """With an option that the oven declares."""

    heat: float = same(Oven, "heat")
    door: str = option("shut", help="open or shut")


@pytest.mark.parametrize(
    ("given", "value", "kind"),
    [
        ({"heat": 200}, 200.0, float),
        ({"heat": np.float32(0.5)}, 0.5, float),
        ({"heat": Fraction(1, 2)}, 0.5, float),
        ({"heat": 300}, 300.0, float),
        ({"trays": np.int64(3)}, 3, int),
        ({"name": "old"}, "old", str),
        ({"name": None}, None, type(None)),
        ({"light": True}, True, bool),
    ],
)
def test_values_are_kept_as_the_type_of_the_field(
    given: dict[str, object], value: object, kind: type
) -> None:
    held = getattr(Oven(**given), next(iter(given)))  # type: ignore[arg-type]
    assert held == value
    assert type(held) is kind


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"heat": 0}, "heat must be above 0 to 300, not 0.0."),
        ({"heat": 301.0}, "heat must be above 0 to 300, not 301.0."),
        ({"heat": math.nan}, "heat must be above 0 to 300 and finite, not nan."),
        ({"heat": math.inf}, "heat must be above 0 to 300 and finite, not inf."),
        ({"heat": "hot"}, "heat must be a number, not 'hot'."),
        ({"heat": True}, "heat must be a number, not True."),
        ({"trays": 0}, "trays must be at least 1, not 0."),
        ({"trays": 1.5}, "trays must be a whole number, not 1.5."),
        ({"mode": "botom"}, "mode: 'botom' is not one of top, bottom. Did you mean bottom?"),
        ({"name": 3}, "name must be text or None, not 3."),
        ({"light": 1}, "light must be True or False, not 1."),
    ],
)
def test_errors_name_the_argument(given: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Oven(**given)  # type: ignore[arg-type]
    assert str(caught.value) == message
    assert caught.value.option == next(iter(given))


@pytest.mark.parametrize(
    ("rule", "text", "inside", "outside"),
    [
        (Rule(at_least=1), "at least 1", [1, 5], [0]),
        (Rule(above=0), "above 0", [0.1], [0]),
        (Rule(at_least=0, at_most=1), "from 0 to 1", [0, 1], [-0.1, 1.1]),
        (Rule(at_least=0, below=1), "from 0 to below 1", [0, 0.9], [1]),
        (Rule(at_most=3), "at most 3", [3, -9], [3.1]),
        (Rule(below=3), "below 3", [2.9], [3]),
        (Rule(), "", [-1e9, 1e9], []),
    ],
)
def test_a_range_is_what_it_says(rule: Rule, text: str, inside: list[float], outside: list[float]) -> None:
    assert rule.range == text
    assert all(rule.holds(value) for value in inside)
    assert not any(rule.holds(value) for value in outside)


def test_flat_values_make_the_same_again() -> None:
    oven = Oven(heat=90, mode="bottom", name="old")
    assert Oven.of(oven.flat()) == oven
    assert oven.flat() == {"heat": 90.0, "trays": 1, "mode": "bottom", "name": "old", "light": False}


def test_an_unknown_name_has_a_near_miss_and_a_missing_one_is_named() -> None:
    with pytest.raises(SettingError, match=r"^unknown option 'tray'. Did you mean trays\?$"):
        Oven.of({"tray": 3})

    @dataclass(frozen=True)
    class Needs(Options):
        path: str = option(help="where")

    with pytest.raises(SettingError, match=r"^path is missing\.$"):
        Needs.of({})


def test_an_option_of_another_section_is_declared_there() -> None:
    assert Kitchen().heat == 180.0
    with pytest.raises(SettingError, match="heat must be above 0 to 300"):
        Kitchen(heat=-1)
    assert Kitchen.flags()[0] == Oven.flags()[0]
