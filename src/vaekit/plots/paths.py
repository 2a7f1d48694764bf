"""Places in the latent space that are decoded one after another: walks and grids. Needs no matplotlib."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaekit.inference import Embedding

MOST = 500  # images among which pairs are sought

STEPS = 11  # odd, so that the middle of a traversal is the prior's mean


def traversal_latents(embedding: Embedding, start: Tensor, dimensions: Tensor, steps: int = STEPS) -> Tensor:
    """Latents in which one dimension at a time is moved, the others staying at `start`.

    A dimension goes from -3 to 3 under a standard prior; otherwise from 3 standard deviations of the embedding
    below its mean to 3 above.

    Args:
        start: (D,).
        dimensions: (R,) which to move.
    Returns:
        (R * steps, D), row by row.
    """
    places = torch.linspace(-3, 3, steps)
    z = start.repeat(len(dimensions), steps, 1)
    for row, d in enumerate(dimensions.tolist()):
        z[row, :, d] = embedding.centre[d] + embedding.unit[d] * places
    return z.flatten(0, 1)


def manifold_latents(n: int, linear: bool = False) -> Tensor:
    """Latents on an n x n grid over two latents, (n * n, 2), z0 rising to the right and z1 upwards.

    By default at equal steps of probability under N(0, I), through the inverse normal CDF
    (Kingma & Welling 2014, appendix A and fig. 4); linear takes equal steps from -3 to 3.
    """
    q = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    ticks = torch.linspace(-3, 3, n, dtype=torch.float64) if linear else torch.special.ndtri(q)
    z1, z0 = torch.meshgrid(ticks.flip(0), ticks, indexing="ij")
    return torch.stack([z0.flatten(), z1.flatten()], dim=1).float()


def repeated(labels: Tensor | None, index: int, count: int) -> Tensor | None:
    """The label of one image for `count` latents, (count,); None where there are none."""
    return None if labels is None else labels[index].repeat(count)


def choose_pairs(
    labels: Tensor | None, count: int, wanted: int = 4, alike: bool = False
) -> list[tuple[int, int]]:
    """Pairs of images to walk between: near each other in the data, of different classes where there are any, and each
    pair of other classes than those before, as far as there are as many.

    Args:
        alike: of the same class instead, for a conditional model, which draws all under one label.
    """
    if labels is None:
        return [(first, first + 1) for first in range(0, count - 1, 2)][:wanted]
    classes, free = labels[:count].tolist(), set(_first_of_each(labels[:count].tolist(), 2 * wanted)[:MOST])
    pairs: list[tuple[int, int]] = []
    seen: tuple[set[int], set[int]] = (set(), set())  # classes that pairs have begun and ended with
    while len(pairs) < wanted:
        found = next(_fitting(classes, sorted(free), alike, seen), None)
        if found is None:
            break
        pairs.append(found)
        free -= set(found)
        for ends, index in zip(seen, found, strict=True):
            ends.add(classes[index])
    return pairs


def _first_of_each(classes: list[int], most: int) -> list[int]:
    """Indices of the first `most` images of each class, in order."""
    left: dict[int, int] = {}
    kept = []
    for index, of in enumerate(classes):
        left[of] = left.get(of, most) - 1
        if left[of] >= 0:
            kept.append(index)
    return kept


def _fitting(
    classes: list[int], free: list[int], alike: bool, seen: tuple[set[int], set[int]]
) -> Iterator[tuple[int, int]]:
    """Pairs of free images: first those of which neither end's class has been there, then others, at last whatever is near."""
    several = len({classes[index] for index in free}) > 1
    for fresh in (2, 1, 0):
        for first in free:
            for last in (index for index in free if index > first):
                if (classes[first] == classes[last]) != alike and (alike or several):
                    continue
                new = (classes[first] not in seen[0]) + (classes[last] not in seen[1])
                if new >= fresh:
                    yield first, last
