"""`vaekit score`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit import load_data, load_run
from vaekit.evaluation.outliers import auroc, score_images

FAST = ["--scores", "negative_elbo_nats,reconstruction_error"]


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder of 12 grey images of 8x8 that are no digits, of which one is all white."""
    folder = tmp_path / "squares"
    folder.mkdir()
    for number in range(12):
        pixels = np.full((8, 8), 40 + number, np.uint8)
        pixels[:2] = 200 if number != 5 else 255
        pixels = np.full((8, 8), 255, np.uint8) if number == 5 else pixels
        Image.fromarray(pixels).save(folder / f"square-{number}.png")
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_file_names_oddest_first_with_a_sheet(terminal, vae_run: Path, squares: Path) -> None:
    outcome = terminal("score", vae_run, "--data", squares, *FAST, "--by", "reconstruction_error", "--json")
    assert outcome.status == 0, outcome.err
    out = Path(json.loads(outcome.out)["out"])
    assert out.parent == vae_run
    rows = table(out)
    assert sorted(row["name"] for row in rows) == sorted(f"square-{n}.png" for n in range(12))
    errors = [float(row["reconstruction_error"]) for row in rows]
    assert errors == sorted(errors, reverse=True)
    assert rows[0]["name"] == "square-5.png" == json.loads(outcome.out)["oddest"][0]
    with Image.open(out.with_suffix(".png")) as sheet:
        first = np.asarray(sheet)[20:30, 20:30]
    assert (first == 255).all()  # the white one comes first


def test_auroc_against_a_second_source(terminal, vae_run: Path, squares: Path) -> None:
    words = ["--split", "test", "--against", squares, "--out", "odd/s.csv", "--json"]
    outcome = terminal("score", vae_run, *FAST, *words)
    assert outcome.status == 0, outcome.err
    values = json.loads(outcome.out)
    run = load_run(vae_run)
    usual, _ = score_images(run.model, load_data("digits").test, scores=["reconstruction_error"])  # type: ignore[arg-type]
    odd, _ = score_images(run.model, load_data(squares).test, scores=["reconstruction_error"])  # type: ignore[arg-type]
    expected = auroc(usual["reconstruction_error"], odd["reconstruction_error"])
    assert values["auroc"]["reconstruction_error"] == pytest.approx(expected)
    assert Path("odd/s.csv").is_file()


def test_auroc_by_labels(terminal, vae_run: Path) -> None:
    outcome = terminal("score", vae_run, "--split", "test", *FAST, "--odd", "0,1", "--json")
    assert outcome.status == 0, outcome.err
    rows = table(Path(json.loads(outcome.out)["out"]))
    pairs = [
        (float(a["reconstruction_error"]), float(b["reconstruction_error"]))
        for a in rows if a["label"] in "01" for b in rows if b["label"] not in "01"
    ]  # fmt: skip
    expected = np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs])
    assert json.loads(outcome.out)["auroc"]["reconstruction_error"] == pytest.approx(expected, abs=1e-4)


def test_an_autoencoder_is_ordered_by_what_it_has(terminal, ae_run: Path) -> None:
    outcome = terminal("score", ae_run, "--split", "test", "--json")
    assert outcome.status == 0, outcome.err
    values = json.loads(outcome.out)
    assert values["by"] in ("latent_distance", "reconstruction_error")
    assert "has a prior" in values["left_out"]["negative_elbo_nats"]


def test_what_the_likelihood_does_not_allow_has_a_line_and_no_column(terminal, vae_run: Path) -> None:
    outcome = terminal("score", vae_run, "--split", "test", "--samples", "1")
    (line,) = [line for line in outcome.out.splitlines() if "complexity" in line]
    assert line.startswith("left out: complexity_corrected_nats (")
    assert (
        "train with --likelihood logistic-mixture or --likelihood histogram-mixture or --likelihood categorical"
        in line
    )
    assert "complexity_corrected_nats" not in table(vae_run / "scores-test-samples-1.csv")[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "strokes"], "images are 1x28x28, those of"),
        (["--scores", "elbo"], "unknown score 'elbo'"),
        (["--odd", "12"], "unknown class '12'"),
        (["--odd", "1", "--against", "mnist"], "give one of them"),
        (["--samples", "0"], "--samples must be at least 1, not 0"),
        (["--out", "scores.txt"], "cannot write .txt"),
        ([*FAST, "--by", "latent_distance"], "that score was not computed"),
        (
            ["--scores", "complexity_corrected_nats"],
            "--likelihood logistic-mixture or --likelihood histogram-mixture or --likelihood categorical",
        ),
        (
            ["--by", "complexity_corrected_nats"],
            "--likelihood logistic-mixture or --likelihood histogram-mixture or --likelihood categorical",
        ),
    ],
)
def test_bad_input_is_one_line(
    terminal, vae_run: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaekit.data.synthetic.render.STROKES_TRAIN", 100)
    monkeypatch.setattr("vaekit.data.synthetic.render.STROKES_TEST", 100)
    outcome = terminal("score", vae_run, *words)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert message in outcome.err


def test_other_channels_are_named_on_both_sides(terminal, vae_run: Path, tmp_path: Path) -> None:
    np.save(
        tmp_path / "colour.npy",
        np.zeros((20, 8, 8, 3), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None],
    )
    outcome = terminal("score", vae_run, "--data", tmp_path / "colour.npy")
    assert outcome.status == 2
    assert "images are 3x8x8, those of" in outcome.err
    assert "are 1x8x8" in outcome.err
