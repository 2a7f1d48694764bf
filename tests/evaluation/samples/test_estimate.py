"""Estimates with their errors."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from vaekit.evaluation.samples.estimate import share_of, wilson


@pytest.mark.parametrize(("successes", "count"), [(0, 313), (313, 313), (1, 7), (50, 100), (999, 1000)])
def test_interval_of_a_share_is_that_of_scipy(successes, count):
    expected = stats.binomtest(successes, count).proportion_ci(method="wilson")
    assert wilson(successes / count, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_a_share_of_none_or_all_is_no_certainty():
    for flags in (torch.zeros(313, dtype=torch.bool), torch.ones(313, dtype=torch.bool)):
        found = share_of(flags)
        assert found.interval is not None
        assert found.interval[1] - found.interval[0] == pytest.approx(0.0121, abs=1e-3)
        assert found.interval[0] <= found.value <= found.interval[1]
