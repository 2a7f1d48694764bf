"""Processes that want one run at the same time: one has it, the others end with one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vaekit.core import RunError
from vaekit.runs import lock
from vaekit.runs.lock import sole_writer

TRAIN = ["train", "vae", "--data", "digits", "--width", "16", "--latent-dim", "2", "--device", "cpu"]
LONG = ["--epochs", "100000", "--checkpoint-seconds", "0.2"]
BUSY = "another process is training this run; stop it first, or let it end."

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `vaekit WORDS` in an empty folder; what still runs at the end is killed."""
    begun: list[subprocess.Popen] = []

    def run(*words: str, ranks: int = 1) -> subprocess.Popen:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
        command = [sys.executable, *(launcher if ranks > 1 else []), "-m", "vaekit", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, encoding="utf-8", **pipes
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.terminate() if process.poll() is None else None
        process.communicate(timeout=60)


def wait_for(path: Path, process: subprocess.Popen, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, "training did not begin"
        time.sleep(0.02)


def states(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").glob("*"))


def test_a_run_that_is_being_trained_is_not_resumed_and_after_a_kill_it_is(
    start: Start, terminal, tmp_path: Path
) -> None:
    """The holder is killed without a chance to tidy up; the next one needs no help, and holds it too."""
    first = start(*TRAIN, *LONG, "--out", "run")
    wait_for(tmp_path / "run" / "model.safetensors", first)
    outcome = terminal("resume", "run")
    assert (outcome.status, outcome.err) == (2, f"vaekit: error: run: {BUSY}\n")
    assert first.poll() is None
    first.kill()
    first.wait(timeout=60)
    before = states(tmp_path / "run")
    second = start("resume", "run")
    end = time.monotonic() + 120
    while states(tmp_path / "run") == before:  # it writes states again
        assert second.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    assert terminal("resume", "run").status == 2


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun needs gloo over TCP, POSIX only")
def test_several_processes_of_one_run_hold_it_together(start: Start, tmp_path: Path) -> None:
    """Two that train it keep a third out, and do not shut out one another."""
    together = start(*TRAIN, *LONG, "--out", "run", ranks=2)
    wait_for(tmp_path / "run" / "model.safetensors", together)
    with pytest.raises(RunError, match="another process is training"), sole_writer(tmp_path / "run"):
        pass
    together.send_signal(signal.SIGTERM)
    together.communicate(timeout=120)
    with sole_writer(tmp_path / "run"):
        pass


def test_commands_that_start_together_take_folders_of_their_own(start: Start, tmp_path: Path) -> None:
    begun = [start(*TRAIN, "--epochs", "1") for _ in range(2)]
    for process in begun:
        _, err = process.communicate(timeout=180)
        assert process.returncode == 0, err
    folders = sorted((tmp_path / "runs").iterdir())
    assert [folder.name for folder in folders] == ["vae-digits-1", "vae-digits-2"]
    assert all((folder / "summary.json").exists() for folder in folders)


def test_nothing_is_left_and_the_config_can_be_read_meanwhile(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}", encoding="utf-8")
    with sole_writer(tmp_path):
        assert config.read_text(encoding="utf-8") == "{}"
        for _ in range(2):  # one that was refused has not let go of the other's
            with pytest.raises(RunError, match="another process is training"), sole_writer(tmp_path):
                pass
    with sole_writer(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    config.unlink()
    with pytest.raises(RunError, match="cannot write"), sole_writer(tmp_path):
        pass


def test_the_holder_alone_replaces_the_config_and_holds_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}", encoding="utf-8")
    with sole_writer(tmp_path) as writer:
        for number in range(3):
            writer.rewrite({"steps": number})
            assert json.loads(config.read_text(encoding="utf-8")) == {"steps": number}
            with pytest.raises(RunError, match="another process is training"), sole_writer(tmp_path):
                pass
    replaced = iter([True, False])

    def meanwhile(
        handle: int,
    ) -> None:  # another rewrites it and ends, after it was opened and before it is locked
        if next(replaced):
            config.with_suffix(".new").write_text('{"steps": 9}', encoding="utf-8")
            config.with_suffix(".new").replace(config)
        take(handle)

    take = lock.lock_handle
    monkeypatch.setattr(lock, "lock_handle", meanwhile)
    with sole_writer(tmp_path) as writer:
        assert json.loads(writer.file.read()) == {"steps": 9}
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
