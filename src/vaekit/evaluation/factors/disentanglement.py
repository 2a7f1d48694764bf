"""Disentanglement: does each latent dimension carry one known factor, and is each factor in one dimension?

Every measure reads a table of latents and factors (`FactorTable`), so that it serves models, ICA on their latents
and anything else that has latents. None changes when dimensions are permuted, and InfoM and InfoC alone where single
dimensions are scaled, since they leave out those of a small range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaekit.core import SettingError, choose
from vaekit.data import Data, Factor, Split
from vaekit.data.picking import chosen
from vaekit.evaluation.factors.betavae_score import betavae_score
from vaekit.evaluation.factors.dci import dci
from vaekit.evaluation.factors.factor_table import MOST, FactorTable
from vaekit.evaluation.factors.factorvae_score import factorvae_score
from vaekit.evaluation.factors.infomec import infomec
from vaekit.evaluation.factors.mig import carried, chance_matrix, information_matrix, mig
from vaekit.evaluation.factors.sap import sap
from vaekit.inference import encode
from vaekit.metrics import VOTING_VARIANCE
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior

MEASURES: dict[str, Callable[[FactorTable, int], dict[str, float]]] = {
    "factorvae": factorvae_score,
    "mig": mig,
    "sap": sap,
    "dci": dci,
    "infomec": infomec,
    "betavae": betavae_score,
}


@dataclass(frozen=True)
class Disentanglement:
    """Scores of disentanglement and the matrix of information.

    Attributes:
        images: how many.
        factors: their names.
        scores: name -> score; keys of METRICS.
        information: (D, F), share of each factor's entropy that each dimension carries.
        chance: (D, F), what it would be on average if they were independent.
    """

    images: int
    factors: tuple[str, ...]
    scores: Mapping[str, float]
    information: np.ndarray
    chance: np.ndarray

    def carries(self) -> list[tuple[int, str, float]]:
        """Each dimension that is informative about a factor: its number, that factor, and the share."""
        return [(d, self.factors[k], share) for d, k, share in carried(self.information, self.chance)]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "images": self.images,
            "factors": list(self.factors),
            **self.scores,
            "information": self.information.round(4).tolist(),
        }


def disentanglement(
    latents: np.ndarray, factors: np.ndarray, kinds: Sequence[Factor], *, seed: int = 0, live: np.ndarray | None = None
) -> Disentanglement:  # fmt: skip
    """Every measure of some latents.

    Args:
        latents: (N, D).
        factors: (N, F) values, what they are in `kinds`.
        seed: of draws and halves.
        live: (D,) which dimensions may vote in the FactorVAE score.

    Raises:
        SettingError: fewer than 1,000 images.
    """
    table = FactorTable(latents.astype(np.float64), factors.astype(np.float64), tuple(kinds), live)
    scores: dict[str, float] = {}
    for measure in MEASURES.values():
        scores |= measure(table, seed)
    names = tuple(kind.name for kind in kinds)
    return Disentanglement(len(latents), names, scores, information_matrix(table), chance_matrix(table))


def ica_latents(latents: np.ndarray, seed: int = 0) -> np.ndarray:
    """Independent components (N, M) of latents (N, D), by FastICA (Hyvarinen 1999): the baseline that an
    autoencoder gives without any penalty. Directions in which latents do not vary are left out, so M <= D.
    """
    from sklearn.decomposition import FastICA

    variances, directions = np.linalg.eigh(np.cov(latents.T).reshape(latents.shape[1], -1))
    kept = directions[:, variances > 1e-6 * variances.max()]
    ica = FastICA(whiten="unit-variance", max_iter=500, random_state=seed)
    return np.asarray(ica.fit_transform(latents @ kept))


def measure_disentanglement(
    model: Encodes, split: Split, kinds: Sequence[Factor] | None, *, seed: int = 0
) -> Disentanglement:
    """Every measure of a model's posterior means (an autoencoder's latents).

    Args:
        split: images with factors; 10,000 of them, drawn at random, if there are more.
        kinds: what the factors are (`data.factors`).
        seed: of draws and halves.

    Raises:
        SettingError: the images have no known factors, or are fewer than 1,000.
    """
    if split.factors is None or kinds is None:
        raise SettingError("disentanglement needs known factors, which these images have not.")
    split = chosen(split, MOST, seed)
    latents, factors = encode(model, split).mean.double().numpy(), split.factors
    assert factors is not None
    live = latents.var(0) >= VOTING_VARIANCE if isinstance(model, HasPrior) else None
    return disentanglement(latents, factors.numpy(), kinds, seed=seed, live=live)


def factors_wanted(model: Model, data: Data | Split, wanted: str, where: str) -> bool:
    """Returns whether to measure: `auto` does where factors are known and images are encoded as vectors, `yes`
    insists.

    Raises:
        SettingError: another word than auto, yes and no; `yes`, but no factors are known, or the model has no such
            latents.
    """
    choose(wanted, ("auto", "yes", "no"), "disentanglement")
    known = isinstance(data, Data) and data.factors is not None
    if wanted == "yes" and not known:
        raise SettingError(
            f"disentanglement='yes' needs a source with known factors; {where} has none, strokes and sprites have."
        )
    if wanted == "yes" and not isinstance(model, Encodes):
        raise SettingError(
            f"disentanglement='yes' needs a model that encodes images as vectors, such as a vae or an ae; "
            f"a {type(model).__name__} has none."
        )
    return known and isinstance(model, Encodes) and wanted != "no"
