"""Coders without a model side by side: what is printed is what they are, and JPEG XL is named whether it is there or not."""

from __future__ import annotations

import io

import codec  # pyright: ignore[reportMissingImports]
import general_coders  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest
from PIL import Image

from discs import pictures
from vaekit.coding import general_lossy, sums
from vaekit.coding.jpeg_xl import PLUGIN, has_jpeg_xl
from vaekit.coding.sums import general_sizes

LEVELS = pictures(9)[:, None]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that writes PNG under the name of JPEG XL, if there is none that writes JPEG XL."""

    def save(image: Image.Image, file: io.BytesIO, name: str | bytes) -> None:
        Image.SAVE["PNG"](image, file, name)

    for module in (sums, general_coders, general_lossy):
        monkeypatch.setattr(module, "has_jpeg_xl", lambda: True)
    Image.init()
    monkeypatch.setitem(Image.SAVE, "JXL", save)


def test_what_is_printed_is_what_coders_make(capsys: pytest.CaptureFixture[str]) -> None:
    general_coders.show(LEVELS, "8-bit")
    said = capsys.readouterr().out
    for name, size in general_sizes(LEVELS, "8-bit").items():
        assert f"{name:14} {8 * size / LEVELS.size:.4f} bits per value, {size / 9:.1f} bytes of each" in said
    assert "surroundings: every pixel restored" in said
    assert ("JPEG XL: not installed" in said) is not has_jpeg_xl()


@pytest.mark.usefixtures("plugin")
def test_jpeg_xl_stands_beside_the_others_where_it_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    general_coders.show(LEVELS, "8-bit")
    said = capsys.readouterr().out
    assert "JPEG XL files" in said and "JPEG XL sheet" in said and "not installed" not in said


def test_without_the_plugin_it_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (sums, general_coders, general_lossy):
        monkeypatch.setattr(module, "has_jpeg_xl", lambda: False)
    Image.init()
    monkeypatch.delitem(Image.SAVE, "JXL", raising=False)
    general_coders.show_lossy(LEVELS[:2], [0.001])
    said = capsys.readouterr().out
    assert general_coders.MISSING in said and "WebP: " in said and "between: at 0.001: " in said
    assert not any("JPEG XL" in name for name in general_sizes(LEVELS[:2], "8-bit"))


def test_a_plugin_that_cannot_be_imported_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    has_jpeg_xl.cache_clear()
    monkeypatch.setattr("vaekit.coding.jpeg_xl.find_spec", lambda name: True)
    monkeypatch.setitem(__import__("sys").modules, PLUGIN, None)
    assert not has_jpeg_xl()
    has_jpeg_xl.cache_clear()


def test_images_of_a_source_are_those_of_all_splits() -> None:
    levels, pixels = codec.of_source("digits", None, None)
    assert (levels.shape, pixels) == ((1797, 1, 8, 8), "8-bit")
    some, _ = codec.of_source("digits", None, 10)
    np.testing.assert_array_equal(some[[0, -1]], levels[[0, -1]])
    assert len(some) == 10
