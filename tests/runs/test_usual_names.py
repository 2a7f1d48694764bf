"""Names of results: one for one request."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest

from vaekit.cli import command_options
from vaekit.cli.command_table import COMMANDS
from vaekit.cli.places import BESIDE, PLACES
from vaekit.runs.usual_names import ARGUMENTS, LONGEST, PLAIN, is_result, is_usual, usual_name

NAMED = frozenset({"digits", "strokes-colour"})


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({}, "scores"),
        ({"split": "test"}, "scores-test"),
        ({"data": "strokes-colour", "seed": 3}, "scores-strokes-colour-seed-3"),
        ({"with_model": True}, "scores-with-model"),
        ({"against": "digits", "quantile": 0.5}, "scores-against-digits-quantile-0.5"),
    ],
)  # fmt: skip
def test_words_where_words_say_it(asked: dict, name: str) -> None:
    assert usual_name("scores", asked, NAMED) == name
    assert is_usual(name, "scores", NAMED) and is_result(f"{name}.csv", NAMED)


def test_other_requests_have_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where words are cut, spelt alike or hold hyphens, and where a file system knows no capitals."""
    monkeypatch.chdir(tmp_path)
    paths = [
        "a/one.png",
        "b/one.png",
        "a/one.jpg",
        "one",
        "ONE",
        "digits/",
        "x" * 300,
        "x" * 301,
        "a b",
        "a-b",
        "/",
    ]
    values = ["3", "3-seed-1", "A", "a", "a b", "a-b", "a,b", "True", "…", "?"]
    asked = [{"data": path} for path in [*paths, *NAMED, "ü", "\udcff"]]
    asked += [{"label": value} for value in values]
    asked += [{"label": "3", "seed": 1}, {"grid": True}, {"odd": True}]
    asked += [{"images": pair} for pair in itertools.permutations(["a/1.png", "b/1.png", "c/1.png"], 2)]
    asked += [{"images": ("a/1.png",)}, {"data": "digits", "split": "test"}, {}]
    names = [usual_name("made", one, NAMED) for one in asked]
    assert len({name.lower() for name in names}) == len(asked)
    assert all(len(name) <= LONGEST + 9 and "/" not in name for name in names)
    assert all(is_result(f"{name.replace('made', 'codes')}.npz", NAMED) for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "samples-mine.png", "samples-20240101.png", "samples-mine-20240101.png", "codes-old.npz", "scores-test-mine.csv",
        "samples.txt", "samples-seed-1-mine.png", "evaluation-mine.json", "compressed-copy.vk", "my-samples.png",
        "codes-digits2.npz",
    ],
)  # fmt: skip
def test_a_name_that_no_request_has_is_somebodys_own(name: str) -> None:
    assert not is_result(name, NAMED)


def test_every_option_that_changes_a_result_is_a_word_of_names() -> None:
    options = {
        field.name
        for name in PLACES
        for field in dataclasses.fields(getattr(command_options, COMMANDS[name].options))
    }
    assert {name.replace("_", "-") for name in options - BESIDE - set(PLAIN)} == set(ARGUMENTS)


def test_the_same_path_from_another_folder_is_the_same_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "within").mkdir()
    monkeypatch.chdir(tmp_path)
    first = usual_name("codes", {"data": "within/a.png"}, NAMED)
    monkeypatch.chdir(tmp_path / "within")
    assert (
        first
        == usual_name("codes", {"data": "a.png"}, NAMED)
        == usual_name("codes", {"data": "./a.png"}, NAMED)
    )
