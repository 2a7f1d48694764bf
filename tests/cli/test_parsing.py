"""Words of a command line to dataclasses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import pytest

from vaekit.cli.command_options import positional
from vaekit.cli.parsing import field_docs, from_text, parse
from vaekit.core import SettingError


@dataclass(frozen=True)
class Sizes:
    """How large."""

    width: int = 3
    """pixels,
    whole ones"""
    deep_dive: float = 0.5
    """metres"""
    limit: int | None = 7
    """at most"""
    shape: Literal["round", "flat"] = "round"
    """its form"""
    quiet: bool = False
    """say nothing"""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where."""

    path: str = positional()
    """the place"""
    more: tuple[str, ...] = positional(default=())
    """further places"""
    name: str | None = None
    """what to call it"""


@dataclass(frozen=True)
class Guests:
    """Who comes."""

    guests: tuple[str, ...] = ()
    """their names"""
    seats: int = 2
    """for them"""


def sizes(*words: str, **defaults: object) -> Sizes:
    return parse("tool", {"sizes": Sizes}, words, defaults)["sizes"]


def places(*words: str) -> Places:
    return parse("tool", {"places": Places}, words)["places"]


def test_nothing_given_gives_the_defaults() -> None:
    assert sizes() == Sizes()


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--width", "5"], {"width": 5}),
        (["--width=5"], {"width": 5}),
        (["--width", "-5"], {"width": -5}),
        (["--deep-dive", "2"], {"deep_dive": 2.0}),
        (["--deep_dive", "1e-3"], {"deep_dive": 0.001}),
        (["--deep_dive=-.5"], {"deep_dive": -0.5}),
        (["--limit", "9"], {"limit": 9}),
        (["--limit", "none"], {"limit": None}),
        (["--shape", "flat"], {"shape": "flat"}),
        (["--quiet"], {"quiet": True}),
        (["--quiet", "--width", "1", "--width", "2"], {"quiet": True, "width": 2}),
    ],
)
def test_values_have_the_types_of_their_fields(words: list[str], changed: dict[str, object]) -> None:
    expected = dataclasses.replace(Sizes(), **changed)
    given = sizes(*words)
    assert given == expected
    assert [type(v) for v in vars(given).values()] == [type(v) for v in vars(expected).values()]


def test_defaults_stand_below_the_command_line() -> None:
    assert sizes("--width", "5", width=8, limit=None, shape="flat") == Sizes(5, 0.5, None, "flat")


def test_what_a_config_switched_on_can_be_switched_off() -> None:
    assert sizes(quiet=True).quiet
    assert not sizes("--no-quiet", quiet=True).quiet
    with pytest.raises(SettingError, match="--no-quiet"):
        sizes("--no-quiet")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a"], Places(path="a")),
        (["a", "b", "--name", "x", "c"], Places(path="a", more=("b", "c"), name="x")),
        (["--name=--x", "a"], Places(path="a", name="--x")),
        (["--name", "-1", "ä ö", "-"], Places(path="ä ö", more=("-",), name="-1")),
    ],
)
def test_places_without_a_name(words: list[str], expected: Places) -> None:
    assert places(*words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Guests()),
        (["--guests", "a", "b", "c", "--seats", "3"], Guests(("a", "b", "c"), 3)),
        (["--seats", "3", "--guests", "a"], Guests(("a",), 3)),
        (["--guests=a,b"], Guests(("a", "b"))),
        (["--guests", "a", "--guests", "b", "c"], Guests(("b", "c"))),
    ],
)
def test_an_option_may_take_several_values(words: list[str], expected: Guests) -> None:
    assert parse("tool", {"guests": Guests}, words)["guests"] == expected


def test_sections_share_one_line() -> None:
    given = parse("tool", {"sizes": Sizes, "places": Places}, ["--width", "4", "here", "--name", "n"])
    assert given == {"sizes": Sizes(width=4), "places": Places(path="here", name="n")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--widht", "5"], r"^unknown option --widht\. Did you mean --width\? See tool --help\.$"),
        (["--width"], r"^--width needs a value; see tool --help\.$"),
        (["--width", "--quiet"], r"^--width needs a value"),
        (["--width", "--", "5"], r"^--width needs a value"),
        (["--quiet=1"], r"^--quiet takes no value"),
        (["--width", "x"], r"^--width: 'x' is not a whole number\.$"),
        (["--deep-dive", "x"], r"^--deep-dive: 'x' is not a number\.$"),
        (["--deep-dive", "inf"], r"^--deep-dive: 'inf' is not a finite number\.$"),
        (["--shape", "falt"], r"^--shape: 'falt' is not one of round, flat\. Did you mean flat\?$"),
        (["5"], r"^tool: unexpected argument '5'; see tool --help\.$"),
    ],
)
def test_errors_are_one_line_with_the_remedy(words: list[str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        sizes(*words)


def test_a_missing_place_is_named() -> None:
    with pytest.raises(SettingError, match=r"^tool needs PATH; see tool --help\.$"):
        places("--name", "x")


def test_another_place_for_an_option_is_told() -> None:
    with pytest.raises(SettingError, match=r"unknown option --beta\. Try elsewhere\. See"):
        parse("tool", {"s": Sizes}, ["--beta", "1"], elsewhere=lambda option: f" Try elsewhere.{option[6:]}")


def test_help_has_texts_and_defaults(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as end:
        sizes("--help", width=8)
    assert end.value.code in (0, None)
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("--width INT pixels, whole ones (default: 8)", "--deep-dive FLOAT metres (default: 0.5)"):
        assert text in shown
    assert "--shape round|flat its form (default: round)" in shown
    assert "--no-quiet" not in shown


def test_text_of_a_field_is_found_in_base_classes_too() -> None:
    @dataclass(frozen=True)
    class More(Sizes):
        """More."""

        extra: int = 1
        """one more"""

    assert field_docs(More)["extra"] == "one more"
    assert field_docs(More)["width"] == "pixels, whole ones"


@pytest.mark.parametrize(
    ("hint", "value"), [(str, "5"), (int, 5), (float, 5.0), (str | None, "5"), (int | None, 5)]
)
def test_text_becomes_what_the_hint_says(hint: object, value: object) -> None:
    assert from_text("5", hint, "--x") == value
    assert type(from_text("5", hint, "--x")) is type(value)
