"""Sprites against what is known of dSprites, and against another rasteriser."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.path import Path as Outline
from torch import Tensor

from vaekit.data.synthetic.sprites import COUNT, factors_of, outline, render_sprites

CENTRED = [15, 16]  # positions next to the middle of the image


def draw(shape: int = 0, scale: int = 5, turn: int = 0, x: int = 15, y: int = 15) -> Tensor:
    """One sprite, (64, 64), 0 and 1."""
    return render_sprites(torch.tensor([[shape, scale, turn, x, y]]))[0, 0] // 255


def test_index_order_is_that_of_the_original() -> None:
    """Shape slowest, then scale, orientation, x, y fastest: 3 x 6 x 40 x 32 x 32."""
    assert COUNT == 737_280 == 3 * 6 * 40 * 32 * 32
    numbers = torch.tensor([0, 1, 32, 1024, 40 * 1024, 6 * 40 * 1024, COUNT - 1])
    expected = [
        [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0],
        [2, 5, 39, 31, 31],
    ]  # fmt: skip
    assert factors_of(numbers).tolist() == expected


def test_every_pixel_is_where_another_rasteriser_puts_it() -> None:
    factors = factors_of(torch.randint(COUNT, (200,), generator=torch.Generator().manual_seed(0)))
    down, right = np.mgrid[0:64, 0:64] + 0.5
    for (shape, scale, turn, x, y), image in zip(factors.tolist(), render_sprites(factors), strict=True):
        dx, dy, angle = right - 16 - 32 * x / 31, down - 16 - 32 * y / 31, 2 * math.pi * turn / 39
        u = dx * math.cos(angle) - dy * math.sin(angle)
        v = dx * math.sin(angle) + dy * math.cos(angle)
        edge = Outline(outline(shape).numpy() * (0.5 + 0.1 * scale), closed=False)
        inside = edge.contains_points(np.stack([u, v], axis=-1).reshape(-1, 2)).reshape(64, 64)
        assert np.array_equal(inside * 255, image[0].numpy())


def test_a_square_is_where_its_sides_are() -> None:
    """Side 0.3 x 64 = 19.2 pixels about (16 + 32 x 15 / 31), worked out by hand: columns 22 to 40."""
    rows, columns = draw().nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (22, 40, 22, 40)
    assert draw().sum() == 19 * 19


@pytest.mark.parametrize("shape", range(3))
def test_orientation_0_and_39_are_the_same_and_no_others(shape: int) -> None:
    turns = torch.stack([draw(shape, turn=turn, x=20, y=9) for turn in range(40)])
    assert torch.equal(turns[0], turns[39])
    assert len(torch.unique(turns.flatten(1), dim=0)) == 39


@pytest.mark.parametrize(
    ("shape", "area"),
    [(0, 19.2**2), (1, 17 * math.sin(2 * math.pi / 34) * 12.8 * 7.25), (2, 224.08)],
)
def test_areas(shape: int, area: float) -> None:
    """Mean pixels over positions and turns; the heart's area, by integration of its curve, is 224.1.

    Its curve: |u| = 9.6 sin^3 t, height h(t); the area 2 int |u| dh.
    """
    t = torch.linspace(0, math.pi, 100_001, dtype=torch.float64)
    up = 10.6 / 16 * (13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()) + 1.45
    if shape == 2:
        area = float(2 * torch.trapezoid(9.6 * t.sin() ** 3, up).abs())
    for scale in (0, 2, 5):
        factors = torch.tensor([[shape, scale, k % 39, k % 32, 7 * k % 32] for k in range(1248)])
        mean = float((render_sprites(factors) > 0).flatten(1).sum(1).double().mean())
        assert mean == pytest.approx(area * (0.5 + 0.1 * scale) ** 2, rel=0.004)


@pytest.mark.parametrize("shape", range(3))
def test_mirrored(shape: int) -> None:
    """Every shape is symmetric about its upright axis: a mirror turns the other way."""
    for scale, turn, x, y in [(5, 0, 3, 8), (3, 7, 0, 31), (0, 30, 15, 15), (4, 13, 31, 2)]:
        mirrored = draw(shape, scale, 39 - turn, 31 - x, y)
        assert torch.equal(mirrored, draw(shape, scale, turn, x, y).flip(1))


@pytest.mark.parametrize("shape", [0, 1])
def test_upside_down(shape: int) -> None:
    """Squares and ellipses are the same after half a turn; the heart is not."""
    for scale, turn, x, y in [(5, 0, 3, 8), (3, 7, 0, 31), (4, 13, 31, 2)]:
        assert torch.equal(
            draw(shape, scale, turn, 31 - x, 31 - y), draw(shape, scale, turn, x, y).flip(0, 1)
        )
    assert not torch.equal(draw(2, 5, 0, 16, 16), draw(2, 5, 0, 15, 15).flip(0, 1))


def test_a_turn_is_counter_clockwise_and_the_heart_stands_on_its_tip() -> None:
    upright, turned = draw(2, 5, 0), draw(2, 5, 10)  # 10/39 of a turn: the tip comes to the right
    tip_row = int(upright.nonzero()[:, 0].max())
    assert upright[tip_row].sum() < 5 < upright[int(upright.nonzero()[:, 0].min()) + 3].sum()
    columns = turned.nonzero()[:, 1]
    assert turned[:, int(columns.max())].sum() < 5 < turned[:, int(columns.min()) + 3].sum()


def test_positions() -> None:
    """x goes right and y down: the middle of a sprite moves by 32/31 pixels."""
    for name in ("x", "y"):
        middles = [
            (draw(0, 2, 0, **{name: k}).nonzero().double() + 0.5).mean(0)[1 if name == "x" else 0].item()
            for k in range(32)
        ]
        assert np.allclose(middles, 16 + 32 * np.arange(32) / 31, atol=0.5)


def test_a_batch_is_its_images_one_by_one() -> None:
    factors = factors_of(torch.arange(5, COUNT, 59_999))
    alone = torch.cat([render_sprites(row[None]) for row in factors])
    assert torch.equal(render_sprites(factors), alone)
