"""Files of images and arrays, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.core import SettingError
from vaekit.runs.outputs import write_images


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
    features = torch.randn(4, 7)
    write_images(features, tmp_path / "f.npz", "real")
    with np.load(tmp_path / "f.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], features.numpy())
    for name in ("f.png", "folder"):
        with pytest.raises(SettingError, match=r"7 features, not images.*\.npz"):
            write_images(features, tmp_path / name, "real")
    assert [path.name for path in tmp_path.iterdir()] == ["f.npz"]
