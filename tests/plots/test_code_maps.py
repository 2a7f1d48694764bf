"""Figures of codes and of samples beside training images."""

from __future__ import annotations

import numpy as np
import torch

from pictures import row_beside
from vaekit.plots import code_maps as codes


def test_the_nearest_training_image_is_found() -> None:
    torch.manual_seed(0)
    training = (255 * torch.rand(300, 1, 5, 4)).to(torch.uint8)
    queries = torch.rand(7, 1, 5, 4)
    queries[3] = training[250] / 255
    found, squares = codes.nearest_images(queries, training)
    distances = torch.cdist(queries.flatten(1).double(), training.flatten(1).double() / 255)
    torch.testing.assert_close(found, training[distances.argmin(1)] / 255)
    torch.testing.assert_close(squares.double(), distances.min(1).values.square(), rtol=1e-4, atol=1e-5)


def test_usage_says_how_many_codes_occur() -> None:
    figure = codes.code_usage(torch.tensor([2, 0, 6, 0, 0]))
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == [0.75, 0.25, 0, 0, 0]
    assert "2 of 5 codes" in " ".join(text.get_text() for text in figure.texts)


def test_a_code_has_one_colour() -> None:
    grid = torch.tensor([[[0, 1], [1, 0]]]).repeat(2, 1, 1)
    images = torch.zeros(2, 1, 4, 4)
    picture = codes.code_maps(images, images, grid).axes[0].images[0].get_array()
    colours = {tuple(c) for row in picture.tolist() for c in row}
    assert len(colours - {(0, 0, 0), (208, 208, 208), (255, 255, 255)}) == 2


def test_a_temperature_stands_beside_its_samples() -> None:
    rows = {t: torch.full((3, 1, 4, 4), grey) for t, grey in ((0.5, 0.1), (1.0, 0.6), (1.2, 0.9))}
    figure = codes.by_temperature(rows)
    picture = np.asarray(figure.axes[0].images[0].get_array())
    found = {t: round(picture[row_beside(figure, f"{t:g}"), 5, 0] / 255, 1) for t in rows}
    assert found == {0.5: 0.1, 1.0: 0.6, 1.2: 0.9}


def test_images_their_codes_and_what_is_decoded_stand_beside_their_names() -> None:
    grid = torch.zeros(2, 2, 2, dtype=torch.int64)
    figure = codes.code_maps(torch.full((2, 1, 4, 4), 0.2), torch.full((2, 1, 4, 4), 0.7), grid)
    picture = np.asarray(figure.axes[0].images[0].get_array())
    greys = {name: picture[row_beside(figure, name), 5] for name in ("image", "codes", "decoded")}
    assert greys["image"].tolist() == [51] * 3
    assert np.abs(greys["decoded"].astype(int) - 178.5).max() <= 0.5
    assert len(set(greys["codes"].tolist())) > 1, "a colour"
