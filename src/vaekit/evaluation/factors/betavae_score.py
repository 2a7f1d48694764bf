"""The beta-VAE score."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.evaluation.factors.votes import VOTES, rows_held


def betavae_score(table: FactorTable, seed: int) -> dict[str, float]:
    """The score of Higgins et al. (2017), their disentanglement metric.

    It is the accuracy with which a linear classifier reads which factor two images share from the mean of
    |z - z'| over 64 such pairs, latents scaled to unit variance. Classifier: logistic regression, 10,000
    examples to learn, 5,000 to score. Chance: 1/F. A rotation lowers it only where it gives two factors the
    same pattern of differences.
    """
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(seed)
    sets = []
    for votes in VOTES:
        features, labels = [], []
        for k, rows in rows_held(table, votes, random, pairs=True):
            parts = np.array_split(rows, 10)
            gaps = [np.abs(table.scaled[part[..., 0]] - table.scaled[part[..., 1]]).mean(1) for part in parts]
            features.append(np.concatenate(gaps))
            labels.append(np.full(len(rows), k))
        sets.append((np.concatenate(features), np.concatenate(labels)))
    (learnt, learnt_labels), (scored, scored_labels) = sets
    spread = np.maximum(learnt.std(0), 1e-12)
    centre = learnt.mean(0)
    model = LogisticRegression(max_iter=300).fit((learnt - centre) / spread, learnt_labels)
    return {"betavae_score": float(model.score((scored - centre) / spread, scored_labels))}
