"""The base of all estimators: scikit-learn's protocols around a model that is fitted in memory."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from vaekit.core import SettingError
from vaekit.estimators.in_memory import alone, exact, fitted, packed, settings_for, unpacked
from vaekit.estimators.matrices import as_data, as_matrix, examples_of, shape_for
from vaekit.models import Model

FLOATS: Any = [np.float64, np.float32]  # other types become the first


class ModelEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, OutlierMixin, BaseEstimator, ABC):
    """Base of the estimators: a transformer, and a detector of outliers by `score_samples`.

    A subclass names its `method`, its parameters, and how rows are encoded, decoded and scored.
    """

    method: ClassVar[str]  # key of METHODS
    passed: ClassVar[tuple[str, ...]]  # parameters that are options of the method by that name

    image_shape: Any
    pixels: str
    validation: float
    contamination: float
    device: str
    options: dict[str, Any] | None
    n_jobs: int | None
    random_state: Any
    verbose: bool

    @abstractmethod
    def _encoded(self, model: Model, rows: Tensor) -> Tensor:
        """Rows, (N, *shape), as what `transform` gives, (N, D)."""

    @abstractmethod
    def _decoded(self, model: Model, latents: np.ndarray) -> Tensor:
        """The opposite, (N, D) -> (N, *shape)."""

    @abstractmethod
    def _scores(self, model: Model, rows: Tensor) -> Tensor:
        """Score of each row, higher for more usual ones, (N,) float64."""

    @property
    @abstractmethod
    def _n_features_out(self) -> int:
        """Columns that `transform` gives."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fits a fresh model to the rows of X.

        Args:
            X: (n_samples, n_features), finite numbers; at least 2 rows.
            y: not used.

        Raises:
            ValueError: X or a parameter that cannot be used; one line says why.
            NonFiniteError: the training diverged.
        """
        matrix = cast(np.ndarray, validate_data(self, X, dtype=FLOATS, ensure_min_samples=2))
        if not 0 < self.contamination <= 0.5:
            raise SettingError(f"contamination={self.contamination}: must be above 0 and at most 0.5.")
        shape = self._shape(shape_for(matrix.shape[1], self.image_shape))
        rows = examples_of(matrix, shape, self.pixels)
        with alone(self.n_jobs):
            data = as_data(rows, self.pixels, self.validation)
            self._seed = self._new_seed(self.random_state)
            given = self._given(shape, len(data.train)) | {"seed": self._seed}
            self.model_, history = fitted(settings_for(self.method, given, data), data, self.verbose)
            self.n_steps_ = 0 if history.summary is None else history.summary.steps
            self.notes_ = [str(note) for note in history.notes]
            self._after_fit(rows)
            scores = self._scores(exact(self.model_), rows).numpy()
        self.offset_ = float(np.percentile(scores, 100 * self.contamination))
        return self

    def transform(self, X: Any) -> Any:
        """Encodes rows.

        Args:
            X: (n_samples, n_features).

        Returns:
            (n_samples, n_features_out), of the type of X; a frame if `set_output` asked for one.
        """
        matrix, rows = self._checked(X)
        with alone(self.n_jobs):
            found = self._encoded(exact(self.model_), rows)
        return found.numpy().astype(matrix.dtype)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Decodes what `transform` gives.

        Args:
            X: (n_samples, n_features_out).

        Returns:
            (n_samples, n_features): means of p(x|z), of the type of X.
        """
        check_is_fitted(self)
        latents = check_array(X, dtype=FLOATS, input_name="X")
        if latents.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {latents.shape[1]} features, but {type(self).__name__} gives {self._n_features_out}."
            )
        with alone(self.n_jobs):
            return as_matrix(self._decoded(exact(self.model_), latents), latents.dtype)

    def score_samples(self, X: Any) -> np.ndarray:
        """Scores rows, higher for more usual ones; see the class for what it is, and its unit.

        Args:
            X: (n_samples, n_features).

        Returns:
            (n_samples,) float64.
        """
        _, rows = self._checked(X)
        with alone(self.n_jobs):
            return self._scores(exact(self.model_), rows).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples` over the rows of X; `y` is not used."""
        return float(np.mean(self.score_samples(X)))

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` less `offset_`, (n_samples,): below 0 for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for outliers, whose score is lower than that of a share `contamination` of the rows fitted to; 1 for
        others, (n_samples,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _checked(self, X: Any) -> tuple[np.ndarray, Tensor]:
        """X as a matrix and as examples, once there is a model."""
        check_is_fitted(self)
        matrix = cast(np.ndarray, validate_data(self, X, dtype=FLOATS, reset=False))
        return matrix, examples_of(matrix, self.model_.shape, self.pixels)

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in which the model takes examples of this one."""
        return shape

    def _given(self, shape: tuple[int, ...], count: int) -> dict[str, Any]:
        """Options that somebody gave, by their names: what a parameter has by default, nobody did.

        Args:
            shape: of an example.
            count: rows that the model is trained on.

        Raises:
            SettingError: one of `options` is a parameter.
        """
        usual = {name: p.default for name, p in inspect.signature(type(self)).parameters.items()}
        own = {name: getattr(self, name) for name in self.passed}
        given = {name: value for name, value in own.items() if value is not None and value != usual[name]}
        further = dict(self.options or {})
        taken = set(self.get_params(deep=False)) | {"seed", "data"}
        if twice := sorted(taken & further.keys()):
            other = "random_state" if twice[0] == "seed" else twice[0]
            raise SettingError(f"options has {twice[0]!r}: give it as the parameter {other}=.", twice[0])
        return {"device": self.device, **given, **further}

    def _after_fit(self, rows: Tensor) -> None:
        """Does what is left to do with the rows fitted to."""

    def _new_seed(self, random_state: Any) -> int:
        """A whole number is the seed itself, as in `vaekit.fit`; else one is drawn."""
        if isinstance(random_state, int | np.integer):
            return int(random_state)
        return int(check_random_state(random_state).randint(2**31 - 1))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Attributes, with the model as arrays: no class of torch is in a pickle."""
        state = dict(cast(dict[str, Any], super().__getstate__()))
        fitted = {name: method for name, method in self._models().items() if name in state}
        return state | {name: packed(state[name], method) for name, method in fitted.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for name in self._models().keys() & state.keys():
            setattr(self, name, unpacked(state[name]))

    def _models(self) -> dict[str, str]:
        """Attributes that are models, and the key of METHODS or PRIORS of each."""
        return {"model_": self.method}
