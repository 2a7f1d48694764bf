"""What a file of a run's own pictures cost, in the run's own files and on its page: the numbers of `compress`, and no others."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaekit
from pages import read_page
from vaekit.coding import keep_cost, part_by_part
from vaekit.coding.general_lossy import SCAN, said_at
from vaekit.core import RunError, SettingError, VaekitWarning
from vaekit.plots.bytes_and_error import of_files
from vaekit.reports.file_panel import called
from vaekit.runs.file_cost import Point
from vaekit.runs.kept_files import files_of
from vaekit.runs.records import read_summary
from vaekit.runs.set_aside import set_aside

QUIET: dict[str, Any] = {"progress": "none"}
TINY = {"width": 8, "depth": 1, "epochs": 1, "device": "cpu", "progress": "none"}


@pytest.fixture
def binary(binary_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, which may be written to."""
    return Path(shutil.copytree(binary_run, tmp_path / "binary"))


@pytest.fixture(scope="module")
def _codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("codes")
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 120, 12) * (1 + rng.random((200, 3, 12, 1)))
    np.save(folder / "given.npy", (ramp + rng.integers(0, 15, ramp.shape)).astype(np.uint8))
    vaekit.train(
        "vqvae", folder / "given.npy", out=folder / "run", layout="NCHW", codes=16, downsample=4, **TINY
    )
    vaekit.prior(folder / "run", heads=2, **TINY)
    return folder / "run"


@pytest.fixture
def codes(_codes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_codes, tmp_path / "codes"))


def kept(run: Path) -> list[dict[str, Any]]:
    return json.loads((run / "summary.json").read_text(encoding="utf-8")).get("files", [])


def rows_of(run: Path) -> dict[str, list[str]]:
    """Name -> numbers, of the tables of the page's section."""
    page = read_page((run / "report.html").read_text(encoding="utf-8"))
    tables = [div for div in page.all("div", "scroll") if div.attributes["aria-label"] == "What a file costs"]
    rows = [row for table in tables for row in table.all("tr")[1:]]
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(f"{row.all('th')[0].text} {row.all('p')[0].text}".strip(), []).append(
            " ".join(cell.text for cell in row.all("td", "number"))
        )
    return found


def test_what_a_file_costs_is_on_the_page_as_it_was_measured(binary: Path, tmp_path: Path) -> None:
    for split, beside in (("all", 0), ("test", 30)):  # the last takes the place of the other
        made = vaekit.compress(binary, split=split, out=tmp_path / "x.vk", beside=beside, keep=True, **QUIET)
    (record,), sums = kept(binary), made.as_dict()
    names = {"images": "images", "pictures": "pictures", "values": "values_per_image", "size": "bytes", "pixels": "pixel_bytes",
             "model": "model_bytes", "inside": "model_inside", "coders": "coders", "pays_after": "pays_after"}  # fmt: skip
    assert {name: record[name] for name in names} == {name: sums[there] for name, there in names.items()}
    others = sums["beside"]
    general = record["general"]
    assert (general["images"], general["ours"]) == (others.pop("images"), others.pop("ours"))
    assert general["sizes"] == others and len(others) > 5 and record["against"] == min(others, key=others.get)
    rows, count = rows_of(binary), record["general"]["images"]
    everything = {"this run": record["general"]["ours"]} | {
        " ".join(called(name)): size for name, size in others.items()
    }
    assert rows == {
        name: [f"{size / count:,.1f} {8 * size / count / 64:.4f}"] for name, size in everything.items()
    }
    assert list(rows) == sorted(everything, key=everything.get)  # type: ignore[arg-type]
    text = read_page((binary / "report.html").read_text(encoding="utf-8")).text
    assert f"{sums['bits_per_value']:.4f} bits per value" in text and f"{sums['bytes']:,} bytes" in text
    assert "313 pictures of digits, test split, in their black-and-white view" in text
    assert f"{sums['model_bytes']:,} bytes, not inside the file" in text
    assert (
        f"Other coders on {count} of them; pixels alone" in text
        and f"against {record['against'].split()[0]}" in text
    )
    assert ("never pays" in text) is (sums["pays_after"] is None)
    evaluated = vaekit.evaluate(binary, samples=2, images=20, features=None, keep=True, **QUIET)
    assert evaluated.likelihood and kept(binary) == [record] and rows_of(binary) == rows


def test_files_with_a_loss_are_a_figure_of_their_own_bytes(codes: Path, tmp_path: Path) -> None:
    made = [
        vaekit.compress(
            codes, split="test", out=tmp_path / "x.vk", lossy=True, trade=t, keep=True, **QUIET
        ).as_dict()
        for t in (2.0, 0.0, 2.0)
    ]
    records = kept(codes)
    assert [record["trade"] for record in records] == [0.0, 2.0] and made[0] == made[2]
    points = [(one["pixel_bytes"] / one["pictures"], one["mean_squared_error"]) for one in made[1:]]
    run = vaekit.load_run(codes, device="cpu")
    figure = vaekit.figures(run, only=["bytes_and_error"]).figures["bytes_and_error"]
    lines = {str(line.get_label()): np.asarray(line.get_xydata()) for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["vaekit, codes under their prior"], sorted(points))
    sizes, errors = [], []
    for levels in run.load_data().test.images.numpy():
        stream, picture = io.BytesIO(), Image.fromarray(levels.transpose(1, 2, 0))
        picture.save(stream, "WEBP", quality=10, method=6)
        back = np.asarray(Image.open(stream).convert("RGB"), float) / 255
        sizes.append(len(stream.getvalue()))
        errors.append(((back - levels.transpose(1, 2, 0) / 255.0) ** 2).mean())
    third = records[-1]["general"]["points"]["WebP"][2]
    assert third == {"size": pytest.approx(np.mean(sizes)), "error": pytest.approx(np.mean(errors))}
    np.testing.assert_allclose(
        lines["WebP"], [list(point.values()) for point in records[-1]["general"]["points"]["WebP"]]
    )
    rows = rows_of(codes)
    assert rows["this run trade 0"] == [f"{points[0][0]:,.1f} {points[0][1]:.5f}"]
    assert rows["this run trade 2"] == [f"{points[1][0]:,.1f} {points[1][1]:.5f}"]
    assert rows["WebP"][2] == f"{np.mean(sizes):,.1f} {np.mean(errors):.5f}" and len(rows[SCAN]) == 5
    page = read_page((codes / "report.html").read_text(encoding="utf-8"))
    assert [node.attributes["id"] for node in page.all("figure")] == ["bytes_and_error"]


def test_of_another_prior_nothing_is_shown(codes: Path, tmp_path: Path) -> None:
    vaekit.compress(codes, out=tmp_path / "x.vk", lossy=True, beside=5, keep=True, **QUIET)
    assert len(files_of(vaekit.load_run(codes))) == 1
    vaekit.prior(codes, heads=2, seed=1, replace=True, **TINY)
    run = vaekit.load_run(codes)
    assert not files_of(run) and len(read_summary(codes).files or ()) == 1  # type: ignore[union-attr]
    drawn = vaekit.figures(run, only=["bytes_and_error"], out=codes / "figures", report=True)
    assert "compress it with lossy=True" in drawn.left_out["bytes_and_error"] and not rows_of(codes)
    keep_cost.write_again(run)
    assert "<figure" not in (codes / "report.html").read_text(encoding="utf-8")


def test_without_matplotlib_there_is_the_table_alone(codes: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(keep_cost, "find_spec", lambda name: None)
    vaekit.compress(codes, split="test", out=tmp_path / "x.vk", lossy=True, beside=0, keep=True, **QUIET)
    assert (
        list(rows_of(codes)) == ["this run trade 0"]
        and not (codes / "figures" / "bytes_and_error.png").exists()
    )
    assert "general" in kept(codes)[0] and kept(codes)[0]["general"] is None


def test_what_cannot_be_kept_is_said(binary: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="keep=True keeps what a file of a run's own data costs"):
        vaekit.compress(binary, "digits", out=tmp_path / "x.vk", keep=True, **QUIET)
    stop = iter([None, "SIGINT"])
    options = {"split": "test", "out": tmp_path / "x.vk", "part": 100, "beside": 20, "keep": True}
    vaekit.compress(binary, should_stop=lambda: next(stop), **options, **QUIET)
    with pytest.warns(VaekitWarning, match="is not kept in .*: an earlier call coded some of it"):
        made = vaekit.compress(binary, **options, **QUIET)
    assert any("200 of 313 images were coded by an earlier call" in note for note in made.notes) and not kept(
        binary
    )
    (binary / "summary.json").unlink()
    with pytest.warns(VaekitWarning, match="has not ended, so this is not kept"):
        vaekit.compress(binary, **options, **QUIET)


def test_a_page_that_is_not_drawn_takes_nothing_from_what_is_kept(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: object) -> None:
        raise RunError("no space")

    monkeypatch.setattr(keep_cost, "write_again", full)
    with pytest.warns(VaekitWarning, match="is kept in .*, but not all of its page is drawn: no space"):
        vaekit.compress(binary, split="test", out=tmp_path / "x.vk", beside=20, keep=True, **QUIET)
    assert len(kept(binary)) == 1


def test_what_a_file_cost_is_set_aside_where_training_goes_on(binary: Path, tmp_path: Path) -> None:
    vaekit.compress(binary, split="test", out=tmp_path / "x.vk", beside=20, keep=True, **QUIET)
    before, summary = kept(binary), read_summary(binary)
    assert summary is not None
    assert set_aside(binary, summary) is None  # it stays in the summary
    with pytest.warns(VaekitWarning, match="the cost of a file of .* steps is in .*evaluation-1.json now"):
        vaekit.resume(binary, steps=summary.steps + 1, progress=False)
    assert json.loads((binary / "evaluation-1.json").read_text(encoding="utf-8"))["files"] == before
    assert set_aside(binary, summary, files=True) is None  # it is there already
    assert kept(binary) == []


def test_large_pictures_are_compared_on_fewer_and_a_reason_ends_it(
    codes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_by_part, "MOST_VALUES", 15 * 3 * 12 * 12)
    options = {"out": tmp_path / "x.vk", "lossy": True, **QUIET}
    made = vaekit.compress(codes, **options)
    assert made.sums is not None and made.sums.lossy is not None and 10 <= made.sums.lossy.images <= 15
    asked = []

    def stop() -> str | None:
        asked.append(None)
        return "SIGINT" if len(asked) > 3 else None

    with pytest.warns(
        VaekitWarning, match=r"the file is whole, but other coders were not measured \(SIGINT\)"
    ):
        made = vaekit.compress(codes, should_stop=stop, **options)
    assert made.stopped is None and made.sums is not None and made.sums.lossy is None and len(asked) == 4


def test_a_point_at_an_error_is_said_with_its_own_where_none_is_there() -> None:
    line = [Point(100.0, 0.004), Point(400.0, 0.001)]
    assert said_at(line, 0.002) == "200.0" and said_at(line, 0.04) == "100.0 at 0.00400, no nearer"
    assert said_at(line, 0.0) == "400.0 at 0.00100, no nearer"


def test_no_file_no_figure() -> None:
    assert isinstance(of_files([]), str)
