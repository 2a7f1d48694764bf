"""Bad input: one clear line with option, file or value and the remedy, exit 2, nothing half-written.

What is wrong with data is in tests/data; here are options, settings, run folders and places to write.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

TRAIN = ["train", "vae", "--data", "digits", "--out", "new"]

# What is typed -> what the line must name.
TYPED: dict[str, tuple[list[str], list[str]]] = {
    "misspelt command": (["trian"], ["'trian'", "train"]),
    "misspelt method": (["train", "vea", "--data", "digits"], ["'vea'", "Did you mean vae?"]),
    "no method": (["train", "--data", "digits"], ["METHOD", "beta-vae"]),
    "nothing after train": (["train"], ["METHOD"]),
    "no data": (["train", "vae", "--out", "new"], ["--data"]),
    "misspelt data": (["train", "vae", "--data", "digtis", "--out", "new"], ["digtis", "digits"]),
    "misspelt option": ([*TRAIN, "--bta", "4"], ["--bta", "Did you mean --beta?"]),
    "misspelt option with =": ([*TRAIN, "--epohcs=3"], ["--epohcs", "--epochs"]),
    "another method's option": (["train", "ae", "--data", "digits", "--beta", "4"], ["ae", "--beta", "beta-vae"]),
    "misspelt value": ([*TRAIN, "--beta-schedule", "liner"], ["--beta-schedule", "'liner'", "linear"]),
    "misspelt network": ([*TRAIN, "--network", "lessn"], ["'lessn'", "lesson"]),
    "misspelt likelihood": ([*TRAIN, "--likelihood", "gausian"], ["'gausian'", "gaussian"]),
    "misspelt optimizer": ([*TRAIN, "--optimizer", "adma"], ["--optimizer", "'adma'", "adam"]),
    "missing value": ([*TRAIN, "--epochs"], ["--epochs", "needs a value"]),
    "missing value before an option": ([*TRAIN, "--epochs", "--seed", "1"], ["--epochs", "needs a value"]),
    "value of a flag": ([*TRAIN, "--deterministic=yes"], ["--deterministic", "no value"]),
    "text for a number": ([*TRAIN, "--epochs", "many"], ["--epochs", "'many'", "whole number"]),
    "fraction for a whole number": ([*TRAIN, "--latent-dim", "2.5"], ["--latent-dim", "'2.5'"]),
    "nan": ([*TRAIN, "--beta", "nan"], ["--beta", "'nan'"]),
    "surplus argument": ([*TRAIN, "again"], ["'again'"]),
    "short option": ([*TRAIN, "-e"], ["-e"]),
    "zero epochs": ([*TRAIN, "--epochs", "0"], ["--epochs", "at least 1", "0"]),
    "negative epochs": ([*TRAIN, "--epochs", "-3"], ["--epochs", "-3"]),
    "zero batch": ([*TRAIN, "--batch-size", "0"], ["--batch-size", "at least 1"]),
    "zero latents": ([*TRAIN, "--latent-dim", "0"], ["--latent-dim", "at least 1"]),
    "zero width": ([*TRAIN, "--width", "0"], ["--width", "at least 1"]),
    "negative learning rate": ([*TRAIN, "--learning-rate", "-1"], ["--learning-rate", "above 0"]),
    "negative beta": ([*TRAIN, "--beta", "-1"], ["--beta", "-1"]),
    "warm-up beyond the run": ([*TRAIN, "--kl-warmup", "3"], ["--kl-warmup", "3"]),
    "zero sigma": ([*TRAIN, "--likelihood", "gaussian", "--sigma", "0"], ["--sigma", "above 0"]),
    "validation of all": ([*TRAIN, "--validation", "1"], ["--validation", "1"]),
    "unknown device": ([*TRAIN, "--device", "gpu"], ["'gpu'", "cpu"]),
    "likelihood for binary on grey": ([*TRAIN, "--likelihood", "bernoulli"], ["bernoulli", "--binarize dynamic"]),
    "likelihood for grey on binary": (
        [*TRAIN, "--binarize", "dynamic", "--likelihood", "gaussian"], ["gaussian", "binary", "bernoulli"],
    ),
    "missing config": ([*TRAIN, "--config", "no.json"], ["--config", "no.json"]),
    "no run": (["sample"], ["RUN"]),
    "missing run": (["sample", "runs/none"], ["runs/none", "no such run"]),
    "missing run to resume": (["resume", "runs/none"], ["runs/none", "no such run"]),
    "unknown source": (["data", "minst"], ["minst", "mnist"]),
}  # fmt: skip


@pytest.mark.parametrize("case", TYPED)
def test_what_is_typed(terminal, case: str) -> None:
    words, named = TYPED[case]
    check(terminal(*words), named)
    assert list(Path().iterdir()) == []


def check(outcome, named: list[str]) -> None:
    assert (outcome.status, outcome.out) == (2, "")
    assert len(outcome.errors) == 1, outcome.err
    assert outcome.err.startswith("vaekit: error: ")
    for text in named:
        assert text in outcome.err, outcome.err


CONFIGS: dict[str, tuple[str, list[str]]] = {
    "not JSON": ("{epochs: 3}", ["config.json", "JSON"]),
    "not an object": ("[1, 2]", ["config.json", "object"]),
    "not text": ("\x00\x01", ["config.json", "JSON"]),
    "of a newer version": ('{"format": 99, "settings": {}}', ["config.json", "99", "update vaekit"]),
    "unknown key": ('{"settings": {"epoch": 3}}', ["config.json", "'epoch'", "epochs"]),
    "wrong type": ('{"settings": {"epochs": "three"}}', ["config.json", "epochs", "'three'"]),
    "wrong choice": ('{"settings": {"schedule": "slow"}}', ["config.json", "schedule", "'slow'", "linear"]),
    "settings of another shape": ('{"settings": 3}', ["config.json", "settings"]),
    "an option of another method": ('{"settings": {"samples": 5}}', ["config.json", "'samples'"]),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_configs(terminal, case: str) -> None:
    text, named = CONFIGS[case]
    Path("config.json").write_text(text, encoding="utf-8")
    check(terminal(*TRAIN, "--config", "config.json"), named)
    assert not Path("new").exists()


def edit(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")


def edit_settings(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(path, settings=content["settings"] | changes)


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


# What happened to a run -> what the line must name.
DAMAGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "config gone": (lambda run: (run / "config.json").unlink(), ["config.json"]),
    "config no JSON": (lambda run: (run / "config.json").write_text("{"), ["config.json", "JSON"]),
    "config of another program": (lambda run: (run / "config.json").write_text("{}"), ["config.json"]),
    "config of a newer version": (lambda run: edit(run / "config.json", format=99), ["config.json", "99"]),
    "config with unknown keys": (lambda run: edit_settings(run / "config.json", bta=1), ["config.json", "'bta'"]),
    "config of an unknown method": (lambda run: edit_settings(run / "config.json", method="vea"), ["'vea'"]),
    "weights gone": (lambda run: (run / "model.safetensors").unlink(), ["no weights"]),
    "weights cut short": (lambda run: halve(run / "model.safetensors"), ["model.safetensors", "damaged"]),
    "weights empty": (lambda run: (run / "model.safetensors").write_bytes(b""), ["model.safetensors"]),
    "weights of another program": (
        lambda run: save_file({"a": torch.zeros(2)}, run / "model.safetensors"), ["model.safetensors", "not written"],
    ),
    "weights of another model": (
        lambda run: shutil.copy(run.parent / "ae" / "model.safetensors", run / "model.safetensors"),
        ["model.safetensors", "weights"],
    ),
    "previews cut short": (lambda run: halve(run / "previews.npz"), ["previews.npz"]),
    "no folder but a file": (lambda run: (shutil.rmtree(run), run.write_text("x")), ["vae"]),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGES)
@pytest.mark.parametrize("command", ["sample", "reconstruct", "encode"])
def test_damaged_runs(terminal, vae_run: Path, ae_run: Path, case: str, command: str) -> None:
    damage, named = DAMAGES[case]
    damage(vae_run)
    check(terminal(command, vae_run, "--out", "new.npz"), named)
    assert not Path("new.npz").exists()


def test_run_without_checkpoints(terminal, vae_run: Path) -> None:
    (vae_run / "summary.json").unlink()
    shutil.rmtree(vae_run / "checkpoints")
    check(terminal("resume", vae_run), [str(vae_run), "no states", "--config"])


def test_existing_run_folder(terminal, vae_run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in vae_run.rglob("*")}
    outcome = terminal("train", "vae", "--data", "digits", "--out", vae_run)
    check(outcome, [str(vae_run), "vaekit resume", "--out"])
    assert {path: path.stat().st_mtime_ns for path in vae_run.rglob("*")} == before


def test_folder_with_something_else(terminal) -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("x", encoding="utf-8")
    check(terminal("train", "vae", "--data", "digits", "--out", "thesis"), ["thesis", "new folder"])
    assert [path.name for path in Path("thesis").iterdir()] == ["chapter.tex"]


def test_no_prior(terminal, ae_run: Path) -> None:
    check(terminal("sample", ae_run, "--out", "s.png"), ["no prior", "vaekit prior", str(ae_run)])
    assert not Path("s.png").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["sample", "RUN", "--out", "s.jpg"], ["s.jpg", ".png", ".npz"]),
        (["encode", "RUN", "--out", "codes.txt"], ["codes.txt", ".csv"]),
        (["encode", "RUN", "--out", "codes"], ["codes", ".npz"]),
        (["encode", "RUN", "--split", "tset"], ["split", "'tset'", "test"]),
        (["sample", "RUN", "--count", "0"], ["--count", "at least 1"]),
        (["sample", "RUN", "--temperature", "-1"], ["--temperature", "-1"]),
        (["reconstruct", "RUN", "--count", "0"], ["--count", "at least 1"]),
        (["reconstruct", "RUN", "no.png"], ["no.png", "no such"]),
        (["reconstruct", "RUN", "text.md"], ["text.md", ".png"]),
        (["reconstruct", "RUN", "text.png"], ["text.png", "image"]),
        (["reconstruct", "RUN", "empty"], ["empty", "no images"]),
        (["figures", "RUN", "--only", "sampels"], ["'sampels'", "samples"]),
        (["encode", "RUN", "--data", "wide.npy"], ["wide.npy", "9x9", "8x8"]),
        (["sample", "RUN", "--out", "full"], ["full", "new folder"]),
        (["sample", "RUN", "--out", "folder.png"], ["folder.png", "folder"]),
        (["sample", "RUN", "--device", "gpu"], ["'gpu'"]),
    ],
)
def test_using_a_run(terminal, vae_run: Path, words: list[str], named: list[str]) -> None:
    import numpy as np

    for folder in ("empty", "full", "folder.png"):
        Path(folder).mkdir()
    for file in ("text.md", "text.png", "full/a.txt"):
        Path(file).write_text("no image", encoding="utf-8")
    np.save("wide.npy", np.random.default_rng(0).integers(0, 255, (60, 9, 9), dtype=np.uint8))
    before = sorted(Path().rglob("*"))
    check(terminal(*(vae_run if word == "RUN" else word for word in words)), named)
    assert sorted(Path().rglob("*")) == before


WRITING = {
    "train": ["train", "vae", "--data", "digits", "--out", "PLACE", "--width", "8", "--epochs", "1"],
    "sample": ["sample", "RUN", "--out", "PLACE.png"],
    "samples in a folder": ["sample", "RUN", "--out", "PLACE"],
    "reconstruct": ["reconstruct", "RUN", "--out", "PLACE.npz"],
    "encode": ["encode", "RUN", "--out", "PLACE.csv"],
}


@pytest.mark.parametrize("case", WRITING)
def test_full_disk(terminal, vae_run: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    before = sorted(Path().rglob("*"))
    words = [{"RUN": vae_run}.get(word, word.replace("PLACE", "new")) for word in WRITING[case]]
    outcome = terminal(*words)
    assert outcome.status == 2 and outcome.out == ""
    assert "new" in outcome.errors[-1] and "No space left" in outcome.errors[-1]
    assert sorted(Path().rglob("*")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which not even root can write")
@pytest.mark.parametrize("case", WRITING)
def test_read_only_folder(terminal, vae_run: Path, case: str) -> None:
    words = [{"RUN": vae_run}.get(word, word.replace("PLACE", "/sys/vaekit")) for word in WRITING[case]]
    outcome = terminal(*words)
    assert outcome.status == 2 and outcome.out == ""
    assert "/sys/vaekit" in outcome.errors[-1] and outcome.errors[-1].startswith("vaekit: error: ")


@pytest.mark.parametrize(
    "out", ["/", ".", "..", "/dev/null", "/proc/x", "x" * 300, "RUN/config.json/below", "link", "RUN", "file"]
)
def test_places_that_are_none(terminal, vae_run: Path, out: str) -> None:
    """Nothing of what is there is removed or written into."""
    Path("file").write_text("thesis", encoding="utf-8")
    Path("link").symlink_to(vae_run)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    place = out.replace("RUN", str(vae_run))
    check(terminal("train", "vae", "--data", "digits", "--out", place), [])
    check(terminal("sample", vae_run, "--out", place if out != "/dev/null" else out), [])
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_place_with_spaces_and_letters(terminal, vae_run: Path) -> None:
    outcome = terminal("sample", vae_run, "--out", "a name é/~/s.png")
    assert outcome.status == 0 and Path("a name é/~/s.png").is_file()
