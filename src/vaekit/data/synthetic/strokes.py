"""Digits drawn with a pen: 28x28 grey images that are a function of seven known factors.

A digit is a few curves through hand-placed points. They are bent, slanted, scaled, moved and drawn with
a round pen. The squared distance d^2 of a pixel's centre to the curve comes from a sum over points on it,

    sum_m w_m exp(-p |x - c_m|^2) = exp(-p d^2)   along a straight line, w_m = length_m sqrt(p / pi),

which separates into rows and columns, so that an image is one small product of matrices.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from vaekit.data.dataset import Factor

SIZE = 28  # pixels per side

POINTS = 64  # on the curves of a digit: closer than a pixel even in the largest 8

HEIGHT = 18.5  # pixels, of a digit of scale 1

SHARPNESS = 1.0  # p, per square pixel

FAINTEST = -40.0  # -p d^2 beyond which a point is nowhere seen

SOFT = 0.45  # pixels over which the edge of the ink fades, on either side

FACTORS = (
    Factor("class", 10, ordered=False),
    Factor("slant", None, -0.25, 0.5),  # radians, positive to the right
    Factor("thickness", None, 1.6, 4.0),  # pixels, width of the pen
    Factor("scale", None, 0.75, 1.0),  # 1 is HEIGHT pixels
    Factor("position x", None, -2.0, 2.0),  # pixels right of the middle
    Factor("position y", None, -2.0, 2.0),  # pixels below the middle
    Factor("wobble", None, -1.0, 1.0),  # how far, and which way, the curves are bent
)

Curve = tuple[tuple[float, float], ...]  # points (x right, y down), in heights of the digit

DIGITS: tuple[tuple[Curve, ...], ...] = (
    ((
        (0.06, -0.49), (-0.16, -0.45), (-0.31, -0.17), (-0.31, 0.14), (-0.17, 0.44),
        (0.06, 0.49), (0.26, 0.31), (0.32, 0.02), (0.25, -0.31), (0.05, -0.49),
    ),),
    (((-0.11, -0.33), (0.03, -0.49)), ((0.03, -0.49), (0.02, -0.15), (-0.01, 0.2), (-0.02, 0.5))),
    (
        ((-0.29, -0.29), (-0.17, -0.46), (0.06, -0.5), (0.25, -0.36),
         (0.24, -0.12), (0.02, 0.17), (-0.2, 0.36), (-0.33, 0.45)),
        ((-0.33, 0.45), (-0.14, 0.4), (0.1, 0.46), (0.34, 0.42)),
    ),
    (
        ((-0.27, -0.38), (-0.09, -0.49), (0.15, -0.46), (0.24, -0.28), (0.13, -0.1), (-0.08, -0.03)),
        ((-0.08, -0.03), (0.17, 0.03), (0.29, 0.23), (0.17, 0.44), (-0.08, 0.5), (-0.3, 0.39)),
    ),
    (
        ((-0.18, -0.46), (-0.25, -0.21), (-0.3, 0.03)), ((-0.3, 0.03), (-0.03, 0.07), (0.33, 0.03)),
        ((0.19, -0.42), (0.15, 0.03), (0.1, 0.5)),
    ),
    (
        ((0.28, -0.47), (0.05, -0.47), (-0.19, -0.44)), ((-0.19, -0.44), (-0.23, -0.08)),
        ((-0.23, -0.08), (-0.01, -0.16), (0.21, -0.07), (0.28, 0.16),
         (0.16, 0.4), (-0.08, 0.5), (-0.3, 0.41)),
    ),
    ((
        (0.17, -0.5), (-0.06, -0.35), (-0.23, -0.08), (-0.28, 0.2), (-0.17, 0.43), (0.04, 0.49),
        (0.24, 0.35), (0.24, 0.13), (0.06, 0.02), (-0.14, 0.1), (-0.25, 0.27),
    ),),
    (((-0.3, -0.4), (-0.08, -0.43), (0.29, -0.46)), ((0.29, -0.46), (0.15, -0.16), (0.02, 0.15), (-0.07, 0.5))),
    ((
        (0.22, -0.36), (0.04, -0.5), (-0.19, -0.41), (-0.19, -0.2), (0.02, -0.03), (0.2, 0.15), (0.24, 0.36),
        (0.03, 0.5), (-0.2, 0.4), (-0.2, 0.19), (-0.02, 0.0), (0.17, -0.17), (0.23, -0.37),
    ),),
    (
        ((0.25, -0.32), (0.1, -0.49), (-0.13, -0.47), (-0.27, -0.28),
         (-0.2, -0.08), (0.01, -0.05), (0.19, -0.18), (0.26, -0.37)),
        ((0.26, -0.37), (0.24, -0.05), (0.17, 0.24), (0.12, 0.5)),
    ),
)  # fmt: skip


def render_strokes(factors: Tensor) -> Tensor:
    """Images of some factors, (N, 1, 28, 28) uint8, white ink on black.

    Args:
        factors: (N, 7) in the order and the units of FACTORS.
    """
    shapes, bends, weights = (part.to(factors.device) for part in _curves())
    return torch.cat([_drawn(part, shapes, bends, weights) for part in factors.float().split(256)])


def _drawn(factors: Tensor, shapes: Tensor, bends: Tensor, joined: Tensor) -> Tensor:
    digit, slant, thickness, scale, right, down, wobble = factors.T
    kind = digit.long()
    points = shapes[kind] + wobble[:, None, None] * bends[kind]  # (N, M, 2)
    height = (HEIGHT * scale)[:, None]
    y = points[..., 1] * height
    x = points[..., 0] * height - y * slant.tan()[:, None]
    lengths = torch.hypot(x.diff(dim=1), y.diff(dim=1)) * joined[kind]
    weights = torch.nn.functional.pad(lengths, (1, 1)).unfold(1, 2, 1).sum(-1)
    weights = weights * (0.5 * math.sqrt(SHARPNESS / math.pi))
    rows, columns = _near(y + down[:, None]), _near(x + right[:, None])
    total = torch.bmm(rows.mul_(weights[:, None]), columns.transpose(1, 2))
    distance = total.clamp_min(1e-12).log_().div_(-SHARPNESS).clamp_min_(0).sqrt_()
    ink = (0.5 * thickness[:, None, None] - distance) / (2 * SOFT) + 0.5
    return (ink.clamp_(0, 1) * 255).round_().to(torch.uint8)[:, None]


def _near(places: Tensor) -> Tensor:
    """exp(-p (i - place)^2) of each pixel row or column i, (N, 28, M), for places (N, M) from the middle."""
    centres = torch.arange(SIZE, device=places.device) - (SIZE - 1) / 2
    apart = centres[:, None] - places[:, None]
    # Numbers too small to be normal would take a hundred times as long.
    return apart.mul_(apart).mul_(-SHARPNESS).clamp_min_(FAINTEST).exp_()


@cache
def _curves() -> tuple[Tensor, Tensor, Tensor]:
    """Points of each digit and how wobble moves them, (10, M, 2) each; (10, M - 1): 1 within a curve."""
    shapes, joined = zip(*map(_sampled, DIGITS), strict=True)
    bends = [_bend(points, digit) for digit, points in enumerate(shapes)]
    first, second, third = (torch.from_numpy(np.stack(part)).float() for part in (shapes, bends, joined))
    return first, second, third


def _sampled(curves: tuple[Curve, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced points on the curves of a digit, more on longer ones; and which follow each other."""
    dense = [_spline(np.array(curve)) for curve in curves]
    lengths = [np.concatenate([[0], np.hypot(*np.diff(line, axis=0).T).cumsum()]) for line in dense]
    total = sum(length[-1] for length in lengths)
    counts = [max(4, round(POINTS * length[-1] / total)) for length in lengths]
    counts[int(np.argmax(counts))] += POINTS - sum(counts)
    pieces = []
    for line, length, count in zip(dense, lengths, counts, strict=True):
        places = np.linspace(0, length[-1], count)
        pieces.append(np.stack([np.interp(places, length, line[:, axis]) for axis in (0, 1)], axis=1))
    joined = np.ones(POINTS - 1)
    joined[np.cumsum(counts)[:-1] - 1] = 0
    return np.concatenate(pieces), joined


def _spline(points: np.ndarray, steps: int = 40) -> np.ndarray:
    """A Catmull-Rom curve through points (K, 2), whose ends continue straight on."""
    ends = 2 * points[[0, -1]] - points[[1, -2]]
    padded = np.concatenate([ends[:1], points, ends[1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.concatenate([*pieces, points[-1:]])


def _bend(points: np.ndarray, digit: int) -> np.ndarray:
    """A smooth field at the points of a digit, another one for each digit: curves that touch stay so."""
    x, y = points.T
    turn = 2.4 * digit  # the golden angle: no two digits are bent alike
    along = 0.07 * np.sin(5.5 * y + 3.0 * x + turn)
    across = 0.055 * np.sin(6.0 * x - 4.0 * y + 1.7 * turn)
    return np.stack([along, across], axis=1)
