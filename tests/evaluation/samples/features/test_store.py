"""The shipped and the user's own features: hash, accuracy, determinism, what they are defined for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from vaekit import load_data
from vaekit.core import DataError, RunError, SettingError
from vaekit.data import Data
from vaekit.evaluation.samples.features import store as module
from vaekit.evaluation.samples.features.classifier import Classifier, moved_about, train_classifier
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.features.store import (
    SHIPPED,
    WEIGHTS,
    features_for,
    load_features,
    save_classifier,
    save_pca,
)

has_mnist = "VAEKIT_DATA" in os.environ and (Path(os.environ["VAEKIT_DATA"]) / "mnist").is_dir()
needs_mnist = pytest.mark.skipif(not has_mnist, reason="VAEKIT_DATA does not name a folder with mnist")


@pytest.fixture(scope="module")
def mnist_v1() -> ClassifierFeatures:
    features = load_features("mnist_v1")
    assert isinstance(features, ClassifierFeatures)
    return features


def noise(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)


def stripes(labels: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Upright stripes for class 0, level ones for class 1, under noise."""
    channels, height, width = shape
    upright = (torch.arange(width) // 2 % 2).expand(height, width)
    level = (torch.arange(height)[:, None] // 2 % 2).expand(height, width)
    clean = torch.where((labels == 0)[:, None, None], upright, level)[:, None].expand(-1, channels, -1, -1)
    return (160 * clean + noise(len(labels), *shape) * 0.37).to(torch.uint8)


@pytest.fixture(scope="module")
def striped() -> Data:
    labels = torch.arange(600) % 2
    return load_data(stripes(labels, (3, 12, 20)), labels=labels.numpy(), layout="NCHW")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_those_that_were_measured(name):
    path = WEIGHTS / f"{name}.safetensors"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHIPPED[name]
    assert path.stat().st_size < 1_000_000


def test_other_weights_under_a_shipped_name_are_refused(monkeypatch):
    monkeypatch.setitem(module.SHIPPED, "mnist_v1", "0" * 64)
    with pytest.raises(RunError, match="SHA-256"):
        load_features("mnist_v1")


@needs_mnist
def test_mnist_features_read_the_test_images(mnist_v1):
    data = load_data("mnist")
    assert data.test.labels is not None
    read = mnist_v1.classify(data.test.images).argmax(1)
    share = float((read == data.test.labels).double().mean())
    assert share >= 0.993
    assert share == pytest.approx(mnist_v1.accuracy, abs=1e-4)  # as its file says


@needs_mnist
def test_mnist_features_are_standardised_on_training_images(mnist_v1):
    """Which fixes the unit of every distance; training saw the images moved about, hence roughly."""
    features = mnist_v1(load_data("mnist").train.images[:10_000])
    assert float(features.mean(0).abs().max()) < 0.3
    assert float(features.var(0).mean()) == pytest.approx(1, abs=0.25)


def test_mnist_features_do_not_depend_on_chunks_type_or_autocast(mnist_v1, monkeypatch):
    images = noise(37, 1, 28, 28)
    whole = mnist_v1(images)
    monkeypatch.setattr("vaekit.evaluation.samples.features.base.CHUNK", 5)
    torch.testing.assert_close(mnist_v1(images), whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mnist_v1(images.float() / 255), whole, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(mnist_v1(images), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 32, 32), (784,)])
def test_mnist_features_are_for_small_grey_images_only(mnist_v1, shape):
    with pytest.raises(DataError, match=r"28x28 grey images only.*vaekit features"):
        mnist_v1(noise(2, *shape))
    with pytest.raises(DataError, match="28x28 grey"):
        mnist_v1.classify(noise(2, *shape))


def test_features_for_data_that_mnist_v1_is_not_defined_for(striped):
    with pytest.raises(DataError, match=r"not for 12x20 RGB"):
        features_for(striped, "mnist_v1")
    assert features_for(striped).name.startswith("pca64_array_")


def test_unknown_features_are_named_with_the_near_miss():
    with pytest.raises(SettingError, match="Did you mean mnist_v1"):
        load_features("mnist_v2")


def test_own_classifier_learns_is_stored_and_is_the_same_again(striped, tmp_path):
    trained = train_classifier(striped, dimensions=8, epochs=6)
    assert trained.accuracy > 0.95
    path = tmp_path / "own.safetensors"
    save_classifier(path, trained, striped)
    loaded = load_features(path)
    assert isinstance(loaded, ClassifierFeatures)
    assert loaded.name == f"array_{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    assert loaded.class_names == striped.class_names
    images = striped.test.images
    with torch.inference_mode():
        expected = trained.classifier.features(images.float() / 255)
    torch.testing.assert_close(loaded(images), expected, rtol=1e-4, atol=1e-5)
    right = loaded.classify(images).argmax(1) == striped.test.labels
    assert float(right.double().mean()) == trained.accuracy
    torch.testing.assert_close(loaded.classify(images).exp().sum(1), torch.ones(len(images)))


def test_training_is_a_function_of_its_seed(striped):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    weights = [
        train_classifier(striped, dimensions=4, epochs=1, seed=seed).classifier.embed.weight
        for seed in (0, 0, 1)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_classifier_needs_labels():
    with pytest.raises(DataError, match="no labels"):
        train_classifier(load_data(noise(100, 8, 8).numpy()))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 256, 40), (4, 9, 31), (1, 4, 4), (17,)])
def test_classifiers_take_images_of_any_size(shape):
    """Every pixel matters to some feature."""
    torch.manual_seed(0)
    classifier = Classifier(shape, 3, 5).eval()
    x = torch.rand(2, *shape, requires_grad=True)
    classifier.features(x).square().sum().backward()
    assert x.grad is not None
    assert float((x.grad != 0).double().mean()) > 0.99


def test_images_are_moved_by_as_much_as_is_said(monkeypatch):
    """Only shifted: the centre of a spot moves by at most 7 % of the side."""
    monkeypatch.setattr("vaekit.evaluation.samples.features.classifier.DEGREES", 0.0)
    monkeypatch.setattr("vaekit.evaluation.samples.features.classifier.SCALE", 0.0)
    torch.manual_seed(0)
    axis = torch.arange(41) - 20.0
    spot = torch.exp(-(axis[:, None] ** 2 + axis**2) / 8).expand(500, 1, 41, 41)
    moved = moved_about(spot)
    mass = moved.sum((1, 2, 3))
    across = (moved.sum((1, 2)) * axis).sum(1) / mass
    assert float(across.abs().max()) == pytest.approx(0.07 * 41, rel=0.05)
    assert float(across.mean()) == pytest.approx(0, abs=0.25)


def test_principal_components_agree_with_scikit_learn(striped, tmp_path):
    ours = fit_pca(striped, 6)
    pixels = striped.train.images.flatten(1).numpy() / 255.0
    reference = PCA(6, svd_solver="full").fit(pixels)
    scale = np.sqrt(reference.explained_variance_.mean())
    expected = reference.transform(striped.test.images.flatten(1).numpy() / 255.0) / scale
    features = ours(striped.test.images).double()
    # The first component stands apart; the rest is noise of nearly equal variances.
    signs = np.sign((features[:, 0].numpy() * expected[:, 0]).sum())
    np.testing.assert_allclose(features[:, 0].numpy() * signs, expected[:, 0], atol=2e-3)
    path = tmp_path / "pca.safetensors"
    save_pca(path, ours)
    again = load_features(path)
    assert again.name == ours.name == f"pca6_array_{striped.fingerprint[:8]}"
    assert torch.equal(again(striped.test.images), ours(striped.test.images))


def test_principal_components_have_mean_variance_one_on_training_images(striped):
    features = fit_pca(striped, 16)(striped.train.images).double()
    assert float(features.var(0).mean()) == pytest.approx(1, rel=1e-3)
    covariance = torch.cov(features.T)
    assert float((covariance - torch.diag(covariance.diag())).abs().max()) < 1e-2


def test_damaged_and_foreign_files_are_named(striped, tmp_path):
    path = tmp_path / "own.safetensors"
    save_pca(path, fit_pca(striped, 4))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunError, match=r"own\.safetensors is damaged"):
        load_features(path)
    from vaekit.runs.files import write_tensors

    write_tensors(path, {"a": torch.zeros(1)}, {"state": 1})
    with pytest.raises(RunError, match="not a file of vaekit features"):
        load_features(path)


def test_own_onnx_network_is_run_as_it_is(striped, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    weights = np.random.default_rng(0).normal(size=(3 * 12 * 20, 7)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Flatten", ["x"], ["flat"]),
            onnx.helper.make_node("MatMul", ["flat", "w"], ["y"]),
        ],
        "linear",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 12, 20])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 7])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "net.onnx"
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    features = features_for(striped, path)
    assert features.name == f"onnx_{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    pixels = striped.test.images.flatten(1).numpy() / 255
    np.testing.assert_allclose(features(striped.test.images).numpy(), pixels @ weights, rtol=1e-4, atol=1e-3)
    with pytest.raises(RunError, match=r"cannot be run on 28x28 grey images"):
        load_features(path, (1, 28, 28))
    path.write_bytes(b"no network")
    with pytest.raises(RunError, match=r"net\.onnx"):
        features_for(striped, path)
