"""DCI: disentanglement, completeness and informativeness, from predicting factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.evaluation.factors.predictability import quality_of

TREES, LEAF = 20, 5  # of the forest; images a leaf at least


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
        informative.append(quality_of(kind.ordered, target[scored], forest.predict(table.scaled[scored])))
    weights = importance.sum(1) / max(importance.sum(), 1e-12)
    return {
        "dci_disentanglement": float(weights @ _concentration(importance)),
        "dci_completeness": float(_concentration(importance.T).mean()),
        "dci_informativeness": float(np.mean(informative)),
    }


def _forest(ordered: bool, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if ordered else RandomForestClassifier
    options: dict[str, Any] = {"min_samples_leaf": LEAF, "max_features": 1.0, "random_state": seed}
    return kind(TREES, **options)


def _concentration(rows: np.ndarray) -> np.ndarray:
    """1 - H(row / its sum), to the base of the row's length: 1 if one number is alone, 0 if all are equal."""
    shares = rows / np.maximum(rows.sum(1, keepdims=True), 1e-12)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return 1 + (shares * logs).sum(1) / np.log(max(rows.shape[1], 2))
