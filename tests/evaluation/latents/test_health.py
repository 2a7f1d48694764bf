"""The health report finds what is wrong with sick models, and nothing wrong with a healthy one."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from linear import LATENTS, LinearVAE
from vaekit.data import Data, Split, load_data
from vaekit.evaluation.latents.findings import CodeUsage, findings, remarks
from vaekit.evaluation.latents.health import Health, measure_health
from vaekit.evaluation.table import rows
from vaekit.models import AE, VAE, LatentModel
from vaekit.objectives.base import Objective
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction
from vaekit.runs.records import Note
from vaekit.training.fit import fit


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


def trained(model: LatentModel, objective: Objective, data: Data, epochs: int, **options: object) -> Health:
    fit(model, objective, data, epochs=epochs, progress="none", device="cpu", precision="fp32", **options)  # type: ignore[arg-type]
    return measure_health(model, data.test, data.train, precision="fp32")


def vae(latent_dim: int = 10, width: int = 128) -> VAE:
    torch.manual_seed(0)
    return VAE((1, 8, 8), latent_dim, width=width, likelihood="gaussian", sigma=0.2)


@pytest.fixture(scope="module")
def healthy(digits: Data) -> Health:
    return trained(vae(), ELBO(), digits, epochs=25)


def only(health: Health) -> Note:
    found = findings(health)
    assert len(found) == 1, found
    return found[0]


def test_nothing_is_wrong_with_a_healthy_vae(healthy: Health) -> None:
    assert findings(healthy) == []
    assert healthy.explained > 0.6
    assert healthy.active_units >= 7


def test_collapse_under_a_heavy_kl(digits: Data) -> None:
    health = trained(vae(), ELBO(beta=50.0), digits, epochs=10)
    finding = only(health)
    assert "10 of 10 dimensions carry less than 0.01 nats: posterior collapse" in finding.text
    assert "free_bits=" in finding.remedy
    assert "a smaller beta" in finding.remedy
    assert health.active_units == 0


def test_an_autoencoder_has_no_prior(digits: Data) -> None:
    torch.manual_seed(0)
    model = AE((1, 8, 8), 10, width=128, likelihood="gaussian", sigma=0.2)
    health = trained(model, Reconstruction(), digits, epochs=10)
    assert findings(health) == []
    (finding,) = remarks(health)
    assert remarks(health, fitted=True) == []
    assert "no prior" in finding.text
    assert "nothing to sample from" in finding.text
    assert "train a vae" in finding.remedy
    assert health.rate is None
    assert health.aggregate is None
    assert "rate_nats" not in health.as_dict()


def test_more_dimensions_than_the_images_need(digits: Data) -> None:
    health = trained(vae(latent_dim=100), ELBO(), digits, epochs=25)
    assert findings(health) == [], "idle dimensions are no fault"
    (finding,) = remarks(health)
    assert "of 100 dimensions carry less than 0.1 nats" in finding.text
    assert "latent_dim=" in finding.remedy


def test_a_network_that_learns_few_images_by_heart(digits: Data) -> None:
    few = digits.replace(train=digits.train.take(torch.arange(100)))
    health = trained(vae(width=256), ELBO(), few, epochs=150, batch_size=50, weights="last")
    finding = only(health)
    assert "by heart" in finding.text
    assert "fewer epochs" in finding.remedy
    assert health.gap is not None
    gap, error = health.gap
    assert gap > 5 * error
    assert findings(health, chosen=True) == []
    (of_chosen,) = remarks(health, chosen=True)
    assert "fewer steps would not, since validation chose the weights" in of_chosen.remedy


def test_codes_far_from_the_prior(healthy: Health) -> None:
    far = replace(healthy, moments_kl=25.0)
    assert "25.0 nats or more from the prior" in only(far).text
    assert findings(replace(healthy, moments_kl=0.9)) == []


def test_numbers_of_a_linear_gaussian_vae() -> None:
    """Rate, distortion, active units and explained variance by hand."""
    linear = LinearVAE(400)
    health = measure_health(linear.model, linear.split)
    w = linear.weight.double().numpy()
    x = linear.split.images.double().numpy() - linear.bias.double().numpy()
    precision = np.eye(LATENTS) + w.T @ w / 0.25
    mean = x @ np.linalg.solve(precision, w.T / 0.25).T + 0.1
    variance = 1.3 * np.diag(np.linalg.inv(precision))
    kl = 0.5 * (mean**2 + variance - 1 - np.log(variance)).mean(0)
    distortion = 0.5 * (((x - mean @ w.T) ** 2).sum(1).mean() + (w**2 @ variance).sum()) / 0.25
    distortion += 3 * math.log(2 * math.pi * 0.25)
    explained = 1 - ((x - mean @ w.T) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()
    assert health.rate is not None
    assert health.distortion is not None
    np.testing.assert_allclose(health.kl_by_dimension, kl, rtol=1e-4)  # type: ignore[arg-type]
    assert health.rate.value == pytest.approx(kl.sum(), rel=1e-4)
    assert health.distortion.standard_error is not None
    assert abs(health.distortion.value - distortion) < 3 * health.distortion.standard_error
    assert health.explained == pytest.approx(explained, rel=1e-4)
    np.testing.assert_allclose(health.variance_of_means, mean.var(0), rtol=1e-4)
    assert health.active_units == int((mean.var(0) > 0.01).sum())


def test_gap_is_test_less_training(healthy: Health) -> None:
    assert healthy.gap is not None
    assert healthy.distortion is not None
    assert healthy.rate is not None
    assert healthy.train_negative_elbo is not None
    test = healthy.distortion.value + healthy.rate.value
    assert healthy.gap[0] == pytest.approx(test - healthy.train_negative_elbo.value)


def test_record_is_json_without_what_is_undefined(healthy: Health) -> None:
    values = json.loads(json.dumps(healthy.as_dict(), allow_nan=False))
    assert values["latent_dimensions"] == 10
    without = replace(healthy, train_negative_elbo=None, aggregate=None).as_dict()
    assert {"generalisation_gap_nats", "mutual_information_nats"}.isdisjoint(without)


def test_what_is_printed_of_the_latents_together_is_the_record_and_never_at_a_ceiling(
    healthy: Health,
) -> None:
    """313 images of some 10 nats: log N is 5.7."""
    record = json.loads(json.dumps(healthy.as_dict(), allow_nan=False))
    assert healthy.rate is not None and healthy.rate.value > math.log(healthy.images)
    printed = {row.key: row for row in rows({"health": record})}
    for name in ("mutual_information_nats", "aggregate_kl_nats", "aggregate_total_correlation_nats"):
        assert record[name]["value"] is None and printed[name].text == "not identified"
        assert printed[name].meaning[1:].startswith(record[name]["not_identified"][1:])
    for name, found in healthy.of_moments.items():
        assert (printed[name].value, printed[name].error) == (found.value, found.standard_error)
    assert {"total_correlation_from_moments_nats", "aggregate_kl_from_moments_nats"} == set(
        healthy.of_moments
    )
    assert healthy.moments_kl == healthy.of_moments["aggregate_kl_from_moments_nats"].value


def test_usage_of_a_codebook() -> None:
    usage = CodeUsage.of(torch.tensor([5, 5, 0, 10, 0, 0, 0, 0]))
    assert (usage.codes, usage.used) == (8, 3)
    assert usage.perplexity == pytest.approx(2**1.5)  # entropy of (1/4, 1/4, 1/2) is 1.5 bits
    assert "5 of 8 codes are never used" in usage.findings()[0].text
    assert CodeUsage.of(torch.ones(8)).findings() == []
    assert CodeUsage.of(torch.ones(8)).perplexity == pytest.approx(8)


def test_at_most_ten_thousand_images_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.evaluation.latents.health.MOST", 30)
    linear = LinearVAE(100)
    assert measure_health(linear.model, linear.split, Split(linear.split.images)).images == 30
