"""Each fault of a model is found, and none is found of a healthy one: models set by hand, and short trainings."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vaekit
from linear import LATENTS, SIGMA, LinearVAE
from vaekit.cli import tables
from vaekit.cli.spelling import as_typed
from vaekit.data import Data, Split, load_data
from vaekit.evaluation.evaluate import Evaluation, evaluate
from vaekit.evaluation.found import by_heart
from vaekit.evaluation.latents.findings import CodeUsage
from vaekit.evaluation.reconstructions import (
    Reconstructions,
    linear_variance,
    measure_reconstructions,
    residual_ratio,
)
from vaekit.evaluation.samples.classes_drawn import classes_drawn, effective
from vaekit.evaluation.samples.estimate import Estimate
from vaekit.evaluation.samples.quality import SampleQuality
from vaekit.evaluation.samples.sample_findings import sample_findings
from vaekit.models import AE, GAN, VAE, VQVAE
from vaekit.models.mixture import Mixture


def evaluation_text(found: Any) -> str:
    """What is printed of an evaluation, as one text."""
    return "\n".join(tables.evaluation_text(found))


QUIET: dict[str, Any] = {"progress": "none", "device": "cpu"}


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


def kinds(found: Evaluation) -> list[str]:
    return [note.kind for note in found.findings]


class Affine(nn.Module):
    """A linear map; an encoder adds log-variances that are the same for all examples."""

    def __init__(self, weight: Tensor, bias: Tensor, log_variance: Tensor | None = None) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.log_variance = None if log_variance is None else nn.Parameter(log_variance)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        out = x @ self.weight.T + self.bias
        return out if self.log_variance is None else torch.cat([out, self.log_variance.expand(len(x), -1)], 1)


class Linear:
    """x = W z + b + noise, its exact encoder, and rows drawn from it for training and test.

    Args:
        latents: of the model; those beyond the first `used` carry nothing.
        signal: standard deviation of the weights; noise has 0.5.
        sigma: what the model takes the noise to be.
    """

    def __init__(
        self,
        latents: int = 3,
        used: int = 3,
        signal: float = 1.0,
        sigma: float = 0.5,
        values: int = 8,
        rows: int = 300,
    ) -> None:
        generator = torch.Generator().manual_seed(7)
        self.weight = signal * torch.randn(values, latents, generator=generator)
        self.weight[:, used:] = 0
        z = torch.randn(2 * rows, latents, generator=generator)
        x = z @ self.weight.T + 0.5 * torch.randn(2 * rows, values, generator=generator)
        precision = torch.eye(latents) + self.weight.T @ self.weight / sigma**2
        self.encoder = Affine(
            torch.linalg.solve(precision, self.weight.T / sigma**2),
            torch.zeros(latents),
            -precision.diagonal().log(),
        )
        self.decoder = Affine(self.weight, torch.zeros(values))
        self.model = VAE(
            (values,),
            latents,
            likelihood="gaussian",
            sigma=sigma,
            pixels="real",
            encoder=self.encoder,
            decoder=self.decoder,
        )
        parts = {"train": Split(x[:rows]), "validation": Split(x[:0]), "test": Split(x[rows:])}
        self.data = Data("made up", **parts, pixels="real")

    def judged(self, **options: Any) -> Evaluation:
        return evaluate(self.model, self.data, samples=2, **QUIET, **options)


@torch.no_grad()
def test_a_model_of_the_data_is_healthy() -> None:
    found = Linear().judged(features="auto")
    assert found.findings == found.remarks == []
    line = evaluation_text(found).splitlines()[-1]
    assert line.startswith("nothing wrong found; looked at: rate, explained variance, a linear model")
    assert line.endswith("; not at: classes of samples")  # these rows have none
    without = evaluation_text(Linear().judged()).splitlines()[-1]
    assert "not at: classes of samples, quality and copies among samples" in without


def test_an_autoencoder_is_healthy_and_told_that_it_has_no_prior() -> None:
    linear = Linear()
    encoder = Affine(linear.encoder.weight.detach(), torch.zeros(3))
    model = AE(
        (8,), 3, likelihood="gaussian", sigma=0.5, pixels="real", encoder=encoder, decoder=linear.decoder
    )
    found = evaluate(model, linear.data, features="auto", **QUIET)
    assert kinds(found) == [] and [remark.kind for remark in found.remarks] == ["no prior"]
    mixture = Mixture((3,), 1)
    mixture.prepare(model.latents_for_prior(linear.data.train.images))
    model.fitted = lambda: mixture
    again = evaluate(model, linear.data, features="auto", **QUIET)
    assert again.findings == again.remarks == [] and again.quality is not None


def test_a_fitted_prior_mends_latents_far_from_the_own_one() -> None:
    linear = Linear()
    with torch.no_grad():
        linear.encoder.bias.add_(4.0)
        linear.decoder.bias.sub_(linear.weight.sum(1) * 4.0)
    mixture = Mixture((3,), 1)
    mixture.prepare(linear.model.latents_for_prior(linear.data.train.images))
    linear.model.fitted = lambda: mixture
    assert kinds(linear.judged(features="auto")) == []


def test_idle_dimensions_are_a_remark() -> None:
    found = Linear(latents=40, used=3).judged(features="auto")
    assert kinds(found) == []
    assert [remark.kind for remark in found.remarks] == ["spare dimensions"]
    assert "remark: 37 of 40 dimensions" in evaluation_text(found)


def test_little_is_explained_where_there_is_little_to_explain() -> None:
    """Of rows that are noise for the most part nobody explains half; a linear model says so."""
    found = Linear(signal=0.2, values=20, rows=1000).judged(features="auto")
    assert found.health is not None and 0.1 < found.health.explained < 0.4
    assert found.rebuilt is not None and found.rebuilt.linear == pytest.approx(
        found.health.explained, abs=0.1
    )
    assert kinds(found) == []
    assert "explain no more than" in evaluation_text(found).splitlines()[-1]


@pytest.mark.parametrize(
    ("kl", "latents"), [(0.02, 3), (0.05, 3), (0.3, 3), (0.009, 90), (0.0001, 3), (0.02, 1)]
)
def test_latents_that_carry_next_to_nothing_are_collapse(kl: float, latents: int) -> None:
    """Whatever the number of dimensions: each mean varies by 2 kl over rows, and the decoder is the mean of all."""
    linear = Linear(latents)
    with torch.no_grad():
        linear.encoder.weight.zero_()
        assert linear.encoder.log_variance is not None
        linear.encoder.log_variance.zero_()
        linear.encoder.weight[:, 0] = math.sqrt(2 * kl) / linear.data.test.images[:, 0].std()
        linear.decoder.weight.zero_()
    found = linear.judged(features="auto")
    assert found.health is not None and found.health.rate is not None
    assert found.health.rate.value == pytest.approx(kl * latents, rel=0.2)
    assert kinds(found)[:1] == ["collapse"]
    assert "posterior collapse" in found.findings[0].text and "free_bits" in found.findings[0].remedy
    assert "nothing wrong" not in evaluation_text(found)


def test_a_rate_that_the_decoder_does_not_use_is_noise() -> None:
    linear = Linear()
    with torch.no_grad():
        linear.decoder.weight.zero_()
    assert kinds(linear.judged())[:1] == ["noise"]


def test_much_less_than_a_linear_model_is_poor() -> None:
    linear = Linear()
    with torch.no_grad():
        linear.decoder.weight.mul_(0.25)
    found = linear.judged()
    assert found.rebuilt is not None and found.rebuilt.linear is not None
    assert found.rebuilt.explained < 0.6 * found.rebuilt.linear and found.rebuilt.explained > 0.05
    assert "poor" in kinds(found)


@pytest.mark.parametrize(
    ("sigma", "said"), [(5.0, "smaller"), (0.05, "larger"), (0.2, "larger"), (0.5, ""), (0.8, ""), (0.35, "")]
)
def test_the_scale_of_the_likelihood(sigma: float, said: str) -> None:
    linear = Linear(sigma=sigma)
    with torch.no_grad():  # the networks of the right scale
        right = Linear()
        linear.encoder.weight.copy_(right.encoder.weight)
        linear.encoder.log_variance.copy_(right.encoder.log_variance)  # type: ignore[union-attr]
    found = linear.judged()
    assert found.rebuilt is not None and found.rebuilt.residual_ratio is not None
    expected = (0.5 / sigma) ** 2
    assert found.rebuilt.residual_ratio == pytest.approx(expected, rel=0.15)
    scale = [note for note in found.findings if note.kind == "scale"]
    assert bool(scale) == bool(said)
    assert not said or f"times {said} than the standard deviation" in scale[0].text
    assert not said or "gaussian-optimal" in scale[0].remedy


def test_the_ratio_is_that_of_the_formula() -> None:
    """E |x - W z - b|^2 / (P sigma^2), z ~ q(z|x), of the linear VAE of the other tests."""
    linear = LinearVAE(400)
    found = linear.model.encode(linear.split.images)
    mean, variance = found.mean.detach().double(), found.variance.detach().double()
    w = linear.weight.double()
    rest = (linear.split.images.double() - linear.bias.double() - mean @ w.T).square().sum(1)
    expected = (rest + variance @ w.square().sum(0)).mean() / (6 * SIGMA**2)
    assert residual_ratio(linear.model, linear.split) == pytest.approx(float(expected), rel=0.05)
    assert LATENTS == 3


def test_a_likelihood_without_a_variance_is_asked_for_draws(digits: Data) -> None:
    torch.manual_seed(0)
    levels = VAE((1, 8, 8), 3, width=8, likelihood="categorical")
    with torch.no_grad():  # every level is as likely: mean 1/2, variance (256^2 - 1) / 12 / 255^2
        for parameter in levels.decoder.parameters():
            parameter.zero_()
    expected = (digits.test.images / 255 - 0.5).square().mean() / ((256**2 - 1) / 12 / 255**2)
    assert residual_ratio(levels, digits.test) == pytest.approx(float(expected), rel=0.02)
    assert residual_ratio(VAE((1, 8, 8), 3, width=8, likelihood="bce"), digits.test) is None


def test_the_linear_model_is_sklearns() -> None:
    from sklearn.decomposition import PCA

    linear = Linear(rows=500)
    found = linear_variance(linear.model, linear.data.test, linear.data.train)
    theirs = PCA(3).fit(linear.data.train.images.numpy())
    x = linear.data.test.images.numpy()
    explained = (
        1 - ((theirs.inverse_transform(theirs.transform(x)) - x) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()
    )
    assert found is not None and explained - 0.05 < found <= explained + 1e-3  # shrunk towards the mean


def test_latents_far_from_the_prior() -> None:
    linear = Linear()
    with torch.no_grad():
        linear.encoder.bias.add_(4.0)
        linear.decoder.bias.sub_(linear.weight.sum(1) * 4.0)
    found = linear.judged()
    assert kinds(found)[0] == "far from the prior"
    assert "vaekit prior" in found.findings[0].remedy


@pytest.mark.parametrize("where", ["encoder", "decoder"])
def test_what_is_not_finite_is_said(where: str) -> None:
    linear = Linear()
    with torch.no_grad():
        getattr(linear, where).weight[0, 0] = math.nan
    found = linear.judged(features="auto")
    assert kinds(found) == ["not finite"]
    values = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert values["negative_elbo_nats"]["value"] is None
    assert "found: not finite: " in evaluation_text(found) and "nothing wrong" not in evaluation_text(found)
    assert "learning_rate" in found.findings[0].remedy


class Nearest(nn.Module):
    """The value that belongs to the nearest of some points."""

    def __init__(
        self, points: Tensor, values: Tensor, shape: tuple[int, ...], log_variance: float | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.points, self.values = nn.Parameter(points), nn.Parameter(values)
        self.log_variance = log_variance

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        found = self.values[torch.cdist(x.flatten(1), self.points).argmin(1)]
        found = found.unflatten(1, self.shape)
        return (
            found
            if self.log_variance is None
            else torch.cat([found, torch.full_like(found, self.log_variance)], 1)
        )


def lookup(data: Data, kind: Any, **options: Any) -> Any:
    """A model that knows its training images by heart and gives the nearest of them."""
    x = (data.train.images / 255.0).flatten(1)
    codes = torch.randn(len(x), 2, generator=torch.Generator().manual_seed(0))
    encoder = Nearest(x, codes, (2,), None if kind is AE else -16.0)
    return kind(
        (1, 8, 8),
        2,
        encoder=encoder,
        decoder=Nearest(codes, x, (1, 8, 8)),
        likelihood="gaussian",
        sigma=0.1,
        **options,
    )


@pytest.mark.parametrize("kind", [VAE, AE])
def test_images_learned_by_heart(digits: Data, kind: Any) -> None:
    few = digits.replace(train=digits.train.take(torch.arange(200)))
    found = evaluate(lookup(few, kind), few, samples=2, features="auto", **QUIET)
    assert "overfitting" in kinds(found) and "scale" not in kinds(found)
    assert kind is AE or "copies" in kinds(found)


def test_worse_than_the_mean_explains_nothing_and_options_are_named_as_they_are_typed() -> None:
    """Two test pictures of twelve: "explain -93%" is no share of anything."""
    note = by_heart(Reconstructions(-0.93, 0.42, None, None), chosen=True)
    assert note is not None
    assert "explain 0% of the variance, of training examples 42%" in note.text
    assert "a smaller --latent-dim or --width, or more examples" in as_typed(note)


class Draws(nn.Module):
    """One of some images for each z."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.images = nn.Parameter(images.flatten(1))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.images[(z[:, 0] * 1e4).long() % len(self.images)].logit(1e-4)


def generator_of(images: Tensor) -> GAN:
    torch.manual_seed(0)
    model = GAN((1, 8, 8), 2, width=8)
    model.generator = Draws(images)
    return model


def test_samples_of_all_kinds_are_healthy(digits: Data) -> None:
    found = evaluate(generator_of(digits.validation.images / 255.0), digits, features="auto", **QUIET)
    assert kinds(found) == []
    assert found.sample_classes == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("features", ["auto", None])
@pytest.mark.parametrize("classes", [(3,), (3, 7)])
def test_samples_of_few_classes(digits: Data, classes: tuple[int, ...], features: str | None) -> None:
    assert digits.validation.labels is not None
    chosen = torch.isin(digits.validation.labels, torch.tensor(classes))
    found = evaluate(
        generator_of(digits.validation.images[chosen] / 255.0), digits, features=features, **QUIET
    )
    assert kinds(found) == ["samples"]
    assert "classes" in found.findings[0].text
    assert found.sample_classes == pytest.approx(len(classes) / 10, abs=0.08)


def test_samples_that_are_no_images(digits: Data) -> None:
    noise = torch.rand(400, 64, generator=torch.Generator().manual_seed(0)) * 0.7
    found = evaluate(generator_of(noise), digits, features="auto", **QUIET)
    assert kinds(found) == ["samples"]


def test_samples_without_labels_that_come_near_few_images(digits: Data) -> None:
    bare = {name: Split(split.images) for name, split in digits.splits.items()}
    threes = digits.validation.images[digits.validation.labels == 3]  # type: ignore[operator]
    found = evaluate(
        generator_of(threes / 255.0), digits.replace(**bare, class_names=None), features="auto", **QUIET
    )
    assert kinds(found) == ["samples"] and "whole kinds are missing" in found.findings[0].text


def test_copies_are_found_beside_other_faults() -> None:
    figures = {
        "precision_x": Estimate(0.9, 0.01),
        "coverage_x": Estimate(0.9, 0.01),
        "memorised": Estimate(0.9, 0.05),
    }
    floor = {"precision_x": Estimate(0.9, 0.01), "coverage_x": Estimate(0.95, 0.01)}
    quality = SampleQuality("x", {}, figures, floor)
    assert [note.kind for note in sample_findings(0.6, [], quality)] == ["copies"]
    assert [note.kind for note in sample_findings(0.01, [], quality)] == ["samples", "copies"]
    fitted = sample_findings(0.01, fitted=True)[0].remedy
    assert "vaekit prior" in sample_findings(0.01)[0].remedy and "components" in fitted
    assert "3.5 times as much" in sample_findings(3.5)[0].text


def test_effective_number_of_classes(digits: Data) -> None:
    assert effective(torch.tensor([0, 0, 1, 1])) == pytest.approx(2)
    assert effective(torch.tensor([5, 5, 5])) == pytest.approx(1)
    mixed = Split(digits.train.images, digits.train.labels[torch.randperm(len(digits.train))])  # type: ignore[index]
    assert (
        classes_drawn(generator_of(digits.validation.images / 255.0), digits.test, mixed) is None
    )  # labels say nothing


def test_one_code_that_stands_for_nearly_everything() -> None:
    skewed = CodeUsage.of(torch.tensor([10_000, 1, 1, 1, 1, 1, 1, 1]))
    assert "one of them stands for nearly everything" in skewed.findings()[0].text
    assert CodeUsage.of(torch.tensor([500, 100, 100, 100])).findings() == []


def test_codes_that_say_nothing_of_images(digits: Data) -> None:
    torch.manual_seed(0)
    model = VQVAE((1, 8, 8), downsample=2, codes=8, code_dim=2, width=8, depth=1)
    assert measure_reconstructions(model, digits.test, None).explained < 0.05
    assert {"nothing", "codes"} & set(kinds(evaluate(model, digits.test, **QUIET)))


def judged_run(tmp_path: Path, method: str, data: Data, **options: Any) -> Evaluation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vaekit.train(method, data, out=tmp_path / "run", **QUIET, **options)
    return evaluate(tmp_path / "run", data, samples=2, features="auto", **QUIET)


def test_a_good_run_has_no_fault(tmp_path: Path, digits: Data) -> None:
    found = judged_run(tmp_path, "vae", digits, epochs=8)
    assert found.findings == []
    assert evaluation_text(found).splitlines()[-1].startswith("nothing wrong found; looked at: rate, ")


def test_a_run_under_too_wide_a_likelihood(tmp_path: Path, digits: Data) -> None:
    """What squared error as a likelihood of sigma 1 makes of grey images: collapse, and the scale is why."""
    found = judged_run(tmp_path, "vae", digits, likelihood="gaussian", sigma=1.0, steps=150)
    assert kinds(found) == ["collapse", "scale"]
