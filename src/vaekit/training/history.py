"""The record that `fit` and `resume` return."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vaekit.core import RunError
from vaekit.runs.records import MetricLine, Note, SplitSummary, Summary


@dataclass
class History:
    """The result of a run.

    Attributes:
        metrics: the lines of metrics.jsonl: step, epoch, split, and named values with units.
        summary: what summary.json holds; None if the run was interrupted.
        interrupted: why it ended early, or None.
        out: the run folder, if there is one.
    """

    metrics: list[MetricLine] = field(default_factory=list)
    summary: Summary | None = None
    interrupted: str | None = None
    out: Path | None = None

    @property
    def notes(self) -> tuple[Note, ...]:
        """Notes on what kept the run from learning more; empty for a good one, and for one that has not ended."""
        return (self.summary and self.summary.notes) or ()

    @property
    def test(self) -> SplitSummary:
        """Figures of the test split: `history.test.negative_elbo_nats`.

        Raises:
            RunError: the run has not ended, or the data have no test images.
        """
        return self._split("test")

    @property
    def validation(self) -> SplitSummary:
        """The same of the validation split, under the weights that were kept."""
        return self._split("validation")

    def _split(self, name: str) -> SplitSummary:
        if self.summary is None:
            raise RunError(
                f"the run was interrupted ({self.interrupted}): it has no figures of its {name} split yet."
            )
        if name not in self.summary.splits:
            raise RunError(f"{self.summary.data} has no {name} images, so there are no figures of them.")
        return self.summary.splits[name]
