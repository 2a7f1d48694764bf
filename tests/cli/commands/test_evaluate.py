"""`vaekit evaluate`."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from vaekit import load_run
from vaekit.data.synthetic import render
from vaekit.evaluation.likelihood.importance import importance_bound


def test_result_is_printed_and_kept_in_the_summary(terminal, vae_run: Path) -> None:
    before = json.loads((vae_run / "summary.json").read_text(encoding="utf-8"))
    outcome = terminal("evaluate", vae_run, "--samples", "20", "--seed", "4", "--json")
    assert outcome.status == 0
    values = json.loads(outcome.out)
    after = json.loads((vae_run / "summary.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in after.items() if key != "evaluation"} == before
    assert after["evaluation"] == {key: value for key, value in values.items() if key != "run"}
    run = load_run(vae_run)
    expected = importance_bound(run.model, run.load_data().test, 20, seed=4)  # type: ignore[arg-type]
    assert values["nll_nats"]["value"] == pytest.approx(expected.value, abs=1e-5)
    assert values["quality"]["features"].startswith("pca")


def test_report_has_the_numbers_and_the_findings(terminal, vae_run: Path) -> None:
    outcome = terminal("evaluate", vae_run, "--samples", "20", "--skip-quality", "--json")
    values = json.loads(outcome.out)
    page = html.unescape((vae_run / "report.html").read_text(encoding="utf-8"))
    shown = f"{values['nll_nats']['value']:.2f} ± {values['nll_nats']['standard_error']:.2f}"
    assert shown.replace("-", "−") in page
    assert values["findings"][0]["text"] in page  # after two epochs
    assert "Evaluation" in page


def test_table_for_people(terminal, vae_run: Path) -> None:
    outcome = terminal("evaluate", vae_run, "--samples", "5", "--skip-quality")
    assert outcome.status == 0
    for words in ("313 images, seed 0", "−log p(x)", "K = 5", "±", "mutual information"):
        assert words in outcome.out
    assert "fd_" not in outcome.out


def test_an_autoencoder_is_told_that_it_has_no_prior(terminal, ae_run: Path) -> None:
    outcome = terminal("evaluate", ae_run)
    assert outcome.status == 0
    assert "remark: the latents follow no prior" in outcome.out


def test_a_run_that_has_not_ended_is_measured_and_still_has_not_ended(terminal, vae_run: Path) -> None:
    (vae_run / "summary.json").unlink()
    outcome = terminal("evaluate", vae_run, "--samples", "2", "--skip-quality", "--json")
    assert outcome.status == 0
    assert json.loads(outcome.out)["nll_nats"]["standard_error"] > 0
    assert f"has not ended, so this is not kept; resume it: vaekit resume {vae_run}" in outcome.err
    assert not (vae_run / "summary.json").exists()
    assert "The run has not ended" in (vae_run / "report.html").read_text(encoding="utf-8")


def test_other_images_leave_the_summary_alone(terminal, vae_run: Path) -> None:
    before = (vae_run / "summary.json").read_bytes()
    outcome = terminal("evaluate", vae_run, "--data", "digits", "--samples", "2", "--skip-quality", "--json")
    assert outcome.status == 0
    assert (vae_run / "summary.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--samples", "0"], "--samples must be at least 1, not 0"),
        (["--images", "-3"], "--images must be at least 1, not -3"),
        (["--features", "mnist"], "no such name or file"),
    ],
)
def test_bad_options_are_one_line(terminal, vae_run: Path, words: list[str], message: str) -> None:
    outcome = terminal("evaluate", vae_run, *words)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert message in outcome.err


def test_disentanglement_without_factors_is_one_line(terminal, vae_run: Path) -> None:
    outcome = terminal("evaluate", vae_run, "--disentanglement", "yes")
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert "digits has none, strokes and sprites have" in outcome.err


@pytest.mark.parametrize(
    ("method", "words", "said"),
    [("gan", "a GAN has none", "variance of samples"), ("vqvae", "a VQVAE has none", "code usage")],
)
def test_disentanglement_of_a_model_without_vectors_is_one_line(
    terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, words: str, said: str
) -> None:
    """Refused before anything is measured; left out where nobody insists."""
    monkeypatch.setattr(render, "STROKES_TRAIN", 200)
    monkeypatch.setattr(render, "STROKES_TEST", 50)
    sizes = ["--width", "8", "--depth", "1", "--epochs", "1", "--device", "cpu"]
    assert terminal("train", method, "--data", "strokes", "--out", tmp_path / "run", *sizes).status == 0
    outcome = terminal("evaluate", tmp_path / "run", "--disentanglement", "yes")
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert words in outcome.err
    outcome = terminal("evaluate", tmp_path / "run", "--skip-quality")
    assert outcome.status == 0, outcome.err
    assert said in outcome.out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert "disentanglement" not in summary["evaluation"]


def test_disentanglement_where_factors_are_known(
    terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source with enough images, and one with too few."""
    monkeypatch.setattr(render, "STROKES_TRAIN", 600)
    monkeypatch.setattr(render, "STROKES_TEST", 1100)
    sizes = ["--width", "8", "--depth", "1", "--epochs", "1", "--latent-dim", "2", "--device", "cpu"]
    assert terminal("train", "vae", "--data", "strokes", "--out", tmp_path / "run", *sizes).status == 0
    options = ["--samples", "2", "--images", "20", "--skip-quality", "--json"]
    outcome = terminal("evaluate", tmp_path / "run", *options)
    assert outcome.status == 0, outcome.err
    found = json.loads(outcome.out)["disentanglement"]
    assert found["factors"][:3] == ["class", "slant", "thickness"]
    assert 0 <= found["mig"] <= 1
    assert len(found["information"]) == 2
    monkeypatch.setattr(render, "STROKES_TEST", 900)
    outcome = terminal("evaluate", tmp_path / "run", "--data", "strokes", *options)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert "need at least 1,000 images, but there are 900" in outcome.err
