"""Places in the latent space that are decoded one after another: walks and grids. Needs no matplotlib."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.inference import Embedding

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
