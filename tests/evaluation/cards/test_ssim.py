"""Structural similarity agrees with scikit-image and with the formula, place by place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit.evaluation.cards.ssim import structural_similarity, window_of

# scikit-image 0.26.0: structural_similarity(a, b, data_range=1, channel_axis=0, gaussian_weights=True, sigma=1.5,
# use_sample_covariance=False), of the pairs that `pairs` draws, one after another.
BY_SCIKIT_IMAGE = {
    (3, 1, 20, 24): [0.804375568119, 0.823921251535, 0.826915629836],
    (2, 3, 16, 13): [0.818157819231, 0.810134586181],
}


def pairs(*shapes: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    found = []
    for shape in shapes:
        x = rng.random(shape)
        found.append((x, np.clip(x + 0.2 * rng.standard_normal(shape), 0, 1)))
    return found


def by_the_formula(a: np.ndarray, b: np.ndarray, side: int) -> float:
    """Wang et al. 2004, eq. 13 to 17, of one channel (H, W)."""
    place = np.arange(side) - (side - 1) / 2
    w = np.exp(-(place[:, None] ** 2 + place[None] ** 2) / (2 * 1.5**2))
    w /= w.sum()
    values = []
    for i in range(a.shape[0] - side + 1):
        for j in range(a.shape[1] - side + 1):
            x, y = a[i : i + side, j : j + side], b[i : i + side, j : j + side]
            mx, my = (w * x).sum(), (w * y).sum()
            vx, vy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum()
            both = (w * (x - mx) * (y - my)).sum()
            top = (2 * mx * my + 0.01**2) * (2 * both + 0.03**2)
            values.append(top / ((mx**2 + my**2 + 0.01**2) * (vx + vy + 0.03**2)))
    return float(np.mean(values))


def test_figures_of_scikit_image() -> None:
    for (x, y), expected in zip(pairs(*BY_SCIKIT_IMAGE), BY_SCIKIT_IMAGE.values(), strict=True):
        found = structural_similarity(torch.from_numpy(x), torch.from_numpy(y))
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-11)


@pytest.mark.parametrize(
    ("shape", "side"), [((1, 12, 15), 11), ((3, 11, 11), 11), ((2, 8, 9), 7), ((1, 28, 5), 5)]
)
def test_the_formula_place_by_place(shape: tuple[int, ...], side: int) -> None:
    ((x, y),) = pairs((2, *shape))
    assert window_of(shape) == side
    expected = [
        np.mean([by_the_formula(a, b, side) for a, b in zip(*pair, strict=True)])
        for pair in zip(x, y, strict=True)
    ]
    found = structural_similarity(torch.from_numpy(x), torch.from_numpy(y))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_equal_images_and_opposite_ones() -> None:
    x = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert structural_similarity(x, x).tolist() == pytest.approx([1, 1, 1], abs=1e-12)
    assert float(structural_similarity(x, 1 - x).max()) < -0.7
    flat = torch.full((1, 1, 16, 16), 0.3)
    assert float(structural_similarity(flat, flat)) == pytest.approx(1, abs=1e-9)
