"""InfoM and InfoC against the authors' code, and against another implementation of their formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import entropy

from vaekit.data import Factor
from vaekit.evaluation.factors.disentanglement import MEASURES
from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.evaluation.factors.infomec import NEIGHBOURS, neighbour_information

KINDS = (Factor("a", 4), Factor("b", 8), Factor("c", 3))

# What the authors' code gives for `cases`, by scikit-learn 1.9.1: `compute_infomec(factors, latents, False)` of
# disentangle/metrics/infomec.py in github.com/kylehkhsu/latent_quantization, commit 9a420a3, without its InfoE.
THEIRS = {
    "aligned, noise 0.5": (0.9962, 0.9966),
    "aligned, noise 1.5": (0.8647, 0.8846),
    "rotated, noise 0.5": (0.4046, 0.4396),
    "two in one and noise": (0.6647, 0.9784),
    "an inactive dimension that tells": (
        0.9961,
        None,
    ),  # 0/0 there: the third factor shares nothing with the two active
    "each twice": (0.9927, 0.4006),
}


def cases() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    columns = [random.integers(values, size=1500) for values in (4, 8, 3)]
    factors = np.stack(columns, axis=1).astype(float)
    unit = (factors - factors.mean(0)) / factors.std(0)
    found = {
        "aligned, noise 0.5": unit + 0.5 * random.normal(size=unit.shape),
        "aligned, noise 1.5": unit + 1.5 * random.normal(size=unit.shape),
    }
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    found["rotated, noise 0.5"] = unit @ turn + 0.5 * random.normal(size=unit.shape)

    def near(values: np.ndarray, noise: float) -> np.ndarray:
        return values + noise * random.normal(size=len(values))

    pair, third = near(unit[:, 0] + unit[:, 1], 0.1), near(unit[:, 2], 0.1)
    found["two in one and noise"] = np.stack([pair, third, random.normal(size=len(unit))], axis=1)
    told = [near(unit[:, k], 0.3) for k in range(3)]
    found["an inactive dimension that tells"] = np.stack([told[0], told[1], 0.03 * told[2]], axis=1)
    found["each twice"] = np.repeat(unit, 2, axis=1) + 0.4 * random.normal(size=(len(unit), 6))
    return factors, found


FACTORS, LATENTS = cases()


@pytest.mark.parametrize("case", THEIRS)
def test_figures_of_the_authors_code(case: str) -> None:
    found = MEASURES["infomec"](FactorTable(LATENTS[case], FACTORS, KINDS), 0)
    infom, infoc = THEIRS[case]
    assert found["infom"] == pytest.approx(infom, abs=2e-4)
    assert found["infoc"] == pytest.approx(2 / 3 * 0.9965 if infoc is None else infoc, abs=2e-4)


def ross(latent: np.ndarray, values: np.ndarray) -> float:
    """Ross 2014, eq. 2, by all distances: psi(N) - <psi(N_v)> + psi(k) - <psi(m)>, in nats."""
    apart = np.abs(latent[:, None] - latent)
    terms = []
    for i, value in enumerate(values):
        alike = np.sort(apart[i, values == value])  # its own 0 first
        within = (apart[i] < alike[NEIGHBOURS]).sum()
        terms.append(digamma(NEIGHBOURS) - digamma(len(alike)) - digamma(within))
    return max(0.0, digamma(len(values)) + float(np.mean(terms)))


def test_the_estimator_by_all_distances() -> None:
    latents, factors = LATENTS["aligned, noise 1.5"][:1000, :2], FACTORS[:1000].astype(int)
    found = neighbour_information(latents / latents.std(0), factors, 0)
    for d in range(2):
        for k in range(2):
            expected = ross(latents[:, d], factors[:, k]) / entropy(np.bincount(factors[:, k]))
            assert found[d, k] == pytest.approx(expected, abs=1e-3)


def test_dimensions_of_a_small_range_are_left_out() -> None:
    """A 21st of the widest, which tells the third factor; a 19th is kept."""
    told = FACTORS + 0.1 * np.random.default_rng(1).normal(size=FACTORS.shape)
    told /= np.ptp(told, axis=0)
    scores = []
    for share in (1.0, 1 / 19, 1 / 21):
        table = FactorTable(told * [1.0, 1.0, share], FACTORS, KINDS)
        scores.append(MEASURES["infomec"](table, 0)["infoc"])
    assert scores[0] == pytest.approx(1, abs=0.02) and scores[1] == pytest.approx(scores[0], abs=1e-6)
    assert scores[2] == pytest.approx(2 / 3, abs=0.02)


def test_latents_that_say_nothing_have_0() -> None:
    for latents in (np.random.default_rng(2).normal(size=(1500, 4)), np.zeros((1500, 2))):
        found = MEASURES["infomec"](FactorTable(latents, FACTORS, KINDS), 0)
        assert (found["infom"], found["infoc"]) == (0, 0)


def test_one_dimension_of_which_every_factor_is_read_is_compact_and_not_modular() -> None:
    latents = (FACTORS[:, 0] + 4 * FACTORS[:, 2])[:, None] + 0.01 * np.random.default_rng(3).normal(
        size=(1500, 1)
    )
    found = MEASURES["infomec"](FactorTable(latents, FACTORS[:, [0, 2]], (KINDS[0], KINDS[2])), 0)
    assert found["infoc"] == 1 and found["infom"] < 0.2
