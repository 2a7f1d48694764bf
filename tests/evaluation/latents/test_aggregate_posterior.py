"""Parts of the rate against closed forms and enumeration: what is printed is within its error of the truth, or is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from vaekit.evaluation.latents.aggregate_posterior import (
    APART,
    FEWEST,
    Aggregate,
    aggregate_log_densities,
    decompose,
)
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.evaluation.table import rows

SPREAD = np.array([[1.0, 0.6], [0.6, 0.8]])  # covariance of the posterior means over the images
SIGMA = np.array([0.5, 0.4])  # standard deviation of every posterior
CENTRE = np.array([0.3, -0.5])
TOTAL = SPREAD + np.diag(SIGMA**2)  # covariance of q(z)
PARTS = {  # attribute -> key
    "mutual_information": "mutual_information_nats",
    "kl": "aggregate_kl_nats",
    "total_correlation": "aggregate_total_correlation_nats",
    "dimensionwise_kl": "dimensionwise_kl_nats",
}


def standard(dimensions: int) -> Normal:
    return Normal(torch.zeros(dimensions), torch.ones(dimensions))


def normal_posterior(images: int) -> Normal:
    generator = np.random.default_rng(0)
    means = CENTRE + generator.standard_normal((images, 2)) @ np.linalg.cholesky(SPREAD).T
    means = torch.from_numpy(means).float()
    return Normal(means, torch.from_numpy(SIGMA).float().expand_as(means))


def closed_form() -> dict[str, float]:
    """Of N(CENTRE, TOTAL) from N(0, I), and of its parts."""
    log_determinant, each = np.linalg.slogdet(TOTAL)[1], np.log(np.diag(TOTAL)).sum()
    outside = np.trace(TOTAL) + CENTRE @ CENTRE - 2
    return {
        "mutual_information": 0.5 * (log_determinant - np.log(SIGMA**2).sum()),
        "kl": 0.5 * (outside - log_determinant),
        "total_correlation": 0.5 * (each - log_determinant),
        "dimensionwise_kl": 0.5 * (outside - each),
    }


@pytest.fixture(scope="module")
def parts() -> Aggregate:
    return decompose(normal_posterior(4000), standard(2))


@pytest.mark.parametrize("name", list(closed_form()))
def test_normal_aggregate(parts: Aggregate, name: str) -> None:
    found: MeanNats = getattr(parts, name)
    assert found.standard_error is not None
    # the 4,000 means are themselves a draw: they shift the moments by about as much as z does
    assert abs(found.value - closed_form()[name]) < 4 * found.standard_error


def test_parts_add_up_to_the_rate(parts: Aggregate) -> None:
    rate = kl_divergence(normal_posterior(4000), standard(2)).sum(-1).mean().item()
    assert parts.mutual_information and parts.kl and parts.total_correlation and parts.dimensionwise_kl
    together = parts.mutual_information.value + parts.kl.value
    assert parts.kl.value == pytest.approx(
        parts.total_correlation.value + parts.dimensionwise_kl.value, abs=1e-6
    )
    assert together == pytest.approx(rate, abs=0.05)


def test_log_densities_against_a_loop() -> None:
    posterior = normal_posterior(5)
    z = torch.randn(5, 2)
    joint, product = aggregate_log_densities(posterior, z)
    for i in range(5):
        densities = np.exp([posterior.log_prob(z[i])[n].double().numpy() for n in range(5)])
        others = np.delete(densities, i, 0)
        assert joint.all[i].item() == pytest.approx(math.log(densities.prod(1).mean()), abs=1e-5)
        assert product.all[i].item() == pytest.approx(np.log(densities.mean(0)).sum(), abs=1e-5)
        assert joint.others[i].item() == pytest.approx(math.log(others.prod(1).mean()), abs=1e-5)
        assert product.others[i].item() == pytest.approx(np.log(others.mean(0)).sum(), abs=1e-5)


def test_images_that_never_mix_give_all_of_log_n_and_identify_nothing() -> None:
    means = torch.arange(200.0)[:, None] * 100
    found = decompose(Normal(means, torch.ones_like(means)), standard(1))
    assert found.lower_bound.value == pytest.approx(math.log(200), abs=1e-4)
    assert found.ceiling == pytest.approx(math.log(200))
    assert found.mutual_information is found.kl is found.dimensionwise_kl is None
    assert "at its ceiling, log N = 5.30 nats for 200 images" in found.unidentified["mutual_information_nats"]


def test_a_prior_over_all_of_z_has_no_dimensions(parts: Aggregate) -> None:
    whole = Independent(standard(2), 1)
    found = decompose(normal_posterior(4000), whole)
    assert found.dimensionwise_kl is None
    assert "dimensionwise_kl_nats" not in found.as_dict()
    assert found.kl and parts.kl
    assert found.kl.value == pytest.approx(parts.kl.value, abs=1e-5)


# Aggregates with known answers ----------------------------------------------------------------------

Drawn = tuple[
    Tensor, Tensor, dict[str, float]
]  # posterior means, standard deviations, the truth of each part


def normal(dimensions: int, variance: float, correlation: float) -> Callable[[int, int], Drawn]:
    """q(z) = N(0, C), C of unit variances and one correlation; every posterior has the same variance."""
    covariance = torch.full((dimensions, dimensions), correlation).fill_diagonal_(1.0)
    root = torch.linalg.cholesky(covariance - variance * torch.eye(dimensions))
    dependence = -0.5 * float(torch.logdet(covariance.double()))
    truth = {"total_correlation": dependence, "kl": dependence, "dimensionwise_kl": 0.0}
    truth["mutual_information"] = -0.5 * dimensions * math.log(variance) - dependence

    def draw(images: int, seed: int) -> Drawn:
        means = torch.randn(images, dimensions, generator=torch.Generator().manual_seed(seed)) @ root.T
        return means, torch.full_like(means, math.sqrt(variance)), truth

    return draw


def clusters(dimensions: int) -> Callable[[int, int], Drawn]:
    """Two clusters that hardly touch, all dimensions of one sign: TC = (D - 1) log 2 and MI = log 2 (a cluster is one
    posterior, so what it overlaps is by quadrature less than 0.001)."""

    def draw(images: int, seed: int) -> Drawn:
        side = torch.randint(2, (images, 1), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
        means = side.expand(images, dimensions).contiguous()
        truth = {"mutual_information": math.log(2), "total_correlation": (dimensions - 1) * math.log(2)}
        return means, torch.full_like(means, 0.25), truth

    return draw


CASES = {
    "20 dimensions, N(0, I), rate 23": (normal(20, 0.1, 0.0), (2000, 500), False),
    "20 dimensions, correlated, rate 23": (normal(20, 0.1, 0.5), (500,), False),
    "20 dimensions, rate 9": (normal(20, 0.4, 0.0), (500,), False),
    "8 dimensions, rate 14": (normal(8, 0.03, 0.0), (500,), False),
    "5 dimensions, rate 6, below log N": (normal(5, 0.09, 0.0), (500,), False),
    "20 dimensions, little rate": (normal(20, 0.9, 0.0), (500,), True),
    "5 dimensions, correlated": (normal(5, 0.45, 0.5), (500, 150), True),
    "2 dimensions": (normal(2, 0.05, 0.5), (500,), True),
    "1 dimension": (normal(1, 0.05, 0.0), (500, 150), True),
    "1 dimension, at the ceiling": (normal(1, 1e-6, 0.0), (500,), False),
    "two clusters": (clusters(4), (500,), True),
    "few images": (normal(3, 0.5, 0.3), (3, 20, 99), False),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_is_within_its_error_and_the_rest_is_not_identified(case: str) -> None:
    draw, counts, identified = CASES[case]
    for images in counts:
        off: dict[str, list[float]] = {name: [] for name in PARTS}  # in standard errors
        for seed in range(1 if images > 500 else 6):
            means, stddev, truth = draw(images, seed)
            parts = decompose(Normal(means, stddev), standard(means.shape[1]), seed=seed)
            assert (parts.mutual_information is not None) == identified, images
            record = json.loads(json.dumps(parts.as_dict(), allow_nan=False))
            for name, key in PARTS.items():
                part: MeanNats | None = getattr(parts, name)
                if part is None:
                    assert record[key]["value"] is None and record[key]["not_identified"]
                elif name in truth:
                    assert record[key]["value"] == part.value
                    off[name].append(abs(part.value - truth[name]) / ((part.standard_error or 0) + 1e-9))
        for name, found in off.items():  # one draw in twenty lies outside two errors by chance
            assert sum(value > 2 for value in found) <= 2 and max(found, default=0) < 3, (images, name, found)


def test_dimensions_by_themselves_are_identified_where_all_together_are_not() -> None:
    means, stddev, _ = normal(20, 0.1, 0.0)(2000, 0)
    found = decompose(Normal(means, stddev), standard(20))
    assert found.kl is None and found.dimensionwise_kl is not None
    assert found.dimensionwise_kl.standard_error is not None
    assert abs(found.dimensionwise_kl.value) < 2 * found.dimensionwise_kl.standard_error < 0.3


def test_a_single_dimension_depends_on_no_other() -> None:
    for images in (5, 500):
        means, stddev, _ = normal(1, 1e-6, 0.0)(images, 0)
        found = decompose(Normal(means, stddev), standard(1)).total_correlation
        assert found is not None and (found.value, found.standard_error) == (0.0, 0.0)


def test_a_few_images_far_from_all_others_are_seen() -> None:
    """The rest mixes well, and the mutual information is nowhere near log N; yet nobody knows how odd they are."""
    means, stddev, _ = normal(2, 0.7, 0.0)(500, 0)
    assert decompose(Normal(means, stddev), standard(2)).mutual_information is not None
    means[:5] = 300 * torch.arange(10.0).reshape(5, 2)
    found = decompose(Normal(means, stddev), standard(2))
    assert found.mutual_information is None and found.lower_bound.value < 0.2 * found.ceiling
    assert found.unidentified["aggregate_kl_nats"].startswith(
        "500 images leave the mutual information between"
    )


def test_no_number_is_not_identified_either() -> None:
    means = torch.randn(FEWEST, 2, generator=torch.Generator().manual_seed(0))
    means[0, 0] = math.nan
    prior = Normal(torch.zeros(2), torch.ones(2), validate_args=False)
    found = decompose(Normal(means, torch.ones_like(means), validate_args=False), prior)
    assert found.mutual_information is found.kl is found.total_correlation is None


def test_the_bounds_hold_the_truth_between_them() -> None:
    """In expectation, by eight draws; at 500 images of 3 nats they are some 0.2 nats apart."""
    draw = normal(5, 0.301, 0.0)
    low, high = [], []
    for seed in range(8):
        means, stddev, truth = draw(500, seed)
        posterior = Normal(means, stddev)
        torch.manual_seed(100 + seed)
        z = posterior.sample()
        joint, _ = aggregate_log_densities(posterior, z)
        own = kl_divergence(posterior, standard(5)).sum(-1) + standard(5).log_prob(z).sum(-1)
        low.append(float((own - joint.all).mean()))
        high.append(float((own - joint.others).mean()))
        assert joint.apart == pytest.approx(high[-1] - low[-1], abs=1e-4) and joint.apart < APART
    error = np.std(low, ddof=1) / math.sqrt(8)
    assert np.mean(low) - 2 * error < truth["mutual_information"] < np.mean(high) + 2 * error


def test_what_is_printed_says_that_it_is_not_identified() -> None:
    means, stddev, _ = normal(20, 0.1, 0.0)(500, 0)
    found = decompose(Normal(means, stddev), standard(20))
    printed = {row.key: row for row in rows({"health": {"images": 500, **found.as_dict()}})}
    for key in ("mutual_information_nats", "aggregate_kl_nats", "aggregate_total_correlation_nats"):
        assert printed[key].text == "not identified" and printed[key].error is None
        assert printed[key].meaning.startswith(
            "The mutual information is at its ceiling, log N = 6.21 nats for 500"
        )
    bound = printed["mutual_information_lower_bound_nats"]
    assert bound.label == "mutual information, lower bound"
    assert bound.value == pytest.approx(math.log(500), abs=0.01)
    assert "No more than log N = 6.21 could show" in bound.meaning
    assert not [row for row in printed.values() if row.value is not None and 14 < row.value < 18]
