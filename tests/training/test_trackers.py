"""Logs of trackers hold what metrics.jsonl holds, each line once, and change no bit of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import logged_kills
import vaekit
from toy import SMALL, toy_data
from vaekit import ELBO, VAE, SettingError, fit, load_run
from vaekit.cli.main import main
from vaekit.core import VaekitWarning
from vaekit.runs.files import read_tensors
from vaekit.runs.records import MetricLine
from vaekit.training import trackers
from vaekit.training.history import History
from vaekit.training.resume import resume

TESTS = Path(__file__).parents[1]


def needs(package: str) -> Any:
    return pytest.mark.skipif(
        find_spec(package) is None, reason=f"{package} is not installed: pip install {package}"
    )


def train(out: Path | None, log: str = "none", **options: Any) -> History:
    data = toy_data()
    model = VAE(data.shape, latent_dim=3, width=8, depth=1, seed=4)
    return fit(model, ELBO(), data, out=out, **SMALL, **{"log": log, "steps": 7, "batch_size": 16, **options})


def weights(run: Path) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in read_tensors(run / "model.safetensors")[0].items()}


def as_tensorboard_keeps(rows: logged_kills.Rows) -> logged_kills.Rows:
    """Numbers in float32, of a list how many and their sum."""
    kept = [
        [step, name, [len(value), sum(value)] if isinstance(value, list) else float(np.float32(value))]
        for step, name, value in rows
    ]
    return sorted(kept)


def assert_equal_rows(log: logged_kills.Rows, file: logged_kills.Rows) -> None:
    assert [row[:2] for row in log] == [row[:2] for row in file]
    for ours, theirs in zip(log, file, strict=True):
        assert ours[2] == pytest.approx(theirs[2], rel=1e-12, abs=0), ours


@needs("tensorboard")
def test_tensorboard_reads_back_what_the_file_has(tmp_path: Path) -> None:
    history = train(tmp_path / "run", "tensorboard")
    rows, drawn = logged_kills.rows_of_tensorboard(tmp_path / "run")
    assert_equal_rows(rows, as_tensorboard_keeps(logged_kills.rows_of_file(tmp_path / "run")))
    assert any(name == "test/loss_nats" for _, name, _ in rows) and history.summary is not None
    assert sorted(drawn) == ["reconstructions", "samples"]
    previews = load_run(tmp_path / "run").previews.images
    scale, gap = 14, 3  # 4 x 4 dots as tiles of 56
    for number in range(8):  # the first row is the previews themselves
        left = number * (4 * scale + gap)
        found = drawn["reconstructions"][: 4 * scale : scale, left : left + 4 * scale : scale, 0]
        np.testing.assert_array_equal(found, previews[number, 0])
    assert drawn["samples"].shape == (8 * (4 * scale + gap) - gap, 8 * (4 * scale + gap) - gap, 3)


def python(script: str, *words: str, store: Path) -> Any:
    """JSON that a script prints, in a process whose Trackio keeps its logs in a folder of its own."""
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "TRACKIO_DIR": str(store), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, script, *words], env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="kills forks of a warm process")
@pytest.mark.parametrize(
    ("log", "every"),
    [pytest.param("tensorboard", 7, marks=needs("tensorboard")), pytest.param("trackio", 9, marks=needs("trackio"))],
)  # fmt: skip
def test_killed_and_resumed_no_line_is_lost_or_there_twice(log: str, every: int, tmp_path: Path) -> None:
    found = python(str(TESTS / "logged_kills.py"), str(tmp_path), log, str(every), store=tmp_path / "store")
    assert len(found) > 3
    for killed in found:
        file = as_tensorboard_keeps(killed["file"]) if log == "tensorboard" else killed["file"]
        assert_equal_rows(killed["log"], file)
        assert killed["pictures"] == ["reconstructions", "samples"], killed["point"]
        assert len(killed["file"]) == len(found[0]["file"]), killed["point"]


@needs("tensorboard")
def test_a_log_changes_no_bit_and_no_random_number(tmp_path: Path) -> None:
    states = []
    for log in ("none", "tensorboard"):
        torch.manual_seed(1)
        train(tmp_path / log, log)
        states.append(torch.get_rng_state())
    assert weights(tmp_path / "none") == weights(tmp_path / "tensorboard")
    assert (tmp_path / "none/metrics.jsonl").read_bytes() == (
        tmp_path / "tensorboard/metrics.jsonl"
    ).read_bytes()
    assert torch.equal(*states)


@needs("tensorboard")
def test_the_log_of_an_ended_run_is_written_anew(tmp_path: Path) -> None:
    train(tmp_path / "run", "tensorboard")
    before = logged_kills.rows_of_tensorboard(tmp_path / "run")[0]
    for file in (tmp_path / "run/tensorboard").iterdir():
        file.unlink()
    resume(tmp_path / "run", data=toy_data(), progress="none")
    assert logged_kills.rows_of_tensorboard(tmp_path / "run")[0] == before
    resume(tmp_path / "run", data=toy_data(), progress="none", steps=9)  # and of one that goes on
    rows, _ = logged_kills.rows_of_tensorboard(tmp_path / "run")
    assert_equal_rows(rows, as_tensorboard_keeps(logged_kills.rows_of_file(tmp_path / "run")))
    assert vaekit.remove(tmp_path / "run").left == () and not (tmp_path / "run").exists()


@pytest.mark.parametrize("log", trackers.TRACKERS)
def test_a_missing_package_is_one_line_before_anything_is_loaded(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    nowhere = ["--data", str(tmp_path / "nowhere.npy"), "--out", str(tmp_path / "run")]
    assert main(["train", "vae", *nowhere, "--log", log]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and f"--log {log} needs the package {log}: pip install " in said[0]
    with pytest.raises(SettingError, match=f"log='{log}' needs the package {log}"):
        train(tmp_path / "run", log)
    assert not (tmp_path / "run").exists()


@needs("tensorboard")
def test_without_a_run_folder_there_is_no_log() -> None:
    with pytest.raises(SettingError, match="give out= too"):
        train(None, "tensorboard")


class Breaks:
    """A log whose disk is full at the third line."""

    def __init__(self, run: Path) -> None:
        self.added = 0

    def add(self, values: dict[str, float | list[float]], step: int) -> None:
        self.added += 1
        if self.added == 3:
            raise OSError("No space left on device")
        assert self.added < 3, "asked again after its fault"

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        raise AssertionError("asked again after its fault")

    def close(self) -> None:
        pass


def test_a_log_that_breaks_costs_a_warning_and_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", trackers.Tracker("json", "", Breaks))
    with pytest.warns(VaekitWarning, match="No space left on device.*vaekit resume"):
        train(tmp_path / "run", "tensorboard")
    train(tmp_path / "plain")
    assert weights(tmp_path / "run") == weights(tmp_path / "plain")


class NeverCloses(Breaks):
    """A log that cannot be closed either."""

    def close(self) -> None:
        raise OSError("cannot be closed")


@pytest.mark.parametrize("fault", ["add", "close"])
def test_a_log_that_cannot_be_closed_is_closed_once(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", trackers.Tracker("json", "", NeverCloses))
    (tmp_path / "metrics.jsonl").write_text("")
    log = trackers.Logged("tensorboard", tmp_path)
    log._guarded(log._open)
    for _ in range(2):
        log.measured(MetricLine(step=1, epoch=1, split="test", values={"loss_nats": 1.0}))
    cause = "cannot be closed" if fault == "close" else "No space left"
    with pytest.warns(VaekitWarning, match=cause) as said:
        log.close() if fault == "close" else log.measured(MetricLine(step=2, epoch=1, split="test"))
    log.close()
    assert len(said) == 1


def test_runs_from_before_there_were_logs_are_read(tmp_path: Path) -> None:
    train(tmp_path / "run")
    path = tmp_path / "run/config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    assert config["settings"].pop("log") == "none"
    config.pop("checksum")
    path.write_text(json.dumps(config), encoding="utf-8")
    assert load_run(tmp_path / "run").settings.fit.log == "none"
    assert resume(tmp_path / "run", data=toy_data(), progress="none", steps=9).summary is not None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_on_a_full_disk_the_log_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No thread of another's ends with a traceback on the terminal; the log is whole once there is room again."""
    from vaekit.training.tensorboard_log import TensorBoardLog

    begun = TensorBoardLog.__init__

    def full(log: TensorBoardLog, run: Path) -> None:
        begun(log, run)
        log._file.close()
        log._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115

    monkeypatch.setattr(TensorBoardLog, "__init__", full)
    with pytest.warns(VaekitWarning, match="No space left on device.*vaekit resume") as said:
        train(tmp_path / "run", "tensorboard")
    assert sum("the tensorboard log" in str(one.message) for one in said) == 1, [
        str(one.message) for one in said
    ]
    assert "Traceback" not in capfd.readouterr().err
    monkeypatch.undo()
    resume(tmp_path / "run")
    rows, drawn = logged_kills.rows_of_tensorboard(tmp_path / "run")
    assert_equal_rows(rows, as_tensorboard_keeps(logged_kills.rows_of_file(tmp_path / "run")))
    assert set(drawn) == {"reconstructions", "samples"}


def test_a_disk_that_takes_a_part_says_no_to_the_rest(tmp_path: Path) -> None:
    """Short writes of the system are gone on with, so that no record is cut within the file."""
    from vaekit.training.tensorboard_log import TensorBoardLog

    (tmp_path / "run").mkdir()
    log = TensorBoardLog(tmp_path / "run")
    raw = log._file

    class Slow:
        def write(self, content: bytes) -> int:
            return raw.write(content[:7])

        def close(self) -> None:
            raw.close()

    log._file = Slow()  # type: ignore[assignment]
    log.add({"test/loss_nats": 1.5, "test/kl": [1.0, 2.0]}, 3)
    log.close()
    assert logged_kills.rows_of_tensorboard(tmp_path / "run")[0] == [
        [3, "test/kl", [2.0, 3.0]],
        [3, "test/loss_nats", 1.5],
    ]
