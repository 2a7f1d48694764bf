"""Measures of disentanglement from predicting factors: SAP and DCI, and the predictors of InfoMEC.

How well a factor is predicted is, throughout, R^2 for ordered factors and for classes the balanced accuracy
brought to 0 at chance and 1 at best, on images that were not fitted, and never below 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.evaluation.factortable import FactorTable, two_largest

TREES, LEAF = 20, 5  # of the forest; images a leaf at least


def sap(table: FactorTable, seed: int) -> dict[str, float]:
    """Separated attribute predictability (Kumar et al. 2018, section 3):

        1/F sum_k (S_{j(k) k} - max_{j != j(k)} S_jk),   j(k) = argmax_j S_jk,

    S_dk telling how well dimension d alone predicts factor k: for ordered factors the squared correlation,
    as in the paper; for classes the nearest class mean, scored as above, in place of the paper's linear
    classifier, which cannot tell more than two classes apart on a line. At most 10,000 images, for classes
    half to fit and half to score. 0 for noise.
    """
    scores = np.zeros((table.dimensions, len(table.kinds)))
    for k, kind in enumerate(table.kinds):
        if kind.ordered:
            target = table.factors[:, k] - table.factors[:, k].mean()
            scores[:, k] = (table.scaled.T @ target / len(target)) ** 2 / target.var()
        else:
            scores[:, k] = [_nearest_mean(table, code, k, seed) for code in table.scaled.T]
    first, second = two_largest(scores)
    return {"sap": float((first - second).mean())}


def dci(table: FactorTable, seed: int) -> dict[str, float]:
    """Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2).

    R_dk is the importance of dimension d to a predictor of factor k:

        disentanglement  sum_d rho_d (1 - H_F(R_d. / sum_k R_dk)),  rho_d = sum_k R_dk / sum R
        completeness     1/F sum_k (1 - H_D(R_.k / sum_d R_dk))
        informativeness  1/F sum_k how well factor k is predicted

    Predictor: a random forest, one of the paper's two, of 20 trees with at least 5 images a leaf; importance:
    the impurity that splits on a dimension remove. Half of at most 10,000 images to fit, half to score.
    (Locatello et al. 2019 boost trees on 10,000 and score on 5,000, so figures differ.)
    """
    fitted, scored = table.halves(seed)
    importance = np.zeros((table.dimensions, len(table.kinds)))
    informative = []
    for k, kind in enumerate(table.kinds):
        forest = _forest(kind.ordered, seed)
        target = table.factors[:, k] if kind.ordered else table.groups[:, k]
        forest.fit(table.scaled[fitted], target[fitted])
        importance[:, k] = forest.feature_importances_
        informative.append(_score(kind.ordered, target[scored], forest.predict(table.scaled[scored])))
    weights = importance.sum(1) / max(importance.sum(), 1e-12)
    return {
        "dci_disentanglement": float(weights @ _concentration(importance)),
        "dci_completeness": float(_concentration(importance.T).mean()),
        "dci_informativeness": float(np.mean(informative)),
    }


def linear_predictability(table: FactorTable, seed: int) -> np.ndarray:
    """How well each factor is predicted linearly from the whole code, (F,): R^2 of a linear regression, or for
    classes 1 - H_V(v|z) / H_V(v) with H_V the cross-entropy of a logistic regression; fitted on one half.
    """
    from sklearn.linear_model import LinearRegression, LogisticRegression

    fitted, scored = table.halves(seed)
    found = []
    for k, kind in enumerate(table.kinds):
        if kind.ordered:
            target = table.factors[:, k]
            linear: Any = LinearRegression().fit(table.scaled[fitted], target[fitted])
            found.append(_score(True, target[scored], linear.predict(table.scaled[scored])))
        else:
            target = table.groups[:, k]
            linear = LogisticRegression(C=100.0, max_iter=500).fit(table.scaled[fitted], target[fitted])
            log_p = linear.predict_log_proba(table.scaled[scored])
            own = -log_p[np.arange(len(scored)), target[scored]].mean()
            shares = np.bincount(target[fitted], minlength=log_p.shape[1]) / len(fitted)
            found.append(max(0.0, 1 - own / -np.log(shares[target[scored]]).mean()))
    return np.array(found)


def _forest(ordered: bool, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if ordered else RandomForestClassifier
    options: dict[str, Any] = {"min_samples_leaf": LEAF, "max_features": 1.0, "random_state": seed}
    return kind(TREES, **options)


def _nearest_mean(table: FactorTable, code: np.ndarray, k: int, seed: int) -> float:
    """How well the nearest class mean on one dimension (N,) predicts the class."""
    fitted, scored = table.halves(seed)
    target = table.groups[:, k]
    counts = np.maximum(np.bincount(target[fitted]), 1)
    means = np.bincount(target[fitted], weights=code[fitted]) / counts
    predicted = np.abs(code[scored][:, None] - means).argmin(1)
    return _score(False, target[scored], predicted)


def _score(ordered: bool, target: np.ndarray, predicted: np.ndarray) -> float:
    if ordered:
        return max(0.0, 1 - float(((target - predicted) ** 2).mean() / target.var()))
    classes = np.unique(target)
    recall = np.mean([(predicted[target == value] == value).mean() for value in classes])
    return max(0.0, float((recall - 1 / len(classes)) / (1 - 1 / len(classes))))


def _concentration(rows: np.ndarray) -> np.ndarray:
    """1 - H(row / its sum), to the base of the row's length: 1 if one number is alone, 0 if all are equal."""
    shares = rows / np.maximum(rows.sum(1, keepdims=True), 1e-12)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return 1 + (shares * logs).sum(1) / np.log(max(rows.shape[1], 2))
