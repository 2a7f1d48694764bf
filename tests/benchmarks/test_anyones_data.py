"""Rows are kept and judged as they should be; sets are the same each time; the length of a training fits its seconds."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyones_data
import anyones_sides
import numpy as np
import pytest
from anyones_data import Job, default_line, kept, pair_table, record
from anyones_sets import Missing, Places, Source, mixed, once, strokes_colour
from PIL import Image


def options(work: Path, **more: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"work": work, "table": False, "again": "", **more})


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sides that were run, instead of running them."""
    made: list[str] = []
    monkeypatch.setattr(anyones_data, "RECORD", Path("no record"))

    def run(side: str, about: Mapping[str, Any]) -> dict[str, Any] | None:
        made.append(side)
        return None if about.get("fails") else {"negative_elbo": float(len(made))}

    monkeypatch.setattr(anyones_data, "in_process", run)
    return made


def test_a_row_is_made_once_and_again_where_the_data_changed(tmp_path: Path, runs: list[str]) -> None:
    job = Job("wine", "ours", 5, 1)
    (first,) = kept(options(tmp_path), job, "a", {})
    (second,) = kept(options(tmp_path), job, "a", {})
    assert first == second and len(runs) == 1
    assert not list(kept(options(tmp_path, table=True), job, "b", {}))
    (third,) = kept(options(tmp_path), job, "b", {})
    assert third["negative_elbo"] == 2
    list(kept(options(tmp_path, again="plain"), job, "b", {}))
    assert len(runs) == 2
    list(kept(options(tmp_path, again="ours"), job, "b", {}))
    assert len(runs) == 3


def test_rows_of_the_record_are_shown_where_the_data_are_the_same_and_never_in_place_of_a_run(
    tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anyones_data, "RECORD", tmp_path / "record.jsonl")
    job = Job("wine", "ours", 5, 1)
    (first,) = kept(options(tmp_path / "one"), job, "a", {})
    record([first, first | {"seed": 2, "negative_elbo": 7.0}])
    record([first | {"seed": 2, "negative_elbo": 8.0}])
    assert list(kept(options(tmp_path / "two", table=True), job, "a", {})) == [first] and len(runs) == 1
    (other,) = kept(options(tmp_path / "two", table=True), Job("wine", "ours", 5, 2), "a", {})
    assert other["negative_elbo"] == 8.0
    assert not list(kept(options(tmp_path / "two", table=True), job, "b", {}))
    assert not list(kept(options(tmp_path / "two", table=True), Job("wine", "plain", 5, 1), "a", {}))
    (anew,) = kept(options(tmp_path / "two"), job, "a", {})
    assert anew["negative_elbo"] == 2 and len(runs) == 2


def test_what_failed_leaves_no_row(tmp_path: Path, runs: list[str]) -> None:
    job = Job("wine", "ours", 5, 1)
    assert not list(kept(options(tmp_path), job, "a", {"fails": True}))
    assert len(list(kept(options(tmp_path), job, "a", {}))) == 1


def row(side: str, seed: int, nats: float, seconds: float = 20.0) -> dict[str, Any]:
    about = {"name": "wine", "seconds": 20.0, "explained_variance": 0.5, "steps": 100}
    return about | {"side": side, "seed": seed, "negative_elbo": nats, "cpu_seconds": seconds}


def test_pairs_are_judged_by_the_seeds_that_both_have() -> None:
    rows = [row("ours", 0, 10.0), row("ours", 1, 12.0), row("plain", 0, 13.0), row("plain", 1, 17.0)]
    line = pair_table([*rows, row("plain", 2, -99.0)]).splitlines()[2]
    assert "| 11.00 ± 1.41 | 15.00 ± 2.83 | −4.00 |" in line and line.endswith("| lower |")


def test_unequal_seconds_are_named() -> None:
    table = pair_table([row("ours", 0, 10.0, 23.0), row("plain", 0, 13.0)])
    assert table.splitlines()[2].endswith("| lower, unequal |")
    assert "Ours is lower in 0 of 1 lines." in table


def test_one_side_alone_is_no_verdict() -> None:
    assert pair_table([row("ours", 0, 10.0)]).splitlines()[2].endswith("| – |")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "good"),
        ({"wall_seconds": 181.0, "forecast_seconds": None}, "over 180 s"),
        ({"forecast_seconds": 130.0}, "forecast off by more than a quarter"),
        ({"explained_variance": 0.69}, "explains too little"),
        ({"explained_variance": float("nan")}, "explains too little"),
    ],
)
def test_a_run_by_default_settings_is_judged(changes: dict[str, Any], verdict: str) -> None:
    row = {
        "name": "wine",
        "wall_seconds": 100.0,
        "train_seconds": 98.0,
        "forecast_seconds": 110.0,
        "steps": 5,
    }
    figures = {"explained_variance": 0.71, "active_units": 3, "pca_explained": 0.8}
    assert default_line(row | figures | changes)[-1] == verdict


def test_a_forecast_is_found_wherever_it_stands() -> None:
    said = {"steps": 3, "time": {"forecast_seconds": 12}, "test": {"kl_nats": 1.0}}
    assert anyones_sides.forecast_in(said) == 12
    assert anyones_sides.forecast_in({"steps": 3}) is None


def test_a_set_is_whole_or_not_there(tmp_path: Path) -> None:
    def half(path: Path) -> None:
        path.mkdir()
        (path / "one").touch()
        raise KeyboardInterrupt

    def full(path: Path) -> None:
        path.mkdir()
        (path / "two").touch()

    with pytest.raises(KeyboardInterrupt):
        once(tmp_path / "set", half)
    assert not (tmp_path / "set").exists()
    assert [path.name for path in Path(once(tmp_path / "set", full)).iterdir()] == ["two"]


def test_pictures_of_mixed_sizes_are_the_same_each_time(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 4), dtype=np.uint8)
    for name, mode, ending in (("photos", "RGB", "jpg"), ("emoji", "RGBA", "png")):
        (tmp_path / "shared" / name).mkdir(parents=True)
        for row, values in enumerate(noise):
            Image.fromarray(values).convert(mode).save(tmp_path / "shared" / name / f"{row}.{ending}")
    folders = [Path(mixed(Places(tmp_path / "shared", tmp_path / made), 16).data) for made in ("a", "b")]
    contents = [[path.read_bytes() for path in sorted(folder.iterdir())] for folder in folders]
    assert contents[0] == contents[1] and len(contents[0]) == 200
    sizes = set()
    for path in folders[0].iterdir():
        with Image.open(path) as picture:
            sizes.add(picture.size)
    assert len(sizes) > 150 and all(80 <= side <= 240 for size in sizes for side in size)


def test_a_stroke_has_one_colour(tmp_path: Path) -> None:
    with np.load(strokes_colour(Places(None, tmp_path)).data) as file:
        image = file["images"][0].astype(float)
    brightest = np.unravel_index(image[0].argmax(), image[0].shape)
    colour = image[:, *brightest]
    assert np.abs(image - image[:1] / colour[0] * colour[:, None, None]).max() < 255 / 64


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no folder photos in --shared"):
        Places(tmp_path, tmp_path).given("photos")


def test_a_source_in_words() -> None:
    words = Source("here", {"image_size": 64, "pixels": "real"}).words()
    assert words == ["--data", "here", "--image-size", "64", "--pixels", "real"]


def test_the_length_is_found_from_the_time_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start of 0.5 s and steps of 10 ms, by a clock of the test's: 97 % of 20 s are 1,890 steps."""
    now = [0.0]
    monkeypatch.setattr(time, "process_time", lambda: now[0])

    class Ended:
        summary = None

    def train(data: object, steps: int, seed: int, out: Path, should_stop: Any, **options: Any) -> Ended:
        now[0] += 0.5
        for _ in range(steps):
            now[0] += 0.01
            if should_stop():
                break
        return Ended()

    monkeypatch.setattr(anyones_sides, "train", train)
    monkeypatch.setattr(anyones_sides, "steps_per_epoch", lambda data: 30)
    assert anyones_sides.planned(None, 20.0, 0) == pytest.approx((0.97 * 20 - 0.5) / 0.01, abs=2)  # type: ignore[arg-type]


def test_both_sides_run_on_wine_for_a_moment(tmp_path: Path) -> None:
    """The frozen baseline is not shipped; a file that prints its line stands in for it, and has its seed replaced."""
    pytest.importorskip("sklearn")
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(
        "import json, sys, torch\ntorch.manual_seed(0)\n"
        "print(json.dumps({'argv': sys.argv[1:], 'seed': torch.initial_seed()}))\n"
    )
    about = {"baseline": str(stand_in), "data": "x.npz", "seconds": 1.0, "seed": 5}
    assert anyones_data.in_process("plain", about) == {"argv": ["x.npz", "1.0"], "seed": 5}
    source = anyones_data.SETS["wine"](Places(None, tmp_path))
    found = anyones_data.in_process(
        "ours", {"data": source.data, "options": source.options, "seconds": 0.5, "seed": 0}
    )
    assert found is not None
    assert found["steps"] > 0 and np.isfinite(found["negative_elbo"]) and json.dumps(found["settings"])
