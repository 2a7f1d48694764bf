"""Keeps what was measured of a run with the run: in its summary.json and on its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaekit.core import RunError, warn_of
from vaekit.reports.run import write_again
from vaekit.runs.files import check_writable
from vaekit.runs.load import Run, load_run
from vaekit.runs.records import SUMMARY
from vaekit.runs.set_aside import ASIDE
from vaekit.runs.write import keep_evaluation


def can_keep(run: Run) -> bool:
    """Returns whether an evaluation can be kept with a run, before any is made; a VaekitWarning says why not."""
    try:
        check_writable(run.path / SUMMARY)
    except RunError as error:
        warn_of([not_kept(run, error)])
        return False
    return True


def keep(run: Run, values: Mapping[str, Any]) -> None:
    """Writes an evaluation into a run's summary.json and its report.html; where that cannot be, a VaekitWarning says why.

    A run that has not ended has no summary, and gets none: only training says that a run has ended.

    Args:
        values: `Evaluation.as_dict()`.
    """
    try:
        write(run, values)
    except RunError as error:
        warn_of([not_kept(run, error)])


def not_kept(run: Run, error: RunError) -> str:
    """The line that says so."""
    return f"the result is not kept in {run.path}: {error}"


def write(run: Run, values: Mapping[str, Any]) -> None:
    """As `keep`.

    Raises:
        RunError: summary.json is damaged, a file cannot be written, or the run is being trained.
    """
    before = set(run.path.glob(ASIDE))
    if not keep_evaluation(run.path, values):
        warn_of([f"{run.path} has not ended, so this is not kept; resume it: vaekit resume {run.path}"])
    for path in set(run.path.glob(ASIDE)) - before:
        warn_of([f"the evaluation before, measured otherwise, is in {path} now"])
    write_again(load_run(run.path))
