from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit.data import load_data
from vaekit.data.pixels import STATIC_SEED, static_draw


def binary(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (count, 8, 8))


@pytest.mark.parametrize("array", [
    binary().astype(bool), binary().astype(np.uint8), (binary() * 255).astype(np.uint8), binary(),
    binary().astype(np.float32),
])  # fmt: skip
def test_two_values_are_taken_as_binary_and_said(array):
    data = load_data(array)
    assert data.pixels == "binary"
    assert any("taken as binary" in note for note in data.notes)
    total = sum(int(split.images.sum()) for split in data.splits.values())
    assert total == 255 * int(binary().sum())
    assert set(data.train.images.unique().tolist()) == {0, 255}


@pytest.mark.parametrize(("array", "kind"), [
    ((binary() * 200).astype(np.uint8), "8-bit"), ((binary() * 2).astype(np.uint8), "8-bit"),
    (binary() * 0.5, "unit"), (1 - binary() * 0.25, "unit"),
])  # fmt: skip
def test_other_pairs_of_values_are_not_binary(array, kind):
    assert load_data(array).pixels == kind


def test_8_bit_can_be_kept_or_scaled(grey):
    assert load_data((binary() * 255).astype(np.uint8), pixels="8-bit").pixels == "8-bit"
    data = load_data(grey, pixels="unit")
    assert torch.equal(data.train.images, load_data(grey).train.images.float() / 255)
    ones = load_data(binary().astype(bool), pixels="unit")
    assert set(ones.train.images.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_floats_that_are_bytes_become_bytes(scale, grey):
    floats = grey.astype(np.float64) * scale
    data = load_data(floats, pixels="8-bit")
    assert data.train.images.dtype == torch.uint8
    found = sorted(image.numpy().tobytes() for split in data.splits.values() for image in split.images)
    assert found == sorted(image.tobytes() for image in grey)


def test_dynamic_keeps_the_grey_images(grey):
    data = load_data(grey, binarize="dynamic")
    assert (data.pixels, data.dynamic) == ("binary", True)
    assert torch.equal(data.train.images, load_data(grey).train.images)


@pytest.mark.parametrize("floats", [False, True])
def test_static_draw_has_the_grey_levels_as_means(floats):
    levels = torch.tensor([0, 1, 60, 128, 254, 255], dtype=torch.uint8)
    count = 30_000
    grey = levels.repeat(count, 1)
    drawn = static_draw(grey / 255 if floats else grey, np.random.PCG64(STATIC_SEED))
    assert set(drawn.unique().tolist()) == {0, 255}
    expected = levels.double() / 255
    error = (expected * (1 - expected) / count).sqrt()
    assert ((drawn.double().mean(0) / 255 - expected).abs() <= 4.5 * error).all()
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, -1] == 255).all()


def test_static_draw_is_the_one_that_its_definition_gives():
    """Compares with plain Python on the raw numbers of PCG64: image by image, four of 16 bits each."""
    grey = torch.arange(0, 250, 10, dtype=torch.uint8).reshape(5, 5)
    source = np.random.PCG64(STATIC_SEED)
    expected = []
    for row in grey.tolist():
        raw = [int(source.random_raw()) for _ in range(2)]
        noise = [(number >> shift) & 0xFFFF for number in raw for shift in (0, 16, 32, 48)]
        expected.append([255 if n < round(x * 65536 / 255) else 0 for n, x in zip(noise, row, strict=False)])
    assert static_draw(grey, np.random.PCG64(STATIC_SEED)).tolist() == expected


def test_static_draw_does_not_depend_on_the_chunks(monkeypatch, grey):
    images = torch.from_numpy(grey)
    whole = static_draw(images, np.random.PCG64(1))
    monkeypatch.setattr("vaekit.data.cache.AT_ONCE", 200)
    assert torch.equal(static_draw(images, np.random.PCG64(1)), whole)


def test_static_draw_belongs_to_the_image_not_to_the_split(grey):
    first = load_data(grey, binarize="static")
    other = load_data(grey, binarize="static", validation=0)
    assert any("not Larochelle's" in note for note in first.notes)
    kept = {
        image.numpy().tobytes() for name in ("train", "validation") for image in first.splits[name].images
    }
    assert kept == {image.numpy().tobytes() for image in other.train.images}
    assert torch.equal(first.test.images, other.test.images)


def test_a_binary_set_that_is_resized_becomes_grey_and_says_so():
    data = load_data((binary() * 255).astype(np.uint8), image_size=12)
    assert data.pixels == "8-bit"
    assert any("made binary images grey" in note for note in data.notes)


@pytest.mark.parametrize(("values", "said"), [
    (lambda a: a // 16, "no value is above 15, of 255 for white"), (lambda a: (a // 16).astype(np.int64), "above 15, of 255"),
    (lambda a: a / 255 * 1e-9, "above 1e-09, of 1 for white"), (lambda a: a / 255 * 0.12, "above 0.12, of 1"),
    (lambda a: a // 7, None), (lambda a: a, None), (lambda a: a / 255, None),
])  # fmt: skip
def test_a_set_in_which_nothing_is_near_white_is_said(grey, values, said):
    """As scikit-learn's own digits, 0 to 16: taken as they are, and never in silence."""
    images = values(grey)
    images.flat[0] = images.dtype.type(images.max())
    notes = [note for note in load_data(images).notes if "for white" in note]
    assert len(notes) == (said is not None) and all(said in note for note in notes)
    assert not [note for note in load_data(images, pixels="real").notes if "for white" in note]


def test_the_same_of_pictures_in_a_folder(tmp_path, grey):
    from PIL import Image

    for number, image in enumerate(grey[:12]):
        Image.fromarray(image // 16).save(tmp_path / f"{number}.png")
    assert any("no value is above 15, of 255 for white" in note for note in load_data(tmp_path).notes)
