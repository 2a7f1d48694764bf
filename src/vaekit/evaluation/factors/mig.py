"""MIG: mutual information between single dimensions and factors."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.factors.factor_table import FactorTable, entropy, mutual_information, two_largest

INFORMATIVE = 0.02  # share of a factor's entropy below which a dimension counts as uninformative

CARRIES = 0.05  # share above what chance gives, from which on a dimension is said to carry a factor


def information_matrix(table: FactorTable) -> np.ndarray:
    """I(z_d; v_k) / H(v_k), (D, F): the share of a factor's entropy that a dimension carries.

    Plug-in estimate from frequencies: latents in 20 bins of equal width, as in disentanglement_lib (Locatello
    et al. 2019), continuous factors in 20 of equal frequency. Its bias is `chance_matrix`. A factor of more
    than 20 values cannot be read entirely: 32 values at most to about 0.9.
    """
    matrix = np.zeros((table.dimensions, len(table.kinds)))
    for k, values in enumerate(table.groups.T):
        all_of_it = entropy(np.bincount(values))
        for d, latent in enumerate(table.latent_bins.T):
            matrix[d, k] = mutual_information(latent, values) / all_of_it
    return matrix


def chance_matrix(table: FactorTable) -> np.ndarray:
    """Returns the mean of `information_matrix` where latent and factor are independent, (D, F):
    (bins - 1)(values - 1) / 2N nats, counting bins and values that occur (Miller 1955). With 1,000 images
    and a factor of 40 values that is a tenth of its entropy.
    """
    bins = np.array([len(np.unique(latent)) for latent in table.latent_bins.T])
    counts = [np.bincount(values) for values in table.groups.T]
    values = np.array([np.count_nonzero(count) for count in counts])
    cells = np.outer(bins - 1, values - 1) / (2 * len(table.latents))
    return cells / np.array([entropy(count) for count in counts])


def mig(table: FactorTable, seed: int) -> dict[str, float]:
    """Mutual information gap (Chen et al. 2018):

        1/F sum_k (I(z_j(k); v_k) - max_{j != j(k)} I(z_j; v_k)) / H(v_k),   j(k) = argmax_j I(z_j; v_k).

    On posterior means, by `information_matrix`, as in Locatello et al. (2019); Chen et al. integrate over
    the posterior instead. At most 10,000 images. 0 for noise.
    """
    first, second = two_largest(information_matrix(table))
    return {"mig": float((first - second).mean())}


def carried(information: np.ndarray, chance: np.ndarray) -> list[tuple[int, int, float]]:
    """For each dimension that is informative about a factor beyond chance: its number, that of the factor it
    is most informative about, and the share.

    Args:
        information, chance: `information_matrix` and `chance_matrix`, (D, F).
    """
    best = (information - chance).argmax(1)
    return [
        (d, int(k), float(information[d, k]))
        for d, k in enumerate(best)
        if information[d, k] - chance[d, k] >= CARRIES
    ]
