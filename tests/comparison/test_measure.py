"""The figures of a run, against other ways of working them out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from toy import summary, toy_data
from vaekit import AE, GAN, VAE, VQVAE, load_data
from vaekit.comparison import measure as m
from vaekit.data import Data, Split
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.samples.quality import sample_quality
from vaekit.models.code_prior import CodePrior
from vaekit.runs.write import write_summary


class Brightness(ClassifierFeatures):
    """Reads an image's class from its brightness: 0 to 3."""

    def __init__(self) -> None:
        self.name, self.dimensions, self.shape, self.about = (
            "brightness",
            1,
            (1, 2, 2),
            {"class_names": [*"abcd"]},
        )

    def classify(self, images: Tensor) -> Tensor:
        brightness = (4 * images.flatten(1).mean(1)).long().clamp(0, 3)
        return torch.nn.functional.one_hot(brightness, 4).float().log()


def few(data: Data, count: int) -> Data:
    return data.replace(
        train=data.train.take(torch.arange(4 * count)), test=data.test.take(torch.arange(count))
    )


@pytest.fixture(scope="module")
def digits() -> Data:
    return few(load_data("digits"), 150)


@pytest.fixture(scope="module")
def reference(digits: Data) -> m.Reference:
    return m.Reference(digits, fit_pca(digits, 8))


def test_classes_and_how_evenly_they_are_drawn() -> None:
    reference = m.Reference(toy_data(), Brightness())  # type: ignore[arg-type]
    shades = torch.tensor([0.1] * 6 + [0.3] * 3 + [0.6])
    images = shades[:, None, None, None].expand(-1, 1, 2, 2)
    found = m.classes_drawn(reference, images, torch.tensor([0] * 6 + [2] * 4))
    entropy = -(0.6 * math.log(0.6) + 0.3 * math.log(0.3) + 0.1 * math.log(0.1))
    assert found["class_evenness"] == pytest.approx(math.exp(entropy) / 4)
    assert found["least_class"] == 0.0
    assert found["as_asked"] == pytest.approx(0.7)
    assert m.classes_drawn(m.Reference(None, None), images) == {}  # type: ignore[arg-type]


def test_samples_are_judged_as_evaluate_does(digits: Data, reference: m.Reference) -> None:
    torch.manual_seed(0)
    model = VAE(digits.shape, 4, width=16)
    images, labels = generate(model, digits.train, reference.count, 0)
    assert labels is None
    features = reference.features
    assert features is not None
    theirs = sample_quality(images, digits.test.images, digits.train.images, features)
    found = reference.compare(images)
    for name in ("fd", "kd", "precision", "recall", "density", "coverage"):
        assert found[name] == pytest.approx(theirs.figures[f"{name}_{features.name}"].value, rel=1e-6), name
    assert found["sharpness"] == pytest.approx(theirs.figures["sharpness"].value, rel=0.02)


def test_the_floor_is_that_of_real_images(reference: m.Reference) -> None:
    """Training images come close to test images; the mean of two images lies where no image is."""
    floor = reference.floor()
    assert 1.5 * floor["fd"] < floor["blend_midpoint_fd"]
    assert floor["sharpness"] == pytest.approx(1.0, abs=0.1)
    assert floor["normal_fd"] == floor["fitted_fd"] == floor["midpoint_fd"] == pytest.approx(floor["fd"])


def test_the_floor_is_of_training_images_against_test_images(digits: Data, reference: m.Reference) -> None:
    features = reference.features
    assert features is not None
    theirs = sample_quality(digits.train.images, digits.test.images, digits.train.images, features)
    floor = reference.floor()
    for name in ("fd", "kd", "precision", "recall", "density", "coverage"):
        estimate = theirs.floor[f"{name}_{features.name}"]
        assert floor[name] == pytest.approx(estimate.value, rel=0.3, abs=4 * estimate.error), name
    assert floor["fd"] > 0.01 > m.Reference(digits.replace(train=digits.test), features).floor()["fd"]


class Identity(AE):
    """Codes are the pixels themselves, which makes every figure of its codes one of pixels."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, math.prod(shape), likelihood="gaussian", width=4)
        self.encoder, self.decoder = Flatten(), Unflatten(shape)
        self.anchor = torch.nn.Parameter(torch.zeros(1))


class Flatten(torch.nn.Module):
    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return x.flatten(1)


class Unflatten(torch.nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return z.view(-1, *self.shape)


def test_codes_that_are_pixels(digits: Data, reference: m.Reference) -> None:
    """Midpoints are then the means of two images, and reconstruction is perfect."""
    model = Identity(digits.shape)
    found, floor = m.latent_figures(model, reference), reference.floor()
    assert found["midpoint_fd"] == pytest.approx(floor["blend_midpoint_fd"], rel=1e-3)
    assert found["midpoint_precision"] == pytest.approx(floor["blend_midpoint_precision"], abs=0.02)
    assert found["knn_accuracy"] > 0.9
    rebuilt = m.reconstruct(model, digits.test)
    torch.testing.assert_close(rebuilt, digits.test.images / 255)
    # A normal distribution with the codes' mean and covariance is nearer to them than N(0, I) is.
    assert found["fitted_fd"] < 0.2 * found["normal_fd"]


def test_the_root_of_a_covariance() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(500, 3, generator=generator) @ torch.tensor([[2.0, 0, 0], [1, 0.5, 0], [0, 0, 0]])
    root = m.root_of_covariance(codes)
    torch.testing.assert_close(root @ root.T, codes.T.cov(), atol=1e-4, rtol=1e-4)
    single = codes[:, :1]
    torch.testing.assert_close(m.root_of_covariance(single).square(), single.var(0)[:, None])


def test_the_code_costs_its_kl_in_bits(
    digits: Data, reference: m.Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A posterior that is N(mean, 1) whatever the image has a KL of half the square of its mean."""
    monkeypatch.setattr(m, "BOUND_SAMPLES", 20)
    torch.manual_seed(0)
    model = VAE(digits.shape, 3, width=8, likelihood="categorical")
    last = model.encoder.last
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([1.0, 2.0, 0.0, 0.0, 0.0, 0.0]))
    found = m.density_figures(model, reference)
    assert found["rate_nats"] == pytest.approx(2.5, rel=0.02)
    assert found["code_bits"] == pytest.approx(2.5 / math.log(2), rel=0.02)
    assert found["active_units"] == 0
    assert found["lossless_bits"] > found["nll_nats"] / math.log(2), "the bound with many samples is tighter"


def test_what_a_model_lacks_is_absent(digits: Data, reference: m.Reference) -> None:
    gan, ae = GAN(digits.shape, 3, width=8), AE(digits.shape, 3, width=8)
    record = m.measure(as_run(gan), reference)
    assert record["notes"] == {"prior": "samples from N(0, I)"}
    assert record["samples_from"] == record["prior"] == "N(0, I)"
    assert {"reconstruction_mse", "probe_accuracy", "nll_nats", "code_bits"}.isdisjoint(record["figures"])
    record = m.measure(as_run(ae), reference)
    assert record["notes"] == {"samples": m.NO_PRIOR}
    assert "fd" not in record["figures"]
    assert {"reconstruction_mse", "normal_fd", "fitted_fd"} <= record["figures"].keys()


def test_without_labels_or_features_less_is_measured(digits: Data) -> None:
    bare = digits.replace(
        train=Split(digits.train.images), test=Split(digits.test.images), class_names=None
    )  # fmt: skip
    found = m.latent_figures(AE(digits.shape, 3, width=8), m.Reference(bare, None))
    assert found == {}
    record = m.measure(as_run(VAE(digits.shape, 3, width=8)), m.Reference(bare, None))
    assert "fd" not in record["figures"]
    assert record["figures"]["reconstruction_mse"] > 0


class Alike(CodePrior):
    """Every grid is as likely as any other."""

    def marginal_nats(self, x: Tensor) -> Tensor:
        return torch.full((len(x),), math.log(16) * x[0].numel())

    def sample(self, count: int, y: Tensor | None = None, **options: Any) -> Tensor:
        return torch.randint(16, (count, *self.shape), generator=options["generator"])


def test_discrete_codes_with_a_prior_are_drawn_and_cost_bits(
    digits: Data, reference: m.Reference, tmp_path: Path
) -> None:
    model = VQVAE(digits.shape, downsample=2, codes=16, code_dim=4, width=8, depth=1)
    record = m.measure(as_run(model), reference)
    assert record["notes"] == {"samples": m.NO_PRIOR}
    assert {"fd", "code_bits", "prior_seconds"}.isdisjoint(record["figures"])
    prior = Alike((1, 4, 4), width=8, depth=1, heads=1, codes=16)
    model.fitted = lambda: prior
    (tmp_path / "prior").mkdir()
    write_summary(tmp_path / "prior", summary(parameters=20, epochs=3, train_seconds=0.5))
    record = m.measure(as_run(model, tmp_path), reference)
    found = record["figures"]
    drawn = "a transformer over grids of 4 × 4 codes, fitted to the latents"
    assert record["notes"] == {"prior": f"samples from {drawn}"} and record["samples_from"] == drawn
    assert found["code_bits"] == pytest.approx(16 * 4)
    assert found["fd"] > 0
    assert (found["parameters"], found["prior_parameters"], found["prior_epochs"]) == (21, 20, 3)
    assert (found["train_seconds"], found["prior_seconds"]) == (pytest.approx(0.6), 0.5)


def as_run(model: Any, path: Path = Path("nowhere")) -> Any:
    """What `measure` reads of a run."""
    from types import SimpleNamespace

    return SimpleNamespace(model=model.eval(), summary=summary(), path=path)
