"""Figures of codes and of samples beside training images."""

from __future__ import annotations

import torch

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
