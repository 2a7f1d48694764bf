"""The result of a command, and lines for people beside it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.cli.spelling import as_typed
from vaekit.runtime.launch import launched


@dataclass(frozen=True)
class Result:
    """The result of a command.

    Attributes:
        values: for --json.
        text: for people: a line, or anything that rich draws.
        status: exit status.
    """

    values: dict[str, Any]
    text: Any
    status: int = 0


def say(line: str) -> None:
    """A line for people on standard error, beside the result."""
    if launched().leads:
        print(f"vaekit: {as_typed(line)}", file=sys.stderr, flush=True)


def place(out: str | None, run: str, stem: str) -> Path:
    """The file that was named for what a run draws, or in its folder one that holds its values."""
    from vaekit.runs.ask import usual_out

    return usual_out(run, stem) if out is None else Path(out)
