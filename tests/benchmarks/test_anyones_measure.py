"""-ELBO in the baseline's units: against densities by hand, under other units, and against the baseline itself."""

from __future__ import annotations

import json
import math
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from anyones_measure import (
    for_baseline,
    measured,
    pca_explained,
    principal,
    refitted,
    trained_on,
    units_between,
)
from scipy import stats
from torch import Tensor, nn

import vaekit
from vaekit.data import Data

SIGMA, MEAN, LOG_VARIANCE = 2.0, 0.5, -1.0  # of p(x|z), and of q(z|x)
COLUMNS = np.array([1e-3, 1.0, 50.0, 1e4])  # units of the columns


class Constant(nn.Module):
    """Gives the same numbers for every row, whatever it is shown."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = nn.Parameter(values)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.values.expand(len(x), -1)


def table(units: np.ndarray = COLUMNS, count: int = 120) -> Data:
    """The same rows in the same splits, whatever the units of their columns."""
    values = np.random.default_rng(3).normal([3.0, 0.0, -2.0, 1.0], size=(count, 4))
    data = vaekit.load_data(values.astype(np.float32), pixels="real")
    scale = torch.from_numpy(units.astype(np.float32))
    scaled = {name: replace(split, images=split.images * scale) for name, split in data.splits.items()}
    return data.replace(**scaled)


def constant_model(centre: np.ndarray, sigma: float = SIGMA) -> vaekit.VAE:
    """q(z|x) and p(x|z) are the same everywhere, so that nothing depends on a draw."""
    encoder = Constant(torch.tensor([MEAN, MEAN, LOG_VARIANCE, LOG_VARIANCE]))
    return vaekit.VAE(
        (4,), latent_dim=2, network="custom", likelihood="gaussian", sigma=sigma, pixels="real",
        encoder=encoder, decoder=Constant(torch.from_numpy(centre.astype(np.float32))),
    )  # fmt: skip


def standardised(data: Data, values: np.ndarray) -> np.ndarray:
    train = for_baseline(data)["train"].astype(np.float64)
    return (values - train.mean(0)) / train.std(0, ddof=1)


def test_the_baseline_is_given_single_precision() -> None:
    """It takes no other; pictures stay bytes."""
    rows = vaekit.load_data(np.random.default_rng(0).normal(size=(60, 3)), pixels="real")
    assert rows.train.images.dtype == torch.float64
    assert {part.dtype for part in for_baseline(rows).values()} == {np.dtype(np.float32)}
    assert {part.dtype for part in for_baseline(vaekit.load_data("digits")).values()} == {np.dtype(np.uint8)}


def test_both_bounds_of_a_constant_model_by_hand() -> None:
    """Rows in units of their own; the model sees them raw, the figures are those of standardised columns."""
    data = table()
    centre = np.array([2.5, 0.5, -2.0, 1.5]) * COLUMNS
    found = measured(constant_model(centre), data)
    train, test, at = (standardised(data, rows) for rows in (*for_baseline(data).values(), centre))
    kl = 2 * 0.5 * (MEAN**2 + math.exp(LOG_VARIANCE) - 1 - LOG_VARIANCE)
    refitted_sigma = math.sqrt(((train - at) ** 2).mean())
    nats = -stats.norm.logpdf(test, at, refitted_sigma).sum(1).mean() + kl
    assert found["negative_elbo"] == pytest.approx(nats, rel=1e-4)
    scales = SIGMA / for_baseline(data)["train"].astype(np.float64).std(0, ddof=1)
    own = -stats.norm.logpdf(test, at, scales).sum(1).mean() + kl
    assert found["own_negative_elbo"] == pytest.approx(own, rel=1e-4)
    assert found["kl"] == pytest.approx(kl, rel=1e-4)  # log-variances are softly bounded
    explained = 1 - ((test - at) ** 2).sum() / ((test - train.mean(0)) ** 2).sum()
    assert found["explained_variance"] == pytest.approx(explained, rel=1e-4)


def test_figures_do_not_depend_on_the_units_that_a_model_sees() -> None:
    """The same model of the same rows, in other units: what differs is the density's unit alone, and that is undone."""
    centre = np.array([2.5, 0.5, -2.0, 1.5])
    one = measured(constant_model(centre), table(np.ones(4)))
    other = measured(constant_model(centre * 64.0, SIGMA * 64.0), table(np.full(4, 64.0)))
    assert other == pytest.approx(one, rel=1e-4)


def test_units_are_found_from_what_is_shown() -> None:
    theirs = torch.randn(50, 3, dtype=torch.float64)
    scale, shift = torch.tensor([2.0, 1e-3, 70.0]).double(), torch.tensor([0.0, 5.0, -1.0]).double()
    units = units_between((theirs - shift) / scale, theirs)
    torch.testing.assert_close(units.scale, scale)
    torch.testing.assert_close(units.shift, shift)
    assert units.nats == pytest.approx(math.log(2.0 * 1e-3 * 70.0))


def test_values_that_are_no_scaling_are_refused() -> None:
    theirs = torch.randn(50, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="no scaling of each column"):
        units_between(theirs.exp(), theirs)


def test_a_constant_column_keeps_its_scale() -> None:
    theirs = torch.cat([torch.randn(20, 1), torch.zeros(20, 1)], 1).double()
    assert units_between(theirs + 3, theirs).scale[1] == 1


@pytest.mark.parametrize("shape", [(200, 6), (20, 48)])
def test_principal_components_are_those_of_scikit_learn(shape: tuple[int, int]) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    rows = np.random.default_rng(0).normal(size=shape) @ np.diag(np.linspace(3, 0.1, shape[1]))
    data = vaekit.load_data(rows.astype(np.float32), pixels="real")
    train, test = (standardised(data, part.astype(np.float64)) for part in for_baseline(data).values())
    peer = decomposition.PCA(4, svd_solver="full").fit(train)
    rest = test - peer.inverse_transform(peer.transform(test))
    share = 1 - (rest**2).sum() / ((test - train.mean(0)) ** 2).sum()
    assert pca_explained(data, 4) == pytest.approx(share, abs=1e-6)


def test_components_are_no_more_than_the_rank() -> None:
    centred = torch.randn(5, 9, dtype=torch.float64)
    assert len(principal(centred - centred.mean(0), 9)) == 4


def test_the_baselines_sets_are_ours() -> None:
    data = table()
    arrays = for_baseline(data)
    assert len(arrays["train"]) == len(data.train) + len(data.validation)
    assert np.array_equal(arrays["test"], data.test.images.numpy())


class Wrapped(nn.Module):
    """A network of the baseline, between values in raw units and its own."""

    def __init__(self, network: nn.Module, before: Any, after: Any) -> None:
        super().__init__()
        self.network, self.before, self.after = network, before, after

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.after(self.network(self.before(x)))


@pytest.mark.parametrize("kind", ["real", "8-bit"])
def test_the_baseline_measured_by_us_has_its_own_figures(
    kind: str,
    baseline_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is trained for a moment and wrapped as a VAE that sees raw values: only the draws of z differ."""
    data = table(count=4000) if kind == "real" else vaekit.load_data("digits")
    path = tmp_path / "data.npz"
    np.savez(path, **for_baseline(data))
    monkeypatch.setattr(sys, "argv", ["plain_vae.py", str(path), "0.3", "3"])
    with torch.random.fork_rng():
        its = runpy.run_path(str(baseline_file))
    mean, std = (its["mean"], its["std"]) if kind == "real" else (0.0, 1.0)
    model = vaekit.VAE(
        data.shape, latent_dim=3, network="custom", likelihood="gaussian", pixels=data.pixels,
        encoder=Wrapped(its["encoder"], lambda x: (x - mean) / std, lambda raw: raw),
        decoder=Wrapped(its["decoder"], lambda z: z, lambda x: x * std + mean),
    )  # fmt: skip
    found = measured(model, data)
    assert found["kl"] == pytest.approx(its["kl"], rel=1e-3)
    assert found["mse"] == pytest.approx(its["plain"] / its["P"], rel=1e-3)
    printed = json.loads(capsys.readouterr().out)
    assert found["explained_variance"] == pytest.approx(printed["explained_variance"], abs=1e-4)
    assert found["negative_elbo"] == pytest.approx(its["elbo"], abs=0.03 * its["P"])
    by_formula = refitted(its["sampled"], its["kl"], its["variance"], its["P"])
    assert by_formula == pytest.approx(its["elbo"], rel=1e-6)


def test_the_training_set_of_the_baseline_ends_with_validation() -> None:
    data = table()
    images = trained_on(data).images
    assert torch.equal(images[len(data.train) :], data.validation.images)
