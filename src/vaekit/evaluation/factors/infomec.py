"""InfoMEC: modularity, compactness and explicitness of latents."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable, entropy
from vaekit.evaluation.factors.mig import INFORMATIVE
from vaekit.evaluation.factors.predictability import linear_predictability

NEIGHBOURS = 5000  # images for the estimator by nearest neighbours, whose time grows with them


def infomec(table: FactorTable, seed: int) -> dict[str, float]:
    """InfoM, InfoC and InfoE (Hsu et al. 2023): modularity, compactness, explicitness.

    With N_dk = I(z_d; v_k) / H(v_k):

        InfoM = (1/D sum_d max_k N_dk / sum_k N_dk - 1/F) / (1 - 1/F)   over informative dimensions
        InfoC = (1/F sum_k max_d N_dk / sum_d N_dk - 1/D) / (1 - 1/D)
        InfoE = 1/F sum_k linear predictability of v_k from all of z

    I by nearest neighbours (Ross 2014; k = 3, where the authors' code takes 10, which gives up to 0.02 more)
    on at most 5,000 images, continuous factors in 20 bins. Dimensions that carry under 0.02 of every factor are
    left out; the authors leave out those whose range is below a twentieth of the widest, which changes with the
    scale. A factor of which no dimension carries as much counts 0. D counts the dimensions left. Their InfoE is
    that of classes for every factor, and on the images that were fitted.
    """
    from sklearn.feature_selection import mutual_info_classif

    rows = np.random.default_rng(seed).permutation(len(table.latents))[:NEIGHBOURS]
    groups, latents = table.groups[rows], table.scaled[rows]
    matrix = np.zeros((table.dimensions, len(table.kinds)))
    for k, values in enumerate(groups.T):
        found = mutual_info_classif(latents, values, random_state=seed)
        matrix[:, k] = found / entropy(np.bincount(values))
    matrix = matrix[matrix.max(1) >= INFORMATIVE]
    carried = matrix.max(0, initial=0.0) >= INFORMATIVE
    return {
        "infom": _share_of_largest(matrix).mean() if len(matrix) else 0.0,
        "infoc": float(np.where(carried, _share_of_largest(matrix.T), 0.0).mean()) if len(matrix) else 0.0,
        "infoe": float(linear_predictability(table, seed).mean()),
    }


def _share_of_largest(matrix: np.ndarray) -> np.ndarray:
    """Of each row, the largest number's share of the sum: 0 if all are equal, 1 if it is alone."""
    count = matrix.shape[1]
    if count == 1:
        return np.ones(len(matrix))
    sums = np.maximum(matrix.sum(1), 1e-12)
    return np.maximum((matrix.max(1) / sums - 1 / count) / (1 - 1 / count), 0.0)
