"""Schedules against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from vaekit.config.schedule_parts import SCHEDULES
from vaekit.objectives.ramps import RAMPS, Clock, cosine_ramp, cyclical_ramp, linear_ramp


@pytest.mark.parametrize(("step", "steps", "progress"), [(0, 8, 0.0), (2, 8, 0.25), (8, 8, 1.0), (9, 8, 1.0)])
def test_clock(step: int, steps: int, progress: float) -> None:
    clock = Clock(step, steps)
    assert clock.progress == progress
    assert clock.end.progress == 1.0
    assert clock.end.steps == steps


def test_a_run_without_steps_is_over() -> None:
    assert Clock(0, 0).progress == 1.0


@pytest.mark.parametrize(
    ("progress", "linear", "cosine"),
    [
        (0.0, 0.0, 0.0),
        (0.1, 0.25, 0.5 - math.sqrt(0.5) / 2),
        (0.2, 0.5, 0.5),
        (0.4, 1.0, 1.0),
        (0.9, 1.0, 1.0),
    ],
)
def test_ramps_over_the_first_two_fifths(progress: float, linear: float, cosine: float) -> None:
    assert linear_ramp(progress, 0.4) == pytest.approx(linear)
    assert cosine_ramp(progress, 0.4) == pytest.approx(cosine, abs=1e-12)


@pytest.mark.parametrize(
    ("progress", "weight"),
    [
        (0.0, 0.0),
        (0.0625, 0.5),
        (0.125, 1.0),
        (0.2, 1.0),
        (0.25, 0.0),
        (0.3125, 0.5),
        (0.75, 0.0),
        (1.0, 1.0),
    ],
)
def test_cyclical_ramp_has_four_cycles_each_rising_in_its_first_half(progress: float, weight: float) -> None:
    assert cyclical_ramp(progress, 0.5) == pytest.approx(weight)


@pytest.mark.parametrize("name", RAMPS)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_every_ramp_ends_at_one_and_stays_within(name: str, share: float) -> None:
    values = [RAMPS[name](progress / 1000, share) for progress in range(1001)]
    assert values[-1] == pytest.approx(1.0)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert values[0] == (1.0 if share == 0 else 0.0)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4]),
        ("linear", [0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1]),
        ("cosine", [0.1, 0.2, 0.3, 0.4, 0.2 + 0.1 * math.sqrt(2), 0.2, 0.2 - 0.1 * math.sqrt(2)]),
    ],
)
def test_learning_rate_of_seven_steps_three_of_them_rising(schedule: str, expected: list[float]) -> None:
    rates = [SCHEDULES[schedule](warmup=3).rate(0.4, step, 7) for step in range(7)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_run_shorter_than_its_warmup_only_rises(name: str) -> None:
    rates = [SCHEDULES[name](warmup=40).rate(1.0, step, 5) for step in range(5)]
    assert rates == pytest.approx([n / 41 for n in range(1, 6)])


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_warmup_the_first_step_has_the_peak(name: str) -> None:
    assert SCHEDULES[name](warmup=0).rate(0.02, 0, 10) == 0.02
