"""`list_runs` and `remove`, against the files themselves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import vaekit
from vaekit.core import RunError, SettingError
from vaekit.runs.lock import BeingTrained, sole_writer


def names(found: list[vaekit.Listed]) -> list[str]:
    return [entry.path.name for entry in found]


def test_each_run_has_what_its_files_say(vae_run: Path, ae_run: Path, tmp_path: Path) -> None:
    (tmp_path / "not a run").mkdir()
    found = {entry.path.name: entry for entry in vaekit.list_runs(tmp_path)}
    assert found.keys() == {"vae", "ae"}
    summary = json.loads((vae_run / "summary.json").read_text())
    entry = found["vae"]
    assert (entry.method, entry.data, entry.state, entry.steps) == (
        "vae",
        "digits",
        "ended",
        summary["steps"],
    )
    assert (entry.key, entry.value) == ("negative_elbo_nats", summary["test"]["negative_elbo_nats"])
    assert entry.metric is not None and entry.metric.unit.endswith("of a density")
    assert entry.size == sum(path.stat().st_size for path in vae_run.rglob("*") if path.is_file())
    assert found["ae"].key == "reconstruction_nats"  # an ae has no -ELBO
    assert names(vaekit.list_runs(vae_run)) == ["vae"]


def test_order_and_choice(vae_run: Path, ae_run: Path, tmp_path: Path) -> None:
    for path, when in ((vae_run, 10), (ae_run, 20)):
        for name in ("config.json", "metrics.jsonl", "summary.json"):
            os.utime(path / name, (when, when))
    (vae_run / "large").write_bytes(bytes(10**6))
    assert names(vaekit.list_runs(tmp_path)) == ["ae", "vae"]
    assert names(vaekit.list_runs(tmp_path, sort="size")) == ["vae", "ae"]
    assert names(vaekit.list_runs(tmp_path, sort="name")) == ["ae", "vae"]
    assert names(vaekit.list_runs(tmp_path, methods=["ae"])) == ["ae"]
    assert names(vaekit.list_runs(tmp_path, data="mnist")) == []
    with pytest.raises(SettingError, match=r"unknown sort 'sise'\. Did you mean size"):
        vaekit.list_runs(tmp_path, sort="sise")
    with pytest.raises(RunError, match="no such folder"):
        vaekit.list_runs(tmp_path / "nowhere")


def test_states(vae_run: Path, ae_run: Path, tmp_path: Path) -> None:
    (vae_run / "summary.json").unlink()
    (ae_run / "config.json").write_text("{")
    found = {entry.path.name: entry for entry in vaekit.list_runs(tmp_path)}
    assert found["vae"].state == "unfinished" and found["vae"].steps > 0 and found["vae"].value is None
    assert found["ae"].state == "damaged" and "config.json" in found["ae"].problem
    with sole_writer(vae_run):
        assert vaekit.list_runs(vae_run)[0].state == "training"
        with pytest.raises(BeingTrained):
            vaekit.remove(vae_run)
    assert names(vaekit.list_runs(tmp_path, state="damaged")) == ["ae"]


def test_a_run_is_removed_and_what_is_not_its_own_stays(vae_run: Path) -> None:
    vaekit.figures(vae_run, out=vae_run / "figures", only=["training"])
    vaekit.sample(vae_run, 4, out=vae_run / "samples.png")
    mine = {
        vae_run / "samples-mine.png",
        vae_run / "notes.txt",
        vae_run / "figures" / "mine.svg",
        vae_run / "model.safetensors.bak",
    }
    for path in mine:
        path.write_text("mine")
    size = sum(path.stat().st_size for path in vae_run.rglob("*") if path.is_file()) - 4 * len(mine)
    done = vaekit.remove(vae_run)
    assert set(done.left) == {path for path in vae_run.rglob("*") if path.is_file()} == mine
    assert done.size == size
    assert not (vae_run / "checkpoints").exists()
    with pytest.raises(RunError, match="not a run folder"):
        vaekit.remove(vae_run)


def test_what_was_made_of_a_prior_goes_with_its_run(tmp_path: Path) -> None:
    run, small = tmp_path / "run", {"steps": 2, "progress": False, "device": "cpu"}
    vaekit.train("vqvae", "digits", out=run, codes=8, width=8, depth=1, **small)
    prior = vaekit.prior(run, width=8, depth=1, heads=2, **small).out
    assert prior == run / "prior"
    vaekit.figures(run, out=run / "figures-digits", only=["training"])
    made = [
        "samples-seed-1.png", "codes.npz", "evaluation-1.json", "report.html", "samples-count-3-temperature-0.5.png",
        "figures-linear/training.png", "tensorboard/events.out.tfevents.1",
    ]  # fmt: skip
    for path in [
        *(prior / name for name in made),
        run / "onnx-digits" / "decoder.onnx",
        run / "prior.new" / "config.json",
    ]:
        path.parent.mkdir(exist_ok=True)
        path.write_text("made")
    assert vaekit.remove(run).left == ()
    assert not run.exists()


def test_all_of_a_run_goes_with_its_folder_and_nothing_that_it_links_to(ae_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "report.html").write_text("mine")
    (ae_run / "figures").symlink_to(other)
    done = vaekit.remove(ae_run)
    assert done.left == (ae_run / "figures",)
    assert (other / "report.html").read_text() == "mine"
    (ae_run / "figures").unlink()
    ae_run.rmdir()
    assert vaekit.list_runs(tmp_path) == []


def test_a_damaged_run_can_be_removed(vae_run: Path) -> None:
    (vae_run / "config.json").write_text("{")
    vaekit.remove(vae_run)
    assert not vae_run.exists()
