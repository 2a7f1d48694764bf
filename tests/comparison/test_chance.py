"""Student's t, Fisher's F and Fisher's exact test against scipy, and how often equal methods are called different."""

from __future__ import annotations

import random
import statistics

import pytest
from scipy import special, stats

from vaekit.comparison import chance
from vaekit.comparison.claims import DEPENDS, clear
from vaekit.comparison.rows import Spread, spread_of
from vaekit.metrics import LOWER


@pytest.mark.parametrize("freedom", [1, 1.7, 2, 2.5, 3, 4, 9, 29.3, 200, 5000])
@pytest.mark.parametrize("share", [0.5, 0.75, 0.95, 0.975, 0.995])
def test_quantiles_of_student_s_t(share: float, freedom: float) -> None:
    assert chance.t_quantile(share, freedom) == pytest.approx(
        stats.t.ppf(share, freedom), rel=1e-9, abs=1e-12
    )


def test_the_incomplete_beta_function() -> None:
    rng = random.Random(0)
    for _ in range(300):
        a, b, x = rng.uniform(0.3, 40), rng.uniform(0.3, 40), rng.random()
        assert chance.beta_share(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-10, abs=1e-14)
    assert (chance.beta_share(0.0, 2, 3), chance.beta_share(1.0, 2, 3)) == (0.0, 1.0)


@pytest.mark.parametrize(("above", "below"), [(1, 1), (2, 2), (5, 3), (9, 19)])
def test_shares_of_fisher_s_f(above: int, below: int) -> None:
    for ratio in (0.0, 0.02, 0.5, 1.0, 7.1, 40.0):
        found = chance.f_share(3 * ratio, 3.0, above, below)
        assert found == pytest.approx(stats.f.cdf(ratio, above, below), rel=1e-10, abs=1e-14)
    assert chance.f_share(0.0, 0.0, above, below) == 0.5
    assert chance.f_share(1.0, 0.0, above, below) == 1.0


def test_failures_by_fisher_s_exact_test() -> None:
    for count, other in ((3, 3), (4, 4), (6, 2), (5, 7)):
        for failed in range(count + 1):
            for theirs in range(other + 1):
                table = [[failed, count - failed], [theirs, other - theirs]]
                expected = stats.fisher_exact(table).pvalue  # type: ignore[attr-defined]
                assert chance.same_rate(failed, count, theirs, other) == pytest.approx(expected)


def test_clear_is_what_welch_s_test_says() -> None:
    rng = random.Random(1)
    for _ in range(200):
        counts = rng.choice([2, 3, 5]), rng.choice([2, 3, 8])
        pair = [
            [rng.gauss(mean, spread) for _ in range(n)]
            for n, mean, spread in zip(counts, (10, 12), (0.5, 1.5), strict=True)
        ]
        a, b = map(spread_of, pair)
        p = stats.ttest_ind(*pair, equal_var=False).pvalue  # type: ignore[attr-defined]
        assert (clear(a, b, LOWER, 0.0) != DEPENDS) == (p < 0.05)
        against = stats.ttest_1samp(pair[0], 9.0).pvalue  # type: ignore[attr-defined]
        assert (clear(a, Spread(9.0, None, 0), LOWER, 0.0) != DEPENDS) == (against < 0.05)


@pytest.mark.parametrize("counts", [(2, 2), (3, 3), (3, 1), (1, 4), (6, 6)])
def test_equal_methods_are_seldom_called_different(counts: tuple[int, int]) -> None:
    """At most 5 in 100; by two standard errors it was 12 of three seeds each, and of two 18."""
    rng, wrong, trials = random.Random(2), 0, 800
    for _ in range(trials):
        a, b = (spread_of([rng.gauss(10.0, 1.0) for _ in range(n)]) for n in counts)
        wrong += clear(a, b, LOWER, 0.0) != DEPENDS
    assert wrong < (0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5) * trials


def test_two_standard_errors_of_three_seeds_were_too_few() -> None:
    """2.2 standard errors: beyond the old rule, within Student's."""
    a, b = Spread(10.0, 1.0, 3), Spread(10.0 + 2.2 * (2 / 3) ** 0.5, 1.0, 3)
    assert clear(a, b, LOWER, 0.0) == DEPENDS
    assert chance.half_width(a, b) == pytest.approx(stats.t.ppf(0.975, 4) * (2 / 3) ** 0.5)


def test_a_single_seed_beside_several_varies_as_those_do() -> None:
    several = spread_of([10.0, 11.0, 12.0])
    expected = stats.t.ppf(0.975, 2) * (1 + 1 / 3) ** 0.5
    assert chance.half_width(several, Spread(5.0, None, 1)) == pytest.approx(expected)
    assert chance.half_width(Spread(4.0, None, 1), Spread(5.0, None, 1)) == 0.0
    number = stats.t.ppf(0.975, 2) * statistics.stdev([10, 11, 12]) / 3**0.5
    assert chance.half_width(several, Spread(5.0, None, 0)) == pytest.approx(number)
    assert chance.half_width(several, spread_of([5, 5, 5])) == pytest.approx(number), "alike: known"


def test_values_that_are_alike_but_for_rounding_have_no_spread() -> None:
    """0.1 + 0.2 and 0.3 are no two figures."""
    assert spread_of([0.1 + 0.2, 0.3]).deviation == 0.0
    assert spread_of([0.0, 0.0]).deviation == 0.0
    assert spread_of([0.3, 0.3 + 1e-9]).deviation == pytest.approx(statistics.stdev([0.3, 0.3 + 1e-9]))
