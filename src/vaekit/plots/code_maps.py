"""Figures of discrete codes, and of what is drawn from a prior: usage, maps, temperatures, neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.data.dataset import to_unit
from vaekit.evaluation.latents.findings import CodeUsage
from vaekit.evaluation.samples.memorisation import PART
from vaekit.evaluation.samples.precision_recall import nearest
from vaekit.images.tile import GAP, tile
from vaekit.plots import grids, style
from vaekit.plots.style import FAINT, SMALL, dress, text_style

COLUMNS = 10


def code_usage(counts: Tensor) -> Figure:
    """Draws how often each code of the codebook occurs, the most frequent first: (K,)."""
    usage, images = CodeUsage.of(counts), counts.sum()
    shares = (counts.double() / images).sort(descending=True).values.numpy()
    title = f"Code usage: {usage.used} of {usage.codes} codes occur, perplexity {usage.perplexity:.0f}"
    note = (
        f"Share of each code among the {int(images):,} codes of the images, sorted; dashed: all used alike."
    )
    figure = style.chart(5.6, 2.5, title, note)
    axes = dress(figure.add_subplot(), "codes, the most frequent first", "share of all codes")
    axes.bar(
        np.arange(len(shares)), shares, width=1.0, color=style.TRAIN, linewidth=0.5, edgecolor=style.TRAIN
    )
    axes.axhline(1 / len(shares), color=FAINT, lw=0.8, ls=(0, (3, 2)))
    axes.set_yscale("log")
    axes.set_xlim(-0.5, len(shares) - 0.5)
    positive = shares[shares > 0]
    axes.set_ylim(0.7 * positive.min(), 1.5 * positive.max())
    axes.tick_params(which="minor", left=False)
    if usage.used < usage.codes:
        middle = (usage.used + usage.codes) / 2
        axes.text(middle, 1.2 / len(shares), "not in these images", ha="center", **text_style(SMALL, FAINT))
    return figure


def code_maps(images: Tensor, rebuilt: Tensor, codes: Tensor) -> Figure:
    """Images, their grids of codes in colours, and what is decoded from these.

    Args:
        images, rebuilt: (N, C, H, W) in [0, 1].
        codes: (N, h, w) int64.
    """
    place = grids.fit(images.shape, COLUMNS, 3)
    count = min(place.columns, len(images))
    colours = torch.from_numpy(_colours(int(codes.max()) + 1))[codes[:count]]  # (n, h, w, 3)
    height, width = images.shape[-2:]
    maps = torch.nn.functional.interpolate(colours.movedim(-1, 1), (height, width), mode="nearest")
    pictures = [tile(part[:count], count, place.scale) for part in (images, maps, rebuilt)]
    picture, middles = grids.stack(pictures, gap=GAP)
    names = ["image", "codes", "decoded"]
    note = "The same colour is the same code; colours of different codes say nothing about their distance."
    return grids.sheet(picture, "Codes of images", note, rows=list(zip(middles, names, strict=True)))


def _colours(count: int) -> np.ndarray:
    """(count, 3) in [0, 1]: neighbouring numbers far apart on the colour circle."""
    positions = np.arange(count) * 0.618034 % 1.0
    light = 0.55 + 0.45 * (np.arange(count) * 0.754878 % 1.0)
    return (colormaps["hsv"](positions)[:, :3] * light[:, None]).astype(np.float32)


def by_temperature(rows: Mapping[float, Tensor]) -> Figure:
    """One row of samples for each temperature: temperature -> (N, C, H, W) in [0, 1]."""
    first = next(iter(rows.values()))
    place = grids.fit(first.shape, COLUMNS, len(rows))
    picture, middles = grids.stack(
        [
            tile(images[: place.columns], min(place.columns, len(images)), place.scale)
            for images in rows.values()
        ],
        gap=GAP,
    )
    names = [f"{temperature:g}" for temperature in rows]
    note = "Below 1 samples are more typical and less varied, above 1 the other way; 1 is the prior itself."
    return grids.sheet(
        picture,
        "Samples by temperature",
        note,
        rows=list(zip(middles, names, strict=True)),
        left="temperature",
    )


def nearest_training(samples: Tensor, training: Tensor) -> Figure:
    """Samples above the training image nearest to each in pixels.

    Args:
        samples: (N, C, H, W) in [0, 1].
        training: (T, C, H, W) as stored.
    """
    place = grids.fit(samples.shape, COLUMNS, 4)
    samples = samples[: 2 * place.columns]
    originals, distances = nearest_images(samples, training)
    pairs: Sequence[Tensor] = [
        torch.cat([a, b])
        for a, b in zip(samples.split(place.columns), originals.split(place.columns), strict=True)
    ]
    picture, middles = grids.stack([tile(pair, len(pair) // 2, place.scale) for pair in pairs])
    root = distances.sqrt().mean() / samples[0].numel() ** 0.5
    note = (
        f"Each pair of rows: sample above, nearest of {len(training):,} training images below (root mean "
        f"square difference {root:.3f} on average). Copies would look the same."
    )
    return grids.sheet(
        picture,
        "Samples and their nearest training images",
        note,
        rows=[(m, "sample\n\nnearest") for m in middles],
    )


def nearest_images(queries: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """The training image (as floats) nearest to each query, and their squared distances."""
    best = torch.full((len(queries),), torch.inf)
    found = torch.empty_like(queries)
    for part in training.split(PART):
        images = to_unit(part)
        close = nearest(queries.flatten(1), images.flatten(1))
        closer = close.squares < best
        found[closer], best = images[close.which[closer]], torch.minimum(close.squares, best)
    return found, best
