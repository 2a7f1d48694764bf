"""Files of images and arrays, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.core import SettingError
from vaekit.runs.outputs import check_out, usual_file, write_images


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_number_of_channels(tmp_path: Path, channels: int) -> None:
    images = torch.arange(3 * channels * 8 * 9).reshape(3, channels, 8, 9) / (3 * channels * 72)
    labels = torch.tensor([2, 0, 1])
    write_images(images, tmp_path / "i.npz", "8-bit", labels)
    write_images(images, tmp_path / "folder", "8-bit")
    with np.load(tmp_path / "i.npz") as arrays:
        expected = np.rint(images.permute(0, 2, 3, 1).numpy() * 255)
        np.testing.assert_array_equal(arrays["images"], expected)
        np.testing.assert_array_equal(arrays["labels"], [2, 0, 1])
    first = pixels(tmp_path / "folder" / "0000.png")
    if channels == 2:  # shown as magenta and green
        expected = expected[..., [0, 1, 0]]
    np.testing.assert_array_equal(first, expected[0].squeeze())


def test_features_are_no_pictures(tmp_path: Path) -> None:
    features = torch.randn(4, 7, dtype=torch.float64)
    write_images(features, tmp_path / "f.npz", "real", torch.arange(4))
    write_images(features, tmp_path / "f.csv", "real", torch.arange(4))
    with np.load(tmp_path / "f.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], features.numpy())
    lines = (tmp_path / "f.csv").read_text().splitlines()
    assert lines[0] == "label,x_0,x_1,x_2,x_3,x_4,x_5,x_6"
    rows = np.array([[float(value) for value in line.split(",")] for line in lines[1:]])
    np.testing.assert_array_equal(rows[:, 0], range(4))
    np.testing.assert_array_equal(rows[:, 1:], features.numpy())  # all digits
    for name in ("f.png", "folder"):
        with pytest.raises(
            SettingError, match=r"7 features, not images; write them to a \.npz, \.npy, \.csv or \.parquet\.$"
        ):
            write_images(features, tmp_path / name, "real")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.csv", "f.npz"]


def test_real_images_stay_floats(tmp_path: Path) -> None:
    """As many axes as pictures have, but no brightness: nothing is clamped, and no picture is drawn of it."""
    signals = 300 * torch.randn(4, 1, 12, 10)
    write_images(signals, tmp_path / "s.npz", "real")
    with np.load(tmp_path / "s.npz") as arrays:
        assert arrays["images"].dtype == np.float32
        np.testing.assert_array_equal(arrays["images"][..., 0], signals[:, 0].numpy())
    for name, reason in (("s.png", "real numbers"), ("folder", "real numbers")):
        with pytest.raises(
            SettingError, match=rf"{reason}.*; write them to a \.npz, \.npy, \.csv or \.parquet\.$"
        ):
            write_images(signals, tmp_path / name, "real")


@pytest.mark.parametrize(
    ("shape", "kind", "ending"),
    [((7,), "real", ".csv"), ((7,), "unit", ".csv"), ((1, 12, 10), "real", ".npz"), ((1, 8, 8), "unit", ".png"),
     ((5, 8, 8), "8-bit", ".npz")],
)  # fmt: skip
def test_the_usual_file_can_hold_what_goes_there(
    tmp_path: Path, shape: tuple[int, ...], kind: str, ending: str
) -> None:
    assert usual_file(shape, kind) == ending
    write_images(torch.rand(3, *shape), tmp_path / f"made{ending}", kind)


VALUES = np.random.default_rng(0).normal(size=(5, 2, 3, 4)) * 300


@pytest.mark.parametrize("shape", [(24,), (1, 12, 2), (6, 2, 2), (2, 3, 4)])
@pytest.mark.parametrize("ending", [".npz", ".npy", ".csv", ".parquet"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_real_values_leave_as_they_are(
    tmp_path: Path, shape: tuple[int, ...], ending: str, kind: torch.dtype
) -> None:
    """Whatever their axes; in a table as many columns as values, height before width before channels."""
    images = torch.from_numpy(VALUES).reshape(5, *shape).to(kind)
    path = tmp_path / f"v{ending}"
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    write_images(images, path, "real", torch.tensor([0, 1, 1, 0, 1]), class_names=["ill", "well"])
    expected = images.numpy() if len(shape) == 1 else np.moveaxis(images.numpy(), 1, -1)
    words = ["ill", "well", "well", "ill", "well"]
    if ending == ".npz":
        with np.load(path) as arrays:
            np.testing.assert_array_equal(arrays["images"], expected, strict=True)
            assert [arrays["class_names"][k] for k in arrays["labels"]] == words
    elif ending == ".npy":
        np.testing.assert_array_equal(np.load(path), expected, strict=True)
    elif ending == ".csv":
        lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        assert lines[0] == ["label", *(f"x_{d}" for d in range(24))]
        assert [line[0] for line in lines[1:]] == words
        found = np.array([[float(value) for value in line[1:]] for line in lines[1:]])
        np.testing.assert_array_equal(found, expected.reshape(5, -1))
    else:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]

        table = parquet.read_table(path)
        assert table["label"].to_pylist() == words
        found = np.stack([table[f"x_{d}"].to_numpy() for d in range(24)], 1)
        np.testing.assert_array_equal(found, expected.reshape(5, -1), strict=True)


def test_pictures_in_tables_are_levels(tmp_path: Path) -> None:
    write_images(torch.tensor([[[[0.0, 0.2], [0.4, 1.0]]]]), tmp_path / "p.csv", "unit")
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == "x_0,x_1,x_2,x_3\n0,51,102,255\n"


def test_a_table_whose_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.runs.array_files.find_spec", lambda name: None)
    with pytest.raises(SettingError, match="needs pyarrow: pip install pyarrow"):
        check_out(tmp_path / "a.parquet", (".parquet",))
