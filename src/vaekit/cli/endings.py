"""The end of the commands that train: the table of the run, or how to resume it; and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.output import Result, say
from vaekit.cli.signals import status_after
from vaekit.cli.tables import summary_table
from vaekit.config.methods import PRIORS
from vaekit.core import printable

if TYPE_CHECKING:
    from vaekit.demonstration import Demo
    from vaekit.training.history import History


def finished(history: History) -> Result:
    """The result of a training: its table, and which commands come next."""
    values = {
        "run": str(history.out),
        "interrupted": history.interrupted,
        "summary": history.summary.as_dict() if history.summary else {},
    }
    if history.interrupted:
        say(f"stopped ({history.interrupted}); resume with: vaekit resume {_quoted(history.out)}")
        return Result(values, f"run   {history.out} (not finished)", status_after(history.interrupted))
    return Result(values, _table(history, {"next": _following(history)} if history.out else {}))


def demonstrated(demo: Demo) -> Result:
    """The result of a demonstration: its table, where to look, and which commands come next."""
    history = demo.history
    if demo.report is None:
        return finished(history)
    run = _quoted(history.out)
    values = {
        "run": str(history.out),
        "summary": history.summary and history.summary.as_dict(),
        "figures": {name: str(path) for name, path in demo.figures.items()},
        "report": str(demo.report),
    }
    following = [
        f"vaekit explore {run}",
        f"vaekit reconstruct {run}",
        f"vaekit encode {run}",
        "vaekit train --help",
    ]
    return Result(values, _table(history, {"look": demo.files, "next": following}))


def _following(history: History) -> list[str]:
    """Commands that fit what was trained."""
    from vaekit.runs.ask import what_follows
    from vaekit.runs.records import read_run_config

    assert history.summary is not None and history.out is not None
    fitted = history.summary.method in PRIORS
    run = history.out.parent if fitted else history.out
    shape = read_run_config(run).data.shape
    of_prior = ["explore"] * (len(shape) == 3) + ["sample", "evaluate"]
    commands = of_prior if fitted else what_follows(history.summary.method or "", shape)
    return [f"vaekit {command} {_quoted(run)}" for command in commands]


def _table(history: History, lists: dict[str, Sequence[object]]) -> Any:
    """The run's figures, and under them its folder and lists, each beside its word."""
    from rich.console import Group

    assert history.summary is not None
    lines = [f"run    {history.out}"]
    for word, entries in lists.items():
        lines += [f"{word if i == 0 else '':6} {entry}" for i, entry in enumerate(entries)]
    return Group(summary_table(history.summary), "", *map(printable, lines))


def _quoted(path: Path | None) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
