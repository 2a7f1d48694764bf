"""Tables of runs: those of a folder, and several side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaekit.cli.output import aligned
from vaekit.cli.tables import size_text
from vaekit.core import counted

if TYPE_CHECKING:
    from vaekit.runs.run_list import Listed


def runs_lines(found: Sequence[Listed], folder: str | None) -> list[str]:
    """A line for each run, and what they take together."""
    if not found:
        return [f"no runs {'here' if folder is None else f'in {folder}'}"]
    rows = [["run", "method", "data", "figure", "", "steps", "size", "state", "changed"]]
    for entry in found:
        metric = entry.metric
        figure = (
            ["", ""]
            if metric is None or entry.value is None
            else [metric.text(entry.value), f"{metric.label}, {metric.unit}"]
        )
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.changed))
        rows.append(
            [
                str(entry.path),
                entry.method,
                entry.data,
                *figure,
                f"{entry.steps:,}",
                size_text(entry.size),
                entry.state,
                when,
            ]
        )
    lines = aligned(rows, right={3, 5, 6})
    lines += [f"  {entry.path}: {entry.problem}" for entry in found if entry.problem]
    return [*lines, "", f"{counted(len(found), 'run')}, {size_text(sum(entry.size for entry in found))}"]
