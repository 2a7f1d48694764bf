"""Shapes that probably mean something else: one line with the likely meaning."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaekit
from vaekit import DataError, load_data
from vaekit.data.for_models import load_for


def array(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("shape", "words"), [
    ((64, 64, 3), "looks like one picture of 64x64 with 3 channels"), ((48, 60, 4), "one picture of 48x60 with 4"),
    ((60, 1, 100), "60 rows of 100 values: array.reshape(60, 100)"), ((60, 784, 1), "array.reshape(60, 784)"),
    ((28, 28, 1000), "if it is 1,000 images of 28x28"), ((30, 40, 500), "if it is 500 images of 30x40"),
    ((3, 64, 64), "if it is one picture of 3 channels"), ((1, 64, 64), "if it is one picture of 1 channel,"),
    ((32, 32, 3, 500), "(H, W, C, N): array.transpose(3, 2, 0, 1)"), ((3, 500, 32, 32), "(C, N, H, W): array.transpose(1, 0, 2, 3)"),
    ((900, 100, 2), "900 signals of 100 steps and 2 channels: array.reshape(900, 200)"),
    ((20, 8, 8, 8, 1), "volumes or films"), ((100,), "one row"), ((), "a single number"),
])  # fmt: skip
def test_refusals_say_the_likely_meaning(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(array(*shape))
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("shape", "options", "words"), [
    ((16, 16, 40), {}, "is taken as 16 images of 16x40; if it is 40 images of 16x16"),
    ((64, 64), {}, "is taken as 64 rows of 64 values; if it is one picture"),
    ((48, 64), {}, "is taken as 48 rows of 64 values; if it is one picture"),
    ((28, 28, 1000), {"image_size": 32}, "if it is 1,000 images of 28x28"),
])  # fmt: skip
def test_doubts_are_noted(shape: tuple[int, ...], options: dict[str, Any], words: str) -> None:
    assert any(words in note for note in load_data(array(*shape), **options).notes)


@pytest.mark.parametrize(("shape", "options"), [
    ((40, 16, 16), {}), ((200, 64), {}), ((64, 64), {"pixels": "real"}), ((16, 16, 40), {"layout": "NHW"}), ((30, 9, 8, 3), {}),
])  # fmt: skip
def test_usual_shapes_raise_no_doubt(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    assert not [note for note in load_data(array(*shape), **options).notes if "is taken as" in note]


@pytest.mark.parametrize("values", [
    np.linspace(1e38, 1e40, 400).reshape(40, 10), np.full((40, 10), -1e39), np.full((40, 10), 1e300),
])  # fmt: skip
def test_no_float_becomes_infinite(values: np.ndarray) -> None:
    """float64 stays float64 as features; as pixels, which are float32, it is refused."""
    with pytest.raises(DataError, match=r"image \d+ has values beyond 3.4e\+38"):
        load_data(values, pixels="unit")
    values = values + np.random.default_rng(0).normal(size=(40, 10)) * abs(values) / 10
    for kept in (load_data(values), load_data(values, pixels="real")):
        assert all(bool(split.images.isfinite().all()) for split in kept.splits.values())


def test_long_doubles_beyond_float64() -> None:
    values = np.full((40, 10), 2.0, np.longdouble) ** np.arange(2000, 2010)
    if np.isinf(values).any():
        pytest.skip("long doubles are float64 here")
    with pytest.raises(DataError, match=r"beyond 1.8e\+308"):
        load_data(values, pixels="real")


def test_a_rounding_error_is_no_other_scale() -> None:
    values = np.random.default_rng(0).random((40, 8, 8), dtype=np.float32)
    values[3, 2, 1], values[4, 2, 1] = np.float32(1.0000002), np.float32(-1e-7)
    data = load_data(values)
    assert data.pixels == "unit"
    assert max(float(s.images.max()) for s in data.splits.values()) == 1
    assert min(float(s.images.min()) for s in data.splits.values()) == 0
    assert any("rounding errors" in note and "1.0000002" in note for note in data.notes)
    values[3, 2, 1] = 1.01
    with pytest.raises(DataError, match=r"values from -1e-07 to 1\.01"):
        load_data(values)


def test_rows_that_are_taken_as_pixels_are_said() -> None:
    grey = np.random.default_rng(0).random((60, 64))
    assert any("pixels='real' makes them features" in note for note in load_data(grey).notes)
    assert not any("features" in note for note in load_data(grey, pixels="unit").notes)


REAL = "columns in units of their own: taken as real values (pixels='real')"
DIGITS = "64 columns of whole numbers 0 to 255: taken as 8-bit pixels (pixels='8-bit')"
draws = np.random.default_rng(0)


@pytest.mark.parametrize(("values", "kind", "note"), [
    (draws.normal(5, 3, (60, 9)), "real", REAL),
    (draws.normal(5, 3, (60, 9)).astype(np.float16), "real", REAL),
    (draws.random((60, 9)), "real", REAL),
    (draws.random((60, 9)) * 1e-6, "real", REAL),
    (draws.integers(0, 2, (60, 9)).astype(float), "binary", "all values are 0 or 1: taken as binary"),
    (draws.integers(0, 200, (60, 9)), "real", REAL),  # counts, and no picture
    (draws.integers(-5, 70_000, (60, 9)), "real", REAL),
    (draws.integers(0, 17, (60, 64)).astype(float), "real", REAL),
    (draws.integers(0, 256, (60, 64)).astype(float), "8-bit", DIGITS),
    (draws.integers(0, 256, (60, 64)), "8-bit", DIGITS),
])  # fmt: skip
def test_rows_are_of_one_kind_by_every_door(values: np.ndarray, kind: str, note: str, tmp_path: Path) -> None:
    """An array, a tensor, .npy, .npz and a table of the same numbers: none asks for more than another."""
    np.save(tmp_path / "rows.npy", values)
    np.savez(tmp_path / "rows.npz", images=values)
    lines = [",".join(f"c{i}" for i in range(values.shape[1]))]
    lines += [",".join(map(repr, row)) for row in values.astype(float).tolist()]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    doors: list[Any] = [
        values,
        torch.from_numpy(values),
        *(tmp_path / f"rows.{end}" for end in ("npy", "npz", "csv")),
    ]
    for door in doors:
        data = load_data(door)
        assert data.pixels == kind and note in data.notes, door
        assert len(data.train) + len(data.validation) + len(data.test) == 60


@pytest.mark.parametrize(("trained", "asked"), [
    (draws.normal(5, 3, (60, 9)), draws.random((3, 9))), (draws.normal(5, 3, (60, 9)), draws.integers(0, 2, (3, 9))),
    (draws.random((60, 64)), draws.random((3, 64)) * 1e-3), (draws.integers(0, 2, (60, 9)), np.ones((3, 9))),
])  # fmt: skip
def test_rows_for_a_trained_model_are_what_the_model_takes(
    trained: np.ndarray, asked: np.ndarray, tmp_path: Path
) -> None:
    """Whatever the few of them would be taken for by themselves, and without a word about it."""
    with pytest.warns(vaekit.core.VaekitWarning):
        vaekit.train("vae", trained, out=tmp_path / "run", steps=2, latent_dim=2, progress=False)
    run = vaekit.load_run(tmp_path / "run")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run.load_data(asked)
    assert found.pixels == run.model.pixels == load_data(trained).pixels
    assert np.array_equal(run.model.embed(asked), run.model.embed(torch.from_numpy(asked)).numpy())


def test_rows_are_what_a_model_that_was_made_by_hand_takes() -> None:
    shares, units = draws.random((60, 9), np.float32), draws.normal(5, 3, (60, 9))
    assert load_for("8-bit", shares).pixels == "unit" and load_for("real", shares).pixels == "real"
    model = vaekit.VAE((9,), 2, seed=0)
    vaekit.fit(model, vaekit.ELBO(), shares, steps=2, progress=False)
    refused = pytest.raises(vaekit.core.SettingError, match="make it with pixels='real'")
    with pytest.warns(vaekit.core.VaekitWarning, match="real values"), refused:
        vaekit.fit(model, vaekit.ELBO(), units, steps=2, progress=False)


def test_splits_of_rows_are_of_one_kind() -> None:
    train, test = draws.normal(5, 3, (60, 9)), draws.random((20, 9))
    data = load_data({"train": train, "test": test})
    assert data.pixels == "real" and len(data.test) == 20
    assert torch.equal(data.test.images, torch.from_numpy(test).to(data.test.images.dtype))


def test_a_value_of_a_table_that_is_no_number_has_a_row_and_a_column() -> None:
    for value, word in ((np.nan, "NaN"), (-np.inf, "infinite values")):
        values = np.random.default_rng(0).normal(size=(40, 10))
        values[7, 3] = value
        with pytest.raises(DataError, match=f"{word} in row 7, column 3; remove or repair such rows"):
            load_data(values, pixels="real")
