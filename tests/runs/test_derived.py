"""What is derived from a run changes nothing of its training: an interrupted run stays one, and ends as it would have."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit import VaekitWarning, core
from vaekit.runs import files
from vaekit.runs.lock import sole_writer
from vaekit.runs.records import has_ended, read_summary

SMALL = {"latent_dim": 2, "width": 8, "device": "cpu", "checkpoint_seconds": 0.0, "progress": "none"}
FEW = ["--samples", 2, "--images", 20, "--skip-quality"]

DERIVED = {
    "evaluate": [*FEW, "--device", "cpu"],
    "sample": ["--count", 3],
    "reconstruct": ["--count", 3],
    "encode": [],
    "score": ["--split", "test", "--scores", "reconstruction_error", "--by", "reconstruction_error"],
    "figures": ["--only", "samples"],
    "export": ["--format", "web"],
    "prior": ["--components", 2, "--epochs", 1],
    "check": [],
}


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that was stopped after 12 of 16 steps, and the same left alone."""
    folder, told = tmp_path_factory.mktemp("runs"), iter([None] * 12 + ["SIGINT"])
    vaekit.train("vae", "digits", out=folder / "run", steps=16, should_stop=lambda: next(told), **SMALL)
    shutil.copytree(folder / "run", folder / "alone")
    vaekit.resume(folder / "alone", progress="none")
    return folder / "run", folder / "alone"


def training(run: Path) -> dict[str, bytes]:
    """The files that the training writes, but for its summary with its seconds."""
    names = ("config.json", "model.safetensors", "metrics.jsonl", "previews.npz")
    return {name: (run / name).read_bytes() for name in names}


def test_every_derived_command_on_an_interrupted_run(terminal, interrupted: tuple[Path, Path]) -> None:
    run = Path(shutil.copytree(interrupted[0], "run"))
    before = training(run) | {path.name: path.read_bytes() for path in run.glob("checkpoints/*")}
    for command, words in DERIVED.items():
        outcome = terminal(command, run, *words)
        assert outcome.status == 0, (command, outcome.err)
        assert not has_ended(run), command
        after = training(run) | {path.name: path.read_bytes() for path in run.glob("checkpoints/*")}
        assert after == before, command
    assert terminal("resume", run).status == 0
    assert training(run) == training(interrupted[1])
    assert has_ended(run) and vaekit.check(run).damaged in (
        (),
        ("prior/config.json",),
    )  # of the weights before


def test_evaluating_a_run_that_is_trained_longer_meanwhile(vae_run: Path) -> None:
    """Its summary is gone then, or of a length before; nothing puts it back."""
    with sole_writer(vae_run), pytest.warns(VaekitWarning, match="not kept.*another process is training"):
        result = vaekit.evaluate(vae_run, keep=True, samples=2, images=20, device="cpu")
    assert np.isfinite(result.likelihood["nll_nats"].value)
    assert read_summary(vae_run).evaluation is None  # type: ignore[union-attr]


@pytest.mark.parametrize("when", ["before the work", "after it"])
def test_a_result_that_cannot_be_kept_is_printed(
    terminal, vae_run: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    if when == "before the work":
        monkeypatch.setattr(files, "temporary", refuse)
    else:
        monkeypatch.setattr(files.os, "fsync", refuse)
    before = {path: path.read_bytes() for path in vae_run.rglob("*") if path.is_file()}
    outcome = terminal("evaluate", vae_run, *FEW, "--device", "cpu")
    assert outcome.status == 0 and "nats per image" in outcome.out
    assert "not kept" in outcome.err and "Read-only file system" in outcome.err and len(outcome.errors) <= 2
    assert {path: path.read_bytes() for path in vae_run.rglob("*") if path.is_file()} == before


# The prior ---------------------------------------------------------------------------------------

PRIOR = {"components": 2, "epochs": 1, "device": "cpu", "progress": "none"}


class Killed(BaseException):
    """As SIGKILL: no handler of ours catches it, and what is cleaned up behind it is put back by hand."""


def test_the_one_before_stands_until_the_new_one_does(vae_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off at every point of its way: the prior is the one before or the new one, whole."""
    vaekit.prior(vae_run, **PRIOR)
    old, points = (vae_run / "prior/model.safetensors").read_bytes(), []
    whole = Path(shutil.copytree(vae_run, vae_run.parent / "whole"))
    core.on_reach = points.append
    vaekit.prior(whole, replace=True, **{**PRIOR, "components": 3})
    core.on_reach = None
    new = (whole / "prior/model.safetensors").read_bytes()
    assert old != new and points[-1] == "prior: the new one in place"
    for at in [0, 3, len(points) // 2, *range(len(points) - 4, len(points))]:
        run = Path(shutil.copytree(vae_run, vae_run.parent / f"killed-{at}"))
        in_a_fork_killed_at(at, run)
        vaekit.sample(run, 2)
        kept = next(path for path in (run / "prior", *run.glob(".prior.*.old")) if path.exists())
        assert (kept / "model.safetensors").read_bytes() in (old, new), points[at]
        vaekit.prior(run, replace=True, **{**PRIOR, "components": 3})
        assert (run / "prior/model.safetensors").read_bytes() == new
        assert sorted(path.name for path in run.iterdir() if "prior" in path.name) == ["prior"], points[at]
        assert vaekit.check(run).whole


def in_a_fork_killed_at(at: int, run: Path) -> None:
    passed: list[str] = []

    def kill(point: str) -> None:
        passed.append(point)
        if len(passed) == at + 1:
            os._exit(9)

    child = os.fork()
    if child == 0:
        core.on_reach = kill
        vaekit.prior(run, replace=True, **{**PRIOR, "components": 3})
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_an_interrupted_replacement_is_resumed_and_takes_the_place(terminal, vae_run: Path) -> None:
    vaekit.prior(vae_run, **PRIOR)
    old = (vae_run / "prior/model.safetensors").read_bytes()
    told = iter([None] * 3 + ["SIGINT"])
    options = {**PRIOR, "components": 3, "checkpoint_seconds": 0.0}
    history = vaekit.prior(vae_run, replace=True, should_stop=lambda: next(told), **options)
    assert history.interrupted == "SIGINT" and history.out == vae_run / "prior.new"
    assert (vae_run / "prior/model.safetensors").read_bytes() == old
    assert terminal("sample", vae_run, "--count", 2).status == 0
    outcome = terminal("resume", history.out)
    assert outcome.status == 0 and f"run    {vae_run / 'prior'}" in outcome.out
    assert (vae_run / "prior/model.safetensors").read_bytes() != old and not (vae_run / "prior.new").exists()


def test_what_a_user_keeps_where_the_new_prior_goes_stays(vae_run: Path) -> None:
    vaekit.prior(vae_run, **PRIOR)
    (vae_run / "prior.new").mkdir()
    (vae_run / "prior.new/thesis").write_bytes(b"precious")
    shutil.copytree(vae_run / "prior", vae_run / "prior.old")
    with pytest.raises(vaekit.RunError, match=r"prior\.new: something else is there"):
        vaekit.prior(vae_run, replace=True, **PRIOR)
    shutil.rmtree(vae_run / "prior.new")
    vaekit.prior(vae_run, replace=True, **PRIOR)
    assert (vae_run / "prior.old/model.safetensors").exists()


def test_check_says_what_is_wrong_and_with_which_file(terminal, vae_run: Path) -> None:
    vaekit.prior(vae_run, **PRIOR)
    outcome = terminal("check", vae_run)
    assert outcome.status == 0 and outcome.out.splitlines()[-1] == f"{vae_run}: whole"
    found = vaekit.check(vae_run)
    assert found.whole and found.ended and set(found.files.values()) == {"whole"}
    for name in found.files:
        path = vae_run / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        outcome = terminal("check", vae_run)
        assert outcome.status == 1 and name in vaekit.check(vae_run).damaged, name
        assert outcome.out.splitlines()[-1].startswith(f"{vae_run}: damaged: ") and outcome.err == ""
        path.write_bytes(whole)
    for name, word in (("model.safetensors", "cannot read"), ("previews.npz", "cannot be read")):
        whole = (vae_run / name).read_bytes()
        (vae_run / name).unlink()
        assert name in vaekit.check(vae_run).damaged and word in vaekit.check(vae_run).files[name]
        (vae_run / name).write_bytes(whole)
    assert terminal("check", "none").status == 2
    assert np.load(vae_run / "previews.npz")["checksum"].shape == ()
