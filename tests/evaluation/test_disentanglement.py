"""Every measure on codes whose disentanglement is known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vaekit import SettingError
from vaekit.data import Factor
from vaekit.evaluation.disentanglement import (
    MEASURES,
    SCORES,
    Disentanglement,
    disentanglement,
    ica_codes,
)
from vaekit.evaluation.factortable import FactorTable
from vaekit.evaluation.information import information_matrix

KINDS = (Factor("kind", 4, ordered=False), Factor("size", 8), Factor("place", None), Factor("height", None))
CHANCE = {"factorvae_score": 1 / 4, "betavae_score": 1 / 4}
ALIGNED = SCORES.keys() - {"dci_informativeness", "infoe"}
SIZE = 3000


def drawn(seed: int = 0) -> np.ndarray:
    """Independent factors, (N, 4)."""
    random = np.random.default_rng(seed)
    columns = [
        random.integers(kind.values, size=SIZE) if kind.values else random.random(SIZE) for kind in KINDS
    ]
    return np.stack(columns, axis=1).astype(float)


def unit(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(0)) / values.std(0)


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return drawn()


@pytest.fixture(scope="module")
def perfect(factors: np.ndarray) -> Disentanglement:
    return disentanglement(unit(factors), factors, KINDS)


def test_perfect_codes_have_1(perfect: Disentanglement) -> None:
    assert perfect.scores.keys() == SCORES.keys()
    # A class of four on a line is not predicted linearly: InfoE is that much lower.
    expected = {"infoe": pytest.approx(1, abs=0.15)}
    for name, score in perfect.scores.items():
        assert score == expected.get(name, pytest.approx(1, abs=0.06)), name
    assert [(d, name) for d, name, _ in perfect.carries()] == list(enumerate(k.name for k in KINDS))


def test_permuted_and_scaled_codes_change_nothing(factors: np.ndarray, perfect: Disentanglement) -> None:
    other = unit(factors)[:, [2, 0, 3, 1]] * [100.0, -0.001, 3.0, -7.0]
    changed = disentanglement(other, factors, KINDS)
    for name, score in changed.scores.items():
        assert score == pytest.approx(perfect.scores[name], abs=0.01), name
    assert [name for _, name, _ in changed.carries()] == ["place", "kind", "height", "size"]


def test_rotation_lowers_the_axis_aligned_ones_and_only_those(
    factors: np.ndarray, perfect: Disentanglement
) -> None:
    """By 45 degrees in two planes: each dimension carries two factors alike."""
    half = math.sqrt(0.5)
    turn = np.array([[half, half, 0, 0], [-half, half, 0, 0], [0, 0, half, half], [0, 0, -half, half]])
    turned = disentanglement(unit(factors) @ turn, factors, KINDS)
    for name in ALIGNED:
        assert turned.scores[name] < perfect.scores[name] - 0.25, name
    assert turned.scores["infoe"] == pytest.approx(perfect.scores["infoe"], abs=0.02)
    assert turned.scores["dci_informativeness"] == pytest.approx(1, abs=0.12)


def test_noise_has_0(factors: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(size=(SIZE, 6))
    found = disentanglement(noise, factors, KINDS)
    for name, score in found.scores.items():
        assert score == pytest.approx(CHANCE.get(name, 0), abs=0.06), name
    assert found.carries() == []


def test_one_factor_in_two_dimensions_is_modular_but_not_compact(factors: np.ndarray) -> None:
    """By hand: every factor twice; MIG and SAP see no gap, modularity stays, compactness is 1 - log 2 / log 8."""
    twice = disentanglement(np.repeat(unit(factors), 2, axis=1), factors, KINDS).scores
    assert twice["mig"] == pytest.approx(0, abs=1e-9)
    assert twice["sap"] == pytest.approx(0, abs=1e-9)
    assert twice["infom"] == pytest.approx(1, abs=0.06)
    assert twice["infoc"] == pytest.approx((1 / 2 - 1 / 8) / (1 - 1 / 8), abs=0.05)
    assert twice["dci_completeness"] < 0.8


def test_mutual_information_of_a_noisy_channel() -> None:
    """A binary symmetric channel that errs in one of ten cases tells 1 - H2(0.1) = 0.531 bits."""
    random = np.random.default_rng(2)
    sent = random.integers(2, size=100_000)
    received = np.where(random.random(100_000) < 0.1, 1 - sent, sent)
    table = FactorTable(received[:, None].astype(float), sent[:, None].astype(float), (Factor("bit", 2),))
    expected = 1 + 0.1 * math.log2(0.1) + 0.9 * math.log2(0.9)
    assert information_matrix(table)[0, 0] == pytest.approx(expected, abs=0.005)


def test_sap_of_correlated_codes_is_the_difference_of_squared_correlations() -> None:
    random = np.random.default_rng(3)
    factor = random.random(20_000)
    noisy = [unit(factor) + scale * random.normal(size=20_000) for scale in (0.5, 2.0)]
    table = FactorTable(np.stack(noisy, axis=1), factor[:, None], (Factor("place", None),))
    assert MEASURES["sap"](table, 0)["sap"] == pytest.approx(1 / 1.25 - 1 / 5, abs=0.01)


def test_factorvae_score_against_its_definition_in_a_loop() -> None:
    """A code that holds the first factor well, the second hardly, and noise; votes one by one."""
    random = np.random.default_rng(4)
    factors = random.integers(5, size=(3000, 2)).astype(float)
    noise = random.normal(size=(3000, 3))
    codes = np.stack([factors[:, 0] + noise[:, 0], factors[:, 1] + 6 * noise[:, 1], noise[:, 2]], axis=1)
    table = FactorTable(codes, factors, (Factor("a", 5), Factor("b", 5)))
    votes = []
    for _ in range(3000):
        k = random.integers(2)
        same = np.flatnonzero(factors[:, k] == random.integers(5))
        some = codes[random.choice(same, 64)]
        votes.append((np.argmin(some.var(0) / codes.var(0)), k))
    majority = {d: np.argmax(np.bincount([k for e, k in votes if e == d], minlength=2)) for d in range(3)}
    expected = np.mean([majority[d] == k for d, k in votes])
    assert 0.6 < expected < 0.9
    assert MEASURES["factorvae"](table, 0)["factorvae_score"] == pytest.approx(expected, abs=0.04)


def test_too_few_images_are_named(factors: np.ndarray) -> None:
    with pytest.raises(SettingError, match="at least 1,000 images, but there are 999"):
        disentanglement(factors[:999], factors[:999], KINDS)


def test_ica_finds_what_was_mixed() -> None:
    """Independent uniform factors, mixed by a random matrix into more dimensions than there are factors."""
    random = np.random.default_rng(6)
    factors = random.random((3000, 3))
    kinds = tuple(Factor(name, None) for name in "abc")
    mixed = unit(factors) @ random.normal(size=(3, 5))
    found = ica_codes(mixed)
    assert found.shape == (3000, 3)
    before, after = (
        MEASURES["mig"](FactorTable(codes, factors, kinds), 0)["mig"] for codes in (mixed, found)
    )
    assert before < 0.3
    assert after > 0.55  # unmixed but for the estimator's error, which the histograms do see
    correlations = np.abs(np.corrcoef(found.T, factors.T)[:3, 3:])
    assert (correlations.max(0) > 0.99).all()
