"""SAP: the gap between the two dimensions that predict a factor best."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable, two_largest
from vaekit.evaluation.factors.predictability import quality_of


def sap(table: FactorTable, seed: int) -> dict[str, float]:
    """Separated attribute predictability (Kumar et al. 2018, section 3):

        1/F sum_k (S_{j(k) k} - max_{j != j(k)} S_jk),   j(k) = argmax_j S_jk,

    S_dk, how well dimension d alone predicts factor k: for ordered factors the squared correlation,
    as in the paper; for classes the nearest class mean, scored by `quality_of`, in place of the paper's linear
    classifier, which cannot tell more than two classes apart on a line. At most 10,000 images, for classes
    half to fit and half to score. 0 for noise.
    """
    scores = np.zeros((table.dimensions, len(table.kinds)))
    for k, kind in enumerate(table.kinds):
        if kind.ordered:
            target = table.factors[:, k] - table.factors[:, k].mean()
            scores[:, k] = (table.scaled.T @ target / len(target)) ** 2 / target.var()
        else:
            scores[:, k] = [_nearest_mean(table, latent, k, seed) for latent in table.scaled.T]
    first, second = two_largest(scores)
    return {"sap": float((first - second).mean())}


def _nearest_mean(table: FactorTable, latent: np.ndarray, k: int, seed: int) -> float:
    """Predicts the class by the nearest class mean on one dimension (N,); returns how well."""
    fitted, scored = table.halves(seed)
    target = table.groups[:, k]
    counts = np.maximum(np.bincount(target[fitted]), 1)
    means = np.bincount(target[fitted], weights=latent[fitted]) / counts
    predicted = np.abs(latent[scored][:, None] - means).argmin(1)
    return quality_of(False, target[scored], predicted)
