"""Walks through the latent space, decoded: traversals, manifold, interpolations."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.core import SettingError
from vaekit.images.tile import tile
from vaekit.inference import Embedding, decode
from vaekit.metrics import DEAD_NATS
from vaekit.models.base import Model
from vaekit.models.capabilities import Decodes
from vaekit.plots.grids import fit, sheet, stack
from vaekit.plots.paths import STEPS, manifold_latents, repeated, traversal_latents
from vaekit.runs.interpolate import lerp, slerp

TILE = 0.42  # inches, about; rows are many


def traversals(
    model: Decodes,
    embedding: Embedding,
    start: Tensor | None = None,
    most: int = 16,
    carried: Mapping[int, str] | None = None,
    base: Tensor | None = None,
) -> Figure:
    """One row for each latent dimension, by falling KL (variance without a prior), dead ones left out.

    A conditional model draws all under the class of the first image.

    Args:
        embedding: posteriors of many images, for the order.
        start: (D,) latents that are varied; the first image's mean by default.
        most: rows at most.
        carried: what a dimension was measured to carry, in words, to stand beside it.
        base: (C, H, W) image whose latents `start` are, to stand beside the rows with what is decoded of them.
    """
    assert isinstance(model, Model)
    start = embedding.mean[0] if start is None else start
    live = embedding.live()
    if len(live) == 0:
        raise SettingError(f"no latent dimension carries {DEAD_NATS} nats or more: nothing to vary.")
    place = fit(model.shape, STEPS, min(most, len(live)), inches=TILE)
    steps = place.columns - (place.columns + 1) % 2
    shown = live[: place.rows]
    z = traversal_latents(embedding, start, shown, steps)
    images = decode(model, z, repeated(embedding.labels, 0, len(z)))
    places = [signed(value) for value in torch.linspace(-3, 3, steps).tolist()]
    beside = None
    if base is not None:
        rebuilt = decode(model, start[None], repeated(embedding.labels, 0, 1))
        beside = tile(torch.cat([base[None], rebuilt]), 1, place.scale), "the image,\nand decoded"
    return sheet(
        tile(images, steps, place.scale),
        _traversal_title(embedding, len(shown), len(live)),
        _traversal_note(embedding, bool(carried)),
        rows=place.middles(_traversal_names(embedding, shown, carried or {}), 0),
        columns=place.middles(places, 1),
        bottom="value of the dimension" if embedding.standard else "standard deviations from its mean",
        beside=beside,
    )


def _traversal_names(embedding: Embedding, shown: Tensor, carried: Mapping[int, str]) -> list[str]:
    """Names each row: the dimension that it moves, what it carries, and of which factor."""
    relevance = embedding.relevance()
    form = "z{}  var. {:.2g}" if embedding.kl is None else "z{}  {:.2f} nats"
    return [
        form.format(d, relevance[d]) + (f"\n{carried[d]}" if d in carried else "") for d in shown.tolist()
    ]


def _traversal_title(embedding: Embedding, shown: int, live: int) -> str:
    total = embedding.mean.shape[1]
    which = f"{shown} of {total} latents" if shown < total else f"all {total} latents"
    by, fault = ("variance", "constant") if embedding.kl is None else ("KL", f"dead (< {DEAD_NATS} nats)")
    left = [f"{total - live} {fault}"] * (live < total) + [f"{live - shown} of smaller {by}"] * (shown < live)
    end = f"; {' and '.join(left)} left out" if left else ""
    return f"Traversals of {which}, by {by}{end}"


def _traversal_note(embedding: Embedding, named: bool = False) -> str:
    by = "its KL to the prior" if embedding.kl is not None else "the variance of its means (there is no KL)"
    return (
        "Each row moves one dimension, the others stay at the latents of one test image; "
        f"beside it {by}, over {len(embedding):,} images"
        + (
            ", and the factor about which it is most informative, with the share of its entropy."
            if named
            else "."
        )
    )


def manifold(model: Decodes, n: int = 20, linear: bool = False, label: int = 0, name: str = "") -> Figure:
    """The means of p(x|z) of a model of two latents over the whole of N(0, I), as one seamless picture.

    Args:
        label, name: the class that a conditional model draws it of.
    """
    assert isinstance(model, Model)
    place = fit(model.shape, n, n, inches=0.28, gap=0)
    n = min(place.columns, place.rows)
    z = manifold_latents(n, linear)
    picture = tile(decode(model, z, torch.full((len(z),), label)), n, place.scale, gap=0)
    ticks = z[:n, 0].tolist()
    shown = [i in _spaced(n) for i in range(n)]
    names = [signed(value, 1) if keep else "" for value, keep in zip(ticks, shown, strict=True)]
    steps = "equal steps from −3 to 3" if linear else "equal steps of prior probability (inverse normal CDF)"
    return sheet(
        picture,
        f"Manifold of the two latents, {n} × {n}" + (f", class {name}" if name else ""),
        f"The mean of p(x|z) at {steps}.",
        rows=place.middles(names[::-1], 0),
        columns=place.middles(names, 1),
        bottom="z0",
        left="z1",
    )


def signed(value: float, digits: int = 2) -> str:
    """A number of few digits with a true minus sign; no -0."""
    text = f"{round(value, digits):g}"
    return "0" if text == "-0" else text.replace("-", "−")


def _spaced(n: int) -> set[int]:
    """Indices of a few places, both ends among them, alike on both sides of the middle."""
    ticks = min(n, 6 + n % 2)
    half = {round(i * (n - 1) / max(1, ticks - 1)) for i in range((ticks + 1) // 2)}
    return half | {n - 1 - i for i in half}


def interpolations(
    model: Decodes, images: Tensor, embedding: Embedding, pairs: list[tuple[int, int]]
) -> Figure:
    """From one image to another, along the straight line and along the arc between their means.

    Args:
        images: (N, C, H, W) as they were shown; their posteriors in `embedding`.
        pairs: indices of the two ends of each row.
    """
    place = fit(images.shape, STEPS, 2 * len(pairs))
    steps = max(2, place.columns - 2)
    bands, names = [], []
    for first, last in pairs[: max(1, place.rows // 2)]:
        walks = _walks(embedding.mean[first], embedding.mean[last], steps)
        ends = images[first][None], images[last][None]
        z = torch.cat(list(walks.values()))
        decoded = decode(model, z, repeated(embedding.labels, first, len(z))).split(steps)
        rows = [torch.cat([ends[0], row, ends[1]]) for row in decoded]
        bands.append(tile(torch.cat(rows), steps + 2, place.scale))
        names.append(list(walks))
    picture, middles = stack(bands)
    marks = [
        (middle + (row - (len(group) - 1) / 2) * place.pitch[0], name)
        for middle, group in zip(middles, names, strict=True)
        for row, name in enumerate(group)
    ]
    end = "posterior mean" if embedding.random else "image's latents"
    note = (
        "The outermost columns are the originals; between them what is decoded, "
        f"in equal steps from one {end} to the other."
    )
    return sheet(picture, "Interpolations between test images", note, rows=marks)


def _walks(a: Tensor, b: Tensor, steps: int) -> dict[str, Tensor]:
    """Ways from a to b by name; a single latent has only one."""
    walks = {"linear": lerp(a, b, steps)}
    return walks | {"spherical": slerp(a, b, steps)} if len(a) > 1 else walks
