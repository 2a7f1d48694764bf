"""Curves of a training, from the lines of metrics.jsonl (`run.metrics`).

A training line is the mean over the steps since the one before; a validation line has `kl_nats_by_dimension`
too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from vaekit.core import SettingError
from vaekit.metrics import DEAD_NATS, METRICS, PLAIN, Metric, Under, metric_of
from vaekit.plots import style
from vaekit.plots.inputs import lines_of
from vaekit.plots.style import FAINT, LIGHT, SHADES, SMALL, TEST, TRAIN, VALIDATION, dress, text_style
from vaekit.runs.records import MetricLine, WeightsRecord
from vaekit.training.evidence import together

Metrics = Sequence[MetricLine]
LIGHT_IN = {
    "learning_rate": None,
    "beta": "kl_nats",
}  # scheduled quantity -> panel above it, or None for the first
LEGEND = 0.2  # inches above the panels
UNIT_WIDTH, TITLE_WIDTH = 22, 30  # characters of a line beside an axis, and above a panel
LOOKS: dict[str, dict[str, Any]] = {  # split -> how its line is drawn
    "train": {"color": TRAIN, "lw": 0.9, "zorder": 2},
    "validation": {"color": VALIDATION, "lw": 1.2, "marker": "o", "ms": 2.5, "zorder": 3},
    "test": {"color": TEST, "lw": 0, "marker": "*", "ms": 7, "zorder": 4},
}


def series(metrics: Metrics, split: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs (fractions within one) and values of one quantity on one split."""
    rate = steps_per_epoch(metrics)
    lines = [line for line in metrics if line.split == split and key in line.values]
    return np.array([line.step / rate for line in lines]), np.array(
        [line.values[key] for line in lines], float
    )


def _smooth(metrics: Metrics, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and values in training; lines of a few steps only, which tell of their batches, with those beside them."""
    rate, windows = steps_per_epoch(metrics), together(metrics, key)
    return np.array([last / rate for _, last, _ in windows]), np.array(
        [value for *_, value in windows], float
    )


def steps_per_epoch(metrics: Metrics) -> float:
    """From a line that was written at the end of an epoch; 1 (so x is steps) if there is none. Others, within an epoch or
    after a last one that was cut short, have fewer steps for their epoch."""
    return max([1.0, *(line.step / line.epoch for line in metrics if line.epoch)])


def training(metrics: Any, under: Under = PLAIN) -> Figure:
    """Training against validation, rate and distortion apart; schedules below them where they vary.

    Args:
        metrics: lines of metrics.jsonl, or a run or history that has them; of these the test split stands where its
            weights are from, else at the end.
        under: which likelihood, named with the units where they depend on its kind.

    Raises:
        SettingError: there is nothing to draw.
    """
    weights = getattr(getattr(metrics, "summary", None), "weights", None)
    metrics = lines_of(metrics)
    panels = drawn_in(metrics)
    if not panels:
        raise SettingError("metrics.jsonl has no losses yet.")
    width = style.PAGE if len(panels) == 3 else 1.0 + 2.6 * len(panels)
    scheduled = {panel: key for key, panel in _lights(panels).items() if _varies(metrics, key)}
    figure = style.chart(
        width, 2.45 + 0.6 * bool(scheduled), "Training", _training_note(scheduled, weights), head=LEGEND
    )
    grid = figure.add_gridspec(2, len(panels), height_ratios=[4, 1])
    for number, key in enumerate(panels):
        above = key in scheduled
        axes = figure.add_subplot(grid[0, number] if above else grid[:, number])
        metric = metric_of(key, under)
        dress(axes, "" if above else "epoch", _broken(metric.unit))
        axes.set_title(_title(metric), loc="left", **text_style(style.LABEL, fontweight="bold"))
        _panel(axes, metrics, key, weights)
        axes.tick_params(labelbottom=not above)
    style.legend_above(figure, figure.axes[0], LEGEND)
    for panel, key in scheduled.items():
        number = panels.index(panel)
        _schedule(figure.add_subplot(grid[1, number], sharex=figure.axes[number]), metrics, key)
    return figure


def _broken(unit: str) -> str:
    """A unit in lines that fit beside a panel, broken at its comma where it has one."""
    return "\n".join(fill(part, UNIT_WIDTH) for part in unit.replace(", ", ",\n").split("\n"))


def _title(metric: Metric) -> str:
    """Label and symbol, or the label alone where both are wider than a panel."""
    return metric.title if len(metric.title) <= TITLE_WIDTH else metric.heading


def drawn_in(metrics: Metrics) -> list[str]:
    """Keys of the panels: what METRICS draws and a line has; else up to three losses that it does not know."""
    keys = dict.fromkeys(key for line in metrics for key in line.values)
    return [key for key, metric in METRICS.items() if metric.drawn and key in keys] or [
        key for key in keys if key.endswith("_nats") or "loss" in key
    ][:3]


def _lights(panels: Sequence[str]) -> dict[str, str]:
    """Scheduled quantity -> the panel that it is drawn below, where that is there."""
    return {key: panel or panels[0] for key, panel in LIGHT_IN.items() if panel is None or panel in panels}


def _training_note(scheduled: Mapping[str, str], weights: WeightsRecord | None) -> str:
    """Says what stands below the panels, and of which weights the test split is where they are not the last."""
    shown = [METRICS[key].label for key in scheduled.values()]
    parts = [f"Below, on the same epochs: {' and '.join(shown)}."] if shown else []
    if weights is not None and weights.which == "best":
        parts.append(f"Test: of the weights that are kept, {weights.when}.")
    return " ".join(parts)


def _kept_at(metrics: Metrics, weights: WeightsRecord) -> float:
    """Epoch, as on the axis, after which the weights were kept."""
    ends = [line.step for line in metrics if line.split == "validation" and line.epoch == weights.epoch]
    return max(ends) / steps_per_epoch(metrics) if ends else float(weights.epoch)


def _varies(metrics: Metrics, key: str) -> bool:
    _, y = series(metrics, "train", key)
    return len(y) > 1 and bool(np.ptp(y) > 1e-12 * np.abs(y).max())


def _panel(axes: Axes, metrics: Metrics, key: str, weights: WeightsRecord | None) -> None:
    shown = []
    for split, look in LOOKS.items():
        x, y = _smooth(metrics, key) if split == "train" else series(metrics, split, key)
        if split == "test" and weights is not None and weights.which == "best":
            x = np.full_like(x, _kept_at(metrics, weights))
        if len(x):
            options: dict[str, Any] = {**look, "label": split, "clip_on": split != "test"}
            if split == "validation" and len(x) > 30:
                options["marker"] = ""
            axes.plot(x, y, **options)
            shown.append((split, y))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    low, high = _limits(shown)
    axes.set_ylim(low, high)


def _limits(shown: Sequence[tuple[str, np.ndarray]]) -> tuple[float, float]:
    """A view in which the later epochs can be distinguished: the steep first tenth may leave it at the top."""
    low = min(float(np.nanmin(y)) for _, y in shown)
    tails = [float(np.nanmax(y[len(y) // 10 :] if split == "train" else y)) for split, y in shown]
    late = max(float(np.nanmax(y[len(y) // 2 :])) for _, y in shown)
    high = min(max(tails), late + 4 * max(late - low, 1e-3 * abs(late) + 1e-9))
    rim = 0.06 * max(high - low, 1e-9)
    return low - rim, high + rim


def _schedule(axes: Axes, metrics: Metrics, key: str) -> None:
    """A scheduled quantity on axes of its own, below the panel that it bears on."""
    x, y = series(metrics, "train", key)
    power = floor(log10(y.max()))
    scale = "" if power == 0 else f" ($10^{{{power}}}$)"
    dress(axes, "epoch", fill(METRICS[key].label.split(",")[0], 9) + scale.replace(" ", "\n"))
    axes.plot(x, y / 10**power, color=FAINT, lw=0.9)
    axes.set_ylim(0, 1.1 * y.max() / 10**power)
    axes.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    axes.yaxis.label.set(size=SMALL, rotation=0, ha="right", va="center")


def rate_distortion(metrics: Metrics, under: Under = PLAIN) -> Figure:
    """Rate against distortion, epoch by epoch, over lines of equal -ELBO (Alemi et al. 2018, fig. 1).

    Raises:
        SettingError: fewer than two lines have both.
    """
    split = "validation" if len(series(metrics, "validation", "kl_nats")[0]) > 1 else "train"
    epochs, rate = series(metrics, split, "kl_nats")
    _, distortion = series(metrics, split, "reconstruction_nats")
    if len(rate) < 2 or len(rate) != len(distortion):
        raise SettingError("a path of rate and distortion needs two epochs or more with a KL.")
    note = "Each dot one validation; dotted lines of equal −ELBO (nats)." if split == "validation" else ""
    title = f"Rate and distortion over training ({split})"
    figure = style.chart(4.6, 3.5, title, note or "Training means; dotted lines of equal −ELBO (nats).")
    labels = [
        f"{m.title} ({m.unit})"
        for m in (metric_of("kl_nats", under), metric_of("reconstruction_nats", under))
    ]
    axes = dress(figure.add_subplot(), *labels)
    axes.plot(rate, distortion, color=LIGHT, lw=1.0, zorder=2)
    points = axes.scatter(
        rate, distortion, c=epochs, cmap="viridis", s=18, linewidths=0.5, edgecolors=FAINT, zorder=3
    )
    halo = [withStroke(linewidth=2, foreground="white")]
    for end in (0, -1):
        look = text_style(SMALL, path_effects=halo, zorder=5)
        right = bool(rate[end] > rate.min() + 0.7 * np.ptp(rate))
        above = _free_above(rate, distortion, end, left=right)
        look |= {"ha": "right" if right else "left", "va": "bottom" if above else "top"}
        text, place = f"epoch {epochs[end]:.3g}", (rate[end], distortion[end])
        shift = (-6 if right else 6, 5 if above else -5)
        axes.annotate(text, place, shift, textcoords="offset points", **look)
    axes.margins(0.14)
    _equal_elbo(axes)
    bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=30, ticks=MaxNLocator(6, integer=True))
    _dress_bar(bar, "epoch")
    return figure


def _free_above(x: np.ndarray, y: np.ndarray, end: int, left: bool) -> bool:
    """Says whether a label at one side of a point has fewer of the other points in its way above than below."""
    across = (x - x[end]) / (np.ptp(x) or 1.0) * (-1 if left else 1)
    along = (y - y[end]) / (np.ptp(y) or 1.0)
    near = (across > -0.02) & (across < 0.25) & (np.arange(len(x)) != end % len(x))
    return int((near & (along >= 0) & (along < 0.15)).sum()) <= int(
        (near & (along < 0) & (along > -0.15)).sum()
    )


def _equal_elbo(axes: Axes) -> None:
    """Faint lines along which rate + distortion is the same, labelled with -ELBO."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for level in MaxNLocator(6).tick_values(left + low, right + high):
        axes.plot([left, right], [level - left, level - right], color=LIGHT, lw=0.6, ls=":", zorder=1)
        if low + 0.02 * (high - low) <= level - right < high:
            look = text_style(SMALL, FAINT, ha="right", va="bottom", zorder=1)
            axes.text(right, level - right, f"{level:g}".replace("-", "−"), **look)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def kl_by_dimension(metrics: Metrics) -> Figure:
    """KL of each latent dimension over training, dimensions by their last KL, and that KL beside.

    Raises:
        SettingError: no validation line has it.
    """
    split = "validation" if any("kl_nats_by_dimension" in line.values for line in metrics) else "train"
    lines = [line for line in metrics if line.split == split and line.values.get("kl_nats_by_dimension")]
    if not lines:
        raise SettingError("metrics.jsonl has no KL by dimension.")
    table = np.array([line.values["kl_nats_by_dimension"] for line in lines], float).T
    order = np.argsort(-table[:, -1], kind="stable")
    table = table[order]
    epochs = np.array([line.step for line in lines]) / steps_per_epoch(metrics)
    active = int((table[:, -1] >= DEAD_NATS).sum())
    rows, highest = len(table), max(float(table.max()), 1e-9)
    title = f"KL by dimension over training: {active} of {rows} dimensions carry {DEAD_NATS} nats or more"
    note = f"Left: every {split}, dimensions by their last KL. Right: the last KL, in the same colours."
    figure = style.chart(6.2, float(np.clip(0.8 + 0.13 * rows, 1.6, 6.5)), title, note)
    left, right = figure.subplots(1, 2, width_ratios=[2.6, 1.4], sharey=True)
    dress(left, "epoch", "latent dimension")
    dress(right, f"rate ({METRICS['kl_nats'].unit})")
    edges = _edges(epochs)
    look = {"cmap": SHADES, "vmin": 0, "vmax": highest, "edgecolors": "none", "rasterized": True}
    left.pcolormesh(edges, np.arange(rows + 1) - 0.5, table, **look)
    left.invert_yaxis()
    left.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    shades = SHADES(table[:, -1] / highest)
    right.barh(np.arange(rows), table[:, -1], height=0.75, color=shades, ec=FAINT, lw=0.4)
    step = max(1, -(-rows // 40))
    left.set_yticks(range(0, rows, step), [f"z{d}" for d in order[::step]], **text_style(SMALL))
    right.tick_params(left=False, labelleft=False)
    return figure


def _edges(epochs: np.ndarray) -> np.ndarray:
    """Borders of the columns of validations: halfway between them, and none beyond the first and the last."""
    if len(epochs) == 1:
        return np.array([max(0.0, epochs[0] - 0.5), epochs[0] + 0.5])
    return np.concatenate([epochs[:1], (epochs[1:] + epochs[:-1]) / 2, epochs[-1:]])


def _dress_bar(bar: Any, label: str) -> None:
    """The common look for a colour bar."""
    bar.set_label(label, **text_style())
    bar.ax.tick_params(labelsize=SMALL, colors=style.INK, width=0.6, length=2.5, labelfontfamily=style.FONT)
    bar.outline.set_visible(False)
