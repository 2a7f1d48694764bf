"""dSprites (Matthey et al. 2017), drawn again from a closed form fitted to its published frames.

A shape is a polygon without antialiasing: a pixel is 1 if its centre, at (column + 0.5, row + 0.5), is
inside. Where the boundary crosses each row is computed once for all shapes, sizes, turns and heights; an
image is then looked up row by row, since a row of 64 pixels is 1 between its crossings.

The form, its fit (272 of 320 frames exact, 4 pixels wrong in the worst) and its limits: docs/disentanglement.md.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from vaekit.data.dataset import Factor

SIZE = 64  # pixels per side

REACH = 32  # rows about the centre that a sprite may touch

CROSSINGS = 4  # of a row with the boundary, at most: the heart has one notch

FACTORS = (
    Factor("shape", 3, ordered=False),  # square, ellipse, heart
    Factor("scale", 6),  # 0.5 to 1
    Factor("orientation", 40),  # 0 to 2 pi, both included: 39 is 0 again; counter-clockwise
    Factor("position x", 32),  # 16 to 48 pixels from the left
    Factor("position y", 32),  # 16 to 48 pixels from the top
)

SHAPES = ("square", "ellipse", "heart")

COUNT = math.prod(factor.values or 0 for factor in FACTORS)  # 737,280


def factors_of(indices: Tensor) -> Tensor:
    """Factor values (N, 5) of image numbers (N,), in the order of dSprites: the last factor fastest."""
    values = []
    for factor in reversed(FACTORS):
        assert factor.values is not None
        values.append(indices % factor.values)
        indices = indices // factor.values
    return torch.stack(values[::-1], dim=1)


def render_sprites(factors: Tensor) -> Tensor:
    """Images of some factors, (N, 1, 64, 64) uint8, 0 and 255.

    Args:
        factors: (N, 5) whole numbers, in the order of FACTORS.
    """
    return torch.cat([_drawn(part) for part in factors.long().cpu().split(1024)])


def outline(shape: int) -> Tensor:
    """Corners (V, 2) of a sprite of scale 1 at orientation 0: x right, y down, from its centre, in pixels."""
    if shape == 0:
        return torch.tensor([[-9.6, -9.6], [9.6, -9.6], [9.6, 9.6], [-9.6, 9.6]], dtype=torch.float64)
    if shape == 1:
        t = torch.arange(34, dtype=torch.float64) * (2 * math.pi / 34)
        return torch.stack([12.8 * t.cos(), 7.25 * t.sin()], dim=1)
    t = torch.arange(120, dtype=torch.float64) * (2 * math.pi / 120)
    up = 10.6 / 16 * (13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()) + 1.45
    return torch.stack([9.6 * t.sin() ** 3, -up], dim=1)


def _drawn(factors: Tensor) -> Tensor:
    shape, scale, turn, x, y = factors.T
    crossings, first = _crossings()
    spans = crossings[shape, scale, turn % 39, y]  # (N, REACH, CROSSINGS)
    columns = torch.ceil(spans + (16 + 32 * x.double() / 31 - 0.5)[:, None, None]).clamp_(0, SIZE).long()
    pairs = columns[..., 0::2] * (SIZE + 1) + columns[..., 1::2]
    rows = _rows()
    inside = rows[pairs[..., 0]]
    hearts = (shape == 2).nonzero()[:, 0]
    inside[hearts] ^= rows[pairs[hearts][..., 1]]
    images = torch.zeros(len(factors), SIZE, SIZE // 8, dtype=torch.int64)
    places = first[y][:, None] + torch.arange(REACH)
    images.scatter_(1, places[..., None].expand(-1, -1, SIZE // 8), inside)
    return images.view(torch.uint8)[:, None]


@cache
def _rows() -> Tensor:
    """Row a * 65 + b: 64 pixels, 255 from column a to before b, as 8 int64 of 8 pixels each."""
    column = torch.arange(SIZE)
    edge = torch.arange(SIZE + 1)[:, None]
    begun = column >= edge  # (65, 64)
    pixels = (begun[:, None] & ~begun[None]).to(torch.uint8) * 255
    return pixels.view(torch.int64).flatten(0, 1).contiguous()


@cache
def _crossings() -> tuple[Tensor, Tensor]:
    """Computes where rows cross the boundaries, from the centre: (3, 6, 39, 32, REACH, CROSSINGS), rising, in
    pixels to the right, inf where there are fewer; and the first of the REACH rows of each y, (32,).
    """
    centre = 16 + 32 * torch.arange(32, dtype=torch.float64) / 31
    first = (centre - REACH / 2).round().long()
    heights = first[:, None] + torch.arange(REACH) + 0.5 - centre[:, None]  # (32, REACH)
    tables = [_crossed(outline(shape), heights.flatten()) for shape in range(3)]
    return torch.stack(tables).unflatten(3, (32, REACH)), first


def _crossed(corners: Tensor, heights: Tensor) -> Tensor:
    """Crossings of lines at some heights (R,) with a polygon in all sizes and turns, (6, 39, R, CROSSINGS)."""
    scales = 0.5 + torch.arange(6, dtype=torch.float64) / 10
    angle = torch.arange(39, dtype=torch.float64) * (2 * math.pi / 39)
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    x = (
        corners[:, 0] * cos + corners[:, 1] * sin
    )  # (39, V); v points down, so that turns are as one sees them
    y = corners[:, 1] * cos - corners[:, 0] * sin
    found = []
    for scale in scales.tolist():
        for turned_x, turned_y in zip(x * scale, y * scale, strict=True):
            found.append(_crossed_once(turned_x, turned_y, heights))
    return torch.stack(found).unflatten(0, (6, 39))


def _crossed_once(x: Tensor, y: Tensor, heights: Tensor) -> Tensor:
    x2, y2 = x.roll(-1), y.roll(-1)
    above, above2 = y <= heights[:, None], y2 <= heights[:, None]  # (R, V)
    at = x + (heights[:, None] - y) * ((x2 - x) / (y2 - y))
    at = torch.where(above ^ above2, at, math.inf)
    least = min(CROSSINGS, len(x))
    return at.topk(least, dim=1, largest=False).values.sort(dim=1).values
