"""Figures of latent dimensions beside known factors: their mutual information, and their responses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.data import Factor
from vaekit.evaluation.factors import mig as information
from vaekit.evaluation.factors.factor_table import BINS, FactorTable
from vaekit.evaluation.factors.mig import information_matrix
from vaekit.images.colours import OKABE_ITO
from vaekit.plots import style
from vaekit.plots.style import LIGHT, SHADES, SMALL, dress, text_style

DIM = 0.05  # share below which no number is written

ROWS = 10  # dimensions at most


def information_map(table: FactorTable, order: Sequence[int]) -> Figure:
    """Matrix of mutual information, dimension by factor, as shares of each factor's entropy.

    Args:
        table: latents and factors.
        order: dimensions to show, from the top.
    """
    matrix = information_matrix(table)[list(order)[:ROWS]]
    names = [kind.name for kind in table.kinds]
    note = (
        "Share of a factor's entropy that a dimension explains, from histograms of 20 bins over "
        f"{len(table.latents):,} images; rows by falling relevance. One dark square in a row and in a column is "
        "a dimension that is a factor."
    )
    height = 0.75 + 0.3 * len(matrix)
    figure = style.chart(
        min(style.PAGE, 1.2 + 0.8 * len(names)),
        height,
        "Information of each dimension about each factor",
        note,
    )
    axes = dress(figure.add_subplot())
    axes.imshow(matrix, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(matrix)), [f"z{d}" for d in list(order)[:ROWS]])
    for (row, column), share in np.ndenumerate(matrix):
        if share >= DIM:
            color = style.ON_DEEP if share > 0.5 else style.ON_PALE
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", **text_style(SMALL, color))
    return figure


def factor_response(table: FactorTable, order: Sequence[int]) -> Figure:
    """Each dimension against each factor: the mean of the latent for each value, with its spread as a band.

    Args:
        table: latents and factors.
        order: dimensions to show, from the top.
    """
    shown = list(order)[:ROWS]
    note = (
        "Mean of each dimension (line) over the images that share a factor's value, all other factors "
        "varying, and one standard deviation about it (band). A flat line is uninformative; a narrow band about "
        "a steep line is a dimension that is the factor."
    )
    height = 0.3 + 0.62 * len(shown)
    figure = style.chart(style.PAGE, height, "Factors against latent responses", note)
    panels = figure.subplots(len(shown), len(table.kinds), squeeze=False, sharey="row", sharex="col")
    for row, d in enumerate(shown):
        for column, kind in enumerate(table.kinds):
            axes = dress(panels[row, column])
            places, mean, spread = response(table, d, column)
            color = OKABE_ITO[0]
            if kind.ordered:
                axes.fill_between(places, mean - spread, mean + spread, color=LIGHT, lw=0)
                axes.plot(places, mean, color=color, lw=1.0)
            else:
                axes.errorbar(
                    places, mean, spread, color=color, ecolor=LIGHT, lw=0, elinewidth=2, marker="o", ms=2
                )
            axes.tick_params(labelleft=column == 0, labelbottom=row == len(shown) - 1)
            if row == len(shown) - 1:
                axes.set_xlabel(kind.name, **text_style(SMALL))
            if column == 0:
                axes.set_ylabel(f"z{d}", **text_style(SMALL), rotation=0, ha="right", va="center")
    return figure


def response(table: FactorTable, d: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of factor k (of a continuous one the means of its bins), and mean and standard deviation of
    dimension d for each, (V,) each."""
    groups, latent = table.groups[:, k], table.latents[:, d]
    counts = np.bincount(groups)
    mean = np.bincount(groups, latent) / counts
    square = np.bincount(groups, latent**2) / counts
    places = np.bincount(groups, table.factors[:, k]) / counts
    assert len(counts) <= max(BINS, table.kinds[k].values or 0)
    return places, mean, np.sqrt(np.maximum(square - mean**2, 0))


def carried(table: FactorTable, kinds: Sequence[Factor]) -> dict[int, str]:
    """Dimension -> the factor about which it is most informative, with the share: `slant 61%`; those with little
    are absent."""
    found = information.carried(information_matrix(table), information.chance_matrix(table))
    return {d: f"{kinds[k].name} {share:.0%}" for d, k, share in found}
