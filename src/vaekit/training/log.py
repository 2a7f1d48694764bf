"""What a run reports while it trains: the lines of metrics.jsonl, and the steps not yet in a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.core import RunError
from vaekit.runs.files import sync_file, writing
from vaekit.runtime.distributed import Processes
from vaekit.training.progress import Progress

FILE = "metrics.jsonl"


class Metrics:
    """The lines so far, and a window of steps whose terms still lie on the device.

    Args:
        folder: run folder, or None to write nothing.
        progress: told about every line.
        processes: over which the terms of a step are averaged.

    Attributes:
        lines: of metrics.jsonl.
        size: bytes of metrics.jsonl.
        window: steps since the last line: step, images, names of the terms, and their means (K,).
        counts: histograms of those steps, summed.
    """

    def __init__(self, folder: Path | None, progress: Progress, processes: Processes) -> None:
        self.path = None if folder is None else folder / FILE
        self.progress, self.processes = progress, processes
        self.lines: list[dict[str, Any]] = []
        self.size = 0
        self.window: list[dict[str, Any]] = []
        self.counts: dict[str, Tensor] = {}

    def note(self, step: int, images: int, terms: Mapping[str, Tensor], counts: Mapping[str, Tensor]) -> None:
        """Takes in the terms of a step, (B,) each, without reading them; others are passed over.

        Args:
            images: in the step, over all processes.
        """
        scalar = {name: term.detach() for name, term in terms.items() if term.dim() == 1}
        if scalar:
            stacked = torch.stack(list(scalar.values()))
            alone = self.processes.world == 1
            means = stacked.mean(1) if alone else self.processes.total(stacked.sum(1)) / images
            self.window.append({"step": step, "images": images, "names": list(scalar), "means": means})
        for name, part in counts.items():
            here = self.processes.total(part.clone())
            self.counts[name] = here + self.counts[name] if name in self.counts else here

    def read_window(self) -> list[tuple[int, int, dict[str, float]]]:
        """(step, images, mean terms) of each step in the window: one read from the device."""
        if not self.window:
            return []
        values = iter(torch.cat([row["means"] for row in self.window]).cpu().double().tolist())
        return [
            (row["step"], row["images"], dict(zip(row["names"], values, strict=False))) for row in self.window
        ]

    def first_not_finite(self) -> tuple[int, list[str]] | None:
        """The first step in the window with a term that is NaN or infinite, and all such terms of it."""
        for step, _, terms in self.read_window():
            if bad := not_finite(terms):
                return step, bad
        return None

    def close_window(self) -> tuple[dict[str, float], dict[str, Tensor]]:
        """Means over all images of the window and their histograms; it is empty afterwards."""
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for _, images, terms in self.read_window():
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value * images
                counts[name] = counts.get(name, 0) + images
        histograms, self.window, self.counts = self.counts, [], {}
        return {name: total / counts[name] for name, total in sums.items()}, histograms

    def add(self, line: dict[str, Any]) -> None:
        """Adds a line, in memory and in the file.

        Raises:
            RunError: it cannot be written.
        """
        self.lines.append(line)
        self.progress.report(line["split"], line["epoch"], line)
        if self.path is not None:
            content = (json.dumps(line, allow_nan=False) + "\n").encode()
            with writing(self.path), self.path.open("ab") as file:
                file.write(content)
            self.size += len(content)

    def sync(self) -> None:
        """Makes the file durable: a state must never know more of it than the disk does."""
        if self.path is not None and self.size:
            sync_file(self.path)

    def restore(self, size: int, window: list[dict[str, Any]], counts: dict[str, Tensor]) -> None:
        """Goes back to a state: the file is cut to what it was then.

        Raises:
            RunError: the file is shorter than it was.
        """
        self.size, self.window, self.counts = size, window, counts
        if self.path is None:
            return
        if size == 0:
            self.path.unlink(missing_ok=True)
        elif not self.path.exists() or self.path.stat().st_size < size:
            raise RunError(f"{self.path} is shorter than it was when its state was saved; train anew.")
        else:
            with writing(self.path), self.path.open("r+b") as file:
                file.truncate(size)
        self.lines = read_metrics(self.path)


def not_finite(terms: Mapping[str, float | list[float]]) -> list[str]:
    """Names of the terms that are NaN or infinite, or hold such a value."""
    return [
        name
        for name, value in terms.items()
        if not all(map(math.isfinite, value if isinstance(value, list) else [value]))
    ]


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl; a last line that a crash cut short is passed over.

    Raises:
        RunError: a line is no JSON.
    """
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1] if line]
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}.") from None
