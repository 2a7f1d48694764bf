"""The figure of a sweep: what each combination of values came to on validation images."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from vaekit.images.colours import OKABE_ITO
from vaekit.metrics import metric_of
from vaekit.plots import style
from vaekit.plots.style import DPI, MARKERS, dress

LINE = 0.15  # inches of a line of the legend


def sweep_plot(cells: Sequence[tuple[Mapping[str, Any], Sequence[float]]], figure: str) -> bytes:
    """PNG of a dot for each run, over the values of the first option; a line for each combination of the others.

    Args:
        cells: values of the options, and the figure of each run.
        figure: key of METRICS.
    """
    metric, first = metric_of(figure), next(iter(cells[0][0]))
    values = sorted({cell[first] for cell, _ in cells}, key=lambda value: (isinstance(value, str), value))
    lines: dict[str, list[tuple[int, Sequence[float]]]] = {}
    for cell, found in cells:
        rest = ", ".join(f"{name} {value}" for name, value in cell.items() if name != first)
        if found:
            lines.setdefault(rest, []).append((values.index(cell[first]), found))
    head = LINE * len(lines) if any(lines) else 0.0
    paper = style.chart(
        4.6, 3.2, f"{metric.label} on validation", "A dot for each run; lines join means.", head
    )
    axes = dress(paper.add_subplot(), first, f"{metric.label}, {metric.unit}")
    for number, (name, places) in enumerate(sorted(lines.items())):
        look: dict[str, Any] = {"color": OKABE_ITO[number % len(OKABE_ITO)]}
        marker = MARKERS[number % len(MARKERS)]
        places = sorted(places, key=lambda place: place[0])
        axes.plot([x for x, _ in places], [mean(found) for _, found in places], lw=1, label=name, **look)
        dots = [(x, value) for x, found in places for value in found]
        axes.plot([x for x, _ in dots], [y for _, y in dots], marker, ms=4, **look)
    axes.set_xticks(range(len(values)), [str(value) for value in values])
    if any(lines):
        style.legend_above(paper, axes, head, columns=1)
    buffer = io.BytesIO()
    paper.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
