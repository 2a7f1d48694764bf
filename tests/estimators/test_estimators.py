"""Estimators give what vaekit gives of the same weights, in the types, units and shapes of the matrix."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import warnings
from math import log, pi

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

import vaekit
from vaekit import inference
from vaekit.config.methods import METHODS
from vaekit.data import Split
from vaekit.estimators import AE, VAE, VQVAE
from vaekit.estimators.in_memory import bounds_of_each, exact, fitted, settings_for
from vaekit.estimators.matrices import as_data, shape_for
from vaekit.estimators.of_codes import usual_codes
from vaekit.evaluation.likelihood.bounds import negative_elbo

KINDS = (VAE, AE, VQVAE)
FACTORS = np.random.default_rng(0)
LOADINGS = FACTORS.normal(size=(2, 6))
X = (FACTORS.normal(size=(240, 2)) @ LOADINGS + 0.1 * FACTORS.normal(size=(240, 6))) * [
    1,
    1,
    1,
    1,
    1,
    1e3,
] + 7


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def estimator(request: pytest.FixtureRequest) -> VAE | AE | VQVAE:
    return request.param(steps=60, random_state=3).fit(X)


@pytest.fixture(scope="module")
def vae() -> VAE:
    return VAE(2, steps=60, random_state=3).fit(X)


def test_transform_is_vaekits_embedding(vae: VAE) -> None:
    assert np.allclose(vae.transform(X), vae.model_.embed(X), rtol=1e-4, atol=1e-4)
    encoded = inference.encode(vae.model_, Split(torch.from_numpy(X))).mean.numpy()
    assert np.allclose(vae.transform(X), encoded, rtol=1e-4, atol=1e-4)


def test_a_run_of_the_same_weights_encodes_and_scores_alike(vae: VAE, tmp_path) -> None:
    """The same data, seed and settings in a run folder: `vaekit.encode` gives the same embedding."""
    data = as_data(torch.from_numpy(X), "real")
    settings = dict(vae.model_.arguments)
    names = ("latent_dim", "network", "width", "depth", "init", "likelihood", "pixels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", vaekit.TrainingNote)
        model = vaekit.VAE((6,), **{name: settings[name] for name in names})
        model.load_state_dict(vae.model_.state_dict())
        vaekit.fit(model, vaekit.ELBO(), data, steps=1, learning_rate=1e-12, out=tmp_path / "run",
                   progress="none", device="cpu")  # fmt: skip
    found = vaekit.encode(tmp_path / "run", data, split="train")
    assert found.embedding is not None
    rows = data.train.images.numpy()
    assert np.allclose(vae.transform(rows), found.embedding.mean.numpy(), rtol=1e-4, atol=1e-4)


def test_the_same_seed_as_vaekits_own_fit_gives_the_same_weights() -> None:
    """`fit` and `new_model` under that seed, on the very split: nothing else enters."""
    data = as_data(torch.from_numpy(X), "real")
    model, _ = fitted(settings_for("vae", {"latent_dim": 2, "steps": 5, "seed": 9}, data), data, False)
    own = VAE(2, steps=5, random_state=9).fit(X).model_
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), own.state_dict().values(), strict=True)
    )


def test_the_round_trip_is_the_reconstruction(estimator) -> None:
    back = estimator.inverse_transform(estimator.transform(X))
    rebuilt = inference.reconstruct(
        estimator.model_, Split(torch.from_numpy(X).view(-1, *estimator.model_.shape))
    )
    spread = X.std(0)
    assert np.abs(back - rebuilt.flatten(1).numpy()).max(0).max() < 1e-4 * spread.max()
    error = ((back - X) / spread).std()
    assert error < (0.8 if isinstance(estimator, VQVAE) else 0.25)


def test_the_score_is_the_bound_in_nats_per_row_of_the_data(vae: VAE) -> None:
    """It is that of `negative_elbo` to the noise of its draws, lies below the log-density that a normal distribution of
    the right covariance has, and not far."""
    other = -negative_elbo(vae.model_, Split(torch.from_numpy(X)), samples=64, seed=1).value
    assert vae.score(X) == pytest.approx(other, abs=0.3)
    covariance = LOADINGS.T @ LOADINGS + 0.01 * np.eye(6)
    scale = np.array([1, 1, 1, 1, 1, 1e3])
    covariance *= scale[:, None] * scale
    entropy = 0.5 * (6 * log(2 * pi) + 6 + np.linalg.slogdet(covariance)[1])
    assert -entropy - 3 < vae.score(X) < -entropy + 0.5


def test_units_of_the_columns_change_the_score_by_their_logarithm(vae: VAE) -> None:
    scaled = VAE(2, steps=60, random_state=3).fit(X * 10)
    assert vae.score(X) - scaled.score(X * 10) == pytest.approx(6 * log(10), abs=0.2)


def test_a_row_has_its_score_whatever_stands_beside_it() -> None:
    """Across the blocks of 1,000 rows too."""
    vae = VAE(2, steps=5, random_state=0).fit(X)
    many = np.tile(X, (5, 1))
    scores = vae.score_samples(many)
    assert np.allclose(scores[:240], scores[960:], rtol=0, atol=1e-9)
    assert np.allclose(vae.score_samples(X[7:8]), scores[7], rtol=0, atol=1e-9)
    assert not np.allclose(bounds_of_each(exact(vae.model_), torch.from_numpy(X), 5).numpy(), scores[:240])


def test_errors_are_in_units_of_the_spread() -> None:
    for kind in (AE, VQVAE):
        estimator = kind(steps=30, random_state=0).fit(X)
        back = estimator.inverse_transform(estimator.transform(X))
        spread = estimator.model_.units.scale.flatten().numpy()
        wanted = -(((X - back) / spread) ** 2).mean(1)
        assert np.allclose(estimator.score_samples(X), wanted, rtol=1e-3, atol=1e-5)


def test_odd_rows_are_outliers(estimator) -> None:
    """Rows off the plane of the others, with columns of the usual spread each."""
    rng = np.random.default_rng(1)
    odd = X.mean(0) + 3 * X.std(0) * rng.choice([-1, 1], (40, 6))
    assert (estimator.predict(odd) == -1).mean() > 0.8
    assert (estimator.predict(X) == -1).sum() == pytest.approx(24, abs=2)
    assert np.array_equal(estimator.fit_predict(X), estimator.predict(X))


def test_types_are_kept(estimator) -> None:
    for dtype in (np.float32, np.float64):
        codes = estimator.transform(X.astype(dtype))
        assert codes.dtype == dtype
        assert estimator.inverse_transform(codes).dtype == dtype
    whole = type(estimator)(steps=2, random_state=0).fit(np.arange(120).reshape(40, 3) % 7)
    assert whole.transform(np.arange(9).reshape(3, 3)).dtype == np.float64


@pytest.mark.parametrize("way", [pickle.loads, None], ids=["pickle", "clone"])
def test_copies(estimator, way) -> None:
    if way is None:
        fresh = clone(estimator)
        assert not hasattr(fresh, "model_") and fresh.get_params() == estimator.get_params()
        return
    content = pickle.dumps(estimator)
    assert b"torch" not in content
    other = way(content)
    assert np.array_equal(other.transform(X), estimator.transform(X))
    assert np.array_equal(other.predict(X), estimator.predict(X))
    if not isinstance(estimator, VQVAE):
        assert np.array_equal(other.sample(4), estimator.sample(4))


def test_a_pickle_is_read_in_a_process_of_its_own(vae: VAE, tmp_path) -> None:
    (tmp_path / "vae.pkl").write_bytes(pickle.dumps(vae))
    code = "import pickle, sys\nfile = open(sys.argv[1], 'rb')\nwith file: vae = pickle.load(file)\nprint(vae.transform([[7.0] * 6])[0, 0])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "vae.pkl")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(vae.transform([[7.0] * 6])[0, 0], abs=1e-6)
    assert done.stderr == ""


def test_samples_are_like_the_rows() -> None:
    for kind in (VAE, AE):
        estimator = kind(2, steps=40, random_state=3).fit(X)
        drawn = estimator.sample(2000)
        assert drawn.shape == (2000, 6) and np.array_equal(drawn[:5], estimator.sample(2000)[:5])
        assert not np.array_equal(drawn[:5], estimator.sample(5, random_state=1))
        assert np.allclose(drawn.mean(0), X.mean(0), atol=0.25 * X.std(0).max())
        assert np.allclose(drawn.std(0) / X.std(0), 1, atol=0.25)
    assert not hasattr(VQVAE(), "sample")


def test_nothing_is_said_and_nothing_is_written(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    state, generator = torch.get_rng_state(), np.random.get_state()[1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS:
            estimator = kind(steps=3, random_state=0).fit(X)
            estimator.score(X)
            assert estimator.n_steps_ == 3 and all(isinstance(note, str) for note in estimator.notes_)
    assert capsys.readouterr() == ("", "") and not list(tmp_path.iterdir())
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], generator)


def test_seeds() -> None:
    first, same, other = (VAE(2, steps=3, random_state=seed).fit(X).transform(X) for seed in (0, 0, 1))
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    drawn = VAE(2, steps=3, random_state=np.random.RandomState(4)).fit(X).transform(X)
    again = VAE(2, steps=3, random_state=np.random.RandomState(4)).fit(X).transform(X)
    assert np.array_equal(drawn, again)


def test_threads_of_one_process_give_what_one_after_another_gives() -> None:
    """Random numbers and the number of threads are the process's: a fit has them to itself, and puts both back."""
    wanted = [VAE(2, steps=8, random_state=seed).fit(X).transform(X) for seed in range(3)]
    found: dict[int, np.ndarray] = {}

    def work(seed: int) -> None:
        found[seed] = VAE(2, steps=8, random_state=seed).fit(X).transform(X)

    before = torch.get_num_threads()
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[seed], wanted[seed]) for seed in range(3))
    assert torch.get_num_threads() == before


def test_frames(estimator) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"), index=range(5, 245))
    fresh = clone(estimator).set_params(steps=2).set_output(transform="pandas").fit(frame)
    found = fresh.transform(frame)
    assert list(found.columns) == list(fresh.get_feature_names_out()) and list(found.index) == list(
        frame.index
    )
    assert list(fresh.feature_names_in_) == list("abcdef")
    assert fresh.inverse_transform(found).shape == X.shape


def test_names_of_columns(vae: VAE) -> None:
    assert list(vae.get_feature_names_out()) == ["vae0", "vae1"]


def test_images() -> None:
    rows = np.random.default_rng(0).random((60, 48))
    for kind in KINDS:
        estimator = kind(image_shape=(3, 4, 4), pixels="unit", steps=2, random_state=0).fit(rows)
        assert estimator.model_.shape == (3, 4, 4)
        back = estimator.inverse_transform(estimator.transform(rows))
        assert back.shape == rows.shape and 0 <= back.min() <= back.max() <= 1
    binary = VAE(2, pixels="binary", steps=2, random_state=0).fit(np.round(rows))
    assert binary.model_.likelihood_name == "bernoulli"
    assert (binary.score_samples(np.round(rows)) < 0).all()


@pytest.mark.parametrize(
    ("parameters", "rows", "words"),
    [
        ({"contamination": 0.0}, X, "contamination=0.0: must be above 0"),
        ({"image_shape": (2, 2)}, X, "has 4 values, and X has 6 features"),
        ({"image_shape": 6}, X, "image_shape=6: give"),
        ({"validation": 1.0}, X, "validation=1.0: must be"),
        ({"pixels": "unit"}, X, "given to a model of values from 0 to 1"),
        ({"pixels": "binary"}, np.full((20, 3), 0.5), "takes the values 0 and 1"),
        ({"pixels": "rael"}, X, "Did you mean real"),
        ({"options": {"free_bts": 1}}, X, "Did you mean free_bits"),
        ({"options": {"steps": 1}}, X, "give it as the parameter steps="),
        ({"options": {"seed": 1}}, X, "random_state="),
        ({"latent_dim": 0}, X, "latent_dim must be at least 1"),
        ({"likelihood": "gausian"}, X, "gaussian"),
        ({"steps": -1}, X, "steps must be"),
        ({}, X[:1], "1 sample"),
    ],
)
def test_what_cannot_be_is_one_line(parameters, rows, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        VAE(**parameters).fit(rows)
    assert words in str(caught.value)


def test_what_cannot_be_asked(vae: VAE) -> None:
    with pytest.raises(NotFittedError):
        VAE().inverse_transform([[1.0]])
    with pytest.raises(NotFittedError):
        VAE().sample()
    with pytest.raises(ValueError, match="X has 3 features, but VAE gives 2"):
        vae.inverse_transform(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="n_samples=0"):
        vae.sample(0)
    codes = VQVAE(steps=2, random_state=0).fit(X)
    for wrong in (-1, 0.5, codes.model_.quantizer.size):
        with pytest.raises(ValueError, match="are no codes: give whole numbers from 0 to"):
            codes.inverse_transform([[wrong]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rows",
    [
        np.ones((12, 3)),
        np.eye(2),
        np.arange(3.0)[:, None],
        np.tile([[1.0, 2.0]], (30, 1)),
        X[:40] * 1e-12 + 5.0,
    ],
    ids=["constant", "two rows", "one column", "copies", "narrow"],
)
def test_rows_with_little_in_them(kind, rows: np.ndarray) -> None:
    estimator = kind(steps=3, random_state=0).fit(rows)
    assert np.isfinite(estimator.transform(rows)).all()
    assert np.isfinite(estimator.score_samples(rows)).all()
    assert np.isfinite(estimator.inverse_transform(estimator.transform(rows))).all()


def test_tags_and_parameters() -> None:
    for kind in KINDS:
        tags = get_tags(kind())
        assert tags.estimator_type == "outlier_detector" and tags.transformer_tags is not None
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
        known = set(kind().get_params())
        assert set(kind.passed) <= known
        assert all(f"{name}" in (kind.__doc__ or "") + (VAE.__doc__ or "") for name in known)


def test_defaults_are_those_of_the_options() -> None:
    """Where a parameter has another, None, the data decide."""
    for kind in KINDS:
        flags = {flag.name: flag.default for part in METHODS[kind.method].flags().values() for flag in part}
        own = kind().get_params()
        given = {name: own[name] for name in kind.passed if own[name] is not None}
        assert given == {name: flags[name] for name in given}


def test_other_options_reach_the_training() -> None:
    vae = VAE(2, steps=2, random_state=0, options={"width": 16, "free_bits": 0.5}).fit(X)
    assert vae.model_.arguments["width"] == 16
    assert VAE(2, steps=2, network=vaekit.MLP(width=24)).fit(X).model_.arguments["width"] == 24


def test_where_a_fit_begins_is_a_matter_of_rows() -> None:
    many = np.tile(X, (5, 1)) + np.random.default_rng(0).normal(size=(1200, 6))
    begins = [VAE(2, steps=1, **given).fit(rows).model_.arguments["init"]
              for rows, given in ((X, {}), (many, {}), (many, {"init": "pca"}), (X, {"init": "random"}))]  # fmt: skip
    assert begins == ["pca", "random", "pca", "random"]


def test_shapes() -> None:
    assert shape_for(6, None) == (6,)
    assert shape_for(6, (2, 3)) == (1, 2, 3)
    assert shape_for(6, [1, 2, 3]) == (1, 2, 3)
    assert [usual_codes(n) for n in (1, 16, 31, 32, 10**6)] == [2, 2, 2, 4, 512]


def test_all_rows_are_fitted_to_but_those_that_choose_weights() -> None:
    data = as_data(torch.from_numpy(X), "real", 0.1)
    assert len(data.train) == 216 and len(data.validation) == 24 and not len(data.test)
    assert len(as_data(torch.from_numpy(X), "real").train) == 240
    assert not len(as_data(torch.from_numpy(X[:9]), "real", 0.5).validation)
    assert VAE(2, steps=2, validation=0.1, random_state=0).fit(X).n_steps_ == 2
