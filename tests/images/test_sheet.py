"""Sheets of many images, taken apart again."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.images.sheet import contact_sheet, plain_sheet
from vaekit.images.tile import GAP


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_a_contact_sheet_holds_every_image_enlarged() -> None:
    images = torch.rand(5, 1, 4, 6, generator=torch.Generator().manual_seed(0))
    sheet = pixels(contact_sheet(images, columns=3, scale=2))
    assert sheet.shape == (2 * (8 + GAP) - GAP, 3 * (12 + GAP) - GAP, 3)
    for number, image in enumerate(images):
        top, left = number // 3 * (8 + GAP), number % 3 * (12 + GAP)
        shown = sheet[top : top + 8 : 2, left : left + 12 : 2, 0]
        np.testing.assert_array_equal(shown, np.rint(image[0].numpy() * 255))
    assert (sheet[8 + GAP :, 2 * (12 + GAP) :] == 255).all()  # no sixth image


def test_a_sheet_is_about_square_by_itself() -> None:
    sheet = pixels(contact_sheet(torch.rand(64, 3, 8, 8)))
    assert abs(sheet.shape[0] / sheet.shape[1] - 1) < 0.05


@pytest.mark.parametrize(
    ("count", "side", "dots"), [(1, 8, 224), (2, 28, 224), (4, 8, 112), (64, 28, 56), (1, 300, 300)]
)
def test_few_images_are_large(count: int, side: int, dots: int) -> None:
    sheet = pixels(contact_sheet(torch.rand(count, 1, side, side), columns=count))
    assert sheet.shape == (dots, count * (dots + GAP) - GAP, 3)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_plain_sheet_can_be_cut_up_again(channels: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (7, channels, 3, 5)).astype(np.uint8)
    sheet = pixels(plain_sheet(levels, 4)).reshape(6, 20, -1)
    for number, image in enumerate(levels):
        top, left = number // 4 * 3, number % 4 * 5
        cut = sheet[top : top + 3, left : left + 5, :channels]
        np.testing.assert_array_equal(cut, image.transpose(1, 2, 0))
    assert (sheet[3:, 15:] == 0)[..., : min(3, channels)].all()
