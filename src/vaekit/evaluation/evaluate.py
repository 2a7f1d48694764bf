"""`evaluate`: everything that can be measured of a model, in one record with units."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from vaekit.config.configured import documented, strict
from vaekit.config.foreign_options import ForeignSettings
from vaekit.core import SettingError, choose, printable
from vaekit.data import Data
from vaekit.data.moments import standard_of
from vaekit.data.picking import chosen
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.asked import Asked, asked_of, describe
from vaekit.evaluation.cards.card import Card
from vaekit.evaluation.cards.foreign import Given
from vaekit.evaluation.cards.measure_card import card as measure_card
from vaekit.evaluation.cards.measure_card import check_given
from vaekit.evaluation.factors.disentanglement import Disentanglement, measure_disentanglement
from vaekit.evaluation.found import Measured, all_found, all_remarked, look, looked_at
from vaekit.evaluation.keep import can_keep
from vaekit.evaluation.keep import keep as keep_with
from vaekit.evaluation.latents.codebook import CodeReport, measure_codes
from vaekit.evaluation.latents.health import Health, measure_health
from vaekit.evaluation.likelihood.ais import CHAINS, LEAPFROG, TEMPERATURES, check_chains
from vaekit.evaluation.likelihood.ais_check import AnnealingCheck
from vaekit.evaluation.likelihood.bounds import MeanNats, check_count
from vaekit.evaluation.likelihood.estimates import in_bits_of, measure_annealing, measure_likelihood
from vaekit.evaluation.likelihood.sandwich import Sandwich, check_draws
from vaekit.evaluation.reconstructions import Reconstructions
from vaekit.evaluation.samples.features.store import Features
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.samples.quality import SampleQuality, sample_quality
from vaekit.evaluation.table import Row, rows, under_of
from vaekit.images.notebook import Displayed
from vaekit.metrics import Under, key_under, metric_of
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, Quantizes, Reconstructs
from vaekit.runs.ask import run_of
from vaekit.runs.json_records import as_json, finite
from vaekit.runs.load import Run
from vaekit.runs.records import Note
from vaekit.runtime.device import PRECISIONS
from vaekit.runtime.pulse import ProgressCallback, pulse

FIRST = 8  # numbers that a line shows
GENERATED = 10_000  # images to judge the quality of samples by, at most


@dataclass(frozen=True, repr=False)
class Evaluation(Displayed):
    """The figures of an evaluation; those that a model does not define are absent.

    Attributes:
        about: model, data, and under what conditions; `prior` names that of the bounds and `samples_from` the density that
            samples are drawn from; `classes` where the model is conditioned on the class y of
            each image: its likelihoods are then of p(x|y).
        likelihood: by name, in nats per image. `nll_nats` is the importance-weighted bound,
            `nll_annealed_nats` that of annealed importance sampling on fewer images. Under `bce`, which
            is no likelihood, they are `bce_bound_nats` and the like. They are under the model's own prior; where
            another was fitted to the latents `nll_fitted_prior_nats` and its like are under that.
        bits: bounds of mass functions on 8-bit pixels in bits/dim, `nll_bpd` and the like.
        health: of the latent space, if the model has an encoder.
        annealing: of the bound, on some of the images, by annealed importance sampling.
        sandwich: log p(x) from both sides, on images that the model drew.
        sample_variance: between samples over that between test images, as in `vaekit.training.learned`.
        sample_classes: effective number of classes among samples over that among test images, where these can be read.
        findings: what is wrong, with the run, its latent space or its samples, and what would help; none if it is healthy.
        remarks: what is no fault and good to know: idle dimensions, a prior that is missing.
        looked_at, not_looked_at: what findings go by, and what they could not.
        rebuilt: reconstructions, beside what they could explain.
        quality: of samples, if features were given and the model can sample.
        codes: of a model with discrete codes.
        disentanglement: of the latents, if the images' factors are known.
        card: the figures that any autoencoder has, where they were asked for.

    Example:
        >>> result = vaekit.evaluate(run, images=20, samples=4, features=None, progress="none")
        >>> sorted(result.likelihood)
        ['negative_elbo_nats', 'nll_nats']
        >>> result.health.active_units <= model.latent_dim
        True
    """

    about: Mapping[str, Any]
    likelihood: Mapping[str, MeanNats] = field(default_factory=dict)
    bits: Mapping[str, float] = field(default_factory=dict)
    health: Health | None = None
    annealing: AnnealingCheck | None = None
    sandwich: Sandwich | None = None
    sample_variance: float | None = None
    sample_classes: float | None = None
    findings: list[Note] = field(default_factory=list)
    remarks: list[Note] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    not_looked_at: list[str] = field(default_factory=list)
    rebuilt: Reconstructions | None = None
    quality: SampleQuality | None = None
    codes: CodeReport | None = None
    disentanglement: Disentanglement | None = None
    card: Card | None = None

    def facts(self) -> dict[str, Any]:
        about = {name: self.about.get(name) for name in ("model", "data", "images", "seconds")}
        return about | {"findings": len(self.findings) or None}

    def _repr_html_(self) -> str:
        found = "".join(f"<li>{escape(printable(str(finding)))}</li>" for finding in self.findings)
        return super()._repr_html_() + (f"<ul>{found}</ul>" if found else "")

    def rows(self) -> list[Row]:
        """Returns every number with its label, error, unit and meaning, as the terminal shows them."""
        return rows(self.as_dict())

    def key_figures(self) -> Mapping[str, float]:
        return {row.key: row.value for row in self.rows()[:FIRST] if row.value is not None}

    def measured_under(self) -> Under:
        return under_of(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        values = {
            **self.about,
            **{name: mean.as_dict() for name, mean in self.likelihood.items()},
            **self.bits,
            "annealing": self.annealing and self.annealing.as_dict(),
            "sandwich": self.sandwich and self.sandwich.as_dict(),
            "sample_variance": self.sample_variance,
            "sample_classes": self.sample_classes,
            "reconstructions": self.rebuilt and self.rebuilt.as_dict(),
            "health": self.health and self.health.as_dict(),
            "codes": self.codes and self.codes.as_dict(),
            "findings": [as_json(finding) for finding in self.findings],
            "remarks": [as_json(remark) for remark in self.remarks],
            "looked_at": self.looked_at,
            "not_looked_at": self.not_looked_at,
            "quality": self.quality
            and {
                "features": self.quality.features,
                "images": dict(self.quality.counts),
                **self.quality.flat(),
                "notes": list(self.quality.notes),
            },
            "disentanglement": self.disentanglement and self.disentanglement.as_dict(),
            "card": self.card and self.card.as_dict(),
        }
        return {name: finite(value) for name, value in values.items() if value is not None}


@strict
@documented(ForeignSettings)
def evaluate(
    model: Model | Run | str | Path | None = None,
    data: object = None,
    *,
    encoder: Given | None = None,
    decoder: Given | None = None,
    label: str | None = None,
    samples: int = 5000,
    images: int | None = None,
    jackknife: bool = False,
    annealed: int = 0,
    sandwich: int = 0,
    chains: int = CHAINS,
    temperatures: int = TEMPERATURES,
    leapfrog: int = LEAPFROG,
    features: Features | str | Path | None = None,
    disentanglement: str = "auto",
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    keep: bool = False,
    card: str | Path | None = None,
    progress: str | bool = "auto",
    tell: ProgressCallback | None = None,
    **foreign: Any,
) -> Evaluation:
    """Measures a model on test images: likelihood, the health of its latent space, quality of samples, and
    disentanglement where the factors of the images are known.

    Args:
        model: a model, a run, or a run's folder; or None, and `encoder` and `decoder` instead.
        data: images of a split; or a data set, or for a run a source as in `Run.load_data`, of which the test split is
            measured (all examples, where they are too few to split) and the training split serves for comparison; None
            takes a run's own data.
        encoder, decoder: of an autoencoder that is no run, ONNX files or functions: it gets a card (`vaekit.card`).
        label: class of the images of a source without labels, for a conditional run.
        samples: K of the importance-weighted bound.
        images: number of images to measure the likelihood on, drawn at random; None takes all.
        jackknife: also `nll_jackknife_nats`: the same draws again, without the bias of order 1/K.
        annealed: images on which the bound is checked by annealed importance sampling; 0 does not.
        sandwich: images to draw from the model, whose log p(x) is bounded by annealed chains from both sides; 0 does not.
        chains, temperatures, leapfrog: of annealing: chains for each image, steps of their path, steps of a trajectory.
        features: in which samples are compared with test images: a name or file, or such features; "auto" takes
            mnist_v1 for MNIST, else principal components. Needs a data set. None leaves the quality out.
        disentanglement: "auto" measures it where the data's factors are known, "yes" insists, "no" does not.
        seed: of all draws.
        precision: of the networks: fp32, bf16, or auto.
        device: where a folder's model is computed.
        keep: write the result into the run's summary.json and report.html; of a run on its own data only. Where they
            cannot be written, a VaekitWarning says why.
        card: a .json file that gets the card too, the figures that any autoencoder has.
        progress: "auto" shows what is measured and the time left, on standard error; "none" nothing.
        tell: called instead with what is measured, how many images are done, and of how many.

    Returns:
        Every figure that the model defines, with its standard error.

    Raises:
        SettingError: numbers out of range, pixels on which the model's likelihood is not defined,
            features without a data set; or for the disentanglement no known factors, latents that are no
            vectors, or too few images.
        DataError: no images, or of another shape than the model's.
        RunError: a run that cannot be used.

    Example:
        >>> result = vaekit.evaluate(run, images=20, samples=4, features=None, progress="none")
        >>> bound = result.likelihood["nll_nats"]
        >>> bound.images, bound.samples, bound.standard_error > 0  # of bound.value, nats per image
        (20, 4, True)
    """
    began = time.monotonic()
    shown: dict[str, Any] = {"label": label, "features": features, "progress": progress, "tell": tell}
    if check_given(model, encoder, decoder, foreign) is not None:
        found = measure_card(data=data, encoder=encoder, decoder=decoder, out=card, **shown, **foreign)
        return Evaluation(found.about, card=found)
    assert model is not None
    check_numbers(samples, images, jackknife, annealed, sandwich)
    check_chains(chains, temperatures, leapfrog)
    choose(precision, PRECISIONS, "precision")
    run = model if isinstance(model, Model) else run_of(model, device)
    if keep and (data is not None or not isinstance(run, Run)):
        raise SettingError("keep=True keeps what is measured of a run on its own data; leave data= away.")
    asked = asked_of(run, data, label, features, disentanglement)
    keep = keep and isinstance(run, Run) and can_keep(run)
    model, test, under = asked.model, asked.test, measured_under(asked.model.likelihood_name)
    about = describe(asked, under, seed, precision)
    check_draws(model, sandwich)
    measured = None if card is None else measure_card(run, asked.data, out=card, **shown | {"label": None})
    health, likelihood, factors, codes, annealing, walls = None, {}, None, None, None, None
    with pulse(progress, tell) as told:
        options: dict[str, Any] = {"seed": seed, "precision": precision, "tell": told}
        if isinstance(model, Encodes) and isinstance(model, Reconstructs):
            health = measure_health(model, test, asked.train, **options)
        if health is not None and health.rate is not None:
            few = chosen(test, images or len(test), seed)
            likelihood = measure_likelihood(model, few, samples, jackknife, **options)
            walk = {"temperatures": temperatures, "leapfrog": leapfrog, "seed": seed, "tell": told}
            annealing, walls = measure_annealing(
                model, few, likelihood["nll_nats"], annealed, sandwich, chains, **walk
            )
            likelihood |= {"nll_annealed_nats": annealing.annealed} if annealing else {}
        if asked.factors is not None and isinstance(model, Encodes):
            factors = measure_disentanglement(model, test, asked.factors, seed=seed)
        if isinstance(model, Quantizes):
            codes = measure_codes(model, test, asked.train)
        quality = measure_quality(asked, seed, told)
    bounds = {
        key_under(name, under) if metric_of(name).likelihood else name: mean
        for name, mean in likelihood.items()
    }
    own, figures = (
        run if isinstance(run, Run) else None,
        {"health": health, "codes": codes, "quality": quality},
    )
    seen = look(own, asked, seed, bounds=bounds, **figures)
    seconds = {"seconds": round(time.monotonic() - began, 1)}
    result = Evaluation(
        about=about | seconds,
        likelihood=bounds,
        bits=in_bits_of(model, likelihood, under.kind),
        annealing=annealing,
        sandwich=walls,
        disentanglement=factors,
        card=measured,
        **figures,
        **judged(seen),
    )
    if keep and isinstance(run, Run):
        keep_with(run, result.as_dict())
    return result


def judged(seen: Measured) -> dict[str, Any]:
    """Judgements of the figures together, as fields of an `Evaluation`."""
    found, (looked, left) = all_found(seen), looked_at(seen)
    return {
        "sample_variance": seen.varied,
        "sample_classes": seen.classes,
        "rebuilt": seen.rebuilt,
        "findings": found,
        "remarks": all_remarked(seen, found),
        "looked_at": looked,
        "not_looked_at": left,
    }


def check_numbers(samples: int, images: int | None, jackknife: bool, annealed: int, sandwich: int) -> None:
    """Raises SettingError for a number of `evaluate` that is out of range."""
    check_count(samples, "samples", 2 if jackknife else 1)
    check_count(annealed, "annealed", 0)
    check_count(sandwich, "sandwich", 0)
    if images is not None:
        check_count(images, "images")


def measure_quality(asked: Asked, seed: int, tell: ProgressCallback) -> SampleQuality | None:
    """Quality of samples, where there are features for it."""
    if asked.features is None or not isinstance(asked.data, Data):
        return None
    generated, _ = generate(asked.model, asked.data.train, min(GENERATED, len(asked.test)), seed, tell)
    if not generated.isfinite().all():
        return None
    standard = standard_of(asked.data)
    test, train = standard(asked.test.images), standard(asked.data.train.images)
    return sample_quality(standard(generated), test, train, asked.features, seed=seed)
