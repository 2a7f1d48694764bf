"""A result does not depend on the units of the data: every method, trained on one table in several units.

The splits are made once: a row's split is a hash of its content, so a file in other units would be split anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaekit import VAE, VaekitWarning, evaluate, inference, load_data, load_run, train
from vaekit.data import Data
from vaekit.evaluation.outliers import Setting, reconstruction_error
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.models.capabilities import Reconstructs
from vaekit.training.learned import explained_variance, sample_variance

pytestmark = pytest.mark.filterwarnings(f"ignore::{VaekitWarning.__module__}.{VaekitWarning.__name__}")

FAST: dict[str, Any] = {"progress": "none", "seed": 1, "steps": 12, "batch_size": 64, "device": "cpu"}
ROWS = ("vae", "ae", "cvae", "gan", "cgan", "beta-vae", "factor-vae")
COLUMN = np.array([1, 1, 1e4, 1, 1, 1, 1, 1])
UNITS: dict[
    str, tuple[Any, float, float]
] = {  # scale, offset, and how far results may be apart in standard units
    "x 1e6": (1e6, 0, 1e-6),
    "x 1e-6": (1e-6, 0, 1e-5),
    "+ 1e6": (1, 1e6, 1e-3),
    "one column x 1e4": (COLUMN, 0, 1e-6),
}


def rows() -> Data:
    """800 rows of 8 columns, correlated and bent, of two classes."""
    generator = np.random.default_rng(0)
    z = generator.normal(size=(800, 3))
    x = np.tanh(z @ generator.normal(size=(3, 8))) + 0.3 * (z @ generator.normal(size=(3, 8))) ** 2
    return load_data(
        x + 0.1 * generator.normal(size=x.shape), labels=(z[:, 0] > 0).astype(int), pixels="real"
    )


def signals() -> Data:
    """200 pictures of one channel, of waves."""
    generator = torch.Generator().manual_seed(0)
    height, phase = torch.randn(200, 12, 1, generator=generator), torch.randn(200, 1, 1, generator=generator)
    waves = height * torch.sin(torch.linspace(0, 6, 20) + phase)
    return load_data(waves.numpy(), pixels="real")


def changed(data: Data, change: Callable[[Tensor], Tensor]) -> Data:
    """The same splits in other units."""
    splits = {name: replace(split, images=change(split.images)) for name, split in data.splits.items()}
    return data.replace(**splits)


def result(method: str, data: Data, out: Path) -> dict[str, Any]:
    """What a method learned: samples and reconstructions in the data's units, shares and errors without any."""
    fit = train(
        method, data, out=out, **FAST | ({"network": "mlp", "width": 32} if len(data.shape) == 1 else {})
    )
    model = load_run(fit.out or out).model
    found: dict[str, Any] = {}
    if model.can_sample():
        found["samples"] = inference.sample(model, 100, seed=3)
        found["sample_variance"] = sample_variance(model, data.test)
    if isinstance(model, Reconstructs):
        found["rebuilt"] = inference.reconstruct(model, data.test)
        found["explained_variance"] = explained_variance(model, data.test)
        setting = Setting(model, data.train, 1, 0, "fp32", None)
        found["error"] = reconstruction_error(data.test, setting)
    return found


def in_standard(found: dict[str, Any], scale: Any, offset: float) -> dict[str, Any]:
    back = {"samples", "rebuilt"} & found.keys()
    return found | {name: (found[name].double() - offset) / torch.as_tensor(scale) for name in back}


@pytest.mark.parametrize("method", ROWS)
def test_powers_of_2_change_no_bit(method: str, tmp_path: Path) -> None:
    data = rows()
    scale = torch.tensor([2.0**20, 2.0**-20, 2, 1, 0.5, 4, 2.0**10, 2.0**-3], dtype=torch.float64)
    here = result(method, data, tmp_path / "here")
    there = result(method, changed(data, lambda x: x * scale), tmp_path / "there")
    for name, value in in_standard(there, scale, 0).items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(here[name])), name


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("method", ["vae", "gan", "iwae"])
def test_other_units_change_rounding_alone(method: str, unit: str, tmp_path: Path) -> None:
    data, (scale, offset, near) = rows(), UNITS[unit]
    here = result(method, data, tmp_path / "here")
    there = result(method, changed(data, lambda x: x * torch.as_tensor(scale) + offset), tmp_path / "there")
    near = (
        max(near, 1e-3) if method == "iwae" else near
    )  # its weights are normalised from nats, which units shift
    spread = float(data.train.images.std())
    for name, value in in_standard(there, scale, offset).items():
        torch.testing.assert_close(
            torch.as_tensor(value).double(),
            torch.as_tensor(here[name]).double(),
            rtol=0,
            atol=near * max(spread, 1),
        )
    if "explained_variance" in here:
        assert there["explained_variance"] == pytest.approx(here["explained_variance"], abs=1e-3)


@pytest.mark.parametrize("method", ["vae", "vqvae"])
def test_images_of_real_numbers(method: str, tmp_path: Path) -> None:
    data = signals()
    here = result(method, data, tmp_path / "here")
    there = result(method, changed(data, lambda x: x * 2.0**16), tmp_path / "there")
    for name, value in in_standard(there, 2.0**16, 0).items():
        assert torch.equal(torch.as_tensor(value).double(), torch.as_tensor(here[name]).double()), name
    kinds = {value.dtype for name, value in there.items() if name in ("samples", "rebuilt")}
    assert kinds == {torch.float32}  # as the data came


def test_what_is_measured_has_no_units_and_nats_have_those_of_the_data(tmp_path: Path) -> None:
    """In other units a density is lower by the logarithm of the scales, and nothing else changes."""
    data = rows()
    scale = torch.tensor([2.0**20, 2.0**-20, 2, 1, 0.5, 4, 2.0**10, 2.0**-3], dtype=torch.float64)
    other = changed(data, lambda x: x * scale)
    result("vae", data, tmp_path / "here")
    result("vae", other, tmp_path / "there")
    here, there = (
        evaluate(load_run(tmp_path / name), data=given, samples=5, features=fit_pca(given, 4))
        for name, given in (("here", data), ("there", other))
    )
    shift = float(scale.log().sum())
    for name, bound in here.likelihood.items():
        apart = there.likelihood[name].value - bound.value
        assert apart == pytest.approx(0 if name == "kl_nats" else shift, abs=1e-4), name
    assert here.health and there.health and here.quality and there.quality
    health, wanted = there.health.as_dict(), here.health.as_dict()
    assert health.pop("distortion_nats")["value"] == pytest.approx(
        wanted.pop("distortion_nats")["value"] + shift
    )
    assert flat(health) == pytest.approx(flat(wanted), rel=1e-4, abs=1e-5)
    assert list(there.quality.flat().values()) == pytest.approx(
        list(here.quality.flat().values()), rel=1e-4, abs=1e-5
    )
    assert there.sample_variance == here.sample_variance


def test_columns_that_say_nothing_new_decide_nothing(tmp_path: Path) -> None:
    """A constant column and one that repeats another: else every direction would have its latent, and sigma be 0."""
    data = rows()
    more = changed(
        data, lambda x: torch.cat([x, torch.full((len(x), 1), 0.1, dtype=x.dtype), 3 * x[:, :1] + 1], dim=1)
    )
    options = {name: value for name, value in FAST.items() if name != "batch_size"}
    runs = [train("vae", given, out=tmp_path / str(n), **options) for n, given in enumerate((data, more))]
    here, there = (load_run(run.out or "").model for run in runs)
    assert there.latent_dim < 8
    assert abs(there.latent_dim - here.latent_dim) <= 1
    assert isinstance(here, VAE) and isinstance(there, VAE)
    assert float(there.likelihood.sigma) > 0.5 * float(here.likelihood.sigma)  # pyright: ignore[reportArgumentType]
    drawn = inference.sample(there, 50, seed=0)
    assert bool((drawn[:, 8] == 0.1).all())


def flat(values: Any) -> list[float]:
    """Every number of a record, in order."""
    if isinstance(values, dict | list):
        return [
            number
            for value in (values.values() if isinstance(values, dict) else values)
            for number in flat(value)
        ]
    return [float(values)] if isinstance(values, int | float) else []
