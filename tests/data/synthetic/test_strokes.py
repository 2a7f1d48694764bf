"""Strokes against geometry: where the ink must lie for given factors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vaekit.data.synthetic.render import draw_factors
from vaekit.data.synthetic.strokes import FACTORS, HEIGHT, POINTS, SIZE, _curves, render_strokes


def draw(digit: int, **factors: float) -> Tensor:
    """One digit, (28, 28) in [0, 1]; factors not given: upright, 2.4 pixels thick, scale 1, centred."""
    chosen = {"slant": 0.0, "thickness": 2.4, "scale": 1.0, "x": 0.0, "y": 0.0, "wobble": 0.0} | factors
    return render_strokes(torch.tensor([[digit, *chosen.values()]]))[0, 0] / 255


def middle(image: Tensor) -> tuple[float, float]:
    """Centre of mass (row, column) in pixels from the middle of the image."""
    places = torch.arange(SIZE) - (SIZE - 1) / 2
    rows, columns = image.sum(1), image.sum(0)
    return float((rows * places).sum() / rows.sum()), float((columns * places).sum() / columns.sum())


@pytest.mark.parametrize("digit", range(10))
def test_ink_is_a_band_about_the_curve(digit: int) -> None:
    """Against the distance to the densely drawn curve itself, for every pixel: half the pen's width is inked."""
    shapes, _, joined = _curves()
    points = shapes[digit].double() * HEIGHT
    pieces = []
    for k in range(POINTS - 1):
        if joined[digit, k]:
            t = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
            pieces.append(points[k] * (1 - t) + points[k + 1] * t)
    curve = torch.cat(pieces)
    places = torch.arange(SIZE, dtype=torch.float64) - (SIZE - 1) / 2
    y, x = torch.meshgrid(places, places, indexing="ij")
    distance = torch.cdist(torch.stack([x.flatten(), y.flatten()], 1), curve).amin(1).view(SIZE, SIZE)
    image = draw(digit, thickness=3.0).double()
    assert (image[distance < 0.7] > 0.8).all()  # ends are rounder than in ink
    assert (image[distance > 2.9] == 0).all()
    assert abs(float(image.sum()) / float((distance < 1.5).sum()) - 1) < 0.15  # crossings are a bit bolder


def test_a_stem_has_the_thickness_asked_for() -> None:
    """Ink in a row through the stem of the 4, which crosses nothing there: thickness over the cosine."""
    for thickness in (1.6, 2.8, 4.0):
        row = draw(4, thickness=thickness)[20]
        assert float(row.sum()) == pytest.approx(thickness / math.cos(math.atan(0.05 / 0.47)), abs=0.12)


def test_positions_move_the_ink_by_as_many_pixels() -> None:
    for digit in range(10):
        row, column = middle(draw(digit))
        moved_row, moved_column = middle(draw(digit, x=1.5, y=-1.7))
        assert moved_column - column == pytest.approx(1.5, abs=0.1)
        assert moved_row - row == pytest.approx(-1.7, abs=0.1)
        whole = (draw(digit, x=2.0, y=-1.0) - draw(digit).roll((-1, 2), (0, 1))).abs()
        assert whole.max() <= 1.01 / 255  # whole pixels, but for rounding


def test_slant_leans_and_scale_grows() -> None:
    """A slanted stem: the line through the ink's middle of each row has the tangent asked for."""
    for slant in (-0.2, 0.3, 0.5):
        image = draw(1, slant=slant, y=2.0)[13:22]
        straight = draw(1, y=2.0)[13:22]
        places = torch.arange(SIZE).float()

        def slope(part: Tensor, places: Tensor = places) -> float:
            middles = (part * places).sum(1) / part.sum(1)
            return float((middles[-1] - middles[0]) / (len(part) - 1))

        assert slope(straight) - slope(image) == pytest.approx(math.tan(slant), abs=0.03)
    heights = [int((draw(0, scale=scale) > 0.5).any(1).sum()) for scale in (0.75, 1.0)]
    assert heights[1] - heights[0] == pytest.approx(0.25 * 0.98 * HEIGHT, abs=1.01)


def test_hardly_any_ink_is_cut_off() -> None:
    images = render_strokes(draw_factors(FACTORS, 3000, 4))[:, 0]
    border = torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], dim=1)
    assert float((border > 127).any(1).float().mean()) < 0.01


def test_every_factor_changes_every_digit_smoothly() -> None:
    for column, factor in enumerate(FACTORS):
        if factor.values is not None:
            continue
        rows = draw_factors(FACTORS, 50, 5)
        rows[:, 0] = torch.arange(50) % 10
        steps = []
        for share in (0.0, 0.05, 1.0):
            rows[:, column] = factor.low + share * (factor.high - factor.low)
            steps.append(render_strokes(rows).float() / 255)
        small, large = (steps[1] - steps[0]).abs().sum((1, 2, 3)), (steps[2] - steps[0]).abs().sum((1, 2, 3))
        assert (large > 4).all(), factor.name
        assert (small < 0.5 * large).all(), factor.name


def test_a_batch_is_its_images_one_by_one() -> None:
    factors = draw_factors(FACTORS, 300, 9)
    alone = torch.cat([render_strokes(row[None]) for row in factors[::30]])
    assert int((render_strokes(factors)[::30].int() - alone.int()).abs().max()) <= 1  # rounding only
