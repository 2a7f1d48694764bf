"""`vaekit evaluate --encoder ... --decoder ...`, `--card`, and `vaekit cards`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import small_onnx as onnx
from vaekit.evaluation.cards.card import read_card

DIGITS = (1, 8, 8)


def networks(folder: Path, name: str = "a", values: str = "0..1") -> list[object]:
    """Words that name a small autoencoder of digits."""
    rng = np.random.default_rng(len(name))
    mean, logvar = rng.standard_normal((65, 3)) / 8, rng.standard_normal((65, 3)) / 8
    e = onnx.encoder(folder / f"{name}_e.onnx", DIGITS, {"mu": mean, "logvar": logvar}, values=values)
    d = onnx.decoder(folder / f"{name}_d.onnx", DIGITS, rng.random((3, 64)) / 8, values=values)
    return ["--encoder", e, "--decoder", d, "--data", "digits"]


def test_what_is_printed_is_the_record(terminal, tmp_path: Path) -> None:
    outcome = terminal("evaluate", *networks(tmp_path), "--card", "a.json")
    assert outcome.status == 0, outcome.err
    card = read_card("a.json")
    assert "card of a_e.onnx and a_d.onnx: 313 images of digits, 1x8x8, as stored, 8-bit" in outcome.out
    assert len(card.figures) == 6
    for row in card.rows():
        (line,) = [line for line in outcome.out.splitlines() if line.startswith(f"  {row.label} ")]
        assert f" {row.text}  {row.unit}" in line
        assert ("training images" in line) == (row.floor is not None)
        assert row.floor_text in line
    for name, value in card.hashes.items():
        assert f"{name} {value[:8]}" in outcome.out
    printed = json.loads(terminal("evaluate", *networks(tmp_path), "--json").out)
    assert printed["card"] == json.loads(Path("a.json").read_text(encoding="utf-8"))


def test_options_reach_the_networks(terminal, tmp_path: Path) -> None:
    plain = json.loads(terminal("evaluate", *networks(tmp_path), "--skip-quality", "--json").out)["card"]
    words = ["--range", "-1..1", "--latents", "mean,logvar", "--axes", "NCHW", "--skip-quality", "--json"]
    signed = json.loads(terminal("evaluate", *networks(tmp_path, values="-1..1"), *words).out)["card"]
    for key, figure in plain["figures"].items():
        assert signed["figures"][key]["value"] == pytest.approx(figure["value"], rel=1e-4), key
    other = terminal("evaluate", *networks(tmp_path), "--image-size", "16")
    assert (other.status, len(other.errors)) == (2, 1)
    assert "takes 1x8x8, and these images are 1x16x16: give --image-size 8x8" in other.err


def test_a_run_beside_a_foreign_model(terminal, tmp_path: Path, vae_run: Path) -> None:
    assert terminal("evaluate", *networks(tmp_path), "--card", "a.json").status == 0
    outcome = terminal("evaluate", vae_run, "--samples", "2", "--card", "run.json")
    assert outcome.status == 0, outcome.err
    assert "−log p(x)" in outcome.out and "card of vae: 313 images" in outcome.out
    outcome = terminal("cards", "run.json", "a.json")
    assert outcome.status == 0, outcome.err
    first, other = read_card("run.json"), read_card("a.json")
    for key, figure in first.figures.items():
        row = next(row for row in first.rows() if row.key == key)
        (line,) = [line for line in outcome.out.splitlines() if line.startswith(f"{row.label} ")]
        difference = row.metric.text(other.figures[key].value - figure.value)
        assert f"{row.text} " in line and f" {difference} ± " in line and line.endswith(row.unit)
    values = json.loads(terminal("cards", "run.json", "a.json", "--json").out)
    assert values["names"] == ["run.json", "a.json"]
    assert values["differences"]["a.json"]["mse"]["standard_error"] > 0


def test_other_hashes_are_refused_in_one_line(terminal, tmp_path: Path) -> None:
    assert terminal("evaluate", *networks(tmp_path), "--card", "a.json").status == 0
    assert terminal("evaluate", *networks(tmp_path), "--skip-quality", "--card", "b.json").status == 0
    outcome = terminal("cards", "a.json", "b.json")
    assert (outcome.status, outcome.out, len(outcome.errors)) == (2, "", 1)
    assert "a.json and b.json cannot be compared: other features" in outcome.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["evaluate"], "there is nothing to measure: give a run, or --encoder and --decoder."),
        (["evaluate", "--encoder", "e.onnx", "--data", "digits"], "--decoder is missing"),
        (["evaluate", "--encoder", "e.onnx", "--decoder", "e.onnx"], "cannot read e.onnx"),
        (["evaluate", "--encoder", "e.onnx", "--decoder", "e.onnx", "--card", "x.csv"], "cannot write .csv"),
        (["cards", "a.json"], "two cards or more"),
        (["cards", "a.json", "b.json"], "a.json cannot be read as JSON"),
    ],
)  # fmt: skip
def test_what_is_missing_is_one_line(terminal, words: list[str], says: str) -> None:
    outcome = terminal(*words)
    assert (outcome.status, len(outcome.errors)) == (2, 1), outcome.err
    assert says in outcome.err


def test_without_the_runtime_its_package_is_named(
    terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = networks(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    outcome = terminal("evaluate", *words)
    assert (outcome.status, len(outcome.errors)) == (1, 1)
    assert "this needs the package onnxruntime: pip install" in outcome.err
