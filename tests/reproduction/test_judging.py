"""The rule by which a recipe holds, against simulation and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from vaekit.reproduction.judging import FALLS_OUT, HOLDS, NOT_JUDGED, Found, allowed_errors, judge
from vaekit.reproduction.machine import Hardware
from vaekit.reproduction.recipe_files import Result, StoredFigure

KEY = "negative_elbo_nats"


def verdict(
    stored: StoredFigure,
    found: Found | None,
    seeds: int = 1,
    *,
    same_images: bool = True,
    key: str = KEY,
) -> str:
    result = Result({key: stored}, tuple(range(seeds)), Hardware("a processor"), {})
    (judged,) = judge(result, {} if found is None else {key: found}, same_images)
    return judged.verdict


@pytest.mark.parametrize("freedom", [1, 2, 5, 9, 50, 10_000])
def test_the_allowed_errors_leave_out_as_much_as_three_of_a_normal(freedom: int) -> None:
    assert allowed_errors(freedom) == pytest.approx(stats.t.isf(stats.norm.sf(3), freedom), rel=1e-8)


@pytest.mark.parametrize("seeds", [2, 5, 10])
def test_a_right_figure_falls_out_as_rarely_as_is_said(seeds: int) -> None:
    """Another seed of the same distribution: 0.27 % fall out, however few seeds its spread was estimated from."""
    rng, repeats, fallen = np.random.default_rng(0), 4000, 0
    for draws in rng.normal(80, 0.3, (repeats, seeds + 1)):
        error = float(draws[1:].std(ddof=1)) / math.sqrt(seeds)
        stored = StoredFigure(float(draws[1:].mean()), 0.2, error)
        fallen += verdict(stored, Found(float(draws[0]), 0.2), seeds) == FALLS_OUT
    expected = 0.0027 * repeats
    assert abs(fallen - expected) <= 4 * math.sqrt(expected)


def test_a_wrong_figure_falls_out() -> None:
    """With ten seeds of spread 0.3 the difference may be 4.3 standard errors of 0.3 √1.1 = 0.315."""
    stored = StoredFigure(80.0, 0.2, 0.3 / math.sqrt(10))
    assert verdict(stored, Found(81.2, 0.2), 10) == HOLDS
    assert verdict(stored, Found(81.5, 0.2), 10) == FALLS_OUT
    assert verdict(stored, Found(78.5, 0.2), 10) == FALLS_OUT


def test_errors_over_images_count_where_the_images_are_others() -> None:
    stored, found = StoredFigure(80.0, 0.4, 0.01), Found(81.0, 0.3)
    assert verdict(stored, found, 10) == FALLS_OUT
    assert verdict(stored, found, 10, same_images=False) == HOLDS


def test_of_one_seed_the_errors_over_images_are_taken() -> None:
    """Both in squares, 0.5 for 0.4 and 0.3; the found one's twice where none is stored, 0.3 √2."""
    stored, bare = StoredFigure(80.0, 0.4), StoredFigure(80.0)
    assert verdict(stored, Found(81.49, 0.3)) == HOLDS and verdict(stored, Found(81.51, 0.3)) == FALLS_OUT
    assert verdict(bare, Found(81.27, 0.3)) == HOLDS and verdict(bare, Found(81.28, 0.3)) == FALLS_OUT
    assert verdict(stored, Found(81.69)) == HOLDS and verdict(stored, Found(81.70)) == FALLS_OUT


def test_without_any_error_nothing_is_judged() -> None:
    assert verdict(StoredFigure(80.0), Found(95.0)) == NOT_JUDGED


def test_what_the_settings_decide_must_be_equal() -> None:
    assert verdict(StoredFigure(26576), Found(26576), 5, key="parameters") == HOLDS
    assert verdict(StoredFigure(26576), Found(26577), 5, key="parameters") == FALLS_OUT
    assert verdict(StoredFigure(26576, 100.0), Found(26577, 100.0), key="parameters") == FALLS_OUT


def test_a_figure_without_spread_must_be_equal_but_for_rounding() -> None:
    stored = StoredFigure(31.3419, None, 0.0)
    assert verdict(stored, Found(31.34194), 3) == HOLDS
    assert verdict(stored, Found(31.35), 3) == FALLS_OUT


@pytest.mark.parametrize("found", [None, Found(math.nan, 0.1), Found(math.inf, 0.1)])
def test_a_figure_that_is_missing_or_no_number_falls_out(found: Found | None) -> None:
    assert verdict(StoredFigure(80.0, 0.2, 0.1), found, 3) == FALLS_OUT
    assert verdict(StoredFigure(80.0, 0.2), found) == FALLS_OUT
    assert verdict(StoredFigure(26576), found, key="parameters") == FALLS_OUT


def test_a_mean_or_an_error_that_is_not_of_its_values_falls_out() -> None:
    """However little it is changed: 10, 12 and 14 have the mean 12 and the error 2/√3."""
    values, error = (10.0, 12.0, 14.0), 2 / math.sqrt(3)
    assert verdict(StoredFigure(12.0, None, error, values), Found(12.5), 3) == HOLDS
    assert verdict(StoredFigure(12.01, None, error, values), Found(12.5), 3) == FALLS_OUT
    assert verdict(StoredFigure(12.0, None, error * 1.01, values), Found(12.5), 3) == FALLS_OUT
