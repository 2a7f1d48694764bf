"""The time of steps and validations, on a clock of the test's own, and budgets as steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from clocks import half_a_second_a_step
from toy import SMALL, toy_data
from vaekit.config.methods import resolve
from vaekit.config.options import FitSettings
from vaekit.core import SettingError
from vaekit.data import Data
from vaekit.models import AE
from vaekit.models.build import seeded_model
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction
from vaekit.runs.records import read_run_config
from vaekit.runtime.distributed import choose_context
from vaekit.training import pace
from vaekit.training.fit import fit
from vaekit.training.lengths import Pace
from vaekit.training.pace import time_pace, time_paces
from vaekit.training.trainer import Trainer

STEPS = 3  # an epoch of the toy data in batches of 16


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterable[float], float], None]:
    """A clock that only updates and measuring move."""

    def install(steps: Iterable[float], measuring: float) -> None:
        now, ticks = [0.0], iter(steps)
        monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: now[0]))
        monkeypatch.setattr(Trainer, "update", lambda self, x, y: now.__setitem__(0, now[0] + next(ticks)))
        monkeypatch.setattr(Trainer, "measure", lambda self, *_, **__: now.__setitem__(0, now[0] + measuring))

    return install


def trainer(data: Data | None = None, **options: Any) -> Trainer:
    torch.manual_seed(0)
    settings = FitSettings(batch_size=16, device="cpu", **options)
    context = choose_context("cpu", "fp32")
    return Trainer(AE((1, 4, 4), 2, width=8), Reconstruction(), data or toy_data(), settings, context)


def test_the_pace_is_that_of_a_step_and_of_a_validation(ticking: Any) -> None:
    ticking([1.0] * 55, 3.0)
    assert time_pace(trainer()) == Pace(1.0, 3.0)


def test_first_steps_and_a_moment_of_other_work_do_not_count(ticking: Any) -> None:
    ticking([500.0] * 5 + [1.0] * 10 + [1000.0] + [1.0] * 39, 0.0)
    assert time_pace(trainer()) == Pace(1.0, 0.0)


def test_measuring_slow_steps_takes_fewer_of_them(ticking: Any) -> None:
    """Of a second each, ten parts of one step are timed where ten seconds are to be enough."""
    ticking([1.0] * (5 + 5 * 2), 1.0)
    assert time_pace(trainer(), at_most=10.0) == Pace(1.0, 1.0)


def test_several_are_timed_in_turn_so_that_a_slow_while_is_everyones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is four times slower from the third round on: one after another, the second alone would be slow."""
    now, order = [0.0], []
    own = {0: 1.0, 1: 3.0}
    pair = [trainer(), trainer()]

    def update(self: Trainer, x: Any, y: Any) -> None:
        order.append(pair.index(self))
        slow = 4 if len(order) > 2 * 5 + 2 * 2 * 10 else 1
        now[0] += slow * own[order[-1]]

    monkeypatch.setattr(Trainer, "update", update)
    monkeypatch.setattr(Trainer, "measure", lambda self, *_, **__: now.__setitem__(0, now[0] + 7.0))
    first, second = time_paces(pair, 1e9, lambda: now[0])
    assert order == [0] * 5 + [1] * 5 + ([0] * 10 + [1] * 10) * 5
    assert (first, second) == (Pace(4.0, 7.0), Pace(12.0, 7.0))
    assert second.most_steps(500.0, STEPS) * 3 == pytest.approx(first.most_steps(500.0, STEPS), abs=3)


def test_timing_leaves_the_random_numbers_and_writes_nothing() -> None:
    before, timed = torch.get_rng_state(), trainer()
    assert time_pace(timed).step > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert (timed.state.step, timed.metrics.lines) == (0, [])


def test_a_time_is_enough_for_its_steps_and_validations() -> None:
    """17 epochs of 3 steps are 51: 100 steps have the validations after 51 and at the end."""
    assert Pace(1.0, 5.0).steps_within(110.0, STEPS) in (95, 96)  # 5 at the end, 5/51 beside each step
    assert Pace(2.0, 0.0).steps_within(9.0, STEPS) == 4
    with pytest.raises(SettingError, match=r"budget='1s' is too short: one step takes 2 s here.*at least 2s"):
        Pace(2.0, 0.0).steps_within(1.0, STEPS)


def test_a_run_with_a_budget_is_that_of_the_same_steps(tmp_path: Path) -> None:
    """On a clock of its own: to the bit, and its config.json knows the steps alone."""

    def run(name: str, **length: Any) -> dict[str, Any]:
        settings = resolve("vae", {"data": "toy", "latent_dim": 3, "width": 8, "average": 0.9})
        model = seeded_model(settings, {"shape": (1, 4, 4), "pixels": "8-bit"})
        options = {"batch_size": 16, "average": 0.9, **SMALL, **length}
        history = fit(model, ELBO(kl_warmup=0.5), toy_data(), out=tmp_path / name, **options)
        config = read_run_config(tmp_path / name)
        bits = {key: value.numpy().tobytes() for key, value in model.state_dict().items()}
        return {"bits": bits, "metrics": history.metrics, "settings": config.settings, "all": config}

    with half_a_second_a_step():
        timed = run("timed", budget="35s")
    counted = run("counted", steps=70)
    assert timed == counted
    assert [timed["settings"][name] for name in ("epochs", "steps", "budget")] == [None, 70, None]
    assert [(line.step, line.epoch) for line in timed["metrics"] if line.split == "validation"] == [
        (51, 17),
        (70, 24),
    ]
