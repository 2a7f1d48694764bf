"""A sweep: every combination once, sorted by validation alone, checked before and resumed after."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vaekit
from vaekit import RunError, SettingError, load_run, sweep
from vaekit.cli.main import main
from vaekit.comparison import sweep as module
from vaekit.core import NonFiniteError
from vaekit.images.png import check_png

QUICK: dict[str, Any] = {"width": 8, "depth": 1, "steps": 4, "batch_size": 16, "device": "cpu"}
GRID = {"beta": [1.0, 4.0], "latent_dim": [2, 3]}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("images") / "x.npy"
    np.save(path, rng.integers(0, 256, (90, 8, 8), dtype=np.uint8))
    return path


def swept(images: Path, out: Path, **changes: Any) -> vaekit.Sweep:
    return sweep("vae", images, out=out, **{"grid": GRID, "progress": False, **QUICK, **changes})


def test_every_combination_sorted_by_validation(images: Path, tmp_path: Path) -> None:
    found = swept(images, tmp_path / "s", seeds=2)
    assert [sorted(cell.values.items()) for cell in sorted(found.cells, key=lambda cell: str(cell.values))] == [
        [("beta", beta), ("latent_dim", size)] for beta in (1.0, 4.0) for size in (2, 3)
    ]  # fmt: skip
    values = []
    for cell in found.cells:
        runs = [load_run(run) for run in cell.runs]
        assert [run.settings.fit.seed for run in runs] == [0, 1]
        for run in runs:
            assert run.settings.objective.beta == cell.values["beta"]
            assert run.settings.model.latent_dim == cell.values["latent_dim"]
        kept = [run.summary.validation.negative_elbo_nats for run in runs]  # type: ignore[union-attr]
        assert cell.value == pytest.approx(sum(kept) / 2)
        values.append(cell.value)
    assert values == sorted(values) and found.best is found.cells[0]
    assert found.table is not None and found.plot is not None
    with found.table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["validation_negative_elbo_nats"]) for row in rows] == pytest.approx(values)
    check_png(found.plot)


def test_interrupted_and_resumed_it_does_nothing_twice(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(range(100))
    stopped = swept(images, tmp_path / "s", should_stop=lambda: "stopped" if next(steps) == 9 else None)
    assert stopped.interrupted == "stopped" and stopped.table is None
    begun: list[Path] = []
    train = module.train
    monkeypatch.setattr(
        module, "train", lambda *given, **named: begun.append(named["out"]) or train(*given, **named)
    )
    found = swept(images, tmp_path / "s")
    assert found.interrupted is None and len(begun) == 1, "three of four had begun"
    alone = swept(images, tmp_path / "alone")
    assert [cell.validation for cell in found.cells] == [cell.validation for cell in alone.cells]
    begun.clear()
    assert [cell.test for cell in swept(images, tmp_path / "s").cells] == [cell.test for cell in found.cells]
    assert not begun
    with pytest.raises(RunError, match="another sweep is there"):
        swept(images, tmp_path / "s", grid={"beta": [1.0]})


def test_a_training_that_fails_is_the_last_row(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = module.train

    def fails(*given: Any, **named: Any) -> Any:
        if named["beta"] == 1.0:
            raise NonFiniteError("loss is not finite")
        return train(*given, **named)

    monkeypatch.setattr(module, "train", fails)
    found = swept(images, tmp_path / "s", grid={"beta": [1.0, 4.0]})
    assert [cell.values["beta"] for cell in found.cells] == [4.0, 1.0]
    assert found.cells[1].failed == "loss is not finite" and found.cells[0].failed == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grid": {"beta": [1.0, -1.0]}}, "beta must be at least 0"),
        ({"grid": {"bta": [1.0]}}, "Did you mean beta"),
        ({"grid": {"image_size": ["8"]}}, "no 'image_size' to sweep"),
        ({"grid": {"seed": [1]}}, "no 'seed' to sweep"),
        ({"grid": {"beta": [1.0, 1.0]}}, "a value twice"),
        ({"grid": {"beta": []}}, "a list of values"),
        ({"grid": {"beta": "14"}}, "a list of values"),
        ({"grid": {}}, "grid is empty"),
        ({"grid": {"width": [8]}}, "given beside it too"),
        ({"seeds": 0}, "at least 1"),
        ({"validation": 0.0}, "validation images"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(
    changes: dict[str, Any], said: str, images: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=said):
        swept(images, tmp_path / "s", **changes)
    assert not (tmp_path / "s").exists()


def test_the_command(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", "vae", "--data", str(images), "--out", str(tmp_path / "s"), "--json"]
    words += [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
    assert main([*words, "--grid", "beta=1,4", "latent-dim=2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [cell["values"]["latent_dim"] for cell in found["cells"]] == [2, 2]
    assert found["cells"][0]["validation"] <= found["cells"][1]["validation"]
    assert main([*words, "--grid", "4"]) == 2
    assert "'4' belongs to no option" in capsys.readouterr().out
