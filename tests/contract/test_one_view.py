"""One run, one image, one answer: whoever encodes or reconstructs an image gets the same bits.

The run is of grey images that were binarised anew for each batch of its training, so that what a model is shown of a
stored image is a choice; `vaekit.data.view` makes it, for all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import vaekit
from vaekit import inference
from vaekit.comparison import measure as comparing
from vaekit.data import Data, Factor, Split
from vaekit.data.view import fixed_draw
from vaekit.evaluation import outliers
from vaekit.evaluation.factors import disentanglement as factors
from vaekit.evaluation.latents import health
from vaekit.evaluation.score import score
from vaekit.explorer.material import Material
from vaekit.inference import Embedding
from vaekit.plots.run_view import View, Wishes
from vaekit.runs.load import Run, load_run
from vaekit.training import learned


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = vaekit.load_data("digits", binarize="dynamic")
    folder = tmp_path_factory.mktemp("binary") / "run"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = vaekit.VAE(data.shape, latent_dim=4, width=32, depth=1, pixels=data.pixels)
    options = {"epochs": 2, "device": "cpu", "precision": "fp32", "progress": "none"}
    vaekit.fit(model, vaekit.ELBO(), data, out=folder, **options)
    return load_run(folder)


@pytest.fixture(scope="module")
def data(run: Run) -> Data:
    return run.load_data()


@pytest.fixture(scope="module")
def embedding(run: Run, data: Data) -> Embedding:
    return inference.encode(run.model, data.test)


@pytest.fixture(scope="module")
def errors(run: Run, data: Data) -> Tensor:
    """Squared error of each test image, (N,) float64."""
    rebuilt = inference.reconstruct(run.model, data.test)
    return inference.squared_errors(inference.shown_images(run.model, data.test), rebuilt)


def test_what_is_shown_is_the_fixed_draw_of_each_image(run: Run, data: Data, embedding: Embedding) -> None:
    drawn = fixed_draw(data.test.images / 255)
    assert data.dynamic and set(drawn.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(inference.shown_images(run.model, data.test), drawn)
    with torch.inference_mode():
        assert torch.equal(run.model.encode(drawn).mean, embedding.mean)  # type: ignore[attr-defined]


def test_the_file_of_encode(terminal, run: Run, embedding: Embedding) -> None:
    assert (
        terminal("encode", run.path, "--split", "test", "--out", "codes.npz", "--device", "cpu").status == 0
    )
    with np.load("codes.npz") as arrays:
        assert torch.equal(torch.from_numpy(arrays["mean"]), embedding.mean)
        assert torch.equal(torch.from_numpy(arrays["std"]), embedding.stddev)


def test_figures(run: Run, data: Data, embedding: Embedding) -> None:
    view = View(run, data, Wishes())
    assert torch.equal(view.embedding.mean, embedding.mean)
    assert torch.equal(view.images, inference.shown_images(run.model, data.test))


def test_the_explorer(run: Run, data: Data, embedding: Embedding) -> None:
    material = Material(run, data)
    assert material.embedding is not None
    assert torch.equal(material.embedding.mean, embedding.mean)
    mean, stddev = material.subject.encode(data.test.images)
    assert torch.equal(mean, embedding.mean) and torch.equal(stddev, embedding.stddev)
    assert torch.equal(material.subject.shown(data.test), inference.shown_images(run.model, data.test))
    floats = np.frombuffer(material.files()["codes-0.bin"](), "<f4").reshape(-1, 4)
    assert (floats == embedding.mean[: len(floats)].numpy()).all()


def test_the_pictures_of_a_page_are_images_that_are_shown_already(run: Run, data: Data) -> None:
    """The page makes the draw of a picture of one's own by itself; what it shows of the data has been drawn."""
    material = Material(run, data)
    assert material.about("page")["binary"]
    with Image.open(io.BytesIO(material.pictures(0))) as image:
        sheet = np.asarray(image)
    count = sheet.shape[1] // 8
    cut = sheet.reshape(-1, 8, count, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)[: len(data.test)]
    shown = inference.shown_images(run.model, data.test)[: len(cut), 0].numpy()
    np.testing.assert_array_equal(cut, 255 * shown)


def test_reconstructions(terminal, run: Run, data: Data, errors: Tensor) -> None:
    """Of the previews, which are some of the test images."""
    count, stored = len(run.previews), [bytes(image) for image in data.test.images.numpy()]
    places = [stored.index(bytes(image)) for image in run.previews.images.numpy()]
    words = ["reconstruct", run.path, "--count", count, "--out", "r.npz", "--device", "cpu", "--json"]
    told = json.loads(terminal(*words).out)
    few = inference.reconstruct(run.model, run.previews)
    with np.load("r.npz") as arrays:
        assert (arrays["images"][..., 0] == np.rint(255 * few[:, 0].numpy())).all()
    shown = inference.shown_images(run.model, run.previews)
    assert told["mean_squared_error"] == inference.squared_errors(shown, few).mean().item()
    assert told["mean_squared_error"] == pytest.approx(errors[places].mean().item(), rel=1e-5)
    found = vaekit.reconstruct(run, count=count)
    assert torch.equal(found.originals, shown) and torch.equal(found.rebuilt, few)


def test_the_python_function(run: Run, embedding: Embedding) -> None:
    found = vaekit.encode(run, split="test").embedding
    assert found is not None
    assert torch.equal(found.mean, embedding.mean)


def test_a_file_of_the_image_is_the_image(terminal, run: Run, tmp_path: Path) -> None:
    """Grey pixels that come from a file are shown by the same draw as those that are stored."""
    Image.fromarray(run.previews.images[5, 0].numpy()).save(tmp_path / "five.png")
    found = vaekit.reconstruct(run, [tmp_path / "five.png"])
    own = inference.shown_images(run.model, run.previews)[5:6]
    assert torch.equal(found.originals, own)


# What is measured ------------------------------------------------------------------------------------


class Seen:
    """What a module asks of `inference` while it measures: the answers of `encode` and `reconstruct`, as they come."""

    def __init__(self, module: ModuleType, patch: pytest.MonkeyPatch) -> None:
        self.embeddings: list[Embedding] = []
        self.rebuilt: list[Tensor] = []
        for name, kept in (("encode", self.embeddings), ("reconstruct", self.rebuilt)):
            if hasattr(module, name):
                patch.setattr(module, name, self.watched(getattr(module, name), kept))

    @staticmethod
    def watched(ask: Callable[..., Any], kept: list[Any]) -> Callable[..., Any]:
        def asked(*given: Any, **named: Any) -> Any:
            kept.append(ask(*given, **named))
            return kept[-1]

        return asked


def test_evaluate(
    run: Run, data: Data, embedding: Embedding, errors: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it encodes, and the share of the variance that it says is explained, from the same squared errors."""
    seen, explained = Seen(health, monkeypatch), Seen(learned, monkeypatch)
    found = vaekit.evaluate(run, samples=2).health
    assert found is not None
    (encoded,), rebuilt = seen.embeddings, explained.rebuilt[0]  # those after it are of training images
    assert torch.equal(encoded.mean, embedding.mean) and torch.equal(encoded.stddev, embedding.stddev)
    assert found.variance_of_means == embedding.mean.var(0, correction=0).tolist()
    images = inference.shown_images(run.model, data.test)
    assert torch.equal(inference.squared_errors(images, rebuilt), errors)
    spread = images.double().var(0, correction=0).sum()
    assert found.explained == 1 - float(errors.mean()) * 64 / float(spread)


def test_scores(run: Run, data: Data, embedding: Embedding, errors: Tensor) -> None:
    found = score(run, split="test", scores=["reconstruction_error", "latent_distance"]).scores
    assert torch.equal(found["reconstruction_error"], errors)
    known = inference.encode(run.model, data.train).mean
    unit = known.std(0)
    nearest = torch.cdist(embedding.mean / unit, known / unit).kthvalue(outliers.NEIGHBOUR, dim=1).values
    assert torch.equal(found["latent_distance"], nearest.double())


def test_a_comparison(
    run: Run, data: Data, embedding: Embedding, errors: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "BOUND_SAMPLES", 2)
    seen, of_health = Seen(comparing, monkeypatch), Seen(health, monkeypatch)
    record = comparing.measure(run, comparing.Reference(data, None))
    figures = record["figures"]
    assert record["binarised"]
    assert figures["reconstruction_mse"] == float(errors.mean())
    known = inference.encode(run.model, data.train).mean
    assert len(seen.embeddings) == 2
    assert torch.equal(seen.embeddings[0].mean, known) and torch.equal(
        seen.embeddings[1].mean, embedding.mean
    )
    assert torch.equal(of_health.embeddings[0].mean, embedding.mean)
    labels = data.train.labels, data.test.labels
    assert figures["knn_accuracy"] == comparing.knn_accuracy(known, labels[0], embedding.mean, labels[1])


def test_measures_of_factors(run: Run, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the training images, of which there are enough, with factors that can be read off them."""
    images, labels = data.train.images, data.train.labels
    assert labels is not None and len(labels) > 1000
    ink = images.flatten(1).float().mean(1)
    split = Split(images, labels, None, torch.stack([labels.float(), ink], dim=1))
    kinds = (Factor("digit", 10, ordered=False), Factor("ink", None, 0.0, 255.0))
    seen = Seen(factors, monkeypatch)
    found = factors.measure_disentanglement(run.model, split, kinds)
    means = inference.encode(run.model, data.train).mean
    assert torch.equal(seen.embeddings[0].mean, means)
    codes = means.double().numpy()
    live = codes.var(0) >= factors.VOTING_VARIANCE
    assert split.factors is not None
    expected = factors.disentanglement(codes, split.factors.numpy(), kinds, live=live)
    assert found.scores == expected.scores
    np.testing.assert_array_equal(found.information, expected.information)
