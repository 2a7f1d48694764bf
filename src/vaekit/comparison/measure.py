"""The figures of one run, by what its model can do; what a model does not define is absent.

Where a new kind of model joins: `latent_figures` (its latents are vectors that can be averaged and classified),
`density_figures` (they have a density), `code_figures` (they are discrete codes, which cost bits).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from vaekit.core import derive_seed
from vaekit.data import Data, Split, to_unit
from vaekit.data.moments import standard_of
from vaekit.data.picking import chosen, some
from vaekit.data.view import has_grey
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.latents.codebook import measure_codes
from vaekit.evaluation.latents.health import measure_health
from vaekit.evaluation.latents.probes import knn_accuracy, linear_accuracy
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.store import Features
from vaekit.evaluation.samples.frechet import frechet_distance
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.samples.memorisation import as_bytes
from vaekit.evaluation.samples.precision_recall import compare_manifolds
from vaekit.evaluation.samples.quality import compare_features, laplacian_energy
from vaekit.evaluation.table import of_which_prior
from vaekit.inference import asking, decode, encode, reconstruct, shown, shown_images, squared_errors
from vaekit.metrics import METRICS, has_bits
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, Quantizes, Reconstructs
from vaekit.models.which_prior import priors_of
from vaekit.runs.load import PRIOR, Run
from vaekit.runs.records import read_summary
from vaekit.runtime.pulse import ProgressCallback
from vaekit.runtime.random import seed_noise

DRAWN = 10_000  # images by which samples are judged, at most: as many as there are test images
FEW = 2_000  # for what is measured of latents: midpoints, decoded normal numbers, the aggregate posterior
ENCODED = 10_000  # training images that the readers of the latents learn from
BOUND_IMAGES, BOUND_SAMPLES = 1_000, 500  # of the importance-weighted bound
NO_PRIOR = (
    "cannot be sampled, its latents have no distribution to draw from; what decoding other latents gives is under Latent "
    "space and in its picture under Samples"
)


@dataclass
class Reference:
    """The reference that all runs are measured against, computed once.

    Attributes:
        data: real images.
        features: in which sets of images are compared; None where there are too few images.
        seed: of all draws and choices.
    """

    data: Data
    features: Features | None
    seed: int = 0

    @property
    def count(self) -> int:
        """Images of each kind that are compared."""
        return min(DRAWN, len(self.data.test), len(self.data.train))

    @cached_property
    def standard(self) -> Callable[[Tensor], Tensor]:
        """Brings real values to units of the training data's spread."""
        return standard_of(self.data)

    @property
    def classifier(self) -> ClassifierFeatures | None:
        """Reads classes from images, where the features come from one that does."""
        return self.features if isinstance(self.features, ClassifierFeatures) else None

    @property
    def few(self) -> int:
        """Images of each kind where latents are judged by what they decode to."""
        return min(FEW, self.count)

    @cached_property
    def numbers(self) -> Tensor:
        """Numbers of the test images that are compared, (count,)."""
        return some(len(self.data.test), self.count, self.seed, "chosen")

    @cached_property
    def _looked_at(self) -> Tensor:
        """Their features, (count, D) float64."""
        return self.look(self.data.test.take(self.numbers).images)

    def judging(self, size: int) -> Tensor:
        """Places among them of those that a set of a size is compared with: as many, drawn at random, the same ones for
        every set of that size, floors among them, (size,)."""
        return some(self.count, size, self.seed, "judging")

    def real(self, size: int) -> Tensor:
        """Features of the test images that a set of a size is compared with, (size, D) float64."""
        return self._looked_at[self.judging(size)]

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """Numbers of two test images each, all different, (few,): the ends between which midpoints lie. As far as there
        are as many, other images than those by which midpoints are judged."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "pairs"))
        order = torch.randperm(len(self.data.test), generator=generator)
        judging = torch.isin(order, self.numbers[self.judging(self.few)])
        order = torch.cat([order[~judging], order[judging]])[: self.few]
        return order, order.roll(1)

    @cached_property
    def energy(self) -> float | None:
        """Mean Laplacian energy of the test images; None where there are no edges to see."""
        images = self.standard(self.data.test.take(self.numbers).images)
        if images.ndim != 4 or min(images.shape[2:]) < 3:
            return None
        return float(laplacian_energy(images).mean()) or None

    def look(self, images: Tensor) -> Tensor:
        """Features of images, as 8-bit where the real ones are."""
        assert self.features is not None
        stored = as_bytes(images) if self.data.test.images.dtype == torch.uint8 else images
        return self.features(self.standard(stored)).double()

    def compare(self, images: Tensor) -> dict[str, float]:
        """Every figure of a set of images against the test images."""
        assert self.features is not None
        found = compare_features(self.look(images), self.real(len(images)), self.features.name, self.seed)
        figures = {name.removesuffix(f"_{self.features.name}"): value.value for name, value in found.items()}
        if self.energy is not None:
            figures["sharpness"] = float(laplacian_energy(self.standard(images)).mean()) / self.energy
        return figures

    def compare_few(self, images: Tensor, name: str) -> dict[str, float]:
        """Fréchet distance and precision of `few` images, `name_fd` and `name_precision`."""
        seen, real = self.look(images), self.real(len(images))
        return {
            f"{name}_fd": frechet_distance(seen, real),
            f"{name}_precision": float(compare_manifolds(seen, real).inside.double().mean()),
        }

    def floor(self) -> dict[str, float]:
        """Measures what a perfect model would reach: training images instead of generated ones; and for midpoints
        what no model is needed for: the mean of two images."""
        if self.features is None:
            return {}
        train = chosen(self.data.train, self.count, self.seed).images
        figures = self.compare(to_unit(train)) | classes_drawn(self, to_unit(train))
        few = self.compare_few(to_unit(train[some(len(train), self.few, self.seed, "few")]), "few")
        for name in ("midpoint", "normal", "fitted"):
            figures |= {f"{name}_{kind}": few[f"few_{kind}"] for kind in ("fd", "precision")}
        first, second = (to_unit(self.data.test.images[end]) for end in self.ends)
        return figures | {
            f"blend_{k}": v for k, v in self.compare_few((first + second) / 2, "midpoint").items()
        }


def measure(run: Run, reference: Reference, tell: ProgressCallback | None = None) -> dict[str, Any]:
    """Everything, JSON-able: `figures` by name, `notes` by name: why something is absent, and of which prior samples are; `tell`
    as in `evaluate`."""
    figures = costs(run)
    notes: dict[str, str] = {}
    model = run.model
    if not model.can_sample():
        notes["samples"] = NO_PRIOR
    elif reference.features is not None:
        images, labels = generate(model, reference.data.train, reference.count, reference.seed, tell)
        figures |= reference.compare(images) | classes_drawn(reference, images, labels)
    if isinstance(model, Reconstructs):
        test = reference.data.test
        errors = squared_errors(shown_images(model, test), reconstruct(model, test), model)
        figures["reconstruction_mse"] = float(errors.mean())
    if isinstance(model, Encodes) and isinstance(model, Decodes):
        figures |= latent_figures(model, reference)
    if isinstance(model, Encodes) and isinstance(model, HasPrior):
        figures |= density_figures(model, reference, tell, notes)
    if isinstance(model, Quantizes):
        figures |= code_figures(model, reference)
    name = model.likelihood_name
    binarised = model.pixels == "binary" and has_grey(reference.data.test.images)
    about = {} if name is None else {"likelihood": name, "likelihood_kind": measured_under(name).kind}
    about |= priors_of(model)
    if said := of_which_prior(about):
        notes["prior"] = said
    return {
        "figures": figures, "notes": notes, "measured": measured_on(reference, figures), "binarised": binarised, **about,
    }  # fmt: skip


def measured_on(reference: Reference, figures: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """Numbers of images and draws of figures that are not of all test images: name -> what its sentence says."""
    bound, few = (chosen(reference.data.test, most, reference.seed) for most in (BOUND_IMAGES, FEW))
    details = {name: {"images": len(few)} for name in ("rate_nats", "code_bits", "code_mse", "lossless_bits")}
    details["nll_nats"] = {"images": len(bound), "samples": BOUND_SAMPLES}
    return {name: detail for name, detail in details.items() if name in figures}


def costs(run: Run) -> dict[str, float]:
    """Parameters, epochs, steps and seconds of a run; parameters and seconds with those of its prior, if there
    is one, and the prior's own."""
    own, prior = run.summary, read_summary(run.path / PRIOR)
    assert own is not None
    figures: dict[str, float] = {
        "parameters": own.parameters,
        "epochs": own.epochs,
        "steps": own.steps,
        "train_seconds": own.train_seconds,
        "processor_seconds": own.processor_seconds or own.train_seconds,
    }
    if prior is None:
        return figures
    return figures | {
        "parameters": own.parameters + prior.parameters,
        "train_seconds": own.train_seconds + prior.train_seconds,
        "processor_seconds": figures["processor_seconds"] + (prior.processor_seconds or prior.train_seconds),
        "prior_parameters": prior.parameters,
        "prior_epochs": prior.epochs,
        "prior_seconds": prior.train_seconds,
    }


def classes_drawn(reference: Reference, images: Tensor, labels: Tensor | None = None) -> dict[str, float]:
    """Counts the classes that a classifier finds in images, and their evenness.

    `class_evenness` is the exponential of the entropy of the classes' shares over their number: 1 where
    all are as frequent, 1 / K where there is only one. `as_asked` is the share read as it was asked for.
    """
    if reference.classifier is None:
        return {}
    read = reference.classifier.classify(reference.standard(images)).argmax(1)
    shares = read.bincount(minlength=len(reference.classifier.class_names)).double() / len(read)
    entropy = -float(torch.xlogy(shares, shares).sum())
    figures = {"least_class": float(shares.min()), "class_evenness": math.exp(entropy) / len(shares)}
    if labels is not None:
        figures["as_asked"] = float((read == labels).double().mean())
    return figures


class EncodesAndDecodes(Encodes, Decodes, Protocol):
    """It encodes examples as vectors and decodes vectors."""


def latent_figures(model: EncodesAndDecodes, reference: Reference) -> dict[str, float]:
    """Measures how well classes can be read from the latents, and how good decoded points between and beyond
    them are."""
    data, seed = reference.data, reference.seed
    train = chosen(data.train, ENCODED, derive_seed(seed, "codes"))
    test = chosen(data.test, ENCODED, derive_seed(seed, "codes"))
    known, latents = encode(model, train).mean, encode(model, test).mean
    figures = {}
    if train.labels is not None and test.labels is not None:
        arguments = (known, train.labels, latents, test.labels)
        figures = {"knn_accuracy": knn_accuracy(*arguments), "probe_accuracy": linear_accuracy(*arguments)}
    if reference.features is None:
        return figures
    first, second = reference.ends
    ends = encode(model, data.test.take(first)).mean, encode(model, data.test.take(second)).mean
    middles = (ends[0] + ends[1]) / 2
    y = None if data.test.labels is None else data.test.labels[first]
    figures |= reference.compare_few(decode(model, middles, y), "midpoint")
    generator = torch.Generator().manual_seed(derive_seed(seed, "codes"))
    normal = torch.randn(reference.few, latents.shape[1], generator=generator)
    drawn = torch.randint(len(train), (reference.few,), generator=generator)
    y = None if train.labels is None else train.labels[drawn]
    figures |= reference.compare_few(decode(model, normal, y), "normal")
    fitted = known.mean(0) + normal @ root_of_covariance(known).T
    return figures | reference.compare_few(decode(model, fitted, y), "fitted")


def density_figures(
    model: Model,
    reference: Reference,
    tell: ProgressCallback | None = None,
    notes: dict[str, str] | None = None,
) -> dict[str, float]:
    """The bound on -log p(x), the rate and its parts, in nats; `code_bits` is the rate in bits, `code_mse` the squared
    error that it pays for: of z drawn from its posterior, on the same images.

    Total correlation is given where it is identified, and `notes` gain why it is not; that of a normal density with the
    latents' moments always.
    """
    seed = reference.seed
    paid = chosen(reference.data.test, FEW, seed)
    health = measure_health(model, paid, seed=seed, tell=tell)
    few = chosen(reference.data.test, BOUND_IMAGES, seed)
    figures = {"nll_nats": importance_bound(model, few, BOUND_SAMPLES, seed=seed, tell=tell).value}
    if health.rate is not None and health.distortion is not None:
        figures |= {"rate_nats": health.rate.value, "code_bits": health.rate.value / math.log(2)}
        figures["code_mse"] = error_of_draws(model, paid, seed)
        figures["active_units"] = health.active_units
        if has_bits(measured_under(model.likelihood_name).kind, model.pixels):
            figures["lossless_bits"] = (health.rate.value + health.distortion.value) / math.log(2)
    moments = health.of_moments.get("total_correlation_from_moments_nats")
    if moments is not None and not moments.why:
        figures["total_correlation_from_moments_nats"] = moments.value
    if health.aggregate is not None:
        name, found = "aggregate_total_correlation_nats", health.aggregate.total_correlation
        if found is not None:
            figures[name] = found.value
        elif notes is not None:
            notes[name] = f"{METRICS[name].label} not identified: {health.aggregate.unidentified[name]}"
    return figures


def code_figures(model: Quantizes, reference: Reference) -> dict[str, float]:
    """`code_bits`: -log2 of the codes' probability under the prior, where there is one, and the squared error through
    them, on as many test images as a VAE's rate."""
    few = chosen(reference.data.test, FEW, reference.seed)
    report = measure_codes(model, few)
    if report.code_bits is None:
        return {}
    return {"code_bits": report.code_bits[0], "code_mse": report.mse}


def error_of_draws(model: Model, split: Split, seed: int) -> float:
    """Squared error per value of what is decoded from one draw of each example's posterior."""
    parts = []
    with asking(model):
        for index, (x, y) in enumerate(shown(model, split)):
            seed_noise(x.device, derive_seed(seed, "draws", index))
            parts.append(to_unit(cast(Decodes, model).picture(model(x, y).likelihood)).cpu())
    return float(squared_errors(shown_images(model, split), torch.cat(parts), model).mean())


def root_of_covariance(latents: Tensor) -> Tensor:
    """A matrix A with A Aᵀ the covariance of latents (N, D), which may be singular."""
    values, vectors = torch.linalg.eigh(torch.atleast_2d(latents.double().T.cov()))
    return (vectors * values.clamp_min(0).sqrt()).to(latents.dtype)
