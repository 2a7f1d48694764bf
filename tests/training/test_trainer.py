"""How long an epoch takes, on a clock of the test's own. The loop itself is tested through `fit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from toy import toy_data
from vaekit.config.options import FitSettings
from vaekit.data import Data
from vaekit.models import AE
from vaekit.objectives.nll import Reconstruction
from vaekit.runtime.distributed import choose_context
from vaekit.training import trainer as loop
from vaekit.training.trainer import Trainer

STEPS = 3  # an epoch of the toy data in batches of 16


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterable[float], float], None]:
    """A clock that only updates and measuring move."""

    def install(steps: Iterable[float], measuring: float) -> None:
        now, ticks = [0.0], iter(steps)
        monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))
        monkeypatch.setattr(Trainer, "update", lambda self, x, y: now.__setitem__(0, now[0] + next(ticks)))
        monkeypatch.setattr(Trainer, "measure", lambda self, *_, **__: now.__setitem__(0, now[0] + measuring))

    return install


def trainer(data: Data | None = None, **options: Any) -> Trainer:
    torch.manual_seed(0)
    settings = FitSettings(batch_size=16, device="cpu", **options)
    context = choose_context("cpu", "fp32")
    return Trainer(AE((1, 4, 4), 2, width=8), Reconstruction(), data or toy_data(), settings, context)


def test_an_epoch_takes_its_steps_and_its_validation(ticking: Any) -> None:
    ticking([1.0] * 55, 3.0)
    assert trainer().time_epoch() == STEPS + 3


def test_first_steps_and_a_moment_of_other_work_do_not_count(ticking: Any) -> None:
    ticking([500.0] * 5 + [1.0] * 10 + [1000.0] + [1.0] * 39, 0.0)
    assert trainer().time_epoch() == STEPS


def test_timing_leaves_the_random_numbers_and_writes_nothing() -> None:
    before, timed = torch.get_rng_state(), trainer()
    assert timed.time_epoch() > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert (timed.state.step, timed.metrics.lines) == (0, [])
