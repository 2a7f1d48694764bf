"""`better` of a metric against sets and models of which one is better by construction."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from toy import SMALL, toy_data
from vaekit import ELBO, IWAE, VAE, fit
from vaekit.data import Factor
from vaekit.evaluation.factors.disentanglement import disentanglement
from vaekit.evaluation.latents.aggregate_posterior import decompose
from vaekit.evaluation.latents.probes import knn_accuracy, linear_accuracy
from vaekit.evaluation.outliers import auroc
from vaekit.evaluation.samples.memorisation import memorisation
from vaekit.evaluation.samples.quality import compare_features, laplacian_energy
from vaekit.metrics import METRICS
from vaekit.objectives.nll import CodeLength
from vaekit.objectives.vq import QuantizedReconstruction

COST: dict[
    str, Callable[[float], float]
] = {  # what a reader is told, as a number that is smaller for the better
    "lower": lambda value: value,
    "higher": lambda value: -value,
    "near 1": lambda value: abs(math.log(max(value, 1e-9))),
    "near 0": abs,
    "near 0.01": lambda value: abs(value - 0.01),
}


def agrees(key: str, good: float, bad: float) -> None:
    cost = COST[METRICS[key].better]
    assert cost(good) < cost(bad), f"{key}: {good} is the better one, {bad} the worse"


def draws(count: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    return shift + scale * torch.randn(count, 4, generator=torch.Generator().manual_seed(seed)).double()


REAL = draws(400, 0)
GOOD = compare_features(draws(400, 1), REAL, "x")


@pytest.mark.parametrize("key", ["fd", "kd", "precision", "density", "recall", "coverage"])
def test_samples_elsewhere_are_worse(key: str) -> None:
    bad = compare_features(draws(400, 1, shift=5.0), REAL, "x")
    agrees(key, GOOD[f"{key}_x"].value, bad[f"{key}_x"].value)


@pytest.mark.parametrize("key", ["fd", "kd", "recall", "coverage"])
def test_samples_without_variety_are_worse(key: str) -> None:
    bad = compare_features(draws(400, 1, scale=0.05), REAL, "x")
    agrees(key, GOOD[f"{key}_x"].value, bad[f"{key}_x"].value)


def test_blurred_and_noisy_samples_are_worse() -> None:
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    real = float(laplacian_energy(images).mean())
    for contrast in (0.3, 2.0):
        agrees("sharpness", 1.0, float(laplacian_energy(0.5 + contrast * (images - 0.5)).mean()) / real)


def test_copies_are_worse() -> None:
    new, test, train = (
        torch.rand(300, 1, 4, 4, generator=torch.Generator().manual_seed(s)) for s in (1, 2, 3)
    )
    fresh, copied = memorisation(new, test, train), memorisation(train, test, train)
    for key in ("memorised", "near_copies"):
        agrees(key, fresh[key].value, copied[key].value)


@pytest.mark.parametrize("objective", [ELBO(), IWAE(3)])
def test_longer_training_is_better(objective: ELBO | IWAE) -> None:
    ends = []
    for epochs in (1, 40):
        torch.manual_seed(0)
        model = VAE((1, 4, 4), 2, width=16, likelihood="categorical")
        options = SMALL | {"batch_size": 10, "learning_rate": 0.01, "warmup": 0}
        ends.append(fit(model, objective, toy_data(), epochs=epochs, **options).test.figures)
    for key in ("negative_elbo_nats", "reconstruction_nats", objective.criterion):
        if key in METRICS:
            agrees(key, ends[1][key], ends[0][key])


def test_codes_and_reconstructions() -> None:
    objective = QuantizedReconstruction()
    good = objective.figures({"mse": 0.01}, {"code": torch.ones(8)})
    bad = objective.figures({"mse": 0.1}, {"code": torch.eye(8)[0]})
    for key in ("code_usage", "psnr_db"):
        agrees(key, good[key], bad[key])
    agrees("mse", 0.01, 0.1)
    assert good["code_perplexity"] == pytest.approx(8) and not METRICS["code_perplexity"].better
    assert CodeLength().figures({"code_nats": math.log(2)}, {})["code_bits"] == pytest.approx(1)


def test_classes_that_lie_apart_are_better() -> None:
    labels = torch.arange(200) % 2
    near, far = draws(200, 3).float(), (draws(200, 3) + 8 * labels[:, None]).float()
    for key, accuracy in {"knn_accuracy": knn_accuracy, "probe_accuracy": linear_accuracy}.items():
        found = [accuracy(z[:100], labels[:100], z[100:], labels[100:]) for z in (far, near)]
        agrees(key, found[0], found[1])


def test_the_parts_of_the_rate_each_move_with_their_own_fault() -> None:
    """Dependent dimensions raise the total correlation, shifted ones the dimension-wise KL; both the aggregate KL."""
    z = draws(500, 4).float()[:, :2]
    mixed = torch.stack([z[:, 0], 0.95 * z[:, 0] + 0.3 * z[:, 1]], 1)
    prior = Normal(torch.zeros(2), torch.ones(2))
    fine, dependent, shifted = (decompose(Normal(m, 0.3), prior) for m in (z, mixed, z + 3))
    assert fine.dimensionwise_kl and dependent.dimensionwise_kl and shifted.dimensionwise_kl
    assert fine.total_correlation and dependent.total_correlation and shifted.total_correlation
    agrees(
        "aggregate_total_correlation_nats", fine.total_correlation.value, dependent.total_correlation.value
    )
    agrees("dimensionwise_kl_nats", fine.dimensionwise_kl.value, shifted.dimensionwise_kl.value)
    assert dependent.total_correlation.value - fine.total_correlation.value > 0.3
    assert shifted.total_correlation.value == pytest.approx(fine.total_correlation.value, abs=0.1)
    for worse in (dependent, shifted):
        assert fine.kl and worse.kl
        agrees("aggregate_kl_nats", fine.kl.value, worse.kl.value)


def test_one_factor_in_each_dimension_is_better_than_noise() -> None:
    random = np.random.default_rng(0)
    factors, noise = random.random((1500, 2)), random.random((1500, 2))
    kinds = (Factor("place", None), Factor("height", None))
    good, bad = (disentanglement(z, factors, kinds).scores for z in (factors, noise))
    assert len(good) == 10
    for key in good:
        agrees(key, good[key], bad[key])


def test_outliers_that_score_higher_are_better() -> None:
    usual = draws(100, 5).flatten()
    agrees("auroc", auroc(usual, usual + 3), auroc(usual, usual))
