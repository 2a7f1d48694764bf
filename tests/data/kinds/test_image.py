from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.data import load_data
from vaekit.data.kinds.image import parse_size, resized


@pytest.mark.parametrize(("text", "size"), [
    ("64", (64, 64)), (32, (32, 32)), ("48x64", (48, 64)), ("48X64", (48, 64)), (" 8 × 256 ", (8, 256)), (None, None),
])  # fmt: skip
def test_sizes(text, size):
    assert parse_size(text) == size


def test_constant_images_stay_constant_and_padding_is_zero():
    images = torch.full((2, 3, 20, 10), 77, dtype=torch.uint8)
    assert (resized(images, (16, 16), "crop") == 77).all()
    padded = resized(images, (16, 16), "pad")
    assert (padded[..., 4:12] == 77).all()  # 20x10 becomes 16x8 in the middle
    assert (padded[..., :4] == 0).all()
    assert (padded[..., 12:] == 0).all()


def test_crop_keeps_the_middle():
    row = torch.arange(30, dtype=torch.uint8).repeat(10, 1)[None, None]
    assert torch.equal(resized(row, (10, 10), "crop"), row[..., 10:20])
    column = row.transpose(2, 3)
    assert torch.equal(resized(column, (10, 10), "crop"), column[:, :, 10:20])


def test_agrees_with_pillow(grey):
    images = torch.from_numpy(grey)[:, None]
    ours = resized(images, (16, 21), "crop").numpy()
    for image, found in zip(grey, ours, strict=True):
        height, width = 6, 8  # of 9x8 the part with the aspect ratio of 16x21
        part = Image.fromarray(image[1 : 1 + height, :width])
        theirs = np.asarray(part.resize((21, 16), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(theirs - found[0]).max() <= 1


def test_shrinking_averages(grey):
    """Stripes of one pixel become their mean, not one of the two values."""
    stripes = torch.zeros(1, 1, 64, 64)
    stripes[..., ::2] = 1
    small = resized(stripes, (16, 16), "crop")
    assert (small[..., 2:-2] - 0.5).abs().max() < 0.02


def test_load_data_resizes_arrays(grey):
    data = load_data(grey.repeat(2, 1).repeat(2, 2), image_size="9x8")
    assert data.shape == (1, 9, 8)
    assert any("resized from 18x16 to 9x8" in note for note in data.notes)
