"""`evaluate`: everything that can be measured of a model, in one record with units."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaekit.core import SettingError, choose
from vaekit.data import Data, Split
from vaekit.data.moments import standard_of
from vaekit.data.picking import chosen
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.asked import Asked, asked_of, describe
from vaekit.evaluation.factors.disentanglement import Disentanglement, measure_disentanglement
from vaekit.evaluation.keep import can_keep
from vaekit.evaluation.keep import keep as keep_with
from vaekit.evaluation.latents.codebook import CodeReport, measure_codes
from vaekit.evaluation.latents.findings import chosen_by_validation, findings, run_notes, sample_findings
from vaekit.evaluation.latents.health import Health, measure_health
from vaekit.evaluation.likelihood.bounds import MeanNats, check_count
from vaekit.evaluation.likelihood.estimates import in_bits_of, measure_likelihood
from vaekit.evaluation.samples.features.store import Features
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.samples.quality import SampleQuality, sample_quality
from vaekit.metrics import key_under
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, Quantizes, Reconstructs
from vaekit.runs.ask import run_of
from vaekit.runs.json_records import as_json
from vaekit.runs.load import Run
from vaekit.runs.records import Note
from vaekit.runtime.device import PRECISIONS
from vaekit.runtime.pulse import ProgressCallback, pulse
from vaekit.training.learned import variety

GENERATED = 10_000  # images to judge the quality of samples by, at most


@dataclass(frozen=True)
class Evaluation:
    """The figures of an evaluation; those that a model does not define are absent.

    Attributes:
        about: model, data, and under what conditions; `classes` where the model is conditioned on the class y of
            each image: its likelihoods are then of p(x|y).
        likelihood: by name, in nats per image. `nll_nats` is the importance-weighted bound,
            `nll_annealed_nats` that of annealed importance sampling on fewer images. Under `bce`, which
            is no likelihood, they are `bce_bound_nats` and the like.
        bits: bounds of mass functions on 8-bit pixels in bits/dim, `nll_bpd` and the like.
        health: of the latent space, if the model has an encoder.
        sample_variance: between samples over that between test images, as in `vaekit.training.learned`.
        findings: what is wrong, with the run or its latent space, and what would help.
        quality: of samples, if features were given and the model can sample.
        codes: of a model with discrete codes.
        disentanglement: of the latents, if the images' factors are known.
    """

    about: Mapping[str, Any]
    likelihood: Mapping[str, MeanNats] = field(default_factory=dict)
    bits: Mapping[str, float] = field(default_factory=dict)
    health: Health | None = None
    sample_variance: float | None = None
    findings: list[Note] = field(default_factory=list)
    quality: SampleQuality | None = None
    codes: CodeReport | None = None
    disentanglement: Disentanglement | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        values = {
            **self.about,
            **{name: mean.as_dict() for name, mean in self.likelihood.items()},
            **self.bits,
            "sample_variance": self.sample_variance,
            "health": self.health and self.health.as_dict(),
            "codes": self.codes and self.codes.as_dict(),
            "findings": [as_json(finding) for finding in self.findings],
            "quality": self.quality
            and {
                "features": self.quality.features,
                "images": dict(self.quality.counts),
                **self.quality.flat(),
                "notes": list(self.quality.notes),
            },
            "disentanglement": self.disentanglement and self.disentanglement.as_dict(),
        }
        return {name: value for name, value in values.items() if value is not None}


def evaluate(
    model: Model | Run | str | Path,
    data: Data | Split | str | None = None,
    *,
    label: str | None = None,
    samples: int = 5000,
    images: int | None = None,
    jackknife: bool = False,
    annealed: int = 0,
    features: Features | str | Path | None = None,
    disentanglement: str = "auto",
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    keep: bool = False,
    progress: str = "auto",
    tell: ProgressCallback | None = None,
) -> Evaluation:
    """Measures a model on test images: likelihood, the health of its latent space, quality of samples, and
    disentanglement where the factors of the images are known.

    Args:
        model: a model, a run, or a run's folder.
        data: images of a split; or a data set, or for a run its source, of which the test split is measured and
            the training split serves for comparison; None takes a run's own data.
        label: class of the images of a source without labels, for a conditional run.
        samples: K of the importance-weighted bound.
        images: number of images to measure the likelihood on, drawn at random; None takes all.
        jackknife: also `nll_jackknife_nats`: the same draws again, without the bias of order 1/K.
        annealed: images on which the bound is checked by annealed importance sampling; 0 does not.
        features: in which samples are compared with test images: a name or file, or such features; "auto" takes
            mnist_v1 for MNIST, else principal components. Needs a data set. None leaves the quality out.
        disentanglement: "auto" measures it where the data's factors are known, "yes" insists, "no" does not.
        seed: of all draws.
        precision: of the networks: fp32, bf16, or auto.
        device: where a folder's model is computed.
        keep: write the result into the run's summary.json and report.html; of a run on its own data only. Where they
            cannot be written, a VaekitWarning says why.
        progress: "auto" shows what is measured and the time left, on standard error; "none" nothing.
        tell: called instead with what is measured, how many images are done, and of how many.

    Raises:
        SettingError: numbers out of range, pixels on which the model's likelihood is not defined,
            features without a data set; or for the disentanglement no known factors, latents that are no
            vectors, or too few images.
        DataError: no images, or of another shape than the model's.
        RunError: a run that cannot be used.
    """
    began = time.monotonic()
    check_numbers(samples, images, jackknife, annealed)
    choose(precision, PRECISIONS, "precision")
    run = run_of(model, device) if isinstance(model, str | Path) else model
    if keep and (data is not None or not isinstance(run, Run)):
        raise SettingError("keep=True keeps what is measured of a run on its own data; leave data= away.")
    asked = asked_of(run, data, label, features, disentanglement)
    keep = keep and isinstance(run, Run) and can_keep(run)
    model, test, under = asked.model, asked.test, measured_under(asked.model.likelihood_name)
    about = describe(asked, under, seed, precision)
    health, likelihood, factors, codes = None, {}, None, None
    with pulse(progress, tell) as told:
        options: dict[str, Any] = {"seed": seed, "precision": precision, "tell": told}
        if isinstance(model, Encodes) and isinstance(model, Reconstructs):
            health = measure_health(model, test, asked.train, **options)
        if health is not None and health.rate is not None:
            few = chosen(test, images or len(test), seed)
            likelihood = measure_likelihood(model, few, samples, jackknife, annealed, **options)
        if asked.factors is not None and isinstance(model, Encodes):
            factors = measure_disentanglement(model, test, asked.factors, seed=seed)
        if isinstance(model, Quantizes):
            codes = measure_codes(model, test, asked.train)
        quality = measure_quality(asked, seed, told)
    varied = variety(model, test)
    result = Evaluation(
        likelihood={key_under(name, under): mean for name, mean in likelihood.items()},
        bits=in_bits_of(model, likelihood, under.kind),
        health=health,
        sample_variance=varied,
        findings=all_found(run if isinstance(run, Run) else None, health, codes, varied),
        quality=quality,
        codes=codes,
        disentanglement=factors,
        about={**about, "seconds": round(time.monotonic() - began, 1)},
    )
    if keep and isinstance(run, Run):
        keep_with(run, result.as_dict())
    return result


def all_found(
    run: Run | None, health: Health | None, codes: CodeReport | None, varied: float | None
) -> list[Note]:
    """Findings on a model: the notes on its training first, then what these do not say already.

    Args:
        varied: `sample_variance`, where it samples.
    """
    notes = [] if run is None else run_notes(run, health and health.explained, varied)
    found = list(notes)
    if health is not None:
        found += findings(health, notes, run is not None and chosen_by_validation(run))
    if codes is not None:
        found += codes.findings(notes)
    return [*found, *sample_findings(varied, found)]


def check_numbers(samples: int, images: int | None, jackknife: bool, annealed: int) -> None:
    """Raises SettingError for a number of `evaluate` that is out of range."""
    check_count(samples, "samples", 2 if jackknife else 1)
    check_count(annealed, "annealed", 0)
    if images is not None:
        check_count(images, "images")


def measure_quality(asked: Asked, seed: int, tell: ProgressCallback) -> SampleQuality | None:
    """Quality of samples, where there are features for it."""
    if asked.features is None or not isinstance(asked.data, Data):
        return None
    generated, _ = generate(asked.model, asked.data.train, min(GENERATED, len(asked.test)), seed, tell)
    standard = standard_of(asked.data)
    test, train = standard(asked.test.images), standard(asked.data.train.images)
    return sample_quality(standard(generated), test, train, asked.features, seed=seed)
