"""VAE and AE as estimators: rows become vectors.

Every constructor lists and stores its parameters itself: scikit-learn clones and searches by the signature, and wants each
stored under its own name and nothing else done.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, cast

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from vaekit import inference
from vaekit.config.methods import find_method
from vaekit.core import SettingError
from vaekit.data import Split
from vaekit.estimators.base import ModelEstimator
from vaekit.estimators.in_memory import alone, bounds_of_each, errors_of_each, exact
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, TakesPrior
from vaekit.runtime.random import own_randomness


class LatentEstimator(ModelEstimator):
    """Base of those whose latents are vectors."""

    @property
    def _n_features_out(self) -> int:
        return self.model_.latent_dim

    def _encoded(self, model: Model, rows: Tensor) -> Tensor:
        return inference.encode(cast(Encodes, model), Split(rows)).mean

    def _decoded(self, model: Model, latents: np.ndarray) -> Tensor:
        return inference.decode(cast(Decodes, model), torch.tensor(latents))

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Draws new rows: means of p(x|z), without its noise, at draws of z.

        Args:
            n_samples: number of rows, 1 or more.
            random_state: seed of the draws; None takes the estimator's own, so that two calls agree.

        Returns:
            (n_samples, n_features), in the units of the data.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise SettingError(f"n_samples={n_samples!r}: must be a whole number, 1 or more.")
        seed = self._seed if random_state is None else self._new_seed(random_state)
        with alone(self.n_jobs):
            drawn = inference.sample(self._sampled(exact(self.model_)), int(n_samples), seed=seed)
        return drawn.flatten(1).numpy()

    @abstractmethod
    def _sampled(self, model: Model) -> Model:
        """The model, ready to sample."""


class VAE(LatentEstimator):
    """A variational autoencoder (Kingma & Welling 2014) as a transformer, a density and a detector of outliers.

    Real columns are standardised within the model and restored on the way out, so that a scaler before it changes
    nothing but the units of the score.

    Parameters:
        latent_dim: number of latent dimensions, the columns that `transform` gives; None: the principal components
            worth having on rows left out.
        beta: weight of the KL term (Higgins et al. 2017); the score is that of 1.
        network: between rows and latents, by name or as an object (`"mlp(width=64)"`, `vaekit.MLP(width=64)`).
        likelihood: p(x|z), by name or as an object; "auto" is normal with the best variance for real and unit values.
        init: "auto" begins at probabilistic PCA where p(x|z) is normal, and from 1,000 rows on at random; "pca" or "random".
        image_shape: (height, width) or (channels, height, width) of the image that each row is; None: rows are rows.
        pixels: what the values are: "real" (any finite numbers), "unit" (from 0 to 1) or "binary" (0 and 1).
        steps: length of the training; None: 20 passes over the rows.
        batch_size, learning_rate: None: by the number of rows, as `vaekit train` does.
        validation: share of the rows that is held out to choose weights by; 0 fits to all rows and takes the last weights.
        contamination: share of the rows fitted to that `predict` calls outliers, above 0 and at most 0.5.
        options: further options of `vaekit.train` by name, `{"free_bits": 0.1, "average": 0.99}`.
        device: where it is fitted; afterwards it is asked on the CPU.
        n_jobs: threads; None is 1, -1 all processors.
        random_state: a whole number is the seed, as in `vaekit.fit`; None draws one from numpy's.
        verbose: shows the progress, and warns of what kept the training from learning more.

    Attributes:
        model_: the `vaekit.VAE`; weights of float32, in eval mode.
        offset_: `decision_function` is `score_samples` less this, in nats.
        n_steps_: steps of the training.
        notes_: what kept the training from learning more, with remedies; empty for a good one.
        n_features_in_, feature_names_in_: of the matrix that it was fitted to; names where it was a frame with some.

    `score_samples` is the ELBO of each row: a lower bound on log p(x), a density in the units of the data (of
    binary pixels a probability), in nats per row, with the KL in closed form and 16 draws of z, which are the same for
    every row, so that a row's score does not depend on the rows beside it. `score` is its mean, for searches too.
    """

    method = "vae"
    passed: ClassVar[tuple[str, ...]] = (
        "latent_dim", "beta", "network", "likelihood", "init", "steps", "batch_size", "learning_rate",
    )  # fmt: skip

    def __init__(
        self,
        latent_dim: int | None = None,
        *,
        beta: float = 1.0,
        network: Any = "auto",
        likelihood: Any = "auto",
        init: str = "auto",
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
        self.latent_dim = latent_dim
        self.beta = beta
        self.network = network
        self.likelihood = likelihood
        self.init = init
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

    def _scores(self, model: Model, rows: Tensor) -> Tensor:
        return bounds_of_each(model, rows, self._seed)

    def _sampled(self, model: Model) -> Model:
        return model


class AE(LatentEstimator):
    """An autoencoder as a transformer and a detector of outliers: deterministic latents, and no density of the rows.

    `score_samples` is minus the mean squared error per value of a row's reconstruction, of real values in units of each
    column's spread: 0 is perfect, -1 what the mean row has on average. `score` is its mean.

    `sample` draws z from a normal distribution that is fitted to the latents of the rows.

    Parameters and attributes as in `VAE`, without `beta`; `prior_` is that normal distribution, `offset_` has the unit
    of the score.
    """

    method = "ae"
    passed: ClassVar[tuple[str, ...]] = (
        "latent_dim", "network", "likelihood", "init", "steps", "batch_size", "learning_rate",
    )  # fmt: skip

    def __init__(
        self,
        latent_dim: int | None = None,
        *,
        network: Any = "auto",
        likelihood: Any = "auto",
        init: str = "auto",
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
        self.latent_dim = latent_dim
        self.network = network
        self.likelihood = likelihood
        self.init = init
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

    def _scores(self, model: Model, rows: Tensor) -> Tensor:
        return -errors_of_each(model, rows)

    def _after_fit(self, rows: Tensor) -> None:
        latents = inference.latents_for_prior(cast(TakesPrior, self.model_), Split(rows), self._seed)
        with own_randomness(latents.device):
            self.prior_ = find_method("mixture").model_class()((self.model_.latent_dim,), components=1)
            self.prior_.prepare(latents)

    def _sampled(self, model: Model) -> Model:
        model.fitted = lambda: self.prior_
        return model

    def _models(self) -> dict[str, str]:
        return super()._models() | {"prior_": "mixture"}
