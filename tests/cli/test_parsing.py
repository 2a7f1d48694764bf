"""Words of a command line to dataclasses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import pytest

from vaekit.cli.parsing import from_text, parse, read
from vaekit.config.fields import Flag, Options, option
from vaekit.core import SettingError


@dataclass(frozen=True)
class Sizes(Options):
    """How large."""

    width: int = option(3, help="pixels, whole ones")
    deep_dive: float = option(0.5, help="metres", at_least=-1, below=9)
    limit: int | None = option(7, help="at most")
    shape: Literal["round", "flat"] = option("round", help="its form")
    quiet: bool = option(False, help="say nothing")
    colour: bool = option(True, help="in colour")


@dataclass(frozen=True, kw_only=True)
class Places(Options):
    """Where."""

    path: str = option(help="the place", positional=True)
    more: tuple[str, ...] = option((), help="further places", positional=True)
    name: str | None = option(None, help="what to call it")


@dataclass(frozen=True)
class Guests(Options):
    """Who comes."""

    guests: tuple[str, ...] = option((), help="their names")
    seats: int = option(2, help="for them")


def sizes(*words: str) -> Sizes:
    return parse("tool", Sizes, words, "About sizes.")


def places(*words: str) -> Places:
    return parse("tool", Places, words)


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
        (["--quiet", "--width", "2", "--width=2"], {"quiet": True, "width": 2}),
    ],
)
def test_values_have_the_types_of_their_fields(words: list[str], changed: dict[str, object]) -> None:
    expected = dataclasses.replace(Sizes(), **changed)
    given = sizes(*words)
    assert given == expected
    assert [type(v) for v in vars(given).values()] == [type(v) for v in vars(expected).values()]


def test_what_holds_by_default_can_be_switched_off() -> None:
    assert sizes().colour
    assert not sizes("--no-colour").colour
    assert sizes("--no-colour", "--colour").colour
    assert not sizes("--quiet", "--no-quiet").quiet  # as over a --config that switched it on


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
        (["--guests", "a", "--guests", "b", "c"], Guests(("a", "b", "c"))),
    ],
)
def test_an_option_may_take_several_values(words: list[str], expected: Guests) -> None:
    assert parse("tool", Guests, words) == expected


def test_sections_share_one_line() -> None:
    groups = {"sizes": Sizes.flags(), "places": Places.flags()}
    given = read("tool", groups, ["--width", "4", "here", "--name", "n"])
    assert given == {"width": 4, "path": "here", "more": (), "name": "n"}


def test_after_two_dashes_all_is_given_by_its_place() -> None:
    assert places("--", "--a", "-b") == Places(path="--a", more=("-b",))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--widht", "5"], r"^unknown option --widht\. Did you mean --width\? See tool --help\.$"),
        (["--width"], r"^--width needs a value; see tool --help\.$"),
        (["--width", "--quiet"], r"^--width needs a value"),
        (["--width", "--", "5"], r"^--width needs a value"),
        (["--colour=no"], r"^--colour takes no value"),
        (["--quiet=1"], r"^--quiet takes no value"),
        (["--width", "x"], r"^--width: 'x' is not a whole number\.$"),
        (["--width", "2e1"], r"^--width: '2e1' is not a whole number\. Did you mean 20\?$"),
        (["--width", "2", "--width", "3"], r"^--width is given twice, as 2 and as 3; give it once\.$"),
        (
            ["--width", "2", "3"],
            r"unexpected argument '3'\. --width takes one value, and has 2\. See tool --help\.$",
        ),
        (["–-width", "2"], r"^the dashes of –-width are no hyphens; type --width\.$"),
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


def test_another_place_for_an_option_is_named() -> None:
    with pytest.raises(SettingError, match=r"unknown option --beta\. Try elsewhere\. See"):
        read(
            "tool",
            {"s": Sizes.flags()},
            ["--beta", "1"],
            elsewhere=lambda option: f" Try elsewhere.{option[6:]}",
        )


def test_a_range_is_checked_and_the_argument_named() -> None:
    with pytest.raises(SettingError, match=r"^deep_dive must be from -1 to below 9, not 9\.0\.$") as caught:
        sizes("--deep-dive", "9")
    assert caught.value.option == "deep_dive"


def test_help_has_texts_defaults_and_ranges(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as end:
        sizes("--width", "--help")
    assert end.value.code in (0, None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["usage: tool [options]", "", "About sizes."]
    shown = [" ".join(line.split()) for line in lines]
    for text in (
        "--width INT pixels, whole ones (default: 3)",
        "--deep-dive FLOAT metres (default: 0.5; from -1 to below 9)",
        "--shape round|flat its form (default: round)",
        "--quiet say nothing",
        "--colour, --no-colour in colour",
    ):
        assert text in shown


def test_help_of_places_comes_first_and_fits_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    with pytest.raises(SystemExit):
        places("-h")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usage: tool PATH [MORE ...] [options]"
    assert max(map(len, lines)) <= 70
    shown = [" ".join(line.split()) for line in lines]
    assert shown.index("PATH the place (required)") < shown.index("--name TEXT what to call it")


@pytest.mark.parametrize(
    ("hint", "value"), [(str, "5"), (int, 5), (float, 5.0), (str | None, "5"), (int | None, 5)]
)
def test_text_becomes_what_the_hint_says(hint: object, value: object) -> None:
    made = from_text("5", Flag("x", hint, None, "some"))
    assert made == value
    assert type(made) is type(value)
