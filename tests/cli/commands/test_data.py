"""`vaekit data`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def test_digits(terminal) -> None:
    told = json.loads(terminal("data", "digits", "--json").out)
    assert told["images"]["all"] == 1797 and told["shape"] == [1, 8, 8]
    assert sum(told["images"][name] for name in ("train", "validation", "test")) == 1797
    assert [sum(counts.values()) for counts in told["classes"].values()] == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip


def test_text_has_the_same_figures(terminal) -> None:
    lines = terminal("data", "digits").out.splitlines()
    told = json.loads(terminal("data", "digits", "--json").out)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert rows["images"][0] == "1,797,"
    assert rows["shape"][0] == "1x8x8"
    assert rows["3"] == [str(told["classes"]["3"][name]) for name in ("train", "validation", "test")]


def test_problems_are_told(terminal) -> None:
    images = np.random.default_rng(0).random((50, 8, 8)).astype(np.float32)
    images[1:4] = images[0]
    np.savez("my.npz", x=images, y=np.arange(50) % 40)
    told = json.loads(terminal("data", "my.npz", "--json").out)
    assert told["duplicates"]["all"] == 3
    text = terminal("data", "my.npz").out
    assert "exact copies   3" in text and "and 10 more" in text
    assert str(Path("my.npz").resolve()) in text


def test_options_of_a_source(terminal) -> None:
    told = json.loads(terminal("data", "digits", "--image-size", "16", "--binarize", "static", "--json").out)
    assert told["shape"] == [1, 16, 16] and told["pixels"] == "binary"
    assert set(told["range"]) == {0.0, 1.0}


def test_known_factors_are_listed(terminal, monkeypatch) -> None:
    monkeypatch.setattr("vaekit.data.synthetic.render.SPRITES", 1000)
    outcome = terminal("data", "sprites")
    assert outcome.status == 0
    assert "shape (3), scale (6), orientation (40), position x (32), position y (32)" in outcome.out
    assert json.loads(terminal("data", "digits", "--json").out)["factors"] is None
