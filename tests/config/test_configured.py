"""Callables whose arguments are a section of options."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import pytest

from vaekit.config.configured import configured, documented, options_of
from vaekit.config.fields import Options, option
from vaekit.core import SettingError


@dataclass(frozen=True)
class Sizes(Options):
    """Made up."""

    width: int = option(3, at_least=1, help="pixels")
    depth: float = option(0.5, help="metres")


@dataclass(frozen=True)
class MoreSizes(Sizes):
    """With one more."""

    height: int = option(7, help="floors")


class Box:
    """Options alone."""

    @options_of(Sizes)
    def __init__(self, options: Sizes) -> None:
        """Makes it."""
        self.options = options


class House:
    """Options between other arguments."""

    @configured(Sizes)
    def __init__(self, street: str, options: Sizes, *, number: int = 1) -> None:
        self.street, self.options, self.number = street, options, number


class Tower(House):
    """Hands its options down."""

    @configured(MoreSizes)
    def __init__(self, street: str, options: MoreSizes, **given: int) -> None:
        super().__init__(street, options, **given)


@configured(Sizes)
def build(street: str, *, options: Sizes, loud: bool = False) -> tuple[str, Sizes, bool]:
    """Builds."""
    return street, options, loud


@documented(Sizes)
def describe(street: str, **options: object) -> dict[str, object]:
    """Describes."""
    return options


def test_options_by_name_by_place_or_as_an_object_are_the_same() -> None:
    for box in (Box(width=4), Box(4), Box(4, 0.5), Box(Sizes(4)), Box(options=Sizes(4))):  # type: ignore[arg-type, call-arg]
        assert box.options == Sizes(4)
    assert Box().options == Sizes()


def test_other_arguments_reach_the_callable() -> None:
    for house in (
        House("Elm", 4, number=2),
        House("Elm", width=4, number=2),
        House(street="Elm", width=4, number=2),
    ):
        assert (house.street, house.options, house.number) == ("Elm", Sizes(4), 2)
    assert build("Elm", width=4, loud=True) == ("Elm", Sizes(4), True)
    assert build("Elm", options=Sizes(4)) == ("Elm", Sizes(4), False)


def test_a_subclass_adds_options() -> None:
    tower = Tower("Elm", width=4, height=9, number=2)
    assert (tower.options, tower.number) == (MoreSizes(4, 0.5, 9), 2)
    with pytest.raises(SettingError, match=r"^unknown option 'heigth'. Did you mean height\?$"):
        Tower("Elm", heigth=9)


def test_wrong_arguments_are_said() -> None:
    with pytest.raises(SettingError, match=r"^unknown option 'widht'. Did you mean width\?$"):
        Box(widht=4)  # type: ignore[call-arg]
    with pytest.raises(SettingError, match="width must be at least 1, not 0") as caught:
        House("Elm", 0)
    assert caught.value.option == "width"
    with pytest.raises(TypeError, match="by their place"):
        Box(1, 2.0, 3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="by their place"):
        build("Elm", 4)
    with pytest.raises(SettingError, match="depth= is given beside options="):
        Box(Sizes(4), depth=2.0)  # type: ignore[arg-type, call-arg]


SQUARE = Sizes()


@dataclass(frozen=True)
class Shape(Options):
    """An option whose value is a record of options itself."""

    sizes: Sizes = option(SQUARE, help="of a side")  # noqa: RUF009


@configured(Shape)
def shaped(options: Shape) -> Shape:
    return options


def test_an_object_by_its_place_is_the_options_only_if_it_is_of_their_kind() -> None:
    assert shaped(Shape(Sizes(5))) == Shape(Sizes(5))
    with pytest.raises(TypeError, match="options= is a Sizes; give a Shape"):
        shaped(options=Sizes(4))
    with pytest.raises(TypeError, match="width is given by its place and by its name"):
        Box(4, width=9)  # type: ignore[call-arg, misc]
    with pytest.raises(TypeError, match=r"Box.__init__ takes 3 arguments by their place, not 4"):
        Box(1, 2.0, 3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (Box, "(width: int = 3, depth: float = 0.5) -> None"),
        (House, "(street: 'str', width: int = 3, depth: float = 0.5, *, number: 'int' = 1)"),
        (build, "(street: 'str', *, width: int = 3, depth: float = 0.5, loud: 'bool' = False)"),
        (describe, "(street: 'str', *, width: int = 3, depth: float = 0.5) -> 'dict[str, object]'"),
    ],
)
def test_the_signature_has_the_options(called: object, shown: str) -> None:
    assert str(inspect.signature(called)) == shown.removesuffix(" -> None")  # type: ignore[arg-type]


def test_the_docstring_explains_them() -> None:
    assert Box.__init__.__doc__ == (
        "Makes it.\n\nOptions:\n    width: pixels (default: 3; at least 1)\n    depth: metres (default: 0.5)"
    )
    assert "width: pixels" in (build.__doc__ or "")
    assert "width: pixels" in (describe.__doc__ or "")
