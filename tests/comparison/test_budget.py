"""Processor seconds as steps, by counting them up step by step."""

from __future__ import annotations

from typing import Any

import pytest

from toy import toy_data
from vaekit.comparison import budget as budgets
from vaekit.comparison.budget import Cost, steps_within, time_all
from vaekit.comparison.wish import Request, settings_of
from vaekit.config.options import DataSettings
from vaekit.core import SettingError
from vaekit.models import AE
from vaekit.training.lengths import Pace
from vaekit.training.trainer import Trainer

STEPS = 60  # an epoch: longer than what lies between validations at least


def counted(cost: Cost, steps: int) -> float:
    """Seconds of a run: its start, its steps, a validation after every epoch and one at the end."""
    return cost.start + steps * cost.pace.step + (steps // STEPS + 1) * cost.pace.validation


@pytest.mark.parametrize("budget", [20.0, 61.0, 150.0, 1000.0])
def test_a_budget_is_filled_and_not_passed(budget: float) -> None:
    cost = Cost(2.0, Pace(0.25, 3.0), STEPS)
    steps, prior = steps_within(budget, "vae", cost, None)
    assert prior == 0
    assert counted(cost, steps) <= budget < counted(cost, steps) + 3.0 + 2 * 0.25


def test_methods_with_other_costs_come_to_the_same_time() -> None:
    costs = [
        Cost(0.0, Pace(0.01, 0.1), STEPS),
        Cost(1.5, Pace(0.04, 0.9), STEPS),
        Cost(0.2, Pace(0.02, 0.0), STEPS),
    ]
    times = [counted(cost, steps_within(60.0, "vae", cost, None)[0]) for cost in costs]
    assert max(times) < 1.02 * min(times)


@pytest.mark.parametrize("prior", [Pace(0.5, 0.0), Pace(0.05, 1.0)])
def test_a_model_has_half_of_the_time_and_its_prior_the_rest(prior: Pace) -> None:
    own, of_prior = Cost(1.0, Pace(0.2, 1.0), STEPS), Cost(0.0, prior, STEPS)
    steps, prior_steps = steps_within(100.0, "vqvae", own, of_prior)
    halves = counted(own, steps), counted(of_prior, prior_steps)
    assert halves == (pytest.approx(50.0, abs=2), pytest.approx(50.0, abs=2))


def test_a_prior_whose_step_takes_more_than_half_gets_one() -> None:
    own, of_prior = Cost(0.0, Pace(1.0, 0.0), STEPS), Cost(0.0, Pace(7.0, 0.0), STEPS)
    assert steps_within(10.0, "vqvae", own, of_prior) == (3, 1)
    assert steps_within(8.0, "vqvae", own, of_prior) == (1, 1)


def test_too_short_a_budget_is_refused_with_one_that_is_enough() -> None:
    cost, prior = Cost(2.0, Pace(1.0, 0.0), STEPS), Cost(0.0, Pace(4.0, 0.0), STEPS)
    assert steps_within(3.0, "gan", cost, None) == (1, 0)
    with pytest.raises(
        SettingError, match=r"budget='2s' is too short: the first step of gan, .* takes 3 s .*at least 3s"
    ):
        steps_within(2.0, "gan", cost, None)
    with pytest.raises(
        SettingError, match=r"of vqvae and of its prior, .* takes 7 s .* give at least 7s, or steps=1"
    ):
        steps_within(6.5, "vqvae", cost, prior)


def test_all_methods_are_timed_together_with_their_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that updates, validations and preparations move: what each costs is found again."""
    now = [0.0]
    step = {"AE": 1.0, "GAN": 5.0}

    def passes(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(budgets, "spent", lambda device: now[0])
    monkeypatch.setattr(Trainer, "update", lambda self, x, y: passes(step[type(self.model).__name__]))
    monkeypatch.setattr(Trainer, "measure", lambda self, *_, **__: passes(0.5))
    monkeypatch.setattr(AE, "prepare_from", lambda self, split: passes(30.0))
    options: dict[str, Any] = {"device": "cpu", "batch_size": 16}
    wish = Request(DataSettings("toy"), ("ae", "gan"), (0,), 100.0, None, options)
    settings = {method: settings_of(wish, method, {}) for method in wish.methods}
    costs, none = time_all(wish, settings, toy_data(), [])
    assert none == {}
    # The autoencoder begins at components, and so with a validation.
    assert costs == {"ae": Cost(30.5, Pace(1.0, 0.5), 3), "gan": Cost(0.0, Pace(5.0, 0.5), 3)}
