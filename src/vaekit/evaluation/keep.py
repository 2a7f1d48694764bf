"""Keeps what was measured of a run with the run: in its summary.json and on its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaekit.core import warn_of
from vaekit.plots.figures import FIGURES
from vaekit.reports.run import write_report
from vaekit.runs.load import Run, load_run
from vaekit.runs.write import keep_evaluation


def keep(run: Run, values: Mapping[str, Any]) -> None:
    """Writes an evaluation into a run's summary.json and its report.html.

    A run that has not ended has no summary: a VaekitWarning says so, and only the page is written.

    Args:
        values: `Evaluation.as_dict()`.

    Raises:
        RunError: summary.json is damaged, or a file cannot be written.
    """
    if not keep_evaluation(run.path, values):
        warn_of([f"{run.path} has not ended, so this is not kept; resume it: vaekit resume {run.path}"])
    pictures = {name: run.path / "figures" / f"{name}.png" for name in FIGURES}
    drawn = {name: path for name, path in pictures.items() if path.exists()}
    write_report(load_run(run.path), drawn, {})
