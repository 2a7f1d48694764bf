"""Walks through the latent space, decoded: traversals, manifold, interpolations."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.core import SettingError
from vaekit.images.tile import tile
from vaekit.metrics import DEAD_NATS
from vaekit.models.latent import LatentModel
from vaekit.plots import encoded
from vaekit.plots.encoded import Codes
from vaekit.plots.grids import fit, sheet, stack

TILE = 0.42  # inches, about; rows are many
STEPS = 11  # odd, so that the middle of a traversal is the prior's mean


def traversal_codes(codes: Codes, start: Tensor, dimensions: Tensor, steps: int = STEPS) -> Tensor:
    """Codes in which one dimension at a time is moved, the others staying at `start`.

    A dimension goes from -3 to 3; without a posterior (AE) from 3 standard deviations of its codes
    below their mean to 3 above.

    Args:
        start: (D,).
        dimensions: (R,) which to move.
    Returns:
        (R * steps, D), row by row.
    """
    places = torch.linspace(-3, 3, steps)
    z = start.repeat(len(dimensions), steps, 1)
    for row, d in enumerate(dimensions.tolist()):
        centre, unit = (0.0, 1.0) if codes.random else (codes.mean[:, d].mean(), codes.mean[:, d].std())
        z[row, :, d] = centre + unit * places
    return z.flatten(0, 1)


def traversals(
    model: LatentModel,
    codes: Codes,
    start: Tensor | None = None,
    most: int = 16,
    carried: Mapping[int, str] | None = None,
) -> Figure:
    """One row a latent dimension, by falling KL (variance for an AE), dead ones left out.

    A conditional model draws all under the class of the first image.

    Args:
        codes: posteriors of many images, for the order.
        start: (D,) code that is varied; the first image's mean by default.
        most: rows at most.
        carried: what a dimension was measured to carry, in words, to stand beside it.
    """
    start = codes.mean[0] if start is None else start
    live, relevance = codes.live(), codes.relevance()
    if len(live) == 0:
        raise SettingError(f"no latent dimension carries {DEAD_NATS} nats or more: nothing to vary.")
    shape = model.shape
    place = fit(shape, STEPS, min(most, len(live)), inches=TILE)
    steps = place.columns - (place.columns + 1) % 2
    live_shown = live[: place.rows]
    z = traversal_codes(codes, start, live_shown, steps)
    images = encoded.decode(model, z, repeated(codes.labels, 0, len(z)))
    form = "z{}  {:.2f} nats" if codes.random else "z{}  var. {:.2g}"
    carried = carried or {}
    names = [
        form.format(d, relevance[d]) + (f"\n{carried[d]}" if d in carried else "")
        for d in live_shown.tolist()
    ]
    places = [signed(value) for value in torch.linspace(-3, 3, steps).tolist()]
    return sheet(
        tile(images, steps, place.scale),
        _traversal_title(codes, len(live_shown), len(live)),
        _traversal_note(codes, bool(carried)),
        rows=place.middles(names, 0),
        columns=place.middles(places, 1),
        bottom="value of the dimension" if codes.random else "standard deviations from its mean",
    )


def _traversal_title(codes: Codes, shown: int, live: int) -> str:
    total = codes.mean.shape[1]
    which = f"{shown} of {total} latents" if shown < total else f"all {total} latents"
    by, fault = ("KL", f"dead (< {DEAD_NATS} nats)") if codes.random else ("variance", "constant")
    end = f"; {total - live} {fault} left out" if live < total else ""
    return f"Traversals of {which}, by {by}{end}"


def _traversal_note(codes: Codes, named: bool = False) -> str:
    by = "its KL to the prior" if codes.random else "the variance of its code (there is no KL)"
    return (
        "Each row moves one dimension, the others stay at the code of one test image; "
        f"beside it {by}, over {len(codes.mean):,} images"
        + (", and the factor of which it tells most, with the share of its entropy." if named else ".")
    )


def manifold_codes(n: int, linear: bool = False) -> Tensor:
    """Codes on an n x n grid over two latents, (n * n, 2), z0 rising to the right and z1 upwards.

    By default at equal steps of probability under the prior, through the inverse normal CDF
    (Kingma & Welling 2014, appendix A and fig. 4); linear takes equal steps from -3 to 3.
    """
    q = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    ticks = torch.linspace(-3, 3, n, dtype=torch.float64) if linear else torch.special.ndtri(q)
    z1, z0 = torch.meshgrid(ticks.flip(0), ticks, indexing="ij")
    return torch.stack([z0.flatten(), z1.flatten()], dim=1).float()


def repeated(labels: Tensor | None, index: int, count: int) -> Tensor | None:
    """The label of one image for `count` codes, (count,); None where there are none."""
    return None if labels is None else labels[index].repeat(count)


def manifold(model: LatentModel, n: int = 20, linear: bool = False, label: int = 0, name: str = "") -> Figure:
    """What a model of two latents decodes over its whole prior, as one seamless picture.

    Args:
        label, name: the class that a conditional model draws it of.
    """
    place = fit(model.shape, n, n, inches=0.28, gap=0)
    n = min(place.columns, place.rows)
    z = manifold_codes(n, linear)
    picture = tile(encoded.decode(model, z, torch.full((len(z),), label)), n, place.scale, gap=0)
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


def lerp(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Codes on the straight line from a to b, (D,) each: (steps, D)."""
    t = torch.linspace(0, 1, steps)[:, None]
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Codes on the arc from a to b, (D,) each: (steps, D) (Shoemake 1985).

    Where the ends are parallel, opposite or zero there is no arc, and the line is taken.
    """
    norms = a.norm() * b.norm()
    cosine = ((a @ b) / norms).clamp(-1, 1) if norms > 0 else torch.ones(())
    angle = torch.arccos(cosine)
    if torch.sin(angle) < 1e-4:
        return lerp(a, b, steps)
    t = torch.linspace(0, 1, steps)[:, None]
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def interpolations(model: LatentModel, images: Tensor, codes: Codes, pairs: list[tuple[int, int]]) -> Figure:
    """From one image to another, along the straight line and along the arc between their means.

    Args:
        images: (N, C, H, W) in [0, 1]; their posteriors in `codes`.
        pairs: indices of the two ends of each row.
    """
    place = fit(images.shape, STEPS, 2 * len(pairs))
    steps = max(2, place.columns - 2)
    bands, names = [], []
    for first, last in pairs[: max(1, place.rows // 2)]:
        a, b = codes.mean[first], codes.mean[last]
        walks = {"linear": lerp(a, b, steps)}
        if codes.mean.shape[1] > 1:
            walks["spherical"] = slerp(a, b, steps)
        ends = images[first][None], images[last][None]
        z = torch.cat(list(walks.values()))
        decoded = encoded.decode(model, z, repeated(codes.labels, first, len(z))).split(steps)
        rows = [torch.cat([ends[0], row, ends[1]]) for row in decoded]
        bands.append(tile(torch.cat(rows), steps + 2, place.scale))
        names.append(list(walks))
    picture, middles = stack(bands)
    marks = [
        (middle + (row - (len(group) - 1) / 2) * place.pitch[0], name)
        for middle, group in zip(middles, names, strict=True)
        for row, name in enumerate(group)
    ]
    note = (
        "The outermost columns are the originals; between them the decoded codes, "
        "in equal steps from one posterior mean to the other."
    )
    return sheet(picture, "Interpolations between test images", note, rows=marks)


def choose_pairs(
    labels: Tensor | None, count: int, wanted: int = 4, alike: bool = False
) -> list[tuple[int, int]]:
    """Pairs of images to walk between: neighbours in the data, of different classes where there are any.

    Args:
        alike: of the same class instead, for a conditional model, which draws all under one label.
    """
    pairs, first = [], 0
    while first + 1 < count and len(pairs) < wanted:
        last = first + 1
        if labels is not None:
            fitting = ((labels[first + 1 : count] == labels[first]) == alike).nonzero()
            last = first + 1 + int(fitting[0]) if len(fitting) else last
        if labels is None or not alike or labels[last] == labels[first]:
            pairs.append((first, last))
        first = last + 1
    return pairs
