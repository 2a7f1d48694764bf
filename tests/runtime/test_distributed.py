"""Several processes train as one does; one that dies ends the run, which goes on afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from vaekit.runs.files import read_tensors
from vaekit.runtime.distributed import choose_context
from vaekit.runtime.random import Share, gathered, normal, sharing, total, uniform

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun needs gloo over TCP, POSIX only")
TRAIN = ["train", "vae", "--data", "digits", "--binarize", "dynamic", "--batch-size", "100"]
SMALL = ["--width", "32", "--latent-dim", "4", "--seed", "3"]


def vaekit(*words: str, ranks: int = 1) -> list[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    return [sys.executable, *(launcher if ranks > 1 else []), "-m", "vaekit", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*words: str, ranks: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(vaekit(*words, ranks=ranks), capture_output=True, text=True, env=environment())


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def flattened(line: dict[str, Any]) -> list[float]:
    values = [value for value in line.values() if not isinstance(value, str)]
    return [x for value in values for x in (value if isinstance(value, list) else [value])]


def test_two_processes_train_as_one(tmp_path):
    options = [*TRAIN, *SMALL, "--epochs", "3", "--clip", "50", "--average", "0.9"]
    alone = run(*options, "--out", str(tmp_path / "one"))
    together = run(*options, "--out", str(tmp_path / "two"), "--json", ranks=2)
    assert alone.returncode == together.returncode == 0, together.stderr
    one, two = lines(tmp_path / "one"), lines(tmp_path / "two")
    assert [line["split"] for line in one] == [line["split"] for line in two]
    for a, b in zip(one, two, strict=True):
        assert flattened(b) == pytest.approx(flattened(a), rel=1e-4, abs=1e-5)
    said = json.loads(together.stdout)  # one object: only the first process speaks
    assert said["summary"]["test"]["negative_elbo_nats"] == two[-1]["negative_elbo_nats"]


def test_a_codebook_learns_from_all_processes(tmp_path):
    """Moving averages, usage and revival are those of the whole batch; the weights differ by rounding."""
    grid = ["--downsample", "2", "--codes", "16", "--code-dim", "4", "--width", "16", "--depth", "1"]
    options = ["train", "vqvae", "--data", "digits", "--batch-size", "1001", *grid, "--epochs", "2"]
    options += ["--decay", "0.5", "--learning-rate", "1e-3", "--precision", "fp32"]
    runs = {}
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        done = run(*options, "--out", str(folder), ranks=ranks)
        assert done.returncode == 0, done.stderr
        runs[ranks] = (lines(folder), read_tensors(folder / "model.safetensors")[0])
    for a, b in zip(runs[1][0], runs[2][0], strict=True):
        assert flattened(b) == pytest.approx(flattened(a), rel=0.01, abs=0.02)
    for name in ("quantizer.usage", "quantizer.vectors_of_codes"):
        torch.testing.assert_close(runs[2][1][name], runs[1][1][name], rtol=0.01, atol=0.01)


def test_rows_of_the_whole_batch_are_found_where_they_are():
    rows = torch.randn(12, 3)  # 6 images of 2 rows
    assert torch.equal(gathered(rows, torch.tensor([11, 0, 4]), 2), rows[[11, 0, 4]])
    with sharing(Share(2, 5, 6)):  # alone in its group, a process knows its own rows only
        found = gathered(rows[4:10], torch.tensor([11, 4, 9]), 2)
    assert torch.equal(found, torch.stack([torch.zeros(3), rows[4], rows[9]]))


def test_a_process_that_dies_ends_the_run_and_it_goes_on(tmp_path):
    options = [*TRAIN, *SMALL, "--epochs", "40", "--checkpoint-seconds", "0.2"]
    assert run(*options, "--out", str(tmp_path / "whole"), ranks=2).returncode == 0
    broken = tmp_path / "broken"
    launcher = subprocess.Popen(
        vaekit(*options, "--out", str(broken), ranks=2),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(list((broken / "checkpoints").glob("step-*"))) > 1)
    follower = next(pid for pid in children(launcher.pid) if rank_of(pid) == "1")
    os.kill(follower, signal.SIGKILL)
    assert launcher.wait(timeout=120) != 0
    assert not (broken / "summary.json").exists()
    resumed = run("resume", str(broken), ranks=2)
    assert resumed.returncode == 0, resumed.stderr
    assert lines(broken) == lines(tmp_path / "whole")


def wait_for(condition: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("needs /proc to find a process of torchrun")
    return [int(word) for word in listed.read_text(encoding="ascii").split()]


def rank_of(pid: int) -> str | None:
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next((word[5:].decode() for word in words if word.startswith(b"RANK=")), None)


@pytest.mark.parametrize("batch", [0, 1])
def test_shares_of_the_noise_make_up_the_whole(batch):
    shape = [3, 5]
    shape[batch] = 10
    torch.manual_seed(0)
    whole = normal(tuple(shape), torch.device("cpu"), batch)
    parts = []
    for start, stop in ((0, 4), (4, 10)):
        torch.manual_seed(0)
        shape[batch] = stop - start
        with sharing(Share(start, stop, 10)):
            parts.append(normal(tuple(shape), torch.device("cpu"), batch))
    assert torch.equal(torch.cat(parts, batch), whole)


def test_shares_of_uniform_noise_make_up_the_whole():
    torch.manual_seed(0)
    whole = uniform((10, 3), torch.device("cpu"))
    torch.manual_seed(0)
    with sharing(Share(6, 10, 10)):
        assert torch.equal(uniform((4, 3), torch.device("cpu")), whole[6:])


def test_a_single_process_exchanges_nothing():
    alone = choose_context("cpu", "auto")
    values = torch.arange(3.0)
    assert torch.equal(total(values.clone()), values)
    assert alone.strongest(5) == 5
    alone.meet()
    loss = torch.nn.Linear(2, 1)
    assert alone.average_gradients(loss, loss.parameters()) is loss
    assert alone.leads
    assert alone.part == (0, 1)
