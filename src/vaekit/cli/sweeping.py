"""The words and the output of `vaekit sweep`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any

from vaekit.cli.output import Result, aligned, say
from vaekit.cli.parsing import from_text
from vaekit.cli.signals import status_after
from vaekit.config.fields import Flag
from vaekit.core import SettingError, near_miss
from vaekit.metrics import metric_of

if TYPE_CHECKING:
    from vaekit.comparison.sweep import Sweep


def grid_of(words: Sequence[str], flags: Iterable[Flag]) -> dict[str, list[Any]]:
    """The values of each option, from `beta=1`, `4`, `latent_dim=5`, `10`.

    Raises:
        SettingError: no such option, a value without one, or one that is not of its type.
    """
    known, grid, name = {flag.name: flag for flag in flags}, {}, ""
    for word in words:
        if found := re.match(r"([A-Za-z][\w-]*)=", word):
            name, word = found[1].replace("-", "_"), word[found.end() :]
            if name not in known:
                raise SettingError(f"--grid: no option {name!r}.{near_miss(name, known)}", "grid")
            if name in grid:
                raise SettingError(f"--grid: {name} is there twice.", "grid")
            grid[name] = []
        if not name:
            raise SettingError(f"--grid: {word!r} belongs to no option; its name and = come first", "grid")
        grid[name].append(from_text(word, known[name]))
    return grid


def sweep_result(found: Sweep) -> Result:
    """A row for each combination, the best on validation first; or that the same command goes on."""
    values: dict[str, Any] = {"out": str(found.out), "interrupted": found.interrupted}
    if found.interrupted is not None:
        say(f"stopped ({found.interrupted}); the same command resumes it; --out {found.out}")
        return Result(values, f"out   {found.out} (not finished)", status_after(found.interrupted))
    metric, names = metric_of(found.figure), list(found.cells[0].values)
    rows, cells = [[*names, "validation", "test", "", ""]], []
    for cell in found.cells:
        test = [value for value in cell.test if value is not None]
        figures = [cell.value if cell.value < float("inf") else None, mean(test) if test else None]
        texts = ["–" if value is None else metric.text(value) for value in figures]
        rows.append([*map(str, cell.values.values()), *texts, f"{metric.label}, {metric.unit}", cell.failed])
        folders = [str(run) for run in cell.runs]
        cells.append(
            {"values": dict(cell.values), "validation": figures[0], "test": figures[1], "runs": folders}
            | {"failed": cell.failed or None}
        )
    lines = [*aligned(rows, right=set(range(len(names) + 2))), *found.notes, str(found.table)]
    values |= {"figure": found.figure, "cells": cells, "notes": list(found.notes)}
    values |= {"table": str(found.table), "plot": None if found.plot is None else str(found.plot)}
    return Result(values, lines + ([] if found.plot is None else [str(found.plot)]))
