"""`vaekit prior`, and `vaekit sample` and `vaekit evaluate` with what it fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vaekit.cli.main import main
from vaekit.runs.load import load_run
from vaekit.runs.lock import sole_writer

TRAIN = ["--data", "digits", "--device", "cpu", "--epochs", "1"]
VQ = ["--downsample", "2", "--codes", "16", "--code-dim", "4", "--width", "8", "--depth", "1"]
SMALL = ["--width", "16", "--depth", "1", "--heads", "2", "--epochs", "1", "--device", "cpu"]


@pytest.fixture(scope="session")
def _vqvae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("vqvae") / "vq"
    assert main(["train", "vqvae", *TRAIN, *VQ, "--out", str(out)]) == 0
    return out


@pytest.fixture
def vq_run(_vqvae: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_vqvae, tmp_path / "vq"))


def failed(outcome, *named: str) -> None:
    assert (outcome.status, outcome.out) == (2, ""), outcome.err
    assert len(outcome.errors) == 1
    for text in named:
        assert text in outcome.err, outcome.err


def test_codes_have_a_prior_that_samples_come_from(terminal, vq_run: Path) -> None:
    failed(terminal("sample", vq_run), f"vaekit prior {vq_run}")
    assert "vaekit prior RUN" in terminal("evaluate", vq_run, "--skip-quality").out
    fitted = json.loads(terminal("prior", vq_run, *SMALL, "--conditional", "--json").out)
    assert Path(fitted["run"]) == vq_run / "prior"
    assert terminal("sample", vq_run, "--count", 5, "--seed", 3, "--out", "s.npz").status == 0
    run = load_run(vq_run)
    assert run.model.sampled_classes == 10
    prior = load_run(vq_run / "prior")
    assert (prior.settings.flat()["codes"], prior.settings.flat()["classes"]) == (16, 10)
    with np.load("s.npz") as arrays:
        assert len(np.unique(arrays["images"], axis=0)) == 5
    said = json.loads(terminal("evaluate", vq_run, "--skip-quality", "--json").out)["codes"]
    # the class is summed over, so an image may only cost less than with a wrong one
    assert 0 < said["code_bits"]["value"] < said["fixed_bits"] + 5
    assert said["independent_bits"] < said["fixed_bits"] == 64.0
    failed(terminal("prior", vq_run), "a prior is there already", "--replace")
    with sole_writer(vq_run / "prior"):  # as if it were being fitted still
        failed(terminal("prior", vq_run, *SMALL, "--replace"), "another process is training this run")
    assert terminal("prior", vq_run, *SMALL, "--replace").status == 0
    assert load_run(vq_run).model.sampled_classes == 0


def test_a_prior_of_other_weights_is_refused(terminal, vq_run: Path) -> None:
    terminal("prior", vq_run, *SMALL)
    shutil.move(vq_run, "old")
    terminal("train", "vqvae", *TRAIN, *VQ, "--seed", 1, "--out", vq_run)
    shutil.move("old/prior", vq_run / "prior")
    failed(terminal("sample", vq_run), "other weights", f"vaekit prior {vq_run}) with --replace")


def test_latents_have_a_mixture(terminal, ae_run: Path, vae_run: Path) -> None:
    failed(terminal("sample", ae_run), f"vaekit prior {ae_run}")
    before = terminal("sample", vae_run, "--out", "normal.npz").status
    for run in (ae_run, vae_run):
        assert terminal("prior", run, "--components", 3, "--epochs", 1).status == 0
        assert terminal("sample", run, "--out", f"{run.name}.npz").status == before == 0
    normal, mixture = (np.load(name)["images"] for name in ("normal.npz", "vae.npz"))
    assert not np.array_equal(normal, mixture)
    assert terminal("evaluate", ae_run).status == 0
    failed(terminal("prior", vae_run, "--conditional"), "--conditional")


def test_bad_input(terminal, vae_run: Path) -> None:
    failed(terminal("prior"), "RUN")
    failed(terminal("prior", "runs/none"), "no such run")
    failed(terminal("prior", vae_run / "nothing"), "no such run")
    failed(terminal("prior", vae_run, "--componets", 3), "--componets", "Did you mean --components?")
    failed(terminal("prior", vae_run, "--components", 0), "components", "at least 1")
    assert not (vae_run / "prior").exists()
    terminal("prior", vae_run, "--epochs", 1)
    failed(terminal("prior", vae_run / "prior"), "mixture", "no latents")


def test_codes_of_images_are_written(terminal, vq_run: Path) -> None:
    assert terminal("encode", vq_run, "--split", "test", "--out", "c.npz").status == 0
    run = load_run(vq_run)
    with np.load("c.npz") as arrays:
        expected = run.model.encode_codes(run.load_data().test.images)  # type: ignore[attr-defined]
        np.testing.assert_array_equal(arrays["codes"], expected.numpy())
    assert terminal("encode", vq_run, "--split", "test", "--out", "c.csv").status == 0
    first = Path("c.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first == "label," + ",".join(f"codes_{i}" for i in range(16))


def test_figures_of_a_run_with_a_prior(terminal, vq_run: Path) -> None:
    terminal("prior", vq_run, *SMALL)
    said = json.loads(terminal("figures", vq_run, "--json").out)
    new = {
        "reconstructions",
        "samples",
        "samples_by_temperature",
        "nearest_training",
        "code_usage",
        "code_maps",
        "training",
    }
    assert new == set(said["figures"])
    assert "discrete" in said["left_out"]["latent_map"]
