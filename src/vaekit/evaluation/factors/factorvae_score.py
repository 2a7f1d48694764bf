"""FactorVAE's score: dimensions vote on which factor was held fixed."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.evaluation.factors.votes import VOTES, rows_held


def factorvae_score(table: FactorTable, seed: int) -> dict[str, float]:
    """The score of Kim & Mnih (2018), their metric for disentanglement.

    One factor k is held at a random value, and the dimension whose variance over 64 such images is least,
    relative to its variance over all, votes for k. The score is the accuracy of the majority vote of each
    dimension: 10,000 votes to count, 5,000 to score. Chance: 1/F.

    Of a model's dimensions those vote whose mean has a variance of 0.05 or more (`measure_disentanglement`);
    disentanglement_lib (Locatello et al. 2019) applies its 0.05 to the standard deviation.
    """
    random = np.random.default_rng(seed)
    voters = table.latents.std(0) > 1e-12 if table.live is None else table.live
    if not voters.any():
        return {"factorvae_score": 1 / len(table.kinds)}
    latents = table.scaled[:, voters]
    counts = [np.zeros((latents.shape[1], len(table.kinds)), np.int64) for _ in VOTES]
    for count, votes in zip(counts, VOTES, strict=True):
        for k, rows in rows_held(table, votes, random):
            least = np.concatenate([latents[part].var(1).argmin(1) for part in np.array_split(rows, 10)])
            count[:, k] = np.bincount(least, minlength=len(count))
    learnt, scored = counts
    return {"factorvae_score": float(scored[np.arange(len(scored)), learnt.argmax(1)].sum() / scored.sum())}
