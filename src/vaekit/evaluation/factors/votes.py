"""Images that share a factor, which vote for it: drawn, with replacement, from the images at hand.

Of a continuous factor those share a value that lie in one of 20 bins.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable

DRAWN = 64  # images, or pairs, per vote, as in disentanglement_lib (Locatello et al. 2019)

VOTES = (10_000, 5_000)  # to learn from, to score on


def rows_held(
    table: FactorTable, votes: int, random: np.random.Generator, pairs: bool = False
) -> Iterator[tuple[int, np.ndarray]]:
    """For each factor, rows of images (V, 64) that share its value in each of V votes; V is random, and its
    sum over the factors `votes`. With pairs (V, 64, 2), of which each shares a value of its own."""
    shares = np.full(len(table.kinds), 1 / len(table.kinds))
    for k, count in enumerate(random.multinomial(votes, shares)):
        values = table.groups[:, k]
        order = np.argsort(values, kind="stable")
        sizes = np.bincount(values)
        starts = np.cumsum(sizes) - sizes
        shape = (count, DRAWN, 2) if pairs else (count, DRAWN)
        chosen = values[random.integers(len(values), size=shape[:-1])][..., None]
        places = (random.random(shape) * sizes[chosen]).astype(np.int64)
        yield k, order[starts[chosen] + places]
