"""Figures of pairs: closed forms, sums written out, and errors against the spread over repeats."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaekit.evaluation.cards.paired import (
    by_hash,
    groups_of,
    jackknife_error,
    mean_figure,
    paired_frechet,
    paired_kernel,
    paired_mmd,
    psnr_figure,
)  # fmt: skip


def test_means_without_each_tenth() -> None:
    values = torch.rand(43, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    figure = mean_figure("mse", values)
    assert figure.error == pytest.approx(float(values.std()) / math.sqrt(43))
    expected = [float(np.delete(values.numpy(), group.numpy()).mean()) for group in groups_of(43)]
    assert figure.without == pytest.approx(expected)
    assert len(expected) == 10
    one = mean_figure("mse", values[:1])
    assert (one.error, one.without) == (None, ())


def test_psnr_of_a_known_error() -> None:
    figure = psnr_figure(mean_figure("mse", torch.tensor([0.01, 0.03, 0.02])))
    assert figure is not None
    assert figure.value == pytest.approx(-10 * math.log10(0.02))
    slope = (10 * math.log10(0.0201) - 10 * math.log10(0.0199)) / 0.0002
    assert figure.error == pytest.approx(slope * 0.01 / math.sqrt(3), rel=1e-4)
    assert psnr_figure(mean_figure("mse", torch.zeros(5))) is None


def test_the_squared_mmd_of_pairs_is_the_sum_without_the_pairs() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3))
    y = x + 0.3 * rng.standard_normal((6, 3))
    total = 0.0
    for i in range(6):
        for j in range(6):
            if i != j:
                total += (
                    (x[i] @ x[j] / 3 + 1) ** 3 + (y[i] @ y[j] / 3 + 1) ** 3 - 2 * (x[i] @ y[j] / 3 + 1) ** 3
                )
    assert paired_mmd(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(total / 30)


def test_equal_sets_are_at_no_distance() -> None:
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for measure in (paired_frechet, paired_kernel):
        figure = measure("rfd_x", x, x)
        assert figure.value == pytest.approx(0, abs=1e-10)
        assert figure.error == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("measure", [paired_frechet, paired_kernel])
def test_errors_are_the_spread_over_repeats(measure) -> None:
    """120 draws of 200 pairs, of a reconstruction that loses some of the variance."""
    generator = torch.Generator().manual_seed(0)
    values, errors = [], []
    for _ in range(120):
        x = torch.randn(200, 3, generator=generator, dtype=torch.float64)
        y = 0.6 * x + 0.3 + 0.2 * torch.randn(200, 3, generator=generator, dtype=torch.float64)
        figure = measure("rfd_x", y, x)
        values.append(figure.value)
        errors.append(figure.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.2)


def test_the_mean_of_the_kernel_distance_is_that_of_independent_sets() -> None:
    """Pairs that are left out make it unbiased: its mean is the squared MMD of the two distributions."""
    generator = torch.Generator().manual_seed(1)
    paired, independent = [], []
    for _ in range(400):
        x, other = torch.randn(2, 40, 2, generator=generator, dtype=torch.float64)
        paired.append(paired_mmd(0.7 * x + 0.2, x))
        independent.append(paired_mmd(0.7 * other + 0.2, x))
    error = math.hypot(np.std(paired), np.std(independent)) / math.sqrt(400)
    assert abs(np.mean(paired) - np.mean(independent)) < 3 * error


def test_the_error_of_a_difference_takes_the_pairs_into_account() -> None:
    """Two models with nearly the same errors on the same images: the difference is known far better than either."""
    generator = torch.Generator().manual_seed(2)
    differences, errors = [], []
    for _ in range(150):
        shared = torch.randn(300, generator=generator, dtype=torch.float64)
        a, b = (shared + 0.1 * torch.randn(300, generator=generator, dtype=torch.float64) for _ in "ab")
        first, second = mean_figure("mse", a), mean_figure("mse", b)
        differences.append(second.value - first.value)
        errors.append(jackknife_error([y - x for x, y in zip(first.without, second.without, strict=True)]))
    assert np.std(differences) == pytest.approx(0.1 * math.sqrt(2 / 300), rel=0.15)
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.15)


def test_tenths_follow_the_contents_and_not_the_order() -> None:
    keys = np.random.default_rng(0).integers(0, 2**63, (50, 2)).astype(np.uint64)
    shuffled = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(
        keys[by_hash(keys).numpy()], keys[shuffled][by_hash(keys[shuffled]).numpy()]
    )
