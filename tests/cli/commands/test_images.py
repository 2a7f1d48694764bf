"""`vaekit sample` and `vaekit reconstruct`, and the files that they write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from made_files import stored_as, tiff
from vaekit.runs.load import load_run


def pixels(path: Path | str) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_samples_are_those_of_the_model(terminal, vae_run: Path) -> None:
    terminal("sample", vae_run, "--count", 5, "--seed", 3, "--temperature", 0.5, "--out", "s.npz")
    generator = torch.Generator().manual_seed(3)
    expected = load_run(vae_run).model.sample(5, temperature=0.5, generator=generator)
    with np.load("s.npz") as arrays:
        assert arrays["images"].dtype == np.uint8
        np.testing.assert_array_equal(arrays["images"][..., 0], np.rint(expected[:, 0].numpy() * 255))


def test_more_samples_than_fit_into_a_batch(terminal, vae_run: Path, monkeypatch) -> None:
    monkeypatch.setattr("vaekit.inference.at_once", lambda shape: 4)
    terminal("sample", vae_run, "--count", 10, "--out", "s.npz")
    with np.load("s.npz") as arrays:
        assert arrays["images"].shape == (10, 8, 8, 1)
        assert len(np.unique(arrays["images"], axis=0)) == 10


def test_folder_and_sheet_hold_the_same_images(terminal, vae_run: Path) -> None:
    for out in ("s.npz", "folder", "s.png"):
        assert terminal("sample", vae_run, "--count", 6, "--out", out).status == 0
    with np.load("s.npz") as arrays:
        images = arrays["images"][..., 0]
    files = sorted(Path("folder").iterdir())
    assert [file.name for file in files] == [f"{i:04d}.png" for i in range(6)]
    for file, image in zip(files, images, strict=True):
        np.testing.assert_array_equal(pixels(file), image)
    sheet = pixels("s.png")  # 3 columns and 2 rows of tiles of 152 dots, 3 dots between
    assert sheet.shape == (2 * 155 - 3, 3 * 155 - 3, 3)
    np.testing.assert_array_equal(sheet[155 : 155 + 152 : 19, 155 : 155 + 152 : 19, 0], images[4])


def test_default_places_are_in_the_run(terminal, vae_run: Path) -> None:
    for command, name in (("sample", "samples.png"), ("reconstruct", "reconstructions.png")):
        result = json.loads(terminal(command, vae_run, "--json").out)
        assert Path(result["out"]) == vae_run / name
        assert pixels(vae_run / name).ndim == 3


def test_reconstructions_of_the_previews(terminal, vae_run: Path) -> None:
    result = json.loads(terminal("reconstruct", vae_run, "--count", 9, "--out", "r.npz", "--json").out)
    run = load_run(vae_run)
    x = run.previews.images[:9]
    expected = run.model.reconstruct(x)
    with np.load("r.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"][..., 0], np.rint(expected[:, 0].numpy() * 255))
    error = ((expected - x / 255) ** 2).mean().item()
    assert result["mean_squared_error"] == pytest.approx(error, rel=1e-5)


def test_originals_stand_at_the_left(terminal, vae_run: Path) -> None:
    terminal("reconstruct", vae_run, "--count", 1, "--out", "r.png")
    sheet = pixels("r.png")[::28, ::28, 0]  # tiles of 224 dots
    assert sheet.shape == (8, 16)
    np.testing.assert_array_equal(sheet[:, :8], load_run(vae_run).previews.images[0, 0].numpy())


def test_files_and_folders_are_read_as_the_same_images(terminal, vae_run: Path) -> None:
    previews = load_run(vae_run).previews.images[:3, 0].numpy()
    Path("my images").mkdir()
    names = ["my images/a 1.png", "my images/ä.png", "b.png"]
    for name, image in zip(names, previews, strict=True):
        Image.fromarray(image).save(name)
    given = terminal("reconstruct", vae_run, "my images", "b.png", "--out", "files.npz", "--json")
    terminal("reconstruct", vae_run, "--count", 3, "--out", "previews.npz")
    assert given.err == ""
    assert [Path(name) for name in json.loads(given.out)["names"]] == [Path(name) for name in names]
    with np.load("files.npz") as files, np.load("previews.npz") as own:
        np.testing.assert_array_equal(files["images"], own["images"])


def test_images_of_another_kind_are_converted_and_said(terminal, vae_run: Path) -> None:
    Image.new("RGB", (40, 30), "white").save("large.png")
    outcome = terminal("reconstruct", vae_run, "large.png", "--out", "r.png")
    assert outcome.status == 0
    assert "vaekit: note: 1 image brought to the run's 8x8 pixels (crop)" in outcome.errors
    assert (pixels("r.png")[:, :56] == 255).all()


def test_a_file_is_replaced_whole(terminal, vae_run: Path) -> None:
    Path("s.png").write_text("old", encoding="utf-8")
    terminal("sample", vae_run, "--out", "s.png")
    assert pixels("s.png").ndim == 3
    assert sorted(path.name for path in Path().iterdir()) == ["s.png", "vae"]


def test_folders_above_are_made(terminal, vae_run: Path) -> None:
    assert terminal("sample", vae_run, "--count", 2, "--out", "a/b/c").status == 0
    assert len(list(Path("a/b/c").iterdir())) == 2


@pytest.fixture
def table_run(terminal) -> tuple[Path, np.ndarray, list[str]]:
    """A VAE of rows in several units, one of them constant; the rows; and the commands that are said to follow."""
    rows = np.random.default_rng(0).normal(size=(120, 4)) * [1, 1e4, 1e-3, 0] + [0, 1e6, 0, 7]
    np.save("rows.npy", rows)
    words = ("--data", "rows.npy", "--pixels", "real", "--latent-dim", 2, "--steps", 5, "--out", "r")
    outcome = terminal("train", "vae", *words)
    assert outcome.status == 0, outcome.err
    return Path("r"), rows, [line[6:].strip() for line in outcome.out.splitlines() if " vaekit " in line]


def test_what_is_said_to_follow_works_on_a_table(
    terminal, table_run: tuple[Path, np.ndarray, list[str]]
) -> None:
    run, rows, following = table_run
    assert [line.split()[1] for line in following] == ["figures", "reconstruct", "sample"]
    for line in following:
        assert terminal(*line.split()[1:]).status == 0, line
    for command, name in (("sample", "samples.csv"), ("reconstruct", "reconstructions.csv")):
        lines = (run / name).read_text(encoding="utf-8").splitlines()
        found = np.array([[float(value) for value in line.split(",")] for line in lines[1:]])
        assert lines[0] == "x_0,x_1,x_2,x_3", command
        np.testing.assert_array_equal(found[:, 3], 7)
        assert (np.abs(found.mean(0) - rows.mean(0)) <= 1.5 * rows.std(0)).all()
    assert "in standard units" in terminal("reconstruct", run).out


def test_real_values_are_no_picture(terminal, table_run: tuple[Path, np.ndarray, list[str]]) -> None:
    for command in ("sample", "reconstruct"):
        for out in ("x.png", "folder"):
            outcome = terminal(command, table_run[0], "--out", out)
            assert outcome.status == 2
            assert outcome.err.count("\n") == 1
            assert ".npz" in outcome.err
        assert terminal(command, table_run[0], "--out", "x.npz").status == 0
        with np.load("x.npz") as arrays:
            assert arrays["images"].dtype == np.float64


def test_signals_leave_as_floats(terminal) -> None:
    waves = np.random.default_rng(0).normal(size=(60, 12, 100)).astype(np.float32)
    np.save("ecg.npy", waves)
    words = (
        "--data",
        "ecg.npy",
        "--pixels",
        "real",
        "--network",
        "mlp",
        "--width",
        8,
        "--steps",
        3,
        "--out",
        "e",
    )
    assert terminal("train", "vae", *words).status == 0
    for command in ("sample", "reconstruct"):
        assert terminal(command, "e").status == 0
    for name in ("samples", "reconstructions"):
        with np.load(f"e/{name}.npz") as arrays:
            assert arrays["images"].dtype == np.float32
            assert arrays["images"].min() < 0
    assert terminal("sample", "e", "--out", "e.png").status == 2


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_tiff_is_turned_once(terminal, vae_run: Path, orientation: int) -> None:
    upright = load_run(vae_run).previews.images[0, 0].numpy()
    Path("x.tif").write_bytes(tiff(stored_as(upright, orientation), "lzw", orientation=orientation))
    outcome = terminal("reconstruct", vae_run, "x.tif", "--out", "r.png")
    assert outcome.status == 0 and "1 image turned upright as the EXIF orientation says" in outcome.err
    np.testing.assert_array_equal(pixels("r.png")[::28, ::28, 0][:, :8], upright)
