"""The processor time of a run, on a clock that only its own work moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from toy import SMALL, Hands, toy_data
from vaekit.models import AE
from vaekit.objectives.nll import Reconstruction
from vaekit.runs.records import read_summary
from vaekit.training import fit as fitting
from vaekit.training import state
from vaekit.training.fit import fit
from vaekit.training.history import History
from vaekit.training.resume import resume
from vaekit.training.trainer import Trainer

STEP, VALIDATION, TEST, BEGINNING = 1.0, 10.0, 100.0, 1000.0
WHOLE = BEGINNING + 6 * STEP + 2 * VALIDATION  # two epochs of three steps, and what goes before


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """Turned by updates, by measuring and by the preparation of the model."""
    clock, update, measure = Hands(), Trainer.update, Trainer.measure

    def updated(self: Trainer, *given: Any) -> None:
        clock.turn(STEP)
        update(self, *given)

    def measured(self: Trainer, batches: Any, name: str, **options: Any) -> Any:
        clock.turn({"test": TEST, "validation": VALIDATION}[name])
        return measure(self, batches, name, **options)

    monkeypatch.setattr(Trainer, "update", updated)
    monkeypatch.setattr(Trainer, "measure", measured)
    monkeypatch.setattr(AE, "prepare_from", lambda self, split: clock.turn(BEGINNING))
    monkeypatch.setattr(fitting, "spent", lambda device: clock())
    monkeypatch.setattr(state, "spent", lambda device: clock())
    return clock


def train(**options: Any) -> History:
    torch.manual_seed(0)
    model = AE((1, 4, 4), 2, width=8, likelihood="bce", init="random")
    return fit(model, Reconstruction(), toy_data(), epochs=2, batch_size=16, **SMALL, **options)


def test_training_validation_and_preparation_count_and_the_test_split_does_not(hands: Hands) -> None:
    summary = train().summary
    assert summary is not None and summary.processor_seconds == WHOLE


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_it_adds_up_over_interrupts_and_what_lies_between_does_not_count(
    hands: Hands, tmp_path: Path, steps: int
) -> None:
    asked = iter(range(100))
    stopped = train(out=tmp_path / "run", should_stop=lambda: "stop" if next(asked) + 1 >= steps else None)
    assert stopped.summary is None
    hands.turn(5000.0)
    resume(tmp_path / "run", data=toy_data(), progress="none")
    summary = read_summary(tmp_path / "run")
    assert summary is not None and summary.processor_seconds == WHOLE
