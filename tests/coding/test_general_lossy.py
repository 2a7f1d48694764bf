"""General coders with a loss: real bytes, read again by Pillow, and what lies between two of their points."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vaekit.coding.general_lossy import SCAN, general_points, measured, pays_after, size_at
from vaekit.runs.file_cost import Point


def pictures(channels: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (3, channels, 4, 4)).astype(np.uint8)
    return coarse.repeat(4, 2).repeat(4, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_points_are_those_of_files(channels: int) -> None:
    levels = pictures(channels)
    found = general_points(levels)
    assert {"WebP", "JPEG", SCAN} <= set(found)
    for points in found.values():
        assert [point.error for point in points] == sorted((point.error for point in points), reverse=True)
    sizes, errors = [], []
    for picture in levels:
        stream = io.BytesIO()
        image = Image.fromarray(picture.squeeze(0) if channels == 1 else np.moveaxis(picture, 0, 2))
        image.save(stream, "JPEG", quality=10, optimize=True)
        sizes.append(stream.tell())
        errors.append(((np.asarray(Image.open(stream), float) - np.asarray(image, float)) ** 2).mean())
    point = found["JPEG"][2]
    assert point.size == pytest.approx(np.mean(sizes)) and point.error == pytest.approx(
        np.mean(errors) / 255**2
    )
    assert 0 < found[SCAN][2].size < point.size - 100  # tables and header


def test_a_scan_begins_at_its_marker() -> None:
    size, scan, _ = measured(pictures(1)[:1], "JPEG", quality=50)
    stream = io.BytesIO()
    Image.fromarray(pictures(1)[0, 0]).save(stream, "JPEG", quality=50)
    content = stream.getvalue()
    assert size == len(content) and content[len(content) - int(scan) :][:2] == b"\xff\xda"


def test_other_channels_have_no_general_coder() -> None:
    assert general_points(np.zeros((1, 2, 8, 8), np.uint8)) == {}


def test_without_pillow_there_is_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.coding.general_lossy.find_spec", lambda name: None)
    assert general_points(pictures(3)) == {}


def test_sizes_between_points_lie_on_a_line_of_logarithms() -> None:
    points = [Point(400.0, 0.001), Point(100.0, 0.004), Point(200.0, 0.002)]
    assert size_at(points, 0.004) == pytest.approx(100)
    assert size_at(points, 0.002 * 2**0.5) == pytest.approx(100 * 2**0.5)
    assert size_at(points, 0.0009) is None and size_at(points, 0.005) is None and size_at([], 0.1) is None


def test_a_model_pays_after_so_many_pictures() -> None:
    assert pays_after(1000, 40, 90) == 20
    assert pays_after(1001, 40, 90) == 21
    assert pays_after(1000, 90, 90) is None
