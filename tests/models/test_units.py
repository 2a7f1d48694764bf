"""Units of real data: against scipy in the data's own units, by numpy's moments, and run by run in other units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from tests.two_layers import TwoLayers
from torch import Tensor

from vaekit import GAN, VAE, VQVAE
from vaekit.models import Model
from vaekit.models.units import Units


def table(dtype: torch.dtype = torch.float64) -> Tensor:
    """Rows of six columns in units of their own; the last is constant."""
    rows = torch.randn(200, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = rows * torch.tensor([1, 1e4, 1e-6, 3, 1e6, 0]) + torch.tensor([0, 5e5, 1e-3, 1e6, -2, 0.1])
    return rows.to(dtype)


def made(images: Tensor, kind: str = "vae") -> Model:
    torch.manual_seed(0)
    shape = tuple(images.shape[1:])
    models = {
        "vae": lambda: VAE(shape, 2, "mlp", pixels="real", width=8),
        "learned": lambda: VAE(shape, 2, "mlp", pixels="real", width=8, likelihood="gaussian-learned", init="random"),
        "gan": lambda: GAN(shape, 2, "mlp", pixels="real", width=8),
        "vqvae": lambda: VQVAE(shape, pixels="real", width=8, codes=8),
        "own": lambda: TwoLayers(shape, pixels="real"),
    }  # fmt: skip
    model = models[kind]()
    model.prepare(images)
    return model


def test_values_are_standardised_and_come_back() -> None:
    units, x = Units((6,)), table()
    units.take(x)
    found, columns = units.standard(x).numpy(), x.numpy()
    np.testing.assert_allclose(found[:, :5].mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(found[:, :5].std(0), 1, rtol=1e-9)
    np.testing.assert_array_equal(found[:, 5], 0)
    np.testing.assert_allclose(units.restored(torch.from_numpy(found)).numpy(), columns, rtol=1e-12)
    assert bool((units.restored(torch.randn(3, 6))[:, 5] == x[0, 5]).all())


def test_images_have_units_by_channel() -> None:
    units = Units((2, 3, 4))
    x = torch.randn(50, 2, 3, 4) * torch.tensor([1.0, 1e3])[:, None, None]
    units.take(x)
    wanted = x.double().numpy()
    np.testing.assert_allclose(units.mean.flatten().numpy(), wanted.mean((0, 2, 3)), rtol=1e-9)
    np.testing.assert_allclose(units.scale.flatten().numpy(), wanted.std((0, 2, 3)), rtol=1e-9)
    assert float(units.log_scale()) == pytest.approx(float(12 * np.log(wanted.std((0, 2, 3))).sum()))


def test_nats_are_those_of_the_data_in_their_own_units() -> None:
    """log N(x; m, s) of scipy, with mean and width in the data's units, several draws at once too."""
    x = table()[:, :5]
    model = made(x).eval()
    assert isinstance(model, VAE)
    p = model.decode(torch.randn(3, 200, 2))
    width = float(model.likelihood.sigma) * x.numpy().std(0)  # pyright: ignore[reportArgumentType]
    wanted = norm.logpdf(x.numpy(), p.mean.detach().numpy(), width).sum(-1)
    assert p.mean.dtype == torch.float64
    np.testing.assert_allclose(p.log_prob(x).detach().numpy(), wanted, rtol=1e-5, atol=2e-4)


def test_the_optimal_width_is_that_of_standardised_errors() -> None:
    x = table()[:, :5]
    model = made(x).train()
    assert isinstance(model, VAE)
    p = model.decode(torch.zeros(200, 2))
    errors = ((x - p.mean) / x.std(0, correction=0)).detach()
    square = float(errors.square().mean())
    wanted = -200 * 5 / 2 * (math.log(2 * math.pi * square) + 1) - 200 * float(
        x.std(0, correction=0).log().sum()
    )
    assert float(p.log_prob(x).detach().sum()) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("kind", ["vae", "learned", "gan", "own"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_leaves_has_the_units_and_the_type_of_the_data(kind: str, dtype: torch.dtype) -> None:
    x = table(dtype)
    drawn = made(x, kind).sample(500)
    assert drawn.dtype == dtype
    assert bool((drawn[:, 5] == x[0, 5]).all())  # a constant column is its constant, exactly
    spread = x.double().std(0)[:5]
    apart = (drawn.double().mean(0) - x.double().mean(0))[:5] / spread
    assert float(apart.abs().max()) < 3


@pytest.mark.parametrize("kind", ["vae", "learned", "gan", "own"])
def test_networks_see_the_same_whatever_the_units(kind: str) -> None:
    """Powers of 2 change no digit of a mean or a standard deviation, so that all bits agree."""
    x, scale = table(), torch.tensor([2.0**20, 2.0**-20, 4, 1, 2.0**-3, 1], dtype=torch.float64)
    here, there = made(x, kind), made(x * scale, kind)
    assert torch.equal(here.sample(20, generator=torch.Generator().manual_seed(1)) * scale,
                       there.sample(20, generator=torch.Generator().manual_seed(1)))  # fmt: skip
    assert torch.equal(here.check_images(x), there.check_images(x * scale))


def test_codes_do_not_depend_on_units() -> None:
    x = torch.randn(30, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor([2.0**15, 2.0**-15])[:, None, None]
    here, there = made(x, "vqvae"), made(x * scale, "vqvae")
    assert isinstance(here, VQVAE) and isinstance(there, VQVAE)
    assert torch.equal(here.encode_codes(x), there.encode_codes(x * scale))
    assert torch.equal(here.reconstruct(x) * scale, there.reconstruct(x * scale))


def test_the_gradient_penalty_is_by_standard_values() -> None:
    model = made(table(), "gan")
    slope = torch.ones(1, 6, dtype=torch.float64)
    assert model.units is not None
    assert torch.equal(model.per_standard_unit(slope)[0], model.units.scale.float())


def test_weights_in_use_keep_their_units() -> None:
    model = made(table())
    other = made(table())
    other.load_state_dict(model.state_dict())
    other.prepare(1000 * table())
    model.prepare(1000 * table())
    assert model.units is not None and other.units is not None
    assert torch.equal(model.units.scale, other.units.scale)


def test_a_run_from_before_units_keeps_its_own() -> None:
    """Its state has none: mean 0 and scale 1, so that it reconstructs as it did."""
    x = table(torch.float32)[:, :1]
    model, fresh = made(x), made(x)
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("units.")}
    fresh.load_state_dict(state)
    assert fresh.units is not None and not fresh.units.given
    assert torch.equal(fresh.check_images(x), x)


def test_float64_survives_a_change_of_type() -> None:
    model = made(table()).to(torch.bfloat16).float()
    assert model.units is not None and model.units.mean.dtype == torch.float64
    assert float(model.units.mean[3]) == pytest.approx(float(table()[:, 3].mean()), rel=1e-14)


def test_a_model_without_units_keeps_real_values() -> None:
    class Plain(VAE):
        """As somebody may write one who has not read of units."""

        def __init__(self) -> None:
            super().__init__((3,), 2, "mlp", pixels="real", width=4)
            self.units = None

    model = Plain()
    p = model.decode(torch.zeros(1, 2))
    assert torch.equal(model.picture(p), p.mean)
    assert torch.equal(model.check_images(torch.full((1, 3), 7.0)), torch.full((1, 3), 7.0))
