"""Time left against schedules whose end is known, by a clock that the test turns."""

from __future__ import annotations

import pytest

from toy import Hands
from vaekit.runtime.stopwatch import Stopwatch, duration


@pytest.fixture
def hands() -> Hands:
    return Hands()


def do(watch: Stopwatch, hands: Hands, units: int, seconds: float) -> None:
    """So many units, each of which takes so long."""
    for _ in range(units):
        hands.turn(seconds)
        watch.advance(watch.done + 1)


def test_equal_steps(hands: Hands) -> None:
    watch = Stopwatch(100, clock=hands)
    assert watch.left is None and not watch.steady
    do(watch, hands, 30, 0.2)
    assert watch.left == pytest.approx(70 * 0.2)
    assert watch.elapsed == pytest.approx(6)


def test_first_steps_and_a_busy_moment_do_not_count(hands: Hands) -> None:
    """The mean would be 0.02 * 95 + 5 * 0.09 + 7 s over 100 steps, more than four times as much."""
    watch = Stopwatch(1000, clock=hands)
    do(watch, hands, 5, 0.09)
    do(watch, hands, 60, 0.02)
    do(watch, hands, 1, 7.0)
    do(watch, hands, 34, 0.02)
    assert watch.left == pytest.approx(900 * 0.02)


def test_time_between_units_is_of_none(hands: Hands) -> None:
    watch = Stopwatch(40, clock=hands)
    for _ in range(10):
        do(watch, hands, 2, 0.3)
        hands.turn(1.7)
        assert watch.pause() == pytest.approx(1.7)
    assert watch.left == pytest.approx(20 * 0.3)


def test_what_works_ahead_of_the_clock_is_timed_between_reads(hands: Hands) -> None:
    """Forty-nine steps are only queued; the fiftieth waits for all of them. A step by itself says nothing."""
    watch, step = Stopwatch(1000, every=50, clock=hands), Stopwatch(1000, clock=hands)
    for _ in range(4):
        for seconds in [0.03] * 49 + [5.0]:
            hands.turn(seconds)
            watch.advance(watch.done + 1)
            step.advance(step.done + 1)
    assert watch.left == pytest.approx(800 * (49 * 0.03 + 5) / 50, rel=0.03)  # the first few warm up
    assert step.left == pytest.approx(800 * 0.03)


def test_a_machine_that_becomes_slower_is_followed(hands: Hands) -> None:
    watch = Stopwatch(1000, clock=hands)
    do(watch, hands, 300, 0.1)
    assert watch.left == pytest.approx(700 * 0.1)
    do(watch, hands, 300, 0.2)
    assert watch.left == pytest.approx(400 * 0.2)


def test_a_run_that_is_resumed_begins_where_it_was(hands: Hands) -> None:
    watch = Stopwatch(100, 60, clock=hands)
    do(watch, hands, 10, 1.0)
    assert watch.left == pytest.approx(30)


def test_a_forecast_waits_for_two_seconds_or_a_twentieth(hands: Hands) -> None:
    long, short = Stopwatch(10_000, clock=hands), Stopwatch(100, clock=hands)
    made = {}
    for step in range(1, 61):
        hands.turn(0.1)
        for name, watch in (("long", long), ("short", short)):
            watch.advance(step)
            if watch.steady:
                made.setdefault(name, step)
    assert made["long"] == 20
    assert made["short"] == 7  # the twentieth is at 5; three parts after four steps of warming at 7


def test_slow_steps_are_a_measure_from_the_third_on(hands: Hands) -> None:
    watch = Stopwatch(1000, clock=hands)
    do(watch, hands, 2, 4.0)
    assert not watch.steady
    do(watch, hands, 1, 4.0)
    assert watch.steady and watch.left == pytest.approx(997 * 4.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"), (4.4, "4 s"), (59.4, "59 s"), (59.6, "1 min"), (98, "1 min 38 s"), (599, "9 min 59 s"),
        (600, "10 min"), (629, "10 min"), (3580, "1 h"), (3600, "1 h"), (7500, "2 h 5 min"), (90_000, "25 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
