"""The files that the page loads, by name: `about.json`, places on the map, embeddings, pictures, scores.

The server sends them, an export writes them into its folder. Arrays are little-endian float32 (`.bin`),
labels int16.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from vaekit.core import RunError, SettingError, foreign
from vaekit.data import Data
from vaekit.evaluation.table import rows as evaluation_rows
from vaekit.explorer.subject import subject_of
from vaekit.images.colours import class_colors
from vaekit.images.sheet import plain_sheet
from vaekit.inference import Embedding, spread
from vaekit.metrics import Under, metric_of
from vaekit.models.capabilities import HasPrior
from vaekit.plots.paths import manifold_latents
from vaekit.plots.planes import project
from vaekit.reports.html import typeset
from vaekit.reports.run import changed_settings, command_line, what_was_trained
from vaekit.runs.load import Run
from vaekit.runs.records import SUMMARY, MetricLine

MOST_POINTS = 10_000  # images on the map
MOST_SCORED = 2_000  # images beside whose scores a new one is seen
CHUNK_PIXELS = 500_000  # of one file of pictures
CHUNK = 500  # images per file at most
GRID = 15  # pictures along a side of the manifold
DIVERGED = "this run's embeddings are not finite: its training has diverged."
COLUMNS = 25  # pictures in a row of such a file


class Material:
    """Everything about a run that does not depend on what the user does.

    Args:
        run: a loaded run.
        data: its data, or another source; None looks at the run's previews only.
    """

    def __init__(self, run: Run, data: Data | None) -> None:
        self.run, self.subject = run, subject_of(run)
        split = next((s for s in (data.test, data.validation, data.train) if len(s)), None) if data else None
        self.source = data.source if data is not None and split is not None else None
        split = run.previews if split is None else split
        self.split = split.take(spread(len(split), MOST_POINTS))
        self.class_names = data.class_names if data is not None else run.class_names
        channels, height, width = self.subject.shape
        self.chunk = max(1, min(CHUNK, CHUNK_PIXELS // (height * width * channels)))

    @cached_property
    def embedding(self) -> Embedding | None:
        """Embeddings of all images, or None where the model does not encode."""
        if not self.subject.can.encodes:
            return None
        embedding = self.subject.embed(self.split)
        if not bool(embedding.mean.isfinite().all() and embedding.stddev.isfinite().all()):
            raise SettingError(DIVERGED)
        return embedding

    def files(self) -> dict[str, Callable[[], bytes]]:
        """Name -> what makes its content."""
        made: dict[str, Callable[[], bytes]] = {"about.json": lambda: to_json(self.about())}
        if self.embedding is None:
            return made
        embedding = self.embedding
        count = -(-len(self.split) // self.chunk)
        if self.split.labels is not None:
            labels = self.split.labels
            made["labels.bin"] = lambda: labels.numpy().astype("<i2").tobytes()
        if self.plane is not None:
            points = self.plane["points"]
            made["plane.bin"] = lambda: floats(points)
        for d in range(self.subject.can.latent):
            made[f"axis-{d}.bin"] = lambda d=d: floats(embedding.mean[:, d])
        for k in range(count):
            made[f"codes-{k}.bin"] = lambda k=k: floats(embedding.mean[k * self.chunk : (k + 1) * self.chunk])
            made[f"pictures-{k}.png"] = lambda k=k: self.pictures(k)
        if self.subject.can.scores:
            made["scores.bin"] = self.scores
        return made

    def pictures(self, k: int) -> bytes:
        """One file of pictures, as a PNG of rows of COLUMNS."""
        part = self.split.take(torch.arange(k * self.chunk, min((k + 1) * self.chunk, len(self.split))))
        levels = self.subject.to_bytes(self.subject.shown(part))
        return plain_sheet(levels.numpy(), min(COLUMNS, self.chunk))

    def scores(self) -> bytes:
        """Scores of MOST_SCORED images, sorted."""
        split = self.split.take(spread(len(self.split), MOST_SCORED))
        return floats(self.subject.score(split.images, split.labels).sort().values)

    @cached_property
    def plane(self) -> dict[str, Any] | None:
        """The plane of the map: the two latents, or the two principal components of more."""
        if self.embedding is None or self.subject.can.latent < 2 or len(self.split) < 2:
            return None
        plane = project(self.embedding, "axes" if self.embedding.mean.shape[1] == 2 else "pca")
        assert plane.directions is not None
        return {
            "points": plane.points,
            "directions": plane.directions.T.tolist(),
            "labels": [plane.xlabel, plane.ylabel],
        }

    def about(self, engine: str = "server") -> dict[str, Any]:
        """Everything small, JSON-able. The engine runs the networks: the server, or the page."""
        subject, run = self.subject, self.run
        plane = self.plane
        labels = self.split.labels
        names = self.class_names or (
            [str(i) for i in range(int(labels.max()) + 1)] if labels is not None else []
        )
        return {
            "title": f"{run.settings.method} on {run.config.data.source}",
            "run": run.path.name,
            "summary": what_was_trained(run),
            "engine": engine,
            "shape": list(subject.shape),
            "can": subject.can.as_dict()
            | ({"prior": "", "drawn": 0} if engine == "page" and subject.can.prior != "normal" else {}),
            "binary": subject.pixels == "binary",
            "points": len(self.split) if self.embedding is not None else 0,
            "source": self.source,
            "chunk": self.chunk,
            "columns": min(COLUMNS, self.chunk),
            "labelled": self.embedding is not None and labels is not None,
            "class_names": names,
            "class_colours": class_colors(len(names)),
            "class_means": self.class_means(len(names)),
            "random": self.embedding is None or self.embedding.kl is not None,
            "dimensions": self.dimensions(),
            "start": [0.0] * subject.can.length
            if self.embedding is None
            else self.embedding.mean[0].tolist(),
            "start_class": int(labels[0]) if labels is not None and subject.can.classes else 0,
            "ticks": manifold_latents(GRID)[:GRID, 0].tolist(),
            "plane": plane and {key: value for key, value in plane.items() if key != "points"},
            "light_on_dark": bool(subject.shown(run.previews).mean() < 0.5),
            "score": self.score_name(),
            "numbers": shown_numbers(run),
            "settings": settings(run),
            "curves": curves(run.metrics, run.under),
            "command": command_line(run),
            "notes": list(run.config.data.notes),
        }

    def dimensions(self) -> list[dict[str, Any]]:
        """Every latent dimension, by falling relevance: what it carries and where its latents lie."""
        embedding = self.embedding
        if embedding is None or not self.subject.can.latent:
            plain = {"relevance": None, "live": True, "centre": 0.0, "reach": 3.0}
            return [{"index": d} | plain for d in range(self.subject.can.latent)]
        relevance, live = embedding.relevance(), set(embedding.live().tolist())
        order = torch.argsort(relevance, descending=True, stable=True).tolist()
        return [
            {
                "index": d,
                "relevance": relevance[d].item(),
                "live": d in live,
                "centre": embedding.centre[d].item(),
                "reach": 3 * embedding.unit[d].item(),
            }
            for d in order
        ]

    def class_means(self, count: int) -> list[list[float] | None]:
        """Mean embedding of each class; None for a class without images here."""
        if self.embedding is None or self.embedding.labels is None or not self.subject.can.latent:
            return []
        mean, labels = self.embedding.mean, self.embedding.labels
        return [
            mean[labels == c].mean(0).tolist() if bool((labels == c).any()) else None for c in range(count)
        ]

    def score_name(self) -> str | None:
        """Returns the name of a score, for people."""
        if not self.subject.can.scores:
            return None
        has_rate = isinstance(self.run.model, HasPrior)
        metric = metric_of("negative_elbo_at_mean_nats" if has_rate else "distortion_nats", self.run.under)
        return f"{metric.label}, {metric.unit}"


def shown_numbers(run: Run) -> list[dict[str, str]]:
    """As `numbers`.

    Raises:
        RunError: summary.json holds what no evaluation is.
    """
    with foreign(f"{run.path / SUMMARY}: its numbers cannot be shown", RunError):
        return list(numbers(run))


def numbers(run: Run) -> Iterable[dict[str, str]]:
    """The figures of a run with a sentence each: the test split's, then those of the evaluation."""
    summary = run.summary
    for key, value in (summary and summary.test) or ():
        metric = metric_of(key, run.under)
        text, sentence = typeset(metric.text(value)), metric.sentence
        yield {"label": metric.label, "unit": metric.unit_apart, "text": text, "sentence": sentence}
    if summary and summary.evaluation:
        for row in evaluation_rows(summary.evaluation):
            yield {"label": row.label, "unit": row.unit, "text": typeset(row.text), "sentence": row.meaning}


def settings(run: Run) -> list[dict[str, Any]]:
    """Every setting, and whether it differs from the method's default."""
    changed = changed_settings(run)
    return [
        {"name": name, "value": str(value), "changed": name in changed}
        for name, value in run.settings.flat().items()
    ]


def curves(metrics: Sequence[MetricLine], under: Under) -> list[dict[str, Any]]:
    """Series of metrics.jsonl that change: name with its unit, and for each split its steps and values."""
    series: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in metrics:
        for name, value in line.values.items():
            if isinstance(value, int | float) and isfinite(value):
                series.setdefault(name, {}).setdefault(line.split, []).append((line.step, value))
    found = []
    for name, splits in series.items():
        shown = {split: thin(points) for split, points in splits.items() if len(points) > 1}
        if shown and any(len({value for _, value in points}) > 1 for points in shown.values()):
            metric = metric_of(name, under)
            found.append({"name": f"{metric.label} ({metric.unit})", "splits": shown})
    return found


def thin(points: list[tuple[int, float]], most: int = 200) -> list[list[float]]:
    """Thins a curve to at most `count` points, five digits each."""
    return [[points[i][0], float(f"{points[i][1]:.5g}")] for i in spread(len(points), most).tolist()]


def floats(values: Tensor) -> bytes:
    return values.numpy().astype("<f4").tobytes()


def to_json(values: Any) -> bytes:
    """Raises SettingError when a number is not finite: the model has diverged."""
    try:
        return json.dumps(values, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except ValueError:
        raise SettingError(DIVERGED) from None
