"""Screens on which work that takes long shows how it stands: a terminal, a notebook, or lines on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from vaekit.core import printable
from vaekit.runtime.stopwatch import duration
from vaekit.wording import worded

BETWEEN, AT_MOST = 5.0, 30.0  # seconds between lines: where something new begins, and within it
REDRAWN = 0.25  # seconds between changes of a line in a notebook


@dataclass(frozen=True)
class Standing:
    """The standing of a piece of work.

    Attributes:
        what: is being done: "epoch 3/60", "bound with 5000 samples".
        done, total: units of it.
        unit: "step", "images".
        figures: beside it, the main one first.
        left: seconds, or None while that is unknown.
        bar: the bar that it belongs to; each name has one.
    """

    what: str
    done: int
    total: int
    unit: str
    figures: str = ""
    left: float | None = None
    bar: str = ""

    @property
    def line(self) -> str:
        """`epoch 3/60, step 24 of 480, −ELBO 25.12, 40 s left`."""
        left = "" if self.left is None or self.done == self.total else f"{duration(self.left)} left"
        return ", ".join(filter(None, (self.what, self.count, self.figures, left)))

    @property
    def count(self) -> str:
        """`step 24 of 480`."""
        return f"{self.unit} {self.done:,} of {self.total:,}"


class Screen(Protocol):
    """The interface of a place where work is shown."""

    def show(self, standing: Standing) -> None:
        """Shows how it stands now, in the place of how it stood, or not, where that is too much."""
        ...

    def keep(self, line: str) -> None:
        """Shows a line that stays."""
        ...

    def close(self, line: str) -> None:
        """Ends it with what came of it, where anything was shown."""
        ...


class Dark:
    """Shows nothing."""

    def show(self, standing: Standing) -> None:
        pass

    def keep(self, line: str) -> None:
        pass

    def close(self, line: str) -> None:
        pass


class Lines:
    """Plain lines, for a file, a pipe or a log: few, and none of what is over at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._stream = clock, sys.stderr
        self._last, self._what, self._written, self._lost = clock(), "", False, False

    def show(self, standing: Standing) -> None:
        waited = self._clock() - self._last
        if waited >= AT_MOST or (waited >= BETWEEN and standing.what != self._what):
            self._what = standing.what
            self.keep(standing.line)

    def keep(self, line: str) -> None:
        self._last, self._written = self._clock(), True
        try:
            if not self._lost:
                print(worded(printable(f"vaekit: {line}")), file=self._stream, flush=True)
        except (OSError, ValueError):  # whoever read it has gone; the work goes on
            self._lost = True

    def close(self, line: str) -> None:
        if self._written and line:
            self.keep(line)


class Notebook:
    """One output of a notebook's cell, rewritten as plain text: needs no widgets."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._drawn, self._kept = clock, -REDRAWN, ""
        self._handle: Any = None

    def show(self, standing: Standing) -> None:
        if self._clock() - self._drawn >= REDRAWN:
            self._draw(standing.line)

    def keep(self, line: str) -> None:
        self._kept = f"{line}\n"
        self._draw("")

    def close(self, line: str) -> None:
        if self._handle is not None and line:
            self._draw(line)

    def _draw(self, line: str) -> None:
        from IPython.display import display  # type: ignore[import-not-found]

        self._drawn = self._clock()
        content = {"text/plain": self._kept + line}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


class Bar:
    """Bars of a terminal, by rich: one for each thing that is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        whole = Column(no_wrap=True)  # 80 columns hold all of it; what does not fit is cut at the end
        self._bar = Progress(
            TextColumn("{task.description}", table_column=whole),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:.0f}%", table_column=whole),
            TextColumn("{task.fields[left]} left  {task.fields[text]}", table_column=Column(no_wrap=True, ratio=1)),
            console=Console(stderr=True),
            refresh_per_second=4,
        )  # fmt: skip
        self._tasks: dict[str, Any] = {}

    def show(self, standing: Standing) -> None:
        shown: dict[str, Any] = {
            "description": worded(standing.what),
            "completed": standing.done,
            "total": standing.total,
            "left": as_clock(standing.left),
            "text": worded(standing.figures or standing.count),
        }
        if standing.bar not in self._tasks:
            self._tasks[standing.bar] = self._bar.add_task(**shown)
            self._bar.start()
        self._bar.update(self._tasks[standing.bar], **shown)

    def keep(self, line: str) -> None:
        self._bar.console.print(worded(printable(line)), highlight=False, markup=False)

    def close(self, line: str) -> None:
        self._bar.stop()


def as_clock(seconds: float | None) -> str:
    """`01:40`, `2:05:00`, or `--:--` where it is unknown."""
    if seconds is None:
        return "--:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def choose_screen() -> Screen:
    """The screen that suits where standard error goes."""
    if in_notebook():
        return Notebook()
    if sys.stderr is None:
        return Dark()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        try:
            return Bar()
        except ImportError:  # without rich
            return Lines()
    return Lines()


def in_notebook() -> bool:
    """Returns whether IPython runs here in a kernel, and not in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
