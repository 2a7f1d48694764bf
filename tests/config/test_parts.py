"""Parts by object, by name and as text; what is given beside them, and what is left open."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from typing import Any

import pytest

from vaekit.config.fields import Options, option
from vaekit.config.parts import Part, Undecided, choose_part, decide, part
from vaekit.core import SettingError, VaekitWarning


@dataclass(frozen=True)
class Oil(Part):
    """One."""

    drops: int = option(3, at_least=1, help="drops of it")
    sort: str = option("olive", help="which")


@dataclass(frozen=True)
class Butter(Part):
    """Two."""

    drops: int = option(5, at_least=2, help="spoons, melted")
    salt: float = option(0.5, at_least=0, help="grams")


@dataclass(frozen=True)
class Water(Part):
    """Without options."""


TABLE: dict[str, type[Part]] = {"oil": Oil, "sweet-butter": Butter, "water": Water}


@dataclass(frozen=True)
class Pan(Options):
    """A section that holds one."""

    size: int = option(20, help="cm")
    fat: Part | Undecided = part(TABLE, "auto", help="in which it is fried")


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        (Oil(drops=7), {}, Oil(7)),
        ("oil", {}, Oil()),
        ("oil()", {}, Oil()),
        ("oil(drops=7)", {}, Oil(7)),
        (" sweet-butter ( salt = 2, drops = 4 ) ", {}, Butter(4, 2.0)),
        ("oil(sort='nut')", {}, Oil(sort="nut")),
        ("oil", {"drops": 7}, Oil(7)),
        ("oil(sort='nut')", {"drops": 7}, Oil(7, "nut")),
        ("auto", {"drops": 7}, Undecided("auto", {"drops": 7})),
        ("auto(drops=7)", {}, Undecided("auto", {"drops": 7})),
        (Undecided("auto", {"drops": 7}), {"salt": 1}, Undecided("auto", {"drops": 7, "salt": 1.0})),
    ],
)
def test_the_ways_to_say_one_thing(given: object, options: dict[str, Any], expected: object) -> None:
    assert choose_part("fat", given, TABLE, ("auto",), options) == expected


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("oli", {}, r"^fat: 'oli' is not one of auto, oil, sweet-butter, water\. Did you mean oil\?$"),
        ("oil(drop=1)", {}, r"^fat='oil': unknown option 'drop'\. Did you mean drops\?$"),
        ("oil(salt=1)", {}, r"^fat='oil': unknown option 'salt'"),
        ("oil(drops=0)", {}, r"^drops must be at least 1, not 0\.$"),
        ("oil(7)", {}, r"^fat: 'oil\(7\)' is neither a name, nor a name with options"),
        ("oil(drops=", {}, "neither a name"),
        ("oil(drops=open('x'))", {}, "neither a name"),
        (3, {}, "neither a name"),
        ("auto", {"sort": 3}, r"^sort must be text"),
        ("auto(drop=1)", {}, r"unknown option 'drop'"),
        (Oil(), {"drops": 3}, r"^drops is an option of fat=; pass Oil\(drops=\.\.\.\)"),
    ],
)
def test_errors_name_the_argument_or_the_option(given: object, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        choose_part("fat", given, TABLE, ("auto",), options)


def test_a_part_that_stands_in_no_table_has_no_name() -> None:
    @dataclass(frozen=True)
    class Lard(Part):
        """Nowhere."""

    with pytest.raises(
        SettingError, match=r"fat: Lard has no name in its table, which has Oil, Butter, Water"
    ):
        Pan(fat=Lard())


def test_what_is_left_open_keeps_its_options_until_it_is_decided() -> None:
    open_fat = Pan.of({"drops": 7}).fat
    assert open_fat == Undecided("auto", {"drops": 7})
    assert decide("fat", open_fat, TABLE, "sweet-butter") == Butter(7)  # type: ignore[arg-type, type-var]
    assert decide("fat", Oil(), TABLE, "sweet-butter") == Oil()
    with pytest.warns(
        VaekitWarning, match="drops=7 has no effect with fat='water': oil, sweet-butter have it"
    ):
        decide("fat", open_fat, TABLE, "water")  # type: ignore[arg-type, type-var]


def test_an_open_part_takes_what_one_of_them_takes() -> None:
    assert Pan.of({"drops": 1}).fat == Undecided("auto", {"drops": 1})  # oil does, butter would not
    with pytest.raises(SettingError, match="drops must be at least"):
        Pan.of({"drops": 0})


def test_an_option_of_another_part_is_noted_unless_it_says_the_default() -> None:
    with pytest.warns(VaekitWarning, match="salt=2 has no effect with fat='oil': sweet-butter has it"):
        assert Pan.of({"fat": "oil", "salt": 2}).fat == Oil()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            Pan.of({"fat": "oil", "salt": 0.5, "drops": None}).fat == Oil()
        )  # as an older config.json has it
        assert Pan.of({"fat": "oil", "salt": 2}, quiet=True).fat == Oil()


@pytest.mark.parametrize("fat", ["auto", "auto(drops=4)", "oil(sort='nut')", Butter(9), Water()])
def test_flat_values_make_the_same_again(fat: Any) -> None:
    pan = Pan(size=24, fat=fat)
    assert Pan.of(pan.flat()) == pan
    assert list(pan.flat())[:2] == ["size", "fat"]


def test_one_flag_for_each_name_says_what_each_part_means() -> None:
    flags = {flag.name: flag for flag in Pan.flags()}
    assert list(flags) == ["size", "fat", "drops", "sort", "salt"]
    assert flags["fat"].choices == ("auto", "oil", "sweet-butter", "water")
    assert flags["drops"].help == "oil: drops of it (default: 3); sweet-butter: spoons, melted (default: 5)"
    assert (flags["drops"].default, flags["drops"].range) == (None, "")
    assert (flags["salt"].help, flags["salt"].default) == ("sweet-butter: grams", 0.5)


def test_a_table_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Lard(Part):
        """New."""

        melt: float = option(30.0, help="degrees")

    monkeypatch.setitem(TABLE, "lard", Lard)
    assert Pan.of({"fat": "lard", "melt": 40}).fat == Lard(40.0)
    assert "melt" in Pan.names()


def test_options_of_one_name_have_one_type(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Lard(Part):
        """New."""

        drops: str = option("many", help="in words")

    monkeypatch.setitem(TABLE, "lard", Lard)
    with pytest.raises(SettingError, match="drops has different types in fat oil and sweet-butter and lard"):
        Pan.flags()


def test_a_section_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Pan().size = 3  # type: ignore[misc]
