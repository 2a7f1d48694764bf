"""What several tests use: the command line in this process, and one small trained run."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vaekit.cli.main import main


@pytest.fixture(scope="session", autouse=True)
def _unsynced() -> Iterator[None]:
    """Nothing here loses power, and each file would wait for the disk."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda handle: None)
        yield


@dataclass(frozen=True)
class Outcome:
    """What a command line left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        return self.err.splitlines()


Terminal = Callable[..., Outcome]


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Runs `vaekit WORDS` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    for method in ("vae", "ae", "cvae"):
        words = ["train", method, "--data", "digits", "--out", str(folder / method), "--latent-dim", "3"]
        sizes = ["--width", "16", "--depth", "1", "--epochs", "2", "--device", "cpu"]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert main([*words, *sizes]) == 0
    return folder


@pytest.fixture
def vae_run(_trained: Path, tmp_path: Path) -> Path:
    """A copy of a VAE of three latents, trained for two epochs on digits."""
    return Path(shutil.copytree(_trained / "vae", tmp_path / "vae"))


@pytest.fixture
def cvae_run(_trained: Path, tmp_path: Path) -> Path:
    """A copy of a conditional VAE."""
    return Path(shutil.copytree(_trained / "cvae", tmp_path / "cvae"))


@pytest.fixture
def ae_run(_trained: Path, tmp_path: Path) -> Path:
    """A copy of an autoencoder."""
    return Path(shutil.copytree(_trained / "ae", tmp_path / "ae"))
