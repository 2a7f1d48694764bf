"""Figures of the methods as dots with error bars, one panel for each row of the table that compares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape

from vaekit.comparison.claims import figure, short
from vaekit.comparison.rows import COST, ROWS, STABILITY, Spread, Table, metric_in
from vaekit.metrics import METRICS
from vaekit.reports.html import typeset

WIDTH, LINE, FOOT = 320, 20, 24  # units of a panel: across, for each method, and for the axis
LETTER = 7.2  # units of a letter of a method's name, about
LONGEST = 16  # letters of a name
PAD = 0.06  # of the range, on both sides
TICKS = 4  # at most


def dots(table: Table, floor: Mapping[str, float]) -> str:
    """The section: what is alike is left to the table, so is what cannot be compared."""
    panels = [_panel(name, table, floor.get(name)) for name in compared(table)]
    if not panels:
        return ""
    said = "Dots are means over the seeds, bars the standard deviation on both sides"
    mark = "; dashed: training images in the place of samples" * any(
        name in floor for name in compared(table)
    )
    return (
        f'<h2>At a glance</h2>\n<p class="faint">{said}{mark}. Every figure is in the table below.</p>\n'
        f'<div class="dots">\n{chr(10).join(panels)}\n</div>'
    )


def compared(table: Table) -> list[str]:
    """Rows that two methods or more have and that differ, of one likelihood where that matters."""
    names = []
    for name, group in ROWS.items():
        found = {m: row[name].mean for m, row in table.figures.items() if name in row}
        kinds = {table.likelihoods.get(method) for method in found} if METRICS[name].likelihood else {None}
        if group not in (COST, STABILITY) and len(set(found.values())) > 1 and len(kinds) == 1:
            names.append(name)
    return names


def _panel(name: str, table: Table, floor: float | None) -> str:
    metric = metric_in(name, table)
    found = {method: spread for method in table.methods if (spread := table.get(method, name)) is not None}
    left = 16 + LETTER * max(min(len(method), LONGEST) for method in found)
    low, high = _range(found.values(), floor)
    height = LINE * len(found) + FOOT

    def across(value: float) -> float:
        return left + (WIDTH - 12 - left) * (value - low) / (high - low)

    parts = []
    bottom = height - FOOT + 2
    if floor is not None:
        parts.append(f'<path class="floor" d="M{across(floor):.1f} 2V{bottom}"/>')
    for number, (method, spread) in enumerate(found.items()):
        y = LINE * (number + 0.5) + 2
        shown = method if len(method) <= LONGEST else method[: LONGEST - 1] + "…"
        parts.append(
            f'<text class="name" x="{left - 8:.0f}" y="{y + 4}" text-anchor="end">{escape(shown)}</text>'
        )
        deviation = spread.deviation or 0.0
        if deviation:
            parts.append(
                f'<path class="bar" d="M{across(spread.mean - deviation):.1f} {y}H{across(spread.mean + deviation):.1f}"/>'
            )
        parts.append(f'<circle class="dot" cx="{across(spread.mean):.1f}" cy="{y}" r="4"/>')
    parts.append(f'<path class="axis" d="M{left:.0f} {bottom}H{WIDTH - 12}"/>')
    for tick in ticks(low, high):
        x = across(tick)
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>')
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{height - 5}" text-anchor="middle">{typeset(f"{tick:.10g}")}</text>'
        )
    said = "; ".join(f"{method} {short(spread)}" for method, spread in found.items())
    said += f"; training images {figure(floor)}" if floor is not None else ""
    unit = ", ".join(filter(None, (metric.unit, metric.direction)))
    return (
        f'<figure class="panel"><figcaption><b>{escape(metric.label)}</b> {escape(unit)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(typeset(f"{metric.label}: {said}"))}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _range(spreads: Iterable[Spread], floor: float | None) -> tuple[float, float]:
    """Ends of a panel: all dots with their bars lie between them, and the floor."""
    ends = [floor] if floor is not None else []
    for spread in spreads:
        ends += [spread.mean - (spread.deviation or 0), spread.mean + (spread.deviation or 0)]
    low, high = min(ends), max(ends)
    rim = PAD * (high - low) or 1.0
    return low - rim, high + rim


def ticks(low: float, high: float) -> list[float]:
    """Round numbers within a range, two to `TICKS` of them."""
    power = 10.0 ** math.floor(math.log10((high - low) / 2))
    for step in (power * factor for factor in (1, 2, 2.5, 5, 10)):
        found = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(found) <= TICKS:
            return [float(f"{tick:.12g}") for tick in found]
    return []
