"""The one view of the data: scaling, and binary images drawn from grey ones, always the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drawing import fixed_draw as drawn_by_hand
from vaekit.data.view import fixed_draw, mixed, show

WORD = 2**32


def grey(count: int, pixels: int = 64, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, pixels), generator=torch.Generator().manual_seed(seed)).to(
        torch.uint8
    )


def test_draws_are_those_of_the_definition() -> None:
    images = grey(5)
    wanted = torch.tensor([drawn_by_hand(row) for row in images.tolist()]).float()
    assert torch.equal(fixed_draw(images / 255), wanted)


def test_mixing_is_a_bijection_and_spreads() -> None:
    numbers = mixed(np.arange(200_000, dtype=np.uint32))
    assert len(np.unique(numbers)) == 200_000
    assert abs(numbers.mean() / WORD - 0.5) < 0.005


@pytest.mark.parametrize("level", [1, 13, 128, 200, 254])
def test_a_pixel_is_white_as_often_as_it_is_grey(level: int) -> None:
    """Over images that differ elsewhere; and whatever the other pixels are."""
    images = grey(40_000, 8)
    images[:, 3] = level
    white = show(images, "binary")[:, 3]
    share = level / 255
    assert abs(float(white.mean()) - share) < 4.5 * (share * (1 - share) / len(images)) ** 0.5


def test_pixels_are_independent() -> None:
    images = grey(40_000, 6)
    images[:, :4] = 128
    white = show(images, "binary")[:, :4].double()
    correlations = torch.corrcoef(white.T) - torch.eye(4)
    assert correlations.abs().max() < 4.5 / 40_000**0.5


def test_an_image_is_shown_alike_however_it_comes() -> None:
    images = grey(30).view(30, 1, 8, 8)
    shown = show(images, "binary")
    assert torch.equal(show(images.flip(0), "binary").flip(0), shown), "in any order"
    assert torch.equal(show(images[7:8], "binary"), shown[7:8]), "alone"
    assert torch.equal(show(images / 255, "binary"), shown), "as floats"
    assert torch.equal(show(shown, "binary"), shown), "when it has been shown already"
    assert set(shown.unique().tolist()) == {0.0, 1.0}


def test_other_pixels_are_scaled_and_nothing_else() -> None:
    images = grey(3)
    assert torch.equal(show(images, "8-bit"), images / 255)
    real = torch.randn(3, 5)
    assert torch.equal(show(real, "real"), real)


def test_no_global_random_number_is_used() -> None:
    state = torch.get_rng_state()
    show(grey(3), "binary")
    assert torch.equal(torch.get_rng_state(), state)
