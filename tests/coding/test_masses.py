"""Masses against the library's own likelihoods; intervals tile the units, and every level is found where it lies."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.special import expit

from vaekit.coding.ans import Lanes
from vaekit.coding.kinds_of_masses import masses_of
from vaekit.coding.level_masses import CategoricalMasses, histogram_masses, running_shares
from vaekit.coding.masses import BernoulliMasses, Masses
from vaekit.core import DataError
from vaekit.distributions import build_likelihood

ONE = 1 << 12


def all_intervals(
    masses: Masses, raw: np.ndarray, levels: np.ndarray, count: int, coupled: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of every level of each value, given the levels of the channels before: (count, V, B) each."""
    params, found = masses.params(raw), []
    for level in range(count):
        rows = []
        for part in np.split(np.arange(levels.shape[1]), coupled):
            changed = levels.copy()
            changed[:, part] = level
            rows.append([ends[part] for ends in masses.intervals(params, changed.T)])
        found.append([np.concatenate(ends) for ends in zip(*rows, strict=True)])
    starts, freqs = zip(*found, strict=True)
    return np.array(starts), np.array(freqs)


def check_intervals(
    masses: Masses, raw: np.ndarray, levels: np.ndarray, count: int, coupled: int = 1
) -> None:
    """They tile 2**bits, and `find` gives the one that holds a place, for places at both ends of each."""
    start, freq = all_intervals(masses, raw, levels, count, coupled)
    assert start.dtype == freq.dtype == np.uint64 and (freq >= 1).all()
    assert (start[0] == 0).all() and (start[1:] == start[:-1] + freq[:-1]).all()
    assert (start[-1] + freq[-1] == 1 << masses.bits).all()
    params = masses.params(raw)
    for place in range(levels.shape[1]):
        for level in {0, 1, count // 2, count - 2, count - 1}:
            s, f = start[level, place], freq[level, place]
            for slot in (s, s + f // np.uint64(2), s + f - np.uint64(1)):
                found = masses.find(params, place, slot, levels.T)
                assert (found[0] == level).all() and (found[1] == s).all() and (found[2] == f).all()


def check_round_trip(masses: Masses, raw: np.ndarray, levels: np.ndarray) -> float:
    """Returns bits that were pushed; they are what the lanes hold."""
    lanes = Lanes(len(raw))
    bits = masses.push(lanes, raw, levels)
    assert lanes.bits == pytest.approx(bits.sum(), rel=1e-3, abs=len(raw))
    lanes = Lanes.from_bytes(lanes.to_bytes())
    assert (masses.pop(lanes, raw, levels.shape[1]) == levels).all()
    assert (lanes.heads == 1 << 31).all() and not len(lanes.words)
    return float(bits.sum())


def log2_prob(
    name: str, shape: tuple[int, ...], pixels: str, raw: np.ndarray, levels: np.ndarray, likelihood=None
) -> float:
    """Bits by the library's likelihood in float64."""
    likelihood = likelihood or build_likelihood(name, pixels, shape)
    top = 1 if pixels == "binary" else 255
    numbers = torch.from_numpy(raw / ONE).unflatten(1, (likelihood.num_params * shape[0], *shape[1:]))
    images = torch.from_numpy(levels / top).view(-1, *shape)
    with torch.no_grad():
        return -float(likelihood(numbers).log_prob(images).sum()) / np.log(2)


EXTREMES = [-(2**40), -(2**17), -70_000, -1, 0, 1, 5, 70_000, 2**17, 2**40]


def test_bernoulli() -> None:
    draw = np.random.default_rng(0)
    masses, raw = BernoulliMasses(), np.rint(draw.normal(0, 3, (5, 64)) * ONE).astype(np.int64)
    levels = (draw.random((5, 64)) < 1 / (1 + np.exp(-raw / ONE))).astype(np.int64)
    check_intervals(masses, raw, levels, 2)
    bits = check_round_trip(masses, raw, levels)
    assert bits == pytest.approx(log2_prob("bernoulli", (1, 8, 8), "binary", raw, levels), rel=1e-4)
    extreme = np.array([EXTREMES])
    check_intervals(masses, extreme, np.ones_like(extreme), 2)
    check_round_trip(masses, extreme, np.arange(10)[None] % 2)
    zero = masses.params(extreme)[:, 0].tolist()
    assert zero[0] == 2**24 - 1 and zero[-1] == 1 and zero[4] == 2**23
    assert zero[3] + zero[5] == 2**24


def drawn(masses: Masses, raw: np.ndarray, values: int) -> np.ndarray:
    """Images out of lanes full of random bits: draws from the very masses, (B, V)."""
    words = np.random.default_rng(9).integers(0, 2**32, 4 * len(raw) * values)
    lanes = Lanes(words=words)
    lanes.widen(len(raw))
    return masses.pop(lanes, raw, values)


def of_extremes(seed: int, count: int, numbers: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(EXTREMES, (count, numbers))


def test_categorical() -> None:
    draw, masses = np.random.default_rng(1), CategoricalMasses()
    raw = np.rint(draw.normal(0, 2.5, (7, 256 * 6)) * ONE).astype(np.int64)
    levels = drawn(masses, raw, 6)
    check_intervals(masses, raw, levels, 256)
    bits = check_round_trip(masses, raw, levels)
    assert bits == pytest.approx(log2_prob("categorical", (1, 2, 3), "8-bit", raw, levels), rel=1e-3)
    _, freq = all_intervals(masses, raw, levels, 256)
    exact = torch.from_numpy(raw / ONE).view(7, 256, 6).softmax(1).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(freq / 2**24, exact, rtol=3e-4, atol=3e-7)
    extreme = of_extremes(0, 5, 256 * 3)
    check_intervals(masses, extreme, np.zeros((5, 3), dtype=np.int64), 256)
    check_round_trip(masses, extreme, draw.integers(0, 256, (5, 3)))


@pytest.mark.parametrize("shape", [(1, 5, 5), (3, 2, 3), (7,)])
def test_mixtures_of_histograms(shape: tuple[int, ...]) -> None:
    draw, values = np.random.default_rng(2), math.prod(shape)
    likelihood = build_likelihood("histogram-mixture", "8-bit", shape, mixtures=5)
    tables = np.rint(draw.normal(0, 2, likelihood.tables.shape) * ONE).astype(np.int64)
    with torch.no_grad():
        likelihood.double().tables.copy_(torch.from_numpy(tables / ONE))
    masses = masses_of({"name": "histogram-mixture", "numbers": 5, "tables": tables}, shape)
    raw = np.rint(draw.normal(0, 2, (6, 5 * values)) * ONE).astype(np.int64)
    levels = drawn(masses, raw, values)
    check_intervals(masses, raw, levels, 256)
    bits = check_round_trip(masses, raw, levels)
    assert bits == pytest.approx(log2_prob("", shape, "8-bit", raw, levels, likelihood), rel=1e-3)
    extreme, tables = of_extremes(1, 4, 5 * values), of_extremes(2, 5 * len(tables), 256).reshape(-1, 5, 256)
    masses = masses_of({"name": "histogram-mixture", "numbers": 5, "tables": tables}, shape)
    check_intervals(masses, extreme, np.zeros((4, values), dtype=np.int64), 256)
    check_round_trip(masses, extreme, draw.integers(0, 256, (4, values)))


def test_a_mixture_of_histograms_against_fractions() -> None:
    """The rule of the docstring, with integers that have no limit; as many histograms as there may be."""
    draw = np.random.default_rng(3)
    tables = np.rint(draw.normal(0, 3, (1, 512, 256)) * ONE).astype(np.int64)
    masses = histogram_masses(tables, 2, 512)
    raw = np.full((1, 1024), 7)
    ends = [[int(end) for end in row] for row in running_shares(tables[0].T).T]
    sums = [Fraction(sum(row[level] for row in ends), 512) for level in range(257)]
    start, freq = all_intervals(masses, raw, np.zeros((1, 2), dtype=np.int64), 256)
    assert start[:, 0, 0].tolist() == [math.floor(total) for total in sums[:-1]]
    assert int(start[-1, 0, 0] + freq[-1, 0, 0]) == sums[-1] == 2**24


@pytest.mark.parametrize(("shape", "components"), [((1, 2, 3), 4), ((5,), 1), ((3, 2, 2), 3), ((4, 1, 2), 2)])
def test_mixtures_of_logistics(shape: tuple[int, ...], components: int) -> None:
    draw, values = np.random.default_rng(4), math.prod(shape)
    likelihood = build_likelihood("logistic-mixture", "8-bit", shape, mixtures=components)
    numbers = likelihood.num_params
    masses = masses_of({"name": "logistic-mixture", "numbers": numbers, "mixtures": components}, shape)
    parts = [
        draw.normal(mean, 1, (6, components * values)) for mean in (0, 0.5, -3, 0)[: numbers // components]
    ]
    raw = np.rint(np.concatenate(parts, 1) * ONE).astype(np.int64)
    levels = drawn(masses, raw, values)
    coupled = 3 if shape[0] == 3 and len(shape) == 3 else 1
    check_intervals(masses, raw, levels, 256, coupled)
    bits = check_round_trip(masses, raw, levels)
    assert bits == pytest.approx(log2_prob("", shape, "8-bit", raw, levels, likelihood), rel=1e-3)
    extreme = of_extremes(3, 8, numbers * values)
    check_intervals(masses, extreme, draw.choice([0, 128, 255], (8, values)), 256, coupled)
    check_round_trip(masses, extreme, draw.integers(0, 256, (8, values)))


def test_every_scale_of_a_logistic() -> None:
    """One component of every scale and place, against the distribution function in floats."""
    location, scale = (
        grid.ravel() for grid in np.meshgrid(np.linspace(-0.5, 1.5, 21), np.linspace(-11, 6, 35))
    )
    raw = np.rint(np.stack([0 * location, location, scale], 1) * ONE).astype(np.int64)
    masses = masses_of({"name": "logistic-mixture", "numbers": 3, "mixtures": 1}, (1,))
    _, freq = all_intervals(masses, raw, np.zeros((len(raw), 1), dtype=np.int64), 256)
    bounded = -9 + np.logaddexp(0, 4 - np.logaddexp(0, 4 - scale) + 9)
    edges = (2 * np.arange(1, 256)[:, None] - 1) / 510
    below = expit((edges - raw[:, 1] / ONE) * np.exp(-bounded))
    exact = np.diff(np.concatenate([np.zeros((1, len(raw))), below, np.ones((1, len(raw)))]), axis=0)
    found = freq[:, 0] / 2**24
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-4)
    divergence = np.where(exact > 0, exact * np.log2(np.maximum(exact, 1e-300) / found), 0).sum(0)
    usual = bounded < -1
    assert divergence[usual].max() < 1e-3 and divergence.max() < 0.05  # bits


@pytest.mark.parametrize(
    "likelihood",
    [
        {"name": "gaussian", "numbers": 1},
        {"name": "bernoulli", "numbers": 2},
        {"name": "categorical", "numbers": 255},
        {"name": "logistic-mixture", "numbers": 29, "mixtures": 10},
        {"name": "logistic-mixture", "numbers": 0, "mixtures": 0},
        {"name": "logistic-mixture", "numbers": 3 * 10**9, "mixtures": 10**9},
        {"name": "histogram-mixture", "numbers": 5, "tables": np.zeros((1, 4, 256), dtype=int)},
        {"name": "histogram-mixture", "numbers": 5, "tables": np.zeros((5, 256), dtype=int)},
        {"name": "histogram-mixture", "numbers": 5, "tables": np.zeros((3, 5, 256), dtype=int)},
        {"name": "histogram-mixture", "numbers": 5, "tables": np.zeros((0, 5, 256), dtype=int)},
        {"name": "histogram-mixture", "numbers": 513, "tables": np.zeros((1, 513, 256), dtype=int)},
    ],
)
def test_a_likelihood_that_does_not_fit_is_named(likelihood: dict) -> None:
    with pytest.raises(DataError, match=r"numbers per value|histograms"):
        masses_of(likelihood, (1, 2, 2))
