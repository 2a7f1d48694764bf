"""`vaekit train`, `demo`, `resume`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pictures import colour, dots, places
from vaekit import demonstration
from vaekit.runs.load import load_run

SMALL = ["--latent-dim", "2", "--width", "8", "--depth", "1", "--device", "cpu"]


def summary_of(run: Path | str) -> dict:
    return json.loads(Path(run, "summary.json").read_text(encoding="utf-8"))


def test_json_has_the_summary_of_the_run(terminal) -> None:
    outcome = terminal("train", "vae", "--data", "digits", *SMALL, "--epochs", 1, "--json")
    result = json.loads(outcome.out)
    assert outcome.status == 0 and result["run"] == str(Path("runs/vae-digits-1"))
    assert result["interrupted"] is None and result["summary"] == summary_of(result["run"])
    line = "vaekit: training vae on digits (1,360 images of 1x8x8) into "
    assert any(error.startswith(line) for error in outcome.errors)


def test_what_a_run_learned_too_little_for_is_said_and_kept(terminal) -> None:
    """Options are spelt as flags in the terminal, and as arguments in the file."""
    words = [
        "train",
        "beta-vae",
        "--data",
        "digits",
        *SMALL,
        "--likelihood",
        "bce",
        "--warmup",
        "10",
        "--learning-rate",
        "0.004",
    ]
    outcome = terminal(*words, "--epochs", 20, "--batch-size", 192, "--beta", 1000, "--out", "run")
    assert outcome.status == 0
    assert "under --beta 1000; take --beta 1." in outcome.errors[-1]
    (note,) = summary_of("run")["notes"]
    assert note["kind"] == "weight" and note["remedy"] == "take beta=1"
    said = terminal("evaluate", "run", "--samples", 2, "--skip-quality").out
    assert f"found: {outcome.errors[-1].partition('note: ')[2]}" in said
    assert "nothing wrong" not in said and "collapse" not in said
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "take beta=1" in page.partition("Numbers")[0]


def test_default_runs_are_numbered(terminal) -> None:
    for _ in range(2):
        assert terminal("train", "ae", "--data", "digits", *SMALL, "--epochs", 1).status == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["ae-digits-1", "ae-digits-2"]


def test_text_has_the_figures_of_the_test_split_and_what_comes_next(terminal) -> None:
    outcome = terminal("train", "vae", "--data", "digits", *SMALL, "--epochs", 1, "--out", "my run")
    test = summary_of("my run")["test"]
    rows = {
        line.split()[0]: line.split()[2] for line in outcome.out.splitlines() if line.count("nats per image")
    }
    assert rows["−ELBO"] == f"{test['negative_elbo_nats']:.2f}"
    assert float(rows["rate"]) == pytest.approx(test["kl_nats"], abs=0.005)  # small figures have two digits
    assert 'vaekit sample "my run"' in outcome.out


def test_a_loss_that_is_another_row_is_shown_once(terminal) -> None:
    """The loss of a VAE is its −ELBO; with β = 3 it is a number of its own."""
    words = ("train", "vae", "--data", "digits", *SMALL, "--epochs", 1)
    rows = [line.split()[0] for line in terminal(*words).out.splitlines() if line]
    assert "−ELBO" in rows and "loss" not in rows
    outcome = terminal(*words, "--beta", 3, "--out", "beta")
    (loss,) = (line.split()[2] for line in outcome.out.splitlines() if line.startswith("loss"))
    assert loss == f"{summary_of('beta')['test']['loss_nats']:.2f}"


def test_what_comes_next_begins_with_the_explorer(terminal) -> None:
    outcome = terminal("train", "ae", "--data", "digits", *SMALL, "--epochs", 1, "--out", "run")
    assert re.search(r"^next +vaekit explore run$", outcome.out, re.MULTILINE)


def test_an_autoencoder_is_not_told_to_sample(terminal) -> None:
    outcome = terminal("train", "ae", "--data", "digits", *SMALL, "--epochs", 1)
    assert "vaekit reconstruct" in outcome.out and "vaekit sample" not in outcome.out


def test_command_line_reaches_the_run(terminal) -> None:
    words = ["--beta", 3, "--seed", 5, "--batch_size", 100, "--epochs", 1]
    terminal("train", "vae", "--data", "digits", *SMALL, *words, "--out", "run")
    settings = json.loads(Path("run/config.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["beta"], settings["seed"], settings["batch_size"]) == (3.0, 5, 100)
    assert summary_of("run")["steps"] == -(-1360 // 100)


def test_resuming_a_run_that_has_ended_changes_nothing(terminal, vae_run: Path) -> None:
    before = {path: path.read_bytes() for path in vae_run.rglob("*") if path.is_file()}
    outcome = terminal("resume", vae_run, "--json")
    assert json.loads(outcome.out)["summary"] == summary_of(vae_run)
    assert {path: path.read_bytes() for path in vae_run.rglob("*") if path.is_file()} == before


def test_a_run_is_trained_longer(terminal) -> None:
    words = ["train", "vae", "--data", "digits", *SMALL, "--schedule", "constant"]
    for name, steps in (("run", 10), ("alone", 25)):
        assert terminal(*words, "--steps", steps, "--out", name).status == 0
    outcome = terminal("resume", "run", "--steps", 5)
    assert (outcome.status, outcome.err) == (
        2,
        "vaekit: error: run has made 10 steps already, more than these 5; give a longer total length.\n",
    )
    assert terminal("resume", "run", "--steps", 25).status == 0
    assert Path("run/metrics.jsonl").read_bytes() == Path("alone/metrics.jsonl").read_bytes()
    times = dict.fromkeys(("train_seconds", "processor_seconds", "forecast_seconds"), 0)
    assert summary_of("run") | times == summary_of("alone") | times
    assert terminal("resume", "run", "--budget", "0.3s").status == 0
    assert summary_of("run")["steps"] > 25


def test_a_length_takes_the_place_of_that_of_a_config(terminal) -> None:
    Path("recipe.json").write_text('{"epochs": 30, "data": "digits"}', encoding="utf-8")
    words = ["train", "vae", "--config", "recipe.json", *SMALL]
    assert terminal(*words, "--budget", "0.2s", "--out", "run").status == 0
    assert json.loads(Path("run/config.json").read_text(encoding="utf-8"))["settings"]["epochs"] is None
    outcome = terminal(*words, "--budget", "0.2s", "--steps", 3)
    assert outcome.err == "vaekit: error: --steps and --budget exclude each other: a run has one length.\n"


def test_training_begins_with_the_weights_of_a_run(terminal) -> None:
    assert terminal("train", "vae", "--data", "digits", *SMALL, "--steps", 3, "--out", "first").status == 0
    words = ["train", "beta-vae", "--data", "digits", "--device", "cpu", "--steps", 3, "--from", "first"]
    outcome = terminal(*words, "--out", "second")
    assert outcome.status == 0
    assert any(line.endswith("from the weights of first into second") for line in outcome.errors)
    before, after = (load_run(name).settings.model for name in ("first", "second"))
    assert before == after
    refused = terminal(*words, "--latent-dim", 5, "--out", "third")
    assert (refused.status, refused.errors[-1]) == (
        2,
        "vaekit: error: --from first: its weights do not fit this model (--latent-dim 5 and not 2); "
        "leave out what changes the model's shape.",
    )


def test_data_that_moved(terminal) -> None:
    np.save("here.npy", np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8))
    assert terminal("train", "vae", "--data", "here.npy", *SMALL, "--steps", 3, "--out", "run").status == 0
    there = Path("here.npy").rename("there.npy")
    outcome = terminal("encode", "run")
    assert outcome.status == 2
    assert outcome.err.endswith(
        "if they moved, give --data NEW/PLACE, or once for all: vaekit resume run --data NEW/PLACE\n"
    )
    assert terminal("resume", "run", "--data", there).status == 0
    assert terminal("encode", "run").status == 0


def test_notes_of_the_data_are_said(terminal) -> None:
    np.save("marks.npy", np.random.default_rng(0).integers(0, 2, (60, 8, 8), dtype=np.uint8))
    outcome = terminal("train", "vae", "--data", "marks.npy", *SMALL, "--epochs", 1)
    assert "vaekit: note: all values are 0 or 1: taken as binary" in outcome.errors


def test_demo_draws_and_says_where(terminal, monkeypatch) -> None:
    monkeypatch.setattr(
        demonstration, "DEMO", {**demonstration.DEMO, "steps": 2, "width": 8, "depth": 1, "device": "cpu"}
    )
    outcome = terminal("demo", "--json")
    result = json.loads(outcome.out)
    assert {"reconstructions", "samples", "latent_map", "manifold", "training"} <= result["figures"].keys()
    shown = [Path(result["run"], "samples.png"), *map(Path, result["figures"].values())]
    run = load_run(result["run"])
    drawn = run.model.sample(64, generator=torch.Generator().manual_seed(0))
    for path, scale in ((shown[0], 2), (Path(result["figures"]["samples"]), 4)):
        assert places(dots(path), drawn[7], scale), path
    for name in ("latent_map", "training"):
        assert colour(Path(result["figures"][name])) > 0.0005
    text = terminal("demo", "--out", "again").out
    assert re.search(r"^next +vaekit explore again$", text, re.MULTILINE)
    assert all(str(Path("again", "figures", path.name)) in text for path in shown[1:])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_run_that_goes_on(terminal, tmp_path: Path, number: int, status: int) -> None:
    """The resumed run ends with the weights of one that was never stopped."""
    words = ["train", "vae", "--data", "digits", *SMALL, "--epochs", "40", "--checkpoint-seconds", "0.05"]
    with subprocess.Popen(
        [sys.executable, "-m", "vaekit", *words, "--out", "stopped"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        wait_for(tmp_path / "stopped" / "model.safetensors", process)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    assert "vaekit: stopped" in err and "resume with: vaekit resume stopped" in err
    assert not Path("stopped/summary.json").exists()
    assert terminal("resume", "stopped").status == 0
    assert terminal(*words, "--out", "whole").status == 0
    assert Path("stopped/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()


def wait_for(path: Path, process: subprocess.Popen, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, "training did not begin"
        time.sleep(0.01)
