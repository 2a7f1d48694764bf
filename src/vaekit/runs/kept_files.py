"""Keeps with a run what its own pictures cost as a file, and gives what is kept of its present weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vaekit.models import Model
from vaekit.models.capabilities import TakesPrior
from vaekit.runs.file_cost import FileCost
from vaekit.runs.load import Run
from vaekit.runs.lock import sole_writer
from vaekit.runs.records import read_summary
from vaekit.runs.write import weights_fingerprint, write_summary


def keep_file(folder: Path, cost: FileCost) -> bool:
    """Puts what a file cost into summary.json, beside those of the same pictures at other settings and in the place of all
    others; False if the run has no summary, since it has not ended.

    Raises:
        RunError: summary.json is damaged, or cannot be written, or another process is training the run.
    """
    with sole_writer(folder):
        summary = read_summary(folder)
        if summary is not None:
            beside = [other for other in summary.files or () if other.stands_beside(cost)]
            write_summary(folder, replace(summary, files=(*beside, cost)))
    return summary is not None


def files_of(run: Run) -> list[FileCost]:
    """The files that are kept with a run, without those of a prior that has been fitted again since."""
    kept = (run.summary and run.summary.files) or ()
    now = prior_fingerprint(run.model) if any(cost.point for cost in kept) else None
    return [cost for cost in kept if cost.point is None or cost.prior == now]


def prior_fingerprint(model: Model) -> str | None:
    """Hash of the weights of a model's fitted prior; None where none is fitted."""
    prior = model.fitted_prior() if isinstance(model, TakesPrior) else None
    return None if prior is None else weights_fingerprint(prior)
