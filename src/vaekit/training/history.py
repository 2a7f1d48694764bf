"""The record that `fit` and `resume` return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from vaekit.core import RunError
from vaekit.distributions.likelihoods import measured_under
from vaekit.images.notebook import Displayed
from vaekit.metrics import PLAIN, Under
from vaekit.runs.frames import MetricLines, main_figures
from vaekit.runs.records import MetricLine, Note, SplitSummary, Summary


@dataclass(repr=False)
class History(Displayed):
    """The result of a run.

    Attributes:
        metrics: the lines of metrics.jsonl: step, epoch, split, and named values with units; `frame()` makes a table.
        summary: what summary.json holds; None if the run was interrupted.
        interrupted: why it ended early, or None.
        out: the run folder, if there is one.

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=4, progress=False)
        >>> history.test.kl_nats >= 0  # nats per image
        True
        >>> [line.split for line in history.metrics]
        ['validation', 'train', 'validation', 'test']
    """

    metrics: list[MetricLine] = field(default_factory=list)
    summary: Summary | None = None
    interrupted: str | None = None
    out: Path | None = None

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("loss", "losses", "history"), "frame() is a table of its lines, test has the figures at the end"
        ),
        "model": "fit changed the model that it was given; load_run(history.out).model is that of a run",
        "plot": "figures(history.out) draws",
    }

    def __post_init__(self) -> None:
        self.metrics = MetricLines(self.metrics)

    def facts(self) -> dict[str, Any]:
        found = {"out": None if self.out is None else str(self.out), "interrupted": self.interrupted}
        if self.summary is not None:
            found |= {"data": self.summary.data, "steps": self.summary.steps, "epochs": self.summary.epochs}
        return found | {"lines": len(self.metrics), "notes": len(self.notes) or None}

    def key_figures(self) -> Mapping[str, float]:
        return {} if self.summary is None else main_figures(self.summary)

    def measured_under(self) -> Under:
        return PLAIN if self.summary is None else measured_under(self.summary.likelihood)

    def frame(self) -> Any:
        """The lines as a pandas.DataFrame, one row each: step, epoch, split, and every value under its name.

        Raises:
            SettingError: pandas is not installed.
        """
        return MetricLines(self.metrics).frame()

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
