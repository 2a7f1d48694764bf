"""VQVAE as an estimator: rows become codes."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from vaekit import inference
from vaekit.core import DataError
from vaekit.data import Split
from vaekit.estimators.base import ModelEstimator
from vaekit.estimators.in_memory import errors_of_each
from vaekit.models import Model
from vaekit.models.capabilities import Quantizes

ROWS_A_CODE = 8  # rows that a codebook of the usual size has for each code, at least
FEWEST, MOST = 2, 512  # codes


class VQVAE(ModelEstimator):
    """A vector-quantised autoencoder (van den Oord et al. 2017) as a transformer and a detector of outliers.

    Each row becomes one code out of K, a cluster whose centre is decoded; where rows are images (`image_shape`), a
    grid of codes, one for each patch of `downsample` x `downsample` pixels.

    `transform` gives the codes' numbers, 0 to K - 1, row by row of the grid, in the floating type of X as
    scikit-learn's own discretisers do; they are categories, so that a linear model wants a `OneHotEncoder` behind it.
    `inverse_transform` takes such numbers.

    `score_samples` is minus the mean squared error per value of a row's reconstruction, of real values in units of each
    column's spread: 0 is perfect, -1 what the mean row has on average. `score` is its mean. Codes have no prior
    here, so there is no `sample`: `vaekit prior` fits one to a run.

    Parameters:
        codes: K; None: a power of 2 that leaves 8 vectors of the rows for each code, at most 512 (of "fsq" always 512).
        downsample: pixels per side of a patch; None: 4 for images. Rows are one patch.
        network: "patches", by name or as an object.
        quantizer: how codes are learned: "ema", "gradient" or "fsq", by name or as an object.
        commitment: weight of the squared distance that draws the encoder to its codes.

    Other parameters and attributes as in `VAE`; `offset_` has the unit of the score.
    """

    method = "vqvae"
    passed: ClassVar[tuple[str, ...]] = (
        "codes", "downsample", "network", "quantizer", "likelihood", "commitment", "steps", "batch_size",
        "learning_rate",
    )  # fmt: skip

    def __init__(
        self,
        codes: int | None = None,
        *,
        downsample: int | None = None,
        network: Any = "patches",
        quantizer: Any = "ema",
        likelihood: Any = "auto",
        commitment: float = 0.25,
        image_shape: tuple[int, ...] | None = None,
        pixels: str = "real",
        steps: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        validation: float = 0.0,
        contamination: float = 0.1,
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.codes = codes
        self.downsample = downsample
        self.network = network
        self.quantizer = quantizer
        self.likelihood = likelihood
        self.commitment = commitment
        self.image_shape = image_shape
        self.pixels = pixels
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation = validation
        self.contamination = contamination
        self.options = options
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _n_features_out(self) -> int:
        return prod(self._quantizes(self.model_).grid)

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A row is an image of one pixel, whose channels are the features."""
        return shape if len(shape) == 3 else (*shape, 1, 1)

    def _given(self, shape: tuple[int, ...], count: int) -> dict[str, Any]:
        given = super()._given(shape, count)
        if self.image_shape is None and self.network == "patches":
            given.setdefault("downsample", 1)
        if self.quantizer in ("ema", "gradient") and "codes" not in given:
            side = given.get("downsample", 4)
            grid = -(-shape[1] // side) * -(-shape[2] // side)
            given["codes"] = usual_codes(count * grid)
        return given

    def _encoded(self, model: Model, rows: Tensor) -> Tensor:
        return inference.encode_codes(self._quantizes(model), Split(rows)).flatten(1)

    def _decoded(self, model: Model, latents: np.ndarray) -> Tensor:
        quantizes = self._quantizes(model)
        size, numbers = quantizes.quantizer.size, latents.astype(np.int64)
        if (numbers != latents).any() or numbers.min() < 0 or numbers.max() >= size:
            raise DataError(f"X has values that are no codes: give whole numbers from 0 to {size - 1}.")
        return inference.decode_codes(quantizes, torch.from_numpy(numbers).view(-1, *quantizes.grid))

    def _scores(self, model: Model, rows: Tensor) -> Tensor:
        return -errors_of_each(model, rows)

    @staticmethod
    def _quantizes(model: Model) -> Quantizes:
        return cast(Quantizes, model)


def usual_codes(vectors: int) -> int:
    """Size of a codebook for so many vectors of training rows: a power of 2 within bounds."""
    wanted = max(vectors // ROWS_A_CODE, 1)
    return min(max(1 << (wanted.bit_length() - 1), FEWEST), MOST)
