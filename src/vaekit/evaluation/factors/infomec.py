"""InfoMEC: modularity, compactness and explicitness of latents."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable, entropy
from vaekit.evaluation.factors.mig import INFORMATIVE
from vaekit.evaluation.factors.predictability import linear_predictability

IMAGES = 5000  # for the estimator by nearest neighbours, whose time grows with them
NEIGHBOURS = 10  # as in the authors' code; the paper names no number
INACTIVE = 1 / 20  # of the widest range of a dimension, up to which another counts as inactive; theirs too


def infomec(table: FactorTable, seed: int) -> dict[str, float]:
    """InfoM, InfoC and InfoE (Hsu et al. 2023): modularity, compactness, explicitness.

    With N_dk = I(z_d; v_k) / H(v_k), D active dimensions and F factors:

        InfoM = (1/D sum_d max_k N_dk / sum_k N_dk - 1/F) / (1 - 1/F)
        InfoC = (1/F sum_k max_d N_dk / sum_d N_dk - 1/D) / (1 - 1/D)
        InfoE = 1/F sum_k linear predictability of v_k from all of z

    I by 10 nearest neighbours (Ross 2014) on at most 5,000 images, continuous factors in 20 bins. A dimension is active
    if its range exceeds a twentieth of the widest, so that these two change with the scale of single dimensions. All
    that is the authors' code; theirs is not defined where a dimension or a factor shares nothing at all: here such a
    dimension is left out, such a factor counts 0, and where no dimension carries 0.02 of any factor both are 0. A
    single dimension, or a single factor, has 1. Their InfoE is that of classes for every factor, and on the images
    that were fitted; here it is R^2 for an ordered one, and on the other half.
    """
    rows = np.random.default_rng(seed).permutation(len(table.latents))[:IMAGES]
    latents = table.latents[rows]
    ranges = np.ptp(latents, axis=0)
    active = ranges > ranges.max() * INACTIVE
    matrix = neighbour_information(table.scaled[rows][:, active], table.groups[rows], seed)
    infom = infoc = 0.0
    if matrix.max(initial=0.0) >= INFORMATIVE:
        infom = float(_shares_of_largest(matrix[matrix.sum(1) > 0]).mean())
        infoc = float(_shares_of_largest(matrix.T).mean())
    return {"infom": infom, "infoc": infoc, "infoe": float(linear_predictability(table, seed).mean())}


def neighbour_information(latents: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """I(z_d; v_k) / H(v_k) by nearest neighbours, (D, F), never below 0.

    Args:
        latents: (N, D) of unit variance.
        groups: (N, F) number of each image's factor value.
        seed: of the tiny noise that tells equal latents apart.
    """
    from sklearn.feature_selection import mutual_info_classif

    matrix = np.zeros((latents.shape[1], groups.shape[1]))
    if not len(matrix):
        return matrix
    for k, values in enumerate(groups.T):
        found = mutual_info_classif(latents, values, n_neighbors=NEIGHBOURS, random_state=seed)
        matrix[:, k] = found / entropy(np.bincount(values))
    return matrix


def _shares_of_largest(matrix: np.ndarray) -> np.ndarray:
    """Of each row, the largest number's share of the sum, brought to 0 if all are equal and 1 if it is alone; 0 for a row
    of zeros."""
    count = matrix.shape[1]
    if count == 1:
        return (matrix[:, 0] > 0).astype(np.float64)
    sums = matrix.sum(1)
    share = np.divide(matrix.max(1), sums, out=np.full(len(matrix), 1 / count), where=sums > 0)
    return (share - 1 / count) / (1 - 1 / count)
