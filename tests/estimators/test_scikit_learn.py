"""scikit-learn's own checks of an estimator, all of them and with default parameters, and its tools at work on ours."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from vaekit.estimators import AE, VAE, VQVAE

X, Y = load_digits(return_X_y=True)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([VAE(), AE(), VQVAE()])
def test_scikit_learns_checks(estimator, check) -> None:
    check(estimator)


def test_a_search_over_a_pipeline() -> None:
    """The score that chooses is the bound at beta 1, so that weights of the KL can be compared."""
    pipeline = make_pipeline(StandardScaler(), VAE(steps=40, random_state=0))
    grid = {"vae__beta": [1.0, 50.0], "vae__latent_dim": [2]}
    found = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X[:300])
    assert found.best_params_["vae__beta"] == 1.0
    assert found.best_estimator_.transform(X[:5]).shape == (5, 2)


def test_embeddings_tell_classes_apart_as_well_as_principal_components_do() -> None:
    """On 300 rows left out; docs/log.md has figures of several splits."""
    scores = {}
    for encoder in (PCA(10, random_state=0), VAE(10, random_state=0)):
        model = make_pipeline(StandardScaler(), encoder, StandardScaler(), LogisticRegression(max_iter=1000))
        scores[type(encoder).__name__] = model.fit(X[:1200], Y[:1200]).score(X[1200:1500], Y[1200:1500])
    assert scores["VAE"] >= scores["PCA"]


def test_codes_are_categories_for_a_linear_model() -> None:
    encoder = VQVAE(image_shape=(8, 8), steps=60, random_state=0)
    model = make_pipeline(encoder, OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=300))
    assert model.fit(X[:900], Y[:900]).score(X[900:1200], Y[900:1200]) > 0.3
