"""Measures of disentanglement by voting on which factor was held fixed: FactorVAE's score and beta-VAE's.

Images that share a factor's value are drawn, with replacement, from the images at hand; of a continuous
factor those that share one of 20 bins.
"""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.evaluation.factors.votes import VOTES, _held


def factorvae_score(table: FactorTable, seed: int, live: np.ndarray | None = None) -> dict[str, float]:
    """The score of Kim & Mnih (2018), their metric for disentanglement.

    One factor k is held at a random value, and the dimension whose variance over 64 such images is least,
    relative to its variance over all, votes for k. The score is the accuracy of the majority vote of each
    dimension: 10,000 votes to count, 5,000 to score. Chance: 1/F.

    Args:
        live: (D,) which dimensions may vote; by default those that vary at all. `measure_disentanglement`
            leaves out those whose mean has a variance under 0.05; disentanglement_lib (Locatello et al.
            2019) applies its 0.05 to the standard deviation.
    """
    random = np.random.default_rng(seed)
    voters = table.latents.std(0) > 1e-12 if live is None else live
    if not voters.any():
        return {"factorvae_score": 1 / len(table.kinds)}
    latents = table.scaled[:, voters]
    counts = [np.zeros((latents.shape[1], len(table.kinds)), np.int64) for _ in VOTES]
    for count, votes in zip(counts, VOTES, strict=True):
        for k, rows in _held(table, votes, random):
            least = np.concatenate([latents[part].var(1).argmin(1) for part in np.array_split(rows, 10)])
            count[:, k] = np.bincount(least, minlength=len(count))
    learnt, scored = counts
    return {"factorvae_score": float(scored[np.arange(len(scored)), learnt.argmax(1)].sum() / scored.sum())}
