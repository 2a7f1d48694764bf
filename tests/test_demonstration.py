"""`vaekit.demo` from Python: all that it says it drew is there."""

from __future__ import annotations

from pathlib import Path

import pytest

import vaekit
from vaekit import demonstration


def test_it_leaves_a_run_with_its_page_figures_and_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = {**demonstration.DEMO, "steps": 2, "width": 8, "depth": 1, "device": "cpu"}
    monkeypatch.setattr(demonstration, "DEMO", tiny)
    found = vaekit.demo(seed=4)
    assert found.history.out == Path("runs/demo-strokes-1")
    assert vaekit.load_run(found.history.out).settings.fit.seed == 4
    assert found.report == found.history.out / "report.html"
    drawn = {path.stem for path in (found.history.out / "figures").iterdir()}
    assert found.figures.keys() == drawn
    assert all(path.stat().st_size > 0 for path in found.files)
    assert found.files[-1] == found.history.out / "samples.png"


def test_interrupted_it_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "DEMO", {**demonstration.DEMO, "width": 8, "device": "cpu"})
    found = vaekit.demo(tmp_path / "run", should_stop=lambda: "enough")
    assert found.history.interrupted == "enough"
    assert found.files == [] and not (tmp_path / "run" / "figures").exists()
