"""The log of a training: the lines of metrics.jsonl, and the steps not yet in a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vaekit.core import RunError
from vaekit.plain_files import plain_file
from vaekit.runs.files import sync_file, writing
from vaekit.runs.json_records import as_json
from vaekit.runs.records import METRICS, MetricLine, read_metrics
from vaekit.runtime.random import is_shared, total, whole
from vaekit.training.progress import HearsLines, Progress
from vaekit.training.state import StepTerms, TrainState


class Metrics:
    """The lines so far, and a window of steps whose terms still lie on the device.

    Args:
        folder: run folder, or None to write nothing.
        progress: gets every line.
        state: of the training, whose window, counts and size these are.

    Attributes:
        lines: of metrics.jsonl.
    """

    def __init__(self, folder: Path | None, progress: Progress, state: TrainState) -> None:
        self.folder, self.progress, self.state = folder, progress, state
        self.lines: list[MetricLine] = []

    def note(self, step: int, terms: Mapping[str, Tensor], counts: Mapping[str, Tensor]) -> None:
        """Takes in the terms of a step, (B,) each, without reading them; others are skipped."""
        scalar = {name: term.detach() for name, term in terms.items() if term.dim() == 1}
        if scalar:
            stacked = torch.stack(list(scalar.values()))
            images = whole(stacked.shape[1])
            means = total(stacked.sum(1)) / images if is_shared() else stacked.mean(1)
            self.state.window.append(StepTerms(step, images, list(scalar), means))
        for name, part in counts.items():
            here, before = total(part.clone()), self.state.counts.get(name)
            self.state.counts[name] = here if before is None else here + before

    def read_window(self) -> list[tuple[StepTerms, dict[str, float]]]:
        """Each step in the window with its mean terms: one read from the device."""
        window = self.state.window
        if not window:
            return []
        values = iter(torch.cat([row.means for row in window]).cpu().double().tolist())
        return [(row, dict(zip(row.names, values, strict=False))) for row in window]

    def first_not_finite(self) -> tuple[int, list[str]] | None:
        """The first step in the window with a term that is NaN or infinite, and all such terms of it."""
        for row, terms in self.read_window():
            if bad := not_finite(terms):
                return row.step, bad
        return None

    def close_window(self) -> tuple[dict[str, float], dict[str, Tensor]]:
        """Means over all images of the window and their histograms; it is empty afterwards."""
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for row, terms in self.read_window():
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value * row.images
                counts[name] = counts.get(name, 0) + row.images
        histograms, self.state.window, self.state.counts = self.state.counts, [], {}
        return {name: total / counts[name] for name, total in sums.items()}, histograms

    def add(self, line: MetricLine) -> None:
        """Adds a line, in memory and in the file.

        Raises:
            RunError: it cannot be written.
        """
        self.lines.append(line)
        single = {name: value for name, value in line.values.items() if not isinstance(value, list)}
        self.progress.report(line.split, line.epoch, single)
        if isinstance(self.progress, HearsLines):
            self.progress.hear(line)
        if self.folder is not None:
            path, content = (
                self.folder / METRICS,
                (json.dumps(as_json(line), allow_nan=False) + "\n").encode(),
            )
            with writing(path), path.open("ab") as file:
                file.write(content)
            self.state.metrics_size += len(content)

    def sync(self) -> None:
        """Makes the file durable: a state must never know more of it than the disk does."""
        if self.folder is not None and self.state.metrics_size:
            sync_file(self.folder / METRICS)

    def check(self) -> None:
        """Raises RunError when the file is shorter than it was when the state was saved, or its part is no whole lines."""
        if self.folder is None or not self.state.metrics_size:
            return
        path, size = self.folder / METRICS, self.state.metrics_size
        if not path.exists() or path.stat().st_size < size:
            raise RunError(f"{path} is shorter than it was when its state was saved; train anew.")
        with plain_file(path).open("rb") as file:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                raise RunError(
                    f"{path}: its first {size:,} bytes, by the run's state, are no whole lines; train anew."
                )

    def cut(self) -> None:
        """Cuts the file back to what it was when the state was saved, and reads its lines.

        Raises:
            RunError: as in `check`.
        """
        if self.folder is None:
            return
        self.check()
        path, size = self.folder / METRICS, self.state.metrics_size
        if size == 0:
            path.unlink(missing_ok=True)
        else:
            with writing(path), plain_file(path).open("r+b") as file:
                file.truncate(size)
        self.lines = read_metrics(self.folder)


def listed(names: list[str]) -> str:
    """Says that terms are not finite."""
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not finite"


def not_finite(terms: Mapping[str, float | list[float]]) -> list[str]:
    """Names of the terms that are NaN or infinite, or hold such a value."""
    return [
        name
        for name, value in terms.items()
        if not all(map(math.isfinite, value if isinstance(value, list) else [value]))
    ]
