"""Every measure on codes whose disentanglement is known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score

from vaekit import SettingError
from vaekit.data import Factor
from vaekit.evaluation.factors import dci as prediction
from vaekit.evaluation.factors.disentanglement import (
    MEASURES,
    Disentanglement,
    disentanglement,
    ica_latents,
)
from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.evaluation.factors.mig import carried, chance_matrix, information_matrix

KINDS = (Factor("kind", 4, ordered=False), Factor("size", 8), Factor("place", None), Factor("height", None))
CHANCE = {"factorvae_score": 1 / 4, "betavae_score": 1 / 4}
ALIGNED = {
    "factorvae_score", "mig", "sap", "dci_disentanglement", "dci_completeness", "infom", "infoc", "betavae_score",
}  # fmt: skip
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
    assert perfect.scores.keys() == ALIGNED | {"dci_informativeness", "infoe"}
    # A class of four on a line is not predicted linearly: InfoE is that much lower.
    expected = {"infoe": pytest.approx(1, abs=0.15)}
    for name, score in perfect.scores.items():
        assert score == expected.get(name, pytest.approx(1, abs=0.06)), name
    assert [(d, name) for d, name, _ in perfect.carries()] == list(enumerate(k.name for k in KINDS))


def test_permuted_and_scaled_codes_change_nothing(factors: np.ndarray, perfect: Disentanglement) -> None:
    """But InfoM and InfoC, which leave out dimensions of a small range: test_infomec."""
    other = unit(factors)[:, [2, 0, 3, 1]] * [100.0, -0.001, 3.0, -7.0]
    changed = disentanglement(other, factors, KINDS)
    for name, score in changed.scores.items():
        if name not in ("infom", "infoc"):
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


def test_mig_against_sklearn() -> None:
    """Histograms of numpy, mutual information and entropy of scikit-learn, the gap by hand."""
    random = np.random.default_rng(7)
    factors = np.stack([random.integers(6, size=2000), random.integers(3, size=2000)], axis=1)
    mixing = np.array([[1.0, 0.4, 0.0], [0.0, 1.0, 0.3]])
    codes = factors @ mixing + random.normal(size=(2000, 3))
    gaps = []
    for k in range(2):
        told = []
        for code in codes.T:
            bins = np.digitize(code, np.histogram(code, 20)[1][:-1])
            told.append(mutual_info_score(factors[:, k], bins))
        ordered = sorted(told)
        gaps.append((ordered[-1] - ordered[-2]) / scipy_entropy(np.bincount(factors[:, k])))
    assert gaps[0] != pytest.approx(gaps[1], abs=0.02)
    table = FactorTable(codes, factors.astype(float), (Factor("a", 6), Factor("b", 3)))
    assert MEASURES["mig"](table, 0)["mig"] == pytest.approx(np.mean(gaps), abs=1e-9)


def test_dci_of_known_importances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entropies of scipy; the third dimension matters to no factor, and the first two unequally."""
    importance = np.array([[0.9, 0.4], [0.1, 0.6], [0.0, 0.0]])
    columns = iter(importance.T)

    class Told:
        def fit(self, codes: np.ndarray, target: np.ndarray) -> None:
            self.feature_importances_ = next(columns)
            self.answer = target.mean()

        def predict(self, codes: np.ndarray) -> np.ndarray:
            return np.full(len(codes), self.answer)

    monkeypatch.setattr(prediction, "_forest", lambda ordered, seed: Told())
    random = np.random.default_rng(8)
    table = FactorTable(
        random.random((1000, 3)), random.random((1000, 2)), (Factor("a", None), Factor("b", None))
    )
    found = MEASURES["dci"](table, 0)
    rows = [1 - scipy_entropy(row, base=2) for row in importance[:2]]
    assert found["dci_disentanglement"] == pytest.approx((1.3 * rows[0] + 0.7 * rows[1]) / 2)
    columns_alone = [1 - scipy_entropy(column, base=3) for column in importance.T]
    assert found["dci_completeness"] == pytest.approx(np.mean(columns_alone))
    assert found["dci_informativeness"] == pytest.approx(0, abs=0.01)


def test_noise_carries_nothing_however_few_the_images() -> None:
    """With 1,000 images and 40 values the histograms tell a tenth of the entropy by chance alone."""
    random = np.random.default_rng(9)
    kinds = (Factor("turn", 40), Factor("shape", 3, ordered=False))
    factors = np.stack([random.integers(40, size=1000), random.integers(3, size=1000)], axis=1).astype(float)
    noise = random.normal(size=(1000, 10))
    table = FactorTable(noise, factors, kinds)
    assert information_matrix(table)[:, 0].min() > 0.07
    np.testing.assert_allclose(
        chance_matrix(table).mean(0), information_matrix(table).mean(0), rtol=0.1, atol=0.003
    )
    assert carried(information_matrix(table), chance_matrix(table)) == []
    noise[:, 4] += factors[:, 0] / 10
    table = FactorTable(noise, factors, kinds)
    assert [(d, k) for d, k, _ in carried(information_matrix(table), chance_matrix(table))] == [(4, 0)]


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


def test_betavae_score_against_its_definition_in_a_loop() -> None:
    """Noisy codes, so that the score is neither chance nor 1; examples made one by one."""
    random = np.random.default_rng(10)
    factors = random.integers(4, size=(3000, 2)).astype(float)
    codes = factors + np.array([2.0, 3.0]) * random.normal(size=(3000, 2))
    alike = [[np.flatnonzero(column == value) for value in range(4)] for column in factors.T]
    table = FactorTable(codes, factors, (Factor("a", 4), Factor("b", 4)))

    def example() -> tuple[np.ndarray, int]:
        k, gaps = int(random.integers(2)), []
        for _ in range(64):
            same = alike[k][random.integers(4)]
            one, other = same[random.integers(len(same), size=2)]
            gaps.append(np.abs(codes[one] - codes[other]))
        return np.mean(gaps, axis=0), k

    sets = [[example() for _ in range(600)] for _ in range(2)]
    (learnt, learnt_k), (scored, scored_k) = ([np.array(part) for part in zip(*s, strict=True)] for s in sets)
    expected = LogisticRegression(C=100.0).fit(learnt, learnt_k).score(scored, scored_k)
    assert 0.65 < expected < 0.95
    assert MEASURES["betavae"](table, 0)["betavae_score"] == pytest.approx(expected, abs=0.05)


def test_a_factor_that_never_changes_is_named(factors: np.ndarray) -> None:
    still = factors.copy()
    still[:, 1] = 3
    with pytest.raises(SettingError, match="the factor size is the same for all images"):
        disentanglement(factors, still, KINDS)


def test_too_few_images_are_named(factors: np.ndarray) -> None:
    with pytest.raises(SettingError, match="at least 1,000 images, but there are 999"):
        disentanglement(factors[:999], factors[:999], KINDS)


def test_ica_finds_what_was_mixed() -> None:
    """Independent uniform factors, mixed by a random matrix into more dimensions than there are factors."""
    random = np.random.default_rng(6)
    factors = random.random((3000, 3))
    kinds = tuple(Factor(name, None) for name in "abc")
    mixed = unit(factors) @ random.normal(size=(3, 5))
    found = ica_latents(mixed)
    assert found.shape == (3000, 3)
    before, after = (
        MEASURES["mig"](FactorTable(codes, factors, kinds), 0)["mig"] for codes in (mixed, found)
    )
    assert before < 0.3
    assert after > 0.55  # unmixed but for the estimator's error, which the histograms do see
    correlations = np.abs(np.corrcoef(found.T, factors.T)[:3, 3:])
    assert (correlations.max(0) > 0.99).all()
