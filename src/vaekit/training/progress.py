"""The progress of a training: a line with time left, on standard error, where someone looks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol

from vaekit.core import choose
from vaekit.metrics import METRICS


class Progress(Protocol):
    """The interface of a progress display: `fit` calls it."""

    def begin(self, epochs: int, steps: int, done: int) -> None: ...

    def advance(self, done: int) -> None: ...

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None: ...

    def end(self) -> None: ...


class Silent:
    """Shows nothing."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        pass

    def advance(self, done: int) -> None:
        pass

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
        pass

    def end(self) -> None:
        pass


class Bar:
    """A rich progress bar with the last figures of training and validation."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

        self._texts = {"train": "", "validation": ""}
        whole = Column(no_wrap=True)  # 80 columns hold all of it; what does not fit is cut at the end
        self._bar = RichProgress(
            TextColumn("epoch {task.fields[epoch]}", table_column=whole),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:.0f}%", table_column=whole),
            TimeRemainingColumn(compact=True),
            TextColumn("left  {task.fields[text]}", table_column=Column(no_wrap=True, ratio=1)),
            console=Console(stderr=True),
            refresh_per_second=4,
        )

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self._epochs, self._steps = epochs, steps
        self._task = self._bar.add_task("", total=steps, completed=done, epoch=self._epoch(done), text="")
        self._bar.start()

    def advance(self, done: int) -> None:
        self._bar.update(self._task, completed=done, epoch=self._epoch(done))

    def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
        shown = [
            f"{m.short} {m.text(values[key])}" for key, m in METRICS.items() if m.short and key in values
        ]
        if split == "validation":
            shown = [f"val {text}" for text in shown[:1]]
        if split in self._texts:
            self._texts[split] = " ".join(shown)
        self._bar.update(self._task, text=" | ".join(filter(None, self._texts.values())))

    def _epoch(self, done: int) -> str:
        """The epoch that the next step belongs to, of how many."""
        return f"{min(done * self._epochs // self._steps + 1, self._epochs)}/{self._epochs}"

    def end(self) -> None:
        self._bar.stop()


def choose_progress(wanted: str | Progress) -> Progress:
    """`auto` shows a bar on a terminal or in a notebook if rich is installed, `none` nothing.

    Raises:
        SettingError: neither of these.
    """
    if not isinstance(wanted, str):
        return wanted
    choose(wanted, ["auto", "none"], "progress")
    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    if wanted == "none" or not watched:
        return Silent()
    try:
        return Bar()
    except ImportError:
        return Silent()
