"""Clocks that only what is timed moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from vaekit.training import pace
from vaekit.training.trainer import Trainer


@contextmanager
def half_a_second_a_step() -> Iterator[None]:
    """Within the block a budget is measured on a clock of its own: an update takes 0.5 s, and nothing else any time."""
    with pytest.MonkeyPatch.context() as patched:
        now, update = [0.0], Trainer.update
        patched.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: now[0]))

        def slow(self: Trainer, x: Any, y: Any) -> None:
            now[0] += 0.5
            update(self, x, y)

        patched.setattr(Trainer, "update", slow)
        yield
