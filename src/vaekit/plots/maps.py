"""Maps of the latent space: posterior means on a plane, by class."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke
from torch import Tensor

from vaekit.core import SettingError
from vaekit.images.colours import class_colors
from vaekit.inference import Embedding, spread
from vaekit.plots import style
from vaekit.plots.inputs import embedding_of
from vaekit.plots.planes import TSNE_MOST, Plane, Projection, project
from vaekit.plots.style import FAINT, INK, LIGHT, SMALL, dress, text_style

MOST_NAMED = 30  # classes in a legend
HELD = (0.5, 0.9, 0.99)  # of the prior, by the circles
APART = 0.5  # share of the points that lie nearest to their own class's median, where classes have names on the map


def latent_map(
    embedding: Any,
    class_names: Sequence[str] | None = None,
    projection: Projection = "axes",
    ellipses: int = 0,
) -> Figure:
    """Posterior means on a plane, coloured by class, over contours of the prior where it is N(0, I).

    Args:
        embedding: posteriors of N images, or a run, of whose test images they are; at most 3,000 of them are embedded for "tsne".
        ellipses: draw the posteriors of this many images too, as ellipses of one standard deviation.

    Raises:
        SettingError: see `project`; or ellipses where there is no normal posterior or no straight plane.
    """
    embedding = embedding_of(embedding)
    if projection == "tsne":
        embedding = embedding.take(spread(len(embedding), TSNE_MOST))
    plane = project(embedding, projection)
    names = _names(embedding.labels, class_names)
    shown = names if len(names) <= MOST_NAMED else {}
    legend = max((style.text_width(name, SMALL) for name in shown.values()), default=0.0)
    figure = style.chart(
        5.3 + legend + 0.3 * bool(shown), 4.8, f"Latent map: {plane.how}", _what(embedding, plane, ellipses)
    )
    axes = dress(figure.add_subplot(), plane.xlabel, plane.ylabel)
    points = plane.points.numpy()
    circles = embedding.standard and plane.directions is not None
    _frame(axes, points, _radius(HELD[0]) if circles else 0.0)
    if circles:
        _prior_contours(axes)
    _scatter(axes, points, embedding.labels, names)
    if ellipses:
        _ellipses(axes, embedding, plane, spread(len(points), ellipses))
    if shown and len(points) >= 20 * len(shown):
        _name_classes(axes, points, embedding.labels, shown)
    if plane.directions is None:
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=LIGHT)
    return figure


def _names(labels: Tensor | None, class_names: Sequence[str] | None) -> dict[int, str]:
    """Class number -> name of those that are there, short enough for a legend."""
    if labels is None:
        return {}
    known = dict(enumerate(class_names or []))
    return {i: style.shorten(known.get(i, str(i))) for i in torch.unique(labels).tolist()}


def _scatter(axes: Axes, points: np.ndarray, labels: Tensor | None, names: dict[int, str]) -> None:
    """Draws the points, classes in colours and, beyond ten, in shapes."""
    size = float(np.clip(25_000 / len(points), 3.0, 14.0))
    options = {"s": size, "linewidths": 0, "rasterized": True, "zorder": 2}
    if labels is None:
        axes.scatter(*points.T, c=style.VALIDATION, alpha=0.45, **options)
        return
    numbers, count = labels.numpy(), max(names) + 1
    palette, markers = np.array(class_colors(count)), np.array(style.class_markers(count))
    for marker in dict.fromkeys(markers.tolist()):
        chosen = markers[numbers] == marker
        look = options | {"s": size * style.AREA.get(marker, 1.0), "marker": marker, "alpha": 0.75}
        axes.scatter(*points[chosen].T, c=palette[numbers[chosen]], **look)
    if len(names) <= MOST_NAMED:
        for i, name in names.items():
            axes.scatter([], [], c=palette[i], marker=markers[i], s=22, linewidths=0, label=name)
        style.legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)


def _name_classes(axes: Axes, points: np.ndarray, labels: Tensor | None, names: dict[int, str]) -> None:
    """Names at the medians of the classes, pushed apart a little where they would cover each other."""
    assert labels is not None
    numbers = labels.numpy()
    medians = np.array([np.median(points[numbers == number], axis=0) for number in names])
    inches = float(np.ptp(axes.get_xlim())) / 4.3
    widths = np.array([style.text_width(name, style.TITLE, "bold") * inches for name in names.values()])
    height = 0.15 * inches
    places = spread_labels(medians, widths, height)
    own = np.array(list(names))[((points[:, None] - medians) ** 2).sum(2).argmin(1)] == numbers
    if np.abs(places - medians).max() > 2 * height or own.mean() < APART:
        return  # names far from their class, or on a heap of all classes, would mislead; the legend has them
    halo = [withStroke(linewidth=2.2, foreground="white")]
    look = text_style(style.TITLE, INK, fontweight="bold", path_effects=halo)
    for name, place in zip(names.values(), places, strict=True):
        axes.text(place[0], place[1], name, ha="center", va="center", zorder=4, clip_on=True, **look)


def spread_labels(places: np.ndarray, widths: np.ndarray, height: float, rounds: int = 60) -> np.ndarray:
    """Middles of labels (K, 2), moved up and down until none covers another (or the rounds are over)."""
    places = places.copy()
    for _ in range(rounds):
        moved = False
        for i in range(len(places)):
            for j in range(i):
                across, along = places[i] - places[j]
                if abs(across) < (widths[i] + widths[j]) / 2 and abs(along) < height * 0.999:
                    shift = (height - abs(along)) / 2 * (1 if along >= 0 else -1)
                    places[i, 1] += shift
                    places[j, 1] -= shift
                    moved = True
        if not moved:
            break
    return places


def _radius(share: float) -> float:
    """Of the circle about the origin that holds so much of N(0, I) on a plane: sqrt(-2 log(1 - p))."""
    return sqrt(-2 * log(1 - share))


def _prior_contours(axes: Axes) -> None:
    """Circles that hold 50, 90 and 99 % of the prior on the plane."""
    halo = [withStroke(linewidth=2, foreground="white")]
    for share in HELD:
        radius = _radius(share)
        axes.add_patch(Circle((0, 0), radius, fill=False, ec=FAINT, lw=0.5, ls=(0, (4, 3)), zorder=3))
        if axes.get_ylim()[0] * 0.97 < -radius:
            look = text_style(SMALL, FAINT, path_effects=halo)
            axes.text(0, -radius, f"{share:.0%}", ha="center", va="center", zorder=3.5, clip_on=True, **look)


def _ellipses(axes: Axes, embedding: Embedding, plane: Plane, chosen: Tensor) -> None:
    """Posteriors N(mean, diag(stddev^2)) seen on the plane, one standard deviation around the mean."""
    if plane.directions is None or not embedding.normal:
        why = "t-SNE bends space" if plane.directions is None else "this model has no normal posterior"
        raise SettingError(f"posterior ellipses cannot be drawn: {why}.")
    widths, heights, angles = ellipse_shapes(embedding.stddev[chosen], plane.directions)
    collection = EllipseCollection(
        widths.tolist(),
        heights.tolist(),
        angles.tolist(),
        units="xy",
        offsets=plane.points[chosen].numpy(),
        offset_transform=axes.transData,
        facecolors="none",
        edgecolors=INK,
        linewidths=0.5,
        zorder=3,
    )
    axes.add_collection(collection)


def ellipse_shapes(stddev: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Full axes and angle (degrees) of one-sigma ellipses of diagonal normals on a plane.

    Args:
        stddev: (N, D); directions: (D, 2), orthonormal.
    """
    variances = stddev.double().square()
    covariances = torch.einsum("di,nd,dj->nij", directions.double(), variances, directions.double())
    values, vectors = torch.linalg.eigh(covariances)
    sides = 2 * values.clamp_min(0).sqrt()
    angles = torch.rad2deg(torch.atan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    return sides[:, 1], sides[:, 0], angles


def _frame(axes: Axes, points: np.ndarray, inside: float = 0.0) -> None:
    """A square view of nearly all points: 0.2 % a side may lie outside, so that one stray cannot shrink all.

    Args:
        inside: radius about the origin that is in view too.
    """
    low, high = np.percentile(points, [0.2, 99.8], axis=0)
    if inside:
        low, high = np.minimum(low, -inside), np.maximum(high, inside)
    centre, half = (low + high) / 2, max(float((high - low).max()) / 2 * 1.08, 1e-3)
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] - half, centre[1] + half)
    axes.set_aspect("equal", adjustable="box")


def _what(embedding: Embedding, plane: Plane, ellipses: int) -> str:
    """Says what is drawn: how many examples, what the circles and ellipses are."""
    kind = "posterior means" if embedding.random else "latents"
    parts = [f"The {kind} of {len(plane.points):,} test examples"]
    if embedding.labels is not None:
        parts.append("colours are classes, which only a conditional model was given")
    if embedding.standard and plane.directions is not None:
        parts.append("dashed circles hold 50, 90 and 99 % of the prior, N(0, I)")
    if plane.directions is None:
        parts.append("neighbourhoods mean something, distances and sizes do not")
    if ellipses:
        parts.append("ellipses are one posterior standard deviation")
    return "; ".join(parts) + "."
