"""A model that begins at probabilistic PCA is the one of its closed form, by the covariance of the examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.neighbors import KernelDensity
from torch import Tensor

from vaekit.core import SettingError
from vaekit.data import Split
from vaekit.models import AE, VAE
from vaekit.networks.principal import (
    WIDTHS,
    Curve,
    held_out_curve,
    held_out_gain,
    looked_at,
    principal_components,
    spread,
    varying_directions,
)


def rows(count: int = 300, values: int = 12, seed: int = 0) -> Tensor:
    """Correlated rows whose variances fall from direction to direction."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(values, values, generator=generator) * torch.linspace(1.0, 0.05, values)[:, None]
    return torch.randn(count, values, generator=generator) @ mixing + 3


@pytest.mark.parametrize(("count", "values"), [(300, 12), (9, 40)], ids=["tall", "wide"])
def test_components_are_the_eigenvectors_of_the_covariance(count: int, values: int) -> None:
    x = rows(count, values)
    x = x - x.mean(0)
    found = principal_components(x, 5)
    covariance = (x.T @ x / count).double()
    expected = torch.linalg.eigvalsh(covariance).flip(0)
    torch.testing.assert_close(found.variances.double(), expected[:5], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.vectors @ found.vectors.T, torch.eye(5), rtol=0, atol=1e-4)
    image = found.vectors.double() @ covariance
    torch.testing.assert_close(
        image, found.variances[:, None].double() * found.vectors.double(), rtol=1e-3, atol=1e-4
    )
    assert found.left == pytest.approx(float(expected[5:].sum()) / (values - 5), rel=1e-3)


def test_the_curve_is_the_likelihood_of_rows_left_out() -> None:
    x = rows()
    x = x - x.mean(0)
    curve = held_out_curve(x, 8)
    held = torch.arange(len(x)) % 4 == 0
    fitted = x[~held].double()
    variances, vectors = torch.linalg.eigh(fitted.T @ fitted / len(fitted))
    for count in (1, 4, 8):
        noise, first = variances[:-count].mean(), vectors[:, -count:]
        covariance = first @ torch.diag(variances[-count:] - noise) @ first.T + noise * torch.eye(12).double()
        exact = (
            -multivariate_normal(torch.zeros(12).numpy(), covariance.numpy()).logpdf(x[held].numpy()).mean()
        )
        assert float(curve.nats[count - 1]) == pytest.approx(float(exact), rel=1e-4)
        share = (x[held].double() @ first).square().sum() / x[held].double().square().sum()
        assert float(curve.explained[count - 1]) == pytest.approx(float(share), rel=1e-4)


def test_the_gain_of_kernels_is_that_of_two_other_libraries() -> None:
    """scikit-learn's kernels against SciPy's normal density, with two standard errors taken off."""
    angle = torch.rand(400, generator=torch.Generator().manual_seed(0)).double() * 6.28
    x = torch.stack([angle.cos(), angle.sin(), 0.5 * angle], 1)
    x = (x - x.mean(0)) / x.std(0)
    held = (torch.arange(len(x)) % 4 == 0).numpy()
    fitted, left = x.numpy()[~held], x.numpy()[held]
    covariance = np.cov(fitted.T)
    normal = multivariate_normal(fitted.mean(0), covariance).logpdf(left)
    basis = np.linalg.inv(np.linalg.cholesky(covariance)).T
    found = []
    for turn in (np.eye(3), basis):
        volume = np.linalg.slogdet(turn)[1]
        for width in WIDTHS:
            kernels = KernelDensity(bandwidth=width).fit(fitted @ turn).score_samples(left @ turn) + volume
            gain = kernels - normal
            found.append(gain.mean() - 2 * gain.std(ddof=1) / len(gain) ** 0.5)
    assert held_out_gain(x) == pytest.approx(max(found) / 3, rel=1e-6)
    assert held_out_gain(x) > 0.3


@pytest.mark.parametrize(
    ("count", "values"), [(2000, 3), (800, 8), (80, 6), (60, 6), (150, 16), (220, 16), (9, 12), (300, 1)]
)
def test_kernels_gain_nothing_of_what_is_normal(count: int, values: int) -> None:
    x = rows(count, values)
    x = (x - x.mean(0)) / x.std(0)
    assert held_out_gain(x) < 0.05
    if count > 20:
        copied = torch.cat([x, torch.zeros(count, 2), x[:, :1] + x[:, -1:]], 1)
        assert held_out_gain(copied) < 0.05, "constant and repeated columns say nothing"


def test_the_best_number_is_looked_for_within_bounds() -> None:
    curve = Curve(torch.tensor([5.0, 3.0, 2.0, 4.0]), torch.tensor([0.2, 0.5, 0.8, 0.9]))
    assert (curve.best(4), curve.best(2)) == (3, 2)
    assert (curve.explaining(0.5), curve.explaining(0.85), curve.explaining(0.99)) == (2, 4, 4)


@pytest.mark.parametrize("likelihood", ["gaussian-optimal", "gaussian-learned", "gaussian(sigma=0.3)"])
def test_a_fresh_vae_has_the_likelihood_of_probabilistic_pca_exactly(likelihood: str) -> None:
    """log p(x, z) - log q(z|x) is log p(x), whatever z, where q is the exact posterior.

    Of standardised rows; the density of the rows themselves is lower by the logarithms of the scales.
    """
    x = rows()
    model = VAE((12,), 4, network="mlp", likelihood=likelihood, init="pca", pixels="real", width=16)
    model.prepare(x)
    model.eval()
    sigma = float(torch.as_tensor(model.likelihood.sigma).detach())
    scale = x.double().std(0, correction=0)
    centre = (x.double() - x.double().mean(0)) / scale
    variances, vectors = torch.linalg.eigh(centre.T @ centre / len(x))
    if "sigma" not in likelihood:
        assert sigma == pytest.approx(float(variances[:-4].mean()) ** 0.5, rel=1e-4)
    first = vectors[:, -4:]
    gains = torch.diag((variances[-4:] - sigma**2).clamp_min(0))
    covariance = first @ gains @ first.T + sigma**2 * torch.eye(12).double()
    standard = multivariate_normal(torch.zeros(12).numpy(), covariance.numpy()).logpdf(centre.numpy())
    exact = standard - float(scale.log().sum())
    with torch.no_grad():
        posterior = model.encode(x)
        for z in (posterior.mean, posterior.mean + posterior.stddev):
            found = model.log_joint(x, z) - posterior.log_prob(z).sum(-1)
            torch.testing.assert_close(found.double(), torch.tensor(exact), rtol=1e-3, atol=1e-2)


def test_each_class_has_a_mean_of_its_own() -> None:
    y = torch.arange(300) % 3
    x = rows() + 10 * y[:, None]
    model = VAE((12,), 4, network="mlp", init="pca", pixels="real", classes=3, width=16)
    model.prepare_from(Split(x, y))
    with torch.no_grad():
        drawn = model.decode(torch.zeros(3, 4), torch.arange(3)).mean
    expected = torch.stack([x[y == k].mean(0) for k in range(3)])
    torch.testing.assert_close(drawn, expected, rtol=1e-4, atol=1e-3)


def test_an_autoencoder_begins_at_pca() -> None:
    x = rows()
    model = AE((12,), 4, network="mlp", init="pca", pixels="real", width=16)
    model.prepare(x)
    scale = x.std(0, correction=0)
    centre = (x - x.mean(0)) / scale
    first = principal_components(centre, 4).vectors
    sigma2 = float(model.likelihood.sigma) ** 2  # type: ignore[arg-type]
    shrunk = (principal_components(centre, 4).variances - sigma2) / principal_components(centre, 4).variances
    expected = (centre @ first.T * shrunk) @ first * scale + x.mean(0)
    torch.testing.assert_close(model.reconstruct(x), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_few_examples_or_equal_ones_are_no_obstacle(count: int) -> None:
    for images in (torch.rand(count, 3, 8, 8), torch.ones(count, 3, 8, 8)):
        model = VAE((3, 8, 8), 6, network="lesson", init="pca", likelihood="gaussian-optimal", pixels="unit")
        model.prepare(images)
        assert bool(model.decode(model.encode(images).mean).log_prob(images).isfinite().all())


def test_what_a_network_learns_comes_beside_the_path() -> None:
    """At first the networks say nothing, and their last layers learn from the first step on."""
    model = VAE((3, 8, 8), 4, network="strided", init="pca", likelihood="gaussian-optimal", pixels="unit")
    x = torch.rand(50, 3, 8, 8)
    model.prepare(x)
    assert not bool(model.encoder(x).any())
    assert not bool(model.decoder(torch.randn(5, 4)).any())
    model.train()
    (-model.decode(model.encode(x).mean).log_prob(x)).mean().backward()
    assert bool(model.decoder.last.weight.grad.any())  # type: ignore[union-attr]


def test_where_there_is_no_optimum_of_linear_networks_the_start_is_random() -> None:
    assert VAE((1, 8, 8), 3, likelihood="bce").options.init == "random"
    assert VAE((1, 8, 8), 3).options.init == "pca"
    assert VAE((1, 8, 8), 3, network="mlp").options.init == "random"
    with pytest.raises(SettingError, match="init='pca' needs likelihood='gaussian-optimal'"):
        VAE((1, 8, 8), 3, likelihood="bce", init="pca")


def test_as_many_examples_are_looked_at_as_a_second_allows() -> None:
    assert looked_at(60_000, 784) == 10_000
    assert 2_000 < looked_at(60_000, 3072) < 5_000
    assert looked_at(60_000, 196_608) == 500
    assert looked_at(132, 12_288) == 132
    chosen = spread(torch.arange(60_000), 3072)
    assert (chosen[0], chosen[-1]) == (0, 59_999)


def test_directions_without_variance_are_left_out() -> None:
    """Constant, repeated and summed columns: what is left has the rows' own rank, and their distances."""
    x = rows() - rows().mean(0)
    more = torch.cat([x, torch.zeros(len(x), 1), x[:, :1], x[:, 1:2] + x[:, 2:3]], dim=1)
    directions = varying_directions(more)
    assert directions is not None and directions.shape == (15, 12)
    torch.testing.assert_close(directions.T @ directions, torch.eye(12), rtol=0, atol=1e-5)
    torch.testing.assert_close((more @ directions).norm(dim=1), more.norm(dim=1))
    assert varying_directions(x) is None
    assert varying_directions(more[:10]) is None  # too few rows to say


def test_a_constant_column_changes_nothing_that_is_decided() -> None:
    x = rows() - rows().mean(0)
    directions = varying_directions(torch.cat([x, torch.zeros(len(x), 2)], dim=1))
    assert directions is not None
    here, there = (
        held_out_curve(x, 11),
        held_out_curve(torch.cat([x, torch.zeros(len(x), 2)], dim=1) @ directions, 11),
    )
    torch.testing.assert_close(here.nats, there.nats, rtol=1e-4, atol=1e-3)
    found = principal_components(torch.cat([x, torch.zeros(len(x), 2)], dim=1) @ directions, 3).within(
        directions
    )
    wanted = principal_components(x, 3)
    torch.testing.assert_close(
        (found.vectors[:, :12] * wanted.vectors).sum(1).abs(), torch.ones(3), rtol=0, atol=1e-4
    )
    torch.testing.assert_close(found.vectors[:, 12:], torch.zeros(3, 2), rtol=0, atol=1e-5)
    assert found.left == pytest.approx(wanted.left, rel=1e-4)
