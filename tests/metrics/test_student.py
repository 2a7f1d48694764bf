"""Student's t against scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from vaekit.metrics.student import allowed_errors, within


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 6, 9, 10, 29, 100])
def test_the_share_within_is_that_of_scipy(degrees: int) -> None:
    for t in (0.0, 0.3, 1.0, 2.5, 7.0, 60.0):
        assert within(t, degrees) == pytest.approx(1 - 2 * stats.t.sf(t, degrees), abs=1e-12)


@pytest.mark.parametrize("degrees", [1, 2, 4, 9, 50])
def test_the_allowed_errors_leave_out_as_much_as_three_of_a_normal(degrees: int) -> None:
    outside = math.erfc(3 / math.sqrt(2))
    assert allowed_errors(degrees) == pytest.approx(-stats.t.ppf(outside / 2, degrees), rel=1e-6)


def test_of_many_values_it_is_the_normal() -> None:
    assert allowed_errors(10_001) == pytest.approx(3, abs=1e-3)
