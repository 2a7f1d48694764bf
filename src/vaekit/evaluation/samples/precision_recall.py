"""Nearest neighbours among images or features: precision, recall, density, coverage.

All distances are Euclidean and computed block by block: memory is bounded whatever the number of
images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 2**23  # distances held at a time: 64 MB in double precision

ROUNDING = 64  # times the machine's epsilon and the sum of two squared norms: what rounding may change


@dataclass(frozen=True)
class Manifolds:
    """Two sets of points in each other's neighbourhoods, image by image.

    Attributes:
        inside: whether each generated point lies in a ball of a real one, (M,): precision.
        density: how many real balls hold each generated point, over k, (M,).
        reached: whether each real point lies in a ball of a generated one, (N,): recall.
        covered: whether the ball of each real point holds a generated one, (N,): coverage.
    """

    inside: Tensor
    density: Tensor
    reached: Tensor
    covered: Tensor


def compare_manifolds(generated: Tensor, real: Tensor, k: int = 3, k_density: int = 5) -> Manifolds:
    """Precision and recall with k neighbours, density and coverage with k_density.

    A ball reaches from a point to its k-th nearest neighbour within its own set, boundary included.
    Precision and recall: Kynkäänniemi et al. 2019 (arXiv 1904.06991), eq. 1 and 2. Density and
    coverage: Naeem et al. 2020 (arXiv 2002.09797), eq. 3 and 4.

    Args:
        generated: (M, D).
        real: (N, D).
    """
    own = neighbours(real, real, max(k, k_density) + 1)  # the nearest is the point itself
    radii, radii_density = own[:, k], own[:, k_density]
    radii_generated = neighbours(generated, generated, k + 1)[:, k]
    inside, density = [], []
    reached = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for rows, squares, rounding in squared_distances(generated, real):
        least = squares - rounding  # a neighbour on the boundary stays inside, however products are rounded
        within = least <= radii_density
        inside.append((least <= radii).any(1))
        density.append(within.sum(1).double() / k_density)
        covered |= within.any(0)
        reached |= (least <= radii_generated[rows, None]).any(0)
    return Manifolds(torch.cat(inside), torch.cat(density), reached, covered)


def neighbours(queries: Tensor, points: Tensor, k: int) -> Tensor:
    """Squared distances from each query to its k nearest points, rising: (Q, k)."""
    blocks = squared_distances(queries, points)
    parts = [squares.topk(k, dim=1, largest=False).values for _, squares, _ in blocks]
    return torch.cat(parts)


def squared_distances(queries: Tensor, points: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Blocks (rows of the queries, squared distances to all points, their rounding), in the queries' type.

    As a matrix product: |q|² + |p|² − 2 q·p, about the mean of the points, where little cancels. A
    product is rounded by its place in the matrix, and differently on every kind of processor: two squared
    distances are known to differ only where they differ by more than the rounding, (rows, P) like them.
    """
    centre = points.mean(0)
    points = points - centre
    norms = points.square().sum(1)
    step, tolerance = max(1, BLOCK // len(points)), ROUNDING * torch.finfo(points.dtype).eps
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        block = queries[rows] - centre
        sums = block.square().sum(1, keepdim=True) + norms
        squares = torch.addmm(sums, block, points.T, alpha=-2)
        rounding = sums.mul_(tolerance)
        yield rows, squares.masked_fill_(squares <= rounding, 0.0), rounding


@dataclass(frozen=True)
class Nearest:
    """The nearest of some points to each query, (Q,) each.

    Attributes:
        squares: squared distance to it.
        which: the first of those that are equally near, but for rounding.
        count: how many are equally near: many, among binary images.
        rounding: what rounding may have changed of the squared distance.
    """

    squares: Tensor
    which: Tensor
    count: Tensor
    rounding: Tensor

    def ties(self, other: Nearest) -> Tensor:
        """Returns whether the nearest of other points are as near, (Q,) bool."""
        return (self.squares - other.squares).abs() <= torch.maximum(self.rounding, other.rounding)

    def merged(self, other: Nearest) -> Nearest:
        """Among these points and others, whose numbers go on from theirs."""
        ties = self.ties(other)
        closer = (other.squares < self.squares) & ~ties
        return Nearest(
            torch.where(closer, other.squares, self.squares),
            torch.where(closer, other.which, self.which),
            torch.where(closer, other.count, self.count + ties * other.count),
            torch.where(closer, other.rounding, self.rounding),
        )


def nearest(queries: Tensor, points: Tensor, itself: bool = False) -> Nearest:
    """The nearest of the points to each query.

    Args:
        itself: the queries are the points, and none counts as its own neighbour.
    """
    found = []
    for rows, block, rounding in squared_distances(queries, points):
        if itself:
            block.diagonal(rows.start).fill_(torch.inf)
        least = block.amin(1, keepdim=True)
        alike = block - rounding <= least
        which = alike.int().argmax(1, keepdim=True)  # the first
        found.append((least[:, 0], which[:, 0], alike.sum(1), rounding.gather(1, which)[:, 0]))
    return Nearest(*map(torch.cat, zip(*found, strict=True)))
