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
from vaekit.data import Data, Split, to_unit
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.features.store import Features
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


def test_the_error_beside_bits_is_that_of_what_they_pay_for() -> None:
    """Of q(z|x) = N(x, s^2) and a decoder that adds nothing, s^2 per value: through the mean it would be 0."""
    shape, spread = (1, 2, 2), 0.1
    model = VAE(shape, 4, width=4, likelihood="gaussian")
    model.encoder = FlatAndLogVariance(2 * math.log(spread))
    model.decoder = Unflatten(shape)
    split = Split(0.4 + 0.2 * torch.rand(2000, *shape))  # so that nothing drawn leaves [0, 1]
    assert m.error_of_draws(model.eval(), split, 0) == pytest.approx(spread**2, rel=0.05)
    assert float(m.squared_errors(split.images, m.reconstruct(model, split)).mean()) < 1e-12


class FlatAndLogVariance(torch.nn.Module):
    """Pixels as posterior means, and one log-variance for all."""

    def __init__(self, log_variance: float) -> None:
        super().__init__()
        self.log_variance = log_variance
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return torch.cat([x.flatten(1), torch.full_like(x.flatten(1), self.log_variance)], dim=1)


def test_total_correlation_that_is_not_identified_has_a_note_and_no_figure(
    digits: Data, reference: m.Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posteriors that overlap everywhere identify it, those that lie far apart do not."""
    monkeypatch.setattr(m, "BOUND_SAMPLES", 2)
    torch.manual_seed(0)
    model = VAE(digits.shape, 3, width=8, likelihood="categorical")
    last = model.encoder.last
    assert isinstance(last, torch.nn.Linear)
    name, beside = "aggregate_total_correlation_nats", "total_correlation_from_moments_nats"
    notes: dict[str, str] = {}
    with torch.no_grad():
        last.weight.mul_(0.1)
    found = m.density_figures(model, reference, None, notes)
    assert notes == {} and abs(found[name]) < 0.05 and abs(found[beside]) < 0.05
    with torch.no_grad():
        last.weight[:3].mul_(3e4)
    found = m.density_figures(model, reference, None, notes)
    assert name not in found and 0 < found[beside] < 1
    assert notes[name].startswith(
        "total correlation of the aggregate not identified: the mutual information is at"
    )


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
    assert found["code_mse"] == pytest.approx(found["reconstruction_mse"], rel=1e-4), "codes are not drawn"
    assert found["fd"] > 0
    assert (found["parameters"], found["prior_parameters"], found["prior_epochs"]) == (21, 20, 3)
    assert (found["train_seconds"], found["prior_seconds"]) == (pytest.approx(0.6), 0.5)


def as_run(model: Any, path: Path = Path("nowhere")) -> Any:
    """What `measure` reads of a run."""
    from types import SimpleNamespace

    return SimpleNamespace(model=model.eval(), summary=summary(), path=path)


def in_order_of_ink(split: Split) -> Split:
    """Examples sorted by how much ink they have, as a file by year or writer may be."""
    return split.take(split.images.flatten(1).float().mean(1).argsort())


@pytest.fixture(scope="module")
def ordered(digits: Data) -> Data:
    """Files in which the place of an image says what it is like."""
    return digits.replace(train=in_order_of_ink(digits.train), test=in_order_of_ink(digits.test))


class Ink(Features):
    """The mean of an image's values, twice."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.name, self.dimensions, self.shape, self.about = "ink", 2, shape, {}

    def compute(self, images: Tensor) -> Tensor:
        x = to_unit(images).flatten(1)
        return torch.stack([x.mean(1), x[:, ::3].mean(1)], dim=1)


def test_no_comparison_is_with_the_first_images(ordered: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files in order of ink, a part of any size has the ink of the whole, among real images, those of the floor and the
    ends of midpoints; and every row of latents is compared with the same images as its floor."""
    monkeypatch.setattr(m, "FEW", 60)
    reference = m.Reference(ordered, Ink(ordered.shape))
    ink = reference.real(reference.count)[:, 0]
    assert bool((ink.diff() > -1e-6).all())
    compared: list[tuple[Tensor, Tensor]] = []
    own = m.frechet_distance
    monkeypatch.setattr(m, "frechet_distance", lambda x, y: compared.append((x, y)) or own(x, y))
    torch.manual_seed(0)
    reference.floor()
    m.latent_figures(AE(ordered.shape, 3, width=8), reference)
    training, blended = compared[0][0], compared[1][0]
    assert len(compared) == 5 and {len(one) for pair in compared for one in pair} == {60}
    assert all(torch.equal(real, compared[0][1]) for _, real in compared)
    error = float(ink.std()) / 60**0.5
    for drawn in (training, blended, compared[0][1], reference.real(40)):
        assert abs(float(drawn[:, 0].mean() - ink.mean())) < 4 * error
        assert abs(float(ink[:60].mean() - ink.mean())) > 6 * error, "which the first images are far from"


def test_the_floor_of_few_images_is_that_of_random_ones(
    ordered: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in unordered files on average; a prefix on either side would be many times as far."""
    monkeypatch.setattr(m, "FEW", 60)
    floors = [m.Reference(ordered, Ink(ordered.shape), seed).floor()["midpoint_fd"] for seed in range(8)]
    features = Ink(ordered.shape)
    train, test = (features(split.images).double() for split in (ordered.train, ordered.test))
    order = torch.Generator().manual_seed(0)
    expected = [
        m.frechet_distance(*(x[torch.randperm(len(x), generator=order)[:60]] for x in (train, test)))
        for _ in range(200)
    ]
    mean, spread = torch.tensor(expected).mean(), torch.tensor(expected).std()
    assert abs(torch.tensor(floors).mean() - mean) < 4 * spread / 8**0.5
    assert m.frechet_distance(train[:60], test[torch.randperm(150)[:60]]) > mean + 10 * spread


def test_midpoints_lie_between_other_images_than_those_they_are_judged_by(
    digits: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as there are as many."""
    for most, shared in ((60, 0), (75, 0), (100, 50), (150, 150)):
        monkeypatch.setattr(m, "FEW", most)
        reference = m.Reference(digits, None)
        first, second = reference.ends
        judging = reference.numbers[reference.judging(most)]
        assert len(set(first.tolist())) == most and not bool((first == second).any())
        assert sorted(first.tolist()) == sorted(second.tolist())
        assert int(torch.isin(first, judging).sum()) == shared


def test_latents_are_decoded_under_classes_as_they_are_among_training_images(
    digits: Data, reference: m.Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of files sorted by class the first would all be zeros."""
    assert digits.train.labels is not None
    by_class = digits.replace(train=digits.train.take(digits.train.labels.argsort(stable=True)))
    asked: list[Any] = []
    own = m.decode
    monkeypatch.setattr(m, "decode", lambda model, z, y=None: asked.append(y) or own(model, z, y))
    m.latent_figures(AE(digits.shape, 3, width=8), m.Reference(by_class, reference.features))
    shares = digits.train.labels.bincount(minlength=10) / len(digits.train)
    for labels in asked[1:]:
        found = labels.bincount(minlength=10) / len(labels)
        error = (shares * (1 - shares) / len(labels)).sqrt()
        assert bool(((found - shares).abs() < 4 * error).all())
