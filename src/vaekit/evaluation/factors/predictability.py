"""Predicts factors from latents."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable


def linear_predictability(table: FactorTable, seed: int) -> np.ndarray:
    """Predicts each factor linearly from all latents; returns how well, (F,): R^2 of a linear regression, or
    for classes 1 - H_V(v|z) / H_V(v) with H_V the cross-entropy of a logistic regression; fitted on one half.
    """
    from sklearn.linear_model import LinearRegression, LogisticRegression

    fitted, scored = table.halves(seed)
    found = []
    for k, kind in enumerate(table.kinds):
        if kind.ordered:
            target = table.factors[:, k]
            linear: Any = LinearRegression().fit(table.scaled[fitted], target[fitted])
            found.append(quality_of(True, target[scored], linear.predict(table.scaled[scored])))
        else:
            target = table.groups[:, k]
            linear = LogisticRegression(C=100.0, max_iter=500).fit(table.scaled[fitted], target[fitted])
            log_p = linear.predict_log_proba(table.scaled[scored])
            own = -log_p[np.arange(len(scored)), target[scored]].mean()
            shares = np.bincount(target[fitted], minlength=log_p.shape[1]) / len(fitted)
            found.append(max(0.0, 1 - own / -np.log(shares[target[scored]]).mean()))
    return np.array(found)


def quality_of(ordered: bool, target: np.ndarray, predicted: np.ndarray) -> float:
    """Scores predictions of a factor: by R^2 of an ordered one, by balanced accuracy of classes, brought to 0 at chance
    and 1 at best; never below 0."""
    if ordered:
        return max(0.0, 1 - float(((target - predicted) ** 2).mean() / target.var()))
    classes = np.unique(target)
    recall = np.mean([(predicted[target == value] == value).mean() for value in classes])
    return max(0.0, float((recall - 1 / len(classes)) / (1 - 1 / len(classes))))
