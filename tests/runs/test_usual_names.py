"""Names of results: one for one request."""

from __future__ import annotations

import itertools
from fnmatch import fnmatch
from pathlib import Path

import pytest

from vaekit.runs.usual_names import LONGEST, patterns, usual_name

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
    assert all(any(fnmatch(f"{name.replace('made', 'codes')}.npz", p) for p in patterns()) for name in names)


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
