"""Bins and their masses against the normal distribution function of the standard library."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from vaekit.coding.ans import Lanes
from vaekit.coding.latents import BITS, PLACE, Bins, Posterior, inverse_scales, normal_units
from vaekit.core import DataError

ONE = 1 << 12
NORMAL = NormalDist()


def test_the_distribution_function_is_the_normal_one() -> None:
    places = np.linspace(-7.5, 7.5, 3001)
    found = normal_units((places * 2**PLACE).astype(np.int64)) / 2**BITS
    expected = [NORMAL.cdf(x) for x in places]
    np.testing.assert_allclose(found, expected, rtol=0, atol=8e-6)  # lines between knots 1/64 apart: 7.4e-6
    knots = np.arange(-7 * 64, 7 * 64 + 1)
    exact = normal_units(knots << (PLACE - 6))
    np.testing.assert_allclose(exact, [NORMAL.cdf(k / 64) * 2**BITS for k in knots], atol=1)
    rising = normal_units(np.arange(-8 << PLACE, 8 << PLACE, 997))
    assert (np.diff(rising) >= 0).all() and rising[0] == 0 and rising[-1] == 1 << BITS


def test_scales() -> None:
    logs = np.array([-20, -3.5, 0, 1, 10])
    found = inverse_scales()[((logs + 20) * ONE).astype(int)] / 2**16
    np.testing.assert_allclose(found, np.exp(-logs / 2), rtol=2e-3)
    np.testing.assert_allclose(found[:4], np.exp(-logs / 2)[:4], rtol=3e-5)


@pytest.mark.parametrize("depth", [2, 8, 12, 16])
def test_bins_have_the_same_mass(depth: int) -> None:
    bins = Bins(depth)
    assert len(bins) == 2**depth and len(bins.edges) == 2**depth + 1 and (np.diff(bins.edges) > 0).all()
    some = np.unique(np.linspace(1, 2**depth - 1, 101).astype(int))
    cut = [NORMAL.inv_cdf(i / 2**depth) for i in some]
    np.testing.assert_allclose(bins.edges[some] / 2**PLACE, cut, rtol=1e-4, atol=4e-5)
    middle = [NORMAL.inv_cdf((i + 0.5) / 2**depth) for i in some]
    np.testing.assert_allclose(bins.centres[some] / ONE, middle, rtol=1e-4, atol=2e-4)
    assert (bins.centres * 2**8 >= bins.edges[:-1] - 128).all()
    assert (bins.centres * 2**8 <= bins.edges[1:] + 128).all()


EXTREME_MEANS = [-(2**40), -(2**18), -3 * ONE, -1, 0, 5, 2 * ONE, 7 * ONE, 2**18, 2**40]
EXTREME_LOGS = [-(2**40), -20 * ONE, -8 * ONE, -ONE, 0, 1, 3 * ONE, 10 * ONE, 12 * ONE, 2**40]


@pytest.mark.parametrize("depth", [3, 12])
def test_every_place_is_in_the_bin_that_is_found(depth: int) -> None:
    """All pairs of extreme means and variances; places at both ends of units and at random."""
    bins = Bins(depth)
    pairs = np.array([(m, v) for m in EXTREME_MEANS for v in EXTREME_LOGS])
    posterior = Posterior(bins, pairs[:, :1], pairs[:, 1:])
    every = np.repeat(np.arange(len(bins))[:, None], len(pairs), 1)
    for part in (every[:1], every[-1:], every[len(bins) // 2 :][:1]):
        posterior.intervals(part)
    start, freq = Posterior(
        bins, np.repeat(pairs[:, :1], len(bins), 1), np.repeat(pairs[:, 1:], len(bins), 1)
    ).intervals(every)
    assert (start[0] == 0).all() and (start[1:] == start[:-1] + freq[:-1]).all()
    assert (start[-1] + freq[-1] == 1 << BITS).all()
    draw = np.random.default_rng(0)
    for slot in [0, (1 << BITS) - 1, *draw.integers(0, 1 << BITS, 200)]:
        found, first, width = posterior.find(0, np.full(len(pairs), slot, dtype=np.uint64))
        columns = np.arange(len(pairs))
        assert (first == start[found, columns]).all() and (width == freq[found, columns]).all()
        assert ((first <= slot) & (slot < first + width)).all()


def test_the_search_is_right_where_the_guess_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    draw, bins = np.random.default_rng(1), Bins(12)
    mean, logs = draw.normal(0, ONE, (50, 1)).astype(int), draw.normal(-2 * ONE, ONE, (50, 1)).astype(int)
    posterior, slot = Posterior(bins, mean, logs), draw.integers(0, 1 << BITS, 50).astype(np.uint64)
    expected = posterior.find(0, slot)
    monkeypatch.setattr(Posterior, "_guess", lambda *_: np.full(50, 7))
    for a, b in zip(posterior.find(0, slot), expected, strict=True):
        assert (a == b).all()


def test_masses_are_those_of_the_posterior() -> None:
    mean, sigma, bins = 0.7, 0.31, Bins(10)
    posterior = Posterior(
        bins, np.full((1, 1024), round(mean * ONE)), np.full((1, 1024), round(2 * np.log(sigma) * ONE))
    )
    _, freq = posterior.intervals(np.arange(1024)[:, None])
    q = NormalDist(mean, sigma)
    cut = [-np.inf, *(NORMAL.inv_cdf(i / 1024) for i in range(1, 1024)), np.inf]
    exact = np.diff([q.cdf(x) for x in cut])
    np.testing.assert_allclose(freq[:, 0] / 2**BITS, exact, atol=3e-5)
    divergence = (exact * np.log(np.maximum(exact, 1e-300) / np.maximum(freq[:, 0] / 2**BITS, 1e-12))).sum()
    assert 0 <= divergence < 1e-4  # nats


def test_latents_come_back_and_cost_what_they_should() -> None:
    """The bits that a draw takes are the posterior's entropy over bins, -log2 of mass; the prior's are `depth` each."""
    draw, bins = np.random.default_rng(2), Bins(12)
    mean = draw.normal(0, ONE, (9, 30)).astype(int)
    posterior = Posterior(bins, mean, draw.normal(-3 * ONE, ONE, (9, 30)).astype(int))
    words = draw.integers(0, 2**32, 300)
    lanes = Lanes(words=words)
    lanes.widen(9)
    full = lanes.bits
    drawn, bits = posterior.pop(lanes)
    assert lanes.bits == pytest.approx(full - bits.sum(), abs=1)
    bins.push(lanes, drawn)
    assert lanes.bits == pytest.approx(full - bits.sum() + 9 * 30 * 12, abs=1)
    lanes = Lanes.from_bytes(lanes.to_bytes())
    again = bins.pop(lanes, 30, 9)
    assert (again == drawn).all()
    posterior.push(lanes, again)
    lanes.narrow(0)
    assert lanes.words.tolist() == words.tolist()
    z = bins.centres[drawn.T] / ONE
    sigma = 2.0**16 / posterior.inverse.T
    assert abs(((z - mean / ONE) / sigma).mean()) < 0.3 and 0.8 < ((z - mean / ONE) / sigma).std() < 1.2


def test_a_bin_without_mass_is_a_damaged_stream() -> None:
    posterior = Posterior(Bins(12), np.zeros((1, 1)), np.full((1, 1), -10 * ONE))
    with pytest.raises(DataError, match="no mass"):
        posterior.push(Lanes(1), np.array([[0]]))
