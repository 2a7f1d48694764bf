"""Every command that writes, where the system lets it write nothing more, or open nothing: one line, and nothing lost."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from vaekit.cli.main import main
from vaekit.runs.temporaries import is_temporary

pytestmark = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="limits of a fork, as Linux has them"
)

SIZES = "--latent-dim 2 --width 8 --epochs 1 --device cpu"
COMMANDS = {
    "train": f"train vae --data small.npz --out new {SIZES}",
    "resume": "resume vae --epochs 4",
    "prior": "prior fresh --components 2 --epochs 1 --device cpu",
    "prior --replace": "prior vae --replace --components 3 --epochs 1 --device cpu",
    "compare": "compare --methods vae --seeds 1 --steps 2 --data small.npz --latent-dim 2 --out table --device cpu",
    "evaluate": "evaluate vae --samples 2 --images 9 --skip-quality --device cpu",
    "evaluate --card": "evaluate vae --samples 2 --images 9 --skip-quality --device cpu --card card.json",
    "export": "export vae --format web --out page",
    "sample": "sample vae --out s.png",
    "sample into a folder": "sample vae --out pictures",
    "reconstruct": "reconstruct vae --out r.npz",
    "encode": "encode vae --out c.csv",
    "score": "score vae --split test --scores reconstruction_error --by reconstruction_error --out s.csv",
    "figures": "figures vae --only training --out drawn",
    "features": "features --data small.npz --kind pca --out f.safetensors",
    "cache": "data photos",
}
GOES_ON = ("evaluate", "cache")  # whose result is printed though it cannot be kept


@pytest.fixture(scope="module")
def _prepared(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a run that has a prior, and one without, pictures, and a few images as arrays."""
    where, rng = tmp_path_factory.mktemp("limits"), np.random.default_rng(0)
    (where / "photos").mkdir()
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(where / "photos" / f"{number}.png")
    np.savez(
        where / "small.npz", images=rng.integers(0, 256, (40, 8, 8), dtype=np.uint8), labels=np.arange(40) % 2
    )
    for name in ("vae", "fresh"):
        shutil.copytree(_trained / "vae", where / name)
    vaekit.prior(where / "vae", components=2, epochs=1, device="cpu", progress="none")
    return where


@pytest.fixture
def folder(_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    where = Path(shutil.copytree(_prepared, tmp_path / "here"))
    monkeypatch.chdir(where)
    monkeypatch.setenv("VAEKIT_CACHE", str(where / "cache"))
    return where


def in_a_fork(words: str, limit: str, above: int) -> tuple[int, str]:
    """Status and output of a command in a process that may write files of so many bytes, or open so many more."""
    import resource

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        status = 99
        try:
            most = above + (len(os.listdir("/proc/self/fd")) - 1 if limit == "RLIMIT_NOFILE" else 0)
            resource.setrlimit(getattr(resource, limit), (most, most))
            status = main(words.split())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as output:
        text = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


LATER = (
    "train",
    "resume",
    "prior --replace",
    "export",
    "sample into a folder",
)  # also where a part was written
CASES = [(name, limit, 0) for name in COMMANDS for limit in ("RLIMIT_FSIZE", "RLIMIT_NOFILE")]


@pytest.mark.parametrize(
    ("name", "limit", "above"), [*CASES, *((name, "RLIMIT_FSIZE", 3000) for name in LATER)]
)
def test_limits(folder: Path, name: str, limit: str, above: int) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, text = in_a_fork(COMMANDS[name], limit, above)
    errors = [line for line in text.splitlines() if line.startswith("vaekit: error: ")]
    assert "Traceback" not in text and status in (0, 1, 2), text
    assert len(errors) == (status != 0), text
    if limit == "RLIMIT_FSIZE" and above == 0 and name not in GOES_ON:
        assert status == 2 and "File too large" in text, text
    if status == 0:
        return
    gone = {
        path.relative_to(folder).as_posix()
        for path, content in before.items()
        if not path.exists() or path.read_bytes() != content
    }
    assert gone <= (
        {"vae/summary.json", "vae/config.json", "vae/metrics.jsonl"} if name == "resume" else set()
    ), gone  # of another length
    assert not [path for path in folder.rglob("*") if is_temporary(path.name)]
    for run in [path.parent for path in folder.glob("*/config.json")]:
        damaged = [file for file in vaekit.check(run).damaged if not file.startswith("prior")]
        assert not damaged, damaged


def test_so_little_memory_that_nothing_can_be_loaded(tmp_path: Path) -> None:
    import subprocess

    for room in (150_000, 400_000, 600_000):  # KiB of addresses
        command = f"ulimit -v {room}; exec {sys.executable} -m vaekit data digits"
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
        assert "not enough memory" in done.stderr


@pytest.mark.parametrize(
    "words", ["libtorch_cpu.so: failed to map segment from shared object", "x.so: Cannot allocate memory"]
)
def test_libraries_that_find_no_room(terminal, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    def fail(**options: object) -> None:
        raise ImportError(words)

    monkeypatch.setattr(vaekit, "describe", fail, raising=False)
    outcome = terminal("data", "digits")
    assert (outcome.status, len(outcome.errors)) == (1, 1) and "not enough memory" in outcome.err


def test_no_place_for_temporary_files_and_too_few_handles(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, words in (
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "$TMPDIR"),
        (OSError(24, "Too many open files", "x.npy"), "ulimit -n"),
        (ImportError("libz.so: cannot open shared object file: Too many open files"), "ulimit -n"),
        (RuntimeError("can't start new thread"), "not enough memory"),
        (SystemError("error return without exception set"), "not enough memory"),
    ):

        def fail(error: Exception = error, **options: object) -> None:
            raise error

        monkeypatch.setattr(vaekit, "describe", fail, raising=False)
        outcome = terminal("data", "digits")
        assert outcome.status in (1, 2) and len(outcome.errors) == 1 and words in outcome.err
