"""The lines of metrics.jsonl as a list that is shown in short, and as a table of pandas."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

from vaekit.core import SettingError
from vaekit.images.notebook import Displayed
from vaekit.runs.records import MetricLine, Summary


class MetricLines(list[MetricLine], Displayed):
    """The lines of a training, a list; `frame()` makes a table of them."""

    def facts(self) -> dict[str, Any]:
        splits = Counter(line.split for line in self)
        return {"lines": len(self), **splits, "steps": self[-1].step if self else 0}

    def __repr__(self) -> str:
        return Displayed.__repr__(self)

    def frame(self) -> Any:
        """A pandas.DataFrame with one row per line: step, epoch, split, and every value under its name.

        Numbers by dimension are lists. What a split does not have is missing.

        Raises:
            SettingError: pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise SettingError("frame() needs pandas: pip install pandas") from None
        rows = [{"step": line.step, "epoch": line.epoch, "split": line.split, **line.values} for line in self]
        return pandas.DataFrame(rows, columns=columns_of(self))


def columns_of(lines: list[MetricLine]) -> list[str]:
    """Names of the columns of a table, each once, in the order in which they come."""
    return list(dict.fromkeys(["step", "epoch", "split", *(name for line in lines for name in line.values)]))


MAIN = (
    "negative_elbo_nats",
    "reconstruction_nats",
    "kl_nats",
    "negative_iwae_bound_nats",
    "mse",
    "loss_nats",
)
MOST = 4  # numbers in a line


def main_figures(summary: Summary) -> dict[str, float]:
    """The main numbers of a run that has ended: of its test split, or else of its validation split."""
    figures = next((dict(split) for split in (summary.test, summary.validation) if split is not None), {})
    known = [name for name in MAIN if name in figures] or [name for name in figures if name != "images"]
    found: dict[str, float] = {}
    for name in known:
        if figures[name] not in found.values():  # a loss that is one of its terms
            found[name] = figures[name]
    return dict(list(found.items())[:MOST])
