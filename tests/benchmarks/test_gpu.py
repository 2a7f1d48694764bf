"""The dry run on a CPU, what is kept when time is short, and the copy of the plain baseline against its file."""

from __future__ import annotations

import json
import math
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import gpu
import numpy as np
import plain_gpu
import pytest
import torch


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """Small made-up sets."""
    draw = np.random.default_rng(0)
    for name, shape in (("mnist", (1, 28, 28)), ("photos", (3, 20, 17)), ("emoji", (3, 16, 16))):
        parts = {
            part: draw.integers(0, 256, (count, *shape), dtype=np.uint8)
            for part, count in (("train", 90), ("test", 30))
        }
        np.savez(tmp_path / f"{name}.npz", allow_pickle=False, **parts)
    return tmp_path


def test_the_dry_run_gives_every_row(
    arrays: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--arrays", str(arrays), "--out", str(arrays / "out"), "--device", "cpu", "--quick"]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *words, "--seconds", "0.3", "--minutes", "4"])
    gpu.main()
    rows = json.loads((arrays / "out" / "rows.json").read_text())
    assert [row["row"] for row in rows] == list(gpu.rows_of())
    assert not [row for row in rows if "failed" in row]
    only_on_gpus = [row["row"] for row in rows if "skipped" in row]
    assert all(name == "waiting" or "graph" in name or "compiled" in name for name in only_on_gpus)
    nats = {row["row"]: row["nats"] for row in rows if "nats" in row}
    assert all(math.isfinite(value) for value in nats.values())
    assert nats["lesson: plain, fp32"] == pytest.approx(nats["lesson: ours, fp32"], rel=0.1)
    assert "| equal: emoji |" in capsys.readouterr().out


def test_what_fails_or_has_no_time_says_so() -> None:
    def failing(bench: object) -> dict[str, Any]:
        raise RuntimeError("no\nmemory")

    def slow(bench: object) -> dict[str, Any]:
        time.sleep(30)
        return {}

    rows: dict[str, Any] = {
        "a": (lambda bench: {"nats": 1.0}, 0),
        "b": (failing, 0),
        "c": (lambda bench: {}, 100),
        "d": (slow, 0),
        "e": (lambda bench: {}, 0),
    }
    bench = gpu.Bench(torch.device("cpu"), Path(), 1.0, quick=False)
    found = list(gpu.made(bench, 1.0, rows))
    assert found == [
        {"row": "a", "nats": 1.0},
        {"row": "b", "failed": "RuntimeError: no memory"},
        {"row": "c", "skipped": "no time left"},
        {"row": "d", "skipped": "cut, the minutes are over"},
        {"row": "e", "skipped": "no time left"},
    ]


def test_the_clock_stands_still_while_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(gpu, "now", lambda device: clock[0])
    values = iter([200.0, 100.2])

    def measure() -> float:
        clock[0] += 1000
        return next(values)

    approach = gpu.Approach(torch.device("cpu"), measure, steps_per_epoch=2)
    for _ in range(6):
        clock[0] += 1
        approach()
    assert (approach.seconds, approach.reached, approach.steps, approach.nats) == (6, 4, 6, 100.2)


def test_the_copy_is_the_baseline(arrays: Path, baseline_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same networks under the same names, the same step, the same figures but for the draws of z."""
    monkeypatch.setattr(sys, "argv", ["plain_vae.py", str(arrays / "photos.npz"), "0.1"])
    with torch.random.fork_rng():
        its = runpy.run_path(str(baseline_file))
    copy = plain_gpu.PlainVAE(its["shape"])
    copy.encoder.load_state_dict(its["encoder"].state_dict())
    copy.decoder.load_state_dict(its["decoder"].state_dict())
    assert str(copy.encoder) == str(its["encoder"]) and str(copy.decoder) == str(its["decoder"])
    z = torch.randn(3, plain_gpu.LATENTS)
    assert torch.equal(copy.decode(z), its["decode"](z))
    assert (its["sigma"], its["L"]) == (plain_gpu.SIGMA, plain_gpu.LATENTS)
    sampled, plain, kl = plain_gpu.errors(copy, its["test"])
    assert (plain, kl) == pytest.approx((its["plain"], its["kl"]), rel=1e-4)
    assert sampled == pytest.approx(its["sampled"], rel=0.05)
    found = plain_gpu.figures(copy, its["train"], its["test"])
    assert found["negative_elbo"] == pytest.approx(its["elbo"], abs=0.02 * its["P"])


def test_the_copy_trains_for_its_seconds() -> None:
    train = torch.zeros(100, 1, 16, 16)
    model, seconds, steps = plain_gpu.trained(train, 0.2, torch.device("cpu"), 0)
    assert seconds >= 0.2 and steps >= 1
    fresh = plain_gpu.PlainVAE((1, 16, 16))
    with torch.no_grad():
        before, after = (((one.decode(one.encode(train)[0]) - train) ** 2).mean() for one in (fresh, model))
    assert after < before
