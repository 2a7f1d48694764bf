from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.core import SettingError
from vaekit.images import tile as tiles
from vaekit.plots import grids
from vaekit.plots.draw import png


def rendered(figure) -> np.ndarray:
    """The figure's PNG as uint8 (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(png(figure))).convert("RGB"))


def find(picture: np.ndarray, page: np.ndarray) -> tuple[int, int]:
    """Where a picture stands on a page, dot for dot."""
    height, width, _ = picture.shape
    for top in range(page.shape[0] - height + 1):
        for left in range(page.shape[1] - width + 1):
            if (page[top, left] == picture[0, 0]).all() and (
                page[top : top + height, left : left + width] == picture
            ).all():
                return top, left
    raise AssertionError("the picture is not on the page as it is")


@pytest.mark.parametrize(
    ("channels", "color"),
    [
        ([0.2], (51, 51, 51)),
        ([0.2, 0.6], (51, 153, 51)),  # magenta and green
        ([0.2, 0.4, 0.6], (51, 102, 153)),
        ([1.0, 0.0, 0.0, 0.2], (255, 204, 204)),  # a fifth of red on white
        ([7.0], (255, 255, 255)),
        ([-1.0], (0, 0, 0)),
    ],
)
def test_colors_of_one_to_four_channels(channels, color):
    images = torch.tensor(channels).reshape(1, -1, 1, 1).expand(2, -1, 3, 5)
    assert (tiles.to_rgb(images) == np.array(color)).all()


def test_five_channels_are_refused():
    with pytest.raises(SettingError, match="C from 1 to 4"):
        tiles.to_rgb(torch.zeros(1, 5, 2, 2))


def test_tiles_gap_enlargement_and_order():
    images = torch.tensor([[[[0, 51, 102]]], [[[153, 204, 255]]], [[[10, 20, 30]]]]) / 255  # three of 1 x 3
    a, b, c = [0, 0, 51, 51, 102, 102], [153, 153, 204, 204, 255, 255], [10, 10, 20, 20, 30, 30]
    gap = [tiles.GAP_GREY]
    expected = [a + gap + b, a + gap + b, gap * 13, c + [255] * 7, c + [255] * 7]
    drawn = tiles.tile(images, columns=2, scale=2, gap=1)
    assert (drawn == np.array(expected)[..., None]).all()


def test_every_pixel_of_a_page_is_the_tiles_own():
    images = torch.rand(6, 3, 5, 9, generator=torch.Generator().manual_seed(0))
    figure = grids.samples(images, columns=4)
    place = grids.fit(images.shape, 4, 2)
    assert place.scale > 1
    picture = tiles.tile(images, 4, place.scale)
    find(picture, rendered(figure))
    one = picture[: 5 * place.scale : place.scale, : 9 * place.scale : place.scale]
    assert (one == np.rint(images[0].permute(1, 2, 0).numpy() * 255)).all()


@pytest.mark.parametrize("grey", [0.5, 0.1])
def test_brightness_is_never_rescaled(grey):
    page = rendered(grids.samples(torch.full((4, 1, 8, 8), grey), columns=2))
    scale = grids.fit((8, 8), 2, 2).scale
    assert (page == round(grey * 255)).all(-1).sum() >= 4 * (8 * scale) ** 2


def test_best_median_and_worst_are_shown_with_their_errors():
    originals = torch.zeros(30, 1, 4, 4)
    shuffled = torch.randperm(30, generator=torch.Generator().manual_seed(1)) / 100.0
    rebuilt = shuffled.reshape(-1, 1, 1, 1).expand_as(originals)  # squared error of an image: (k / 100)^2
    figure = grids.reconstructions(originals, rebuilt, columns=2)
    picture = np.asarray(figure.axes[0].images[0].get_array())
    place = grids.fit((4, 4), 2, 6)
    rows = [2 * band * place.pitch[0] + place.pitch[0] + band * (grids.BAND - tiles.GAP) for band in range(3)]
    shown = [[round(int(picture[y, x, 0]) / 2.55) for x in (0, place.pitch[1])] for y in rows]
    assert shown == [[0, 1], [14, 15], [28, 29]]
    texts = [text.get_text() for text in figure.texts]
    assert "worst\n0.078 – 0.084" in texts
    assert "30 images" in " ".join(texts)


def test_first_images_in_their_order():
    images = torch.linspace(0, 1, 12).reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4)
    figure = grids.reconstructions(images, 1 - images, choose="first", columns=3)
    picture, place = np.asarray(figure.axes[0].images[0].get_array()), grids.fit((4, 4), 3, 6)
    assert [int(picture[0, i * place.pitch[1], 0]) for i in range(3)] == [0, 23, 46]
    assert [int(picture[place.pitch[0], i * place.pitch[1], 0]) for i in range(3)] == [255, 232, 209]


def test_pages_are_as_wide_as_print_allows():
    for shape in [(1, 8, 8), (1, 28, 28), (3, 37, 53), (3, 64, 64), (3, 100, 20)]:
        figure = grids.samples(torch.zeros(80, *shape))
        assert figure.get_figwidth() <= 7.0
        assert min(text.get_fontsize() for text in figure.texts) >= 7
