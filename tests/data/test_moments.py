"""Moments of real values against numpy, at the ends of what floats hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit.data import Data, Split
from vaekit.data.moments import in_standard_units, moments, standard_of


def rows(dtype: type = np.float64) -> np.ndarray:
    made = np.random.default_rng(0).normal(size=(500, 4)) * [1, 1e-6, 1e6, 1] + [0, 0, 0, 1e6]
    return made.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_numpy_has_them(dtype: type) -> None:
    x = rows(dtype)
    found = moments(torch.from_numpy(x))
    np.testing.assert_allclose(found.mean.numpy(), x.astype(np.float64).mean(0), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.deviation.numpy(), x.astype(np.float64).std(0), rtol=1e-7)
    assert not found.constant.any()


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_no_square_is_too_large_or_too_small(scale: float) -> None:
    x = torch.from_numpy(rows())
    found, wanted = moments(x * scale), moments(x)
    torch.testing.assert_close(found.deviation / scale, wanted.deviation)
    assert not found.constant.any()


def test_a_column_that_is_constant_but_for_rounding_has_scale_1() -> None:
    x = torch.full((10, 3), 0.1, dtype=torch.float64)
    x[::2, 1] = torch.nextafter(x[0, 1], torch.tensor(1.0, dtype=torch.float64))
    x[0, 2] += 1e-9
    found = moments(x)
    assert found.constant.tolist() == [True, True, False]
    assert found.scale[:2].tolist() == [1, 1]
    assert float(found.mean[0]) == 0.1


def test_channels_of_images() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2, 3, 5)) * np.array([1, 50])[:, None, None]
    found = moments(torch.from_numpy(x))
    np.testing.assert_allclose(found.mean[:, 0, 0].numpy(), x.mean((0, 2, 3)))
    np.testing.assert_allclose(found.deviation[:, 0, 0].numpy(), x.std((0, 2, 3)))


def test_every_split_is_measured_by_the_training_split() -> None:
    x = torch.from_numpy(rows())
    data = Data("rows", Split(x[:300]), Split(x[300:400]), Split(x[400:]), "real")
    found = in_standard_units(data)
    wanted = (x[400:] - x[:300].mean(0)) / x[:300].std(0, correction=0)
    torch.testing.assert_close(found.test.images, wanted.float())
    assert found.test.images.dtype == torch.float32
    pixels = data.replace(pixels="unit")
    assert in_standard_units(pixels) is pixels
    assert standard_of(pixels)(x) is x
