"""Figures of a conditional model: style against class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.data import Split
from vaekit.images.tile import tile
from vaekit.inference import reconstruct, sample, shown_images
from vaekit.models.base import Model
from vaekit.models.capabilities import Reconstructs
from vaekit.plots.grids import fit, sheet, stack
from vaekit.plots.style import shorten

COLUMNS = 10


def class_grid(model: Model, names: Sequence[str], seed: int = 0) -> Figure:
    """Samples, one row for each class, with the same z down a column.

    Where not the decoder but a prior of codes is conditioned on the class, its draws share their random numbers
    instead.

    Args:
        model: conditional, or with a conditional prior.
        names: of its classes.
        seed: of z, or of the draws.
    """
    place = fit(model.shape, COLUMNS, len(names))
    rows = [
        sample(model, place.columns, torch.full((place.columns,), number), seed=seed)
        for number in range(place.rows)
    ]
    if model.classes:
        title, note = "Style against class", "Each column has one z from the prior, under every class"
    else:
        title, note = "Draws of each class", "Codes from the prior, conditioned on the class of the row"
    return sheet(
        tile(torch.cat(rows), place.columns, place.scale),
        f"{title}{_of(place.rows, names)}",
        f"{note}; not chosen.",
        rows=place.middles([shorten(name) for name in names[: place.rows]], 0),
    )


def class_styles(model: Reconstructs, split: Split, names: Sequence[str]) -> Figure:
    """Test images, one of each class where there is one, redrawn under all labels.

    Args:
        model: conditional, with an encoder.
        split: images with labels.
        names: of the classes.
    """
    assert isinstance(model, Model)
    assert split.labels is not None
    place = fit(split.images.shape, max(COLUMNS, len(names)), len(names) + 1)
    chosen = split.take(one_each(split.labels, len(names), place.columns))
    rows = min(len(names), place.rows - 1)
    redrawn = [reconstruct(model, chosen, redraw_as=number) for number in range(rows)]
    bands = (shown_images(model, chosen), torch.cat(redrawn))
    picture, middles = stack([tile(part, len(chosen), place.scale) for part in bands])
    first = middles[1] - (rows - 1) / 2 * place.pitch[0]
    marks = [(first + i * place.pitch[0], shorten(name)) for i, name in enumerate(names[:rows])]
    return sheet(
        picture,
        f"The same style in every class{_of(rows, names)}",
        "First row: test images. Below: the mean latents of each, encoded with its own class and decoded under "
        "every class; under its own it is the reconstruction.",
        rows=[(middles[0], "test image"), *marks],
    )


def one_each(labels: Tensor, classes: int, most: int) -> Tensor:
    """Index of the first image of each class that occurs, by class; at most `most`."""
    found = [(labels == number).nonzero()[:1, 0] for number in range(classes)]
    return torch.cat(found)[:most]


def _of(shown: int, names: Sequence[str]) -> str:
    return f": {shown} of {len(names)} classes" if shown < len(names) else ""
