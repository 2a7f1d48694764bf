"""`evaluate`: everything that can be measured of a model, in one record with units."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vaekit.core import SettingError, derive_seed
from vaekit.data import Data, Split
from vaekit.distributions.likelihoods import check_support, measured_under
from vaekit.evaluation.factors.disentanglement import Disentanglement, factors_wanted, measure_disentanglement
from vaekit.evaluation.latents.codebook import CodeReport, measure_codes
from vaekit.evaluation.latents.findings import Finding, findings
from vaekit.evaluation.latents.health import Health, chosen, measure_health
from vaekit.evaluation.likelihood.ais import annealed_bound
from vaekit.evaluation.likelihood.bounds import MeanNats, Tell, negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.evaluation.samples.features.store import Features
from vaekit.evaluation.samples.quality import SampleQuality, sample_quality
from vaekit.metrics import KINDS, in_bits, key_under
from vaekit.models import VQVAE, Autoencoder, LatentModel, Model
from vaekit.runs.load import Run
from vaekit.runtime.device import choose_precision

GENERATED = 10_000  # images to judge the quality of samples by, at most
AT_ONCE = 500


@dataclass(frozen=True)
class Evaluation:
    """What was measured; what a model does not define is absent.

    Attributes:
        about: model, data, and under what conditions; `classes` where the model is conditioned on the class y of
            each image: its likelihoods are then of p(x|y).
        likelihood: by name, in nats per image. `nll_nats` is the importance-weighted bound,
            `nll_annealed_nats` that of annealed importance sampling on fewer images. Under `bce`, which
            is no likelihood, they are `bce_bound_nats` and the like.
        bits: bounds of mass functions on 8-bit pixels in bits/dim, `nll_bpd` and the like.
        health: of the latent space, if the model has an encoder.
        findings: what is wrong with it, in words.
        quality: of samples, if features were given and the model can sample.
        codes: of a model with discrete codes.
        disentanglement: of the codes, if the images' factors are known.
    """

    about: Mapping[str, Any]
    likelihood: Mapping[str, MeanNats] = field(default_factory=dict)
    bits: Mapping[str, float] = field(default_factory=dict)
    health: Health | None = None
    findings: list[Finding] = field(default_factory=list)
    quality: SampleQuality | None = None
    codes: CodeReport | None = None
    disentanglement: Disentanglement | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        values = {
            **self.about,
            **{name: mean.as_dict() for name, mean in self.likelihood.items()},
            **self.bits,
            "health": self.health and self.health.as_dict(),
            "codes": self.codes and self.codes.as_dict(),
            "findings": [{"text": finding.text, "remedy": finding.remedy} for finding in self.findings],
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
    model: Model | Run,
    data: Data | Split | None = None,
    *,
    samples: int = 5000,
    images: int | None = None,
    jackknife: bool = False,
    annealed: int = 0,
    features: Features | None = None,
    disentanglement: str = "auto",
    seed: int = 0,
    precision: str = "auto",
    tell: Tell | None = None,
) -> Evaluation:
    """Measures a model on test images: likelihood, the health of its latent space, quality of samples, and
    disentanglement where the factors of the images are known.

    Args:
        model: a model or a run.
        data: images of a split; or a data set, of which the test split is measured and the training
            split serves for comparison; None takes a run's own data.
        samples: K of the importance-weighted bound.
        images: measure the likelihood on so many images, drawn at random; None takes all.
        jackknife: also `nll_jackknife_nats`: the same draws again, without the bias of order 1/K.
        annealed: images on which the bound is checked by annealed importance sampling; 0 does not.
        features: in which samples are compared with test images (`features_for(data)`); needs a data
            set. None leaves the quality out.
        disentanglement: "auto" measures it where the data's factors are known, "yes" insists, "no" does not.
        seed: of all draws.
        precision: of the networks: fp32, bf16, or auto.
        tell: told what is measured, how many images are done, and of how many.

    Raises:
        SettingError: numbers out of range, pixels on which the model's likelihood is not defined,
            features without a data set; or for the disentanglement no known factors, codes that are no
            vectors, or too few images.
        DataError: no images, or of another shape than the model's.
    """
    began = time.monotonic()
    run = model if isinstance(model, Run) else None
    model = model.model if isinstance(model, Run) else model
    data = run.load_data() if run is not None and data is None else data
    if data is None:
        raise SettingError("evaluate(model) needs images too: evaluate(model, data.test).")
    if features is not None and isinstance(data, Split):
        raise SettingError(
            "the quality of samples needs training images too: pass the data set, not a split."
        )
    where = data.source if isinstance(data, Data) else "the split"
    wanted = factors_wanted(model, data, disentanglement, where)
    test, train = (data, None) if isinstance(data, Split) else (data.test, data.train)
    if run is not None and isinstance(data, Data) and data.fingerprint != run.config["data"]["fingerprint"]:
        train = None  # the model was trained on other images
    dynamic = is_binarised(model, data)
    common: dict[str, Any] = {"seed": seed, "dynamic": dynamic, "precision": precision, "tell": tell}
    about = describe(model, test, data, common)
    likelihood: dict[str, MeanNats] = {}
    health = quality = codes = factors = None
    if isinstance(model, LatentModel):
        health = measure_health(model, test, train, **common)
        if health.rate is not None:
            few = test if images is None else chosen(test, images, seed)
            likelihood = measure_likelihood(model, few, samples, jackknife, annealed, **common)
        if wanted and isinstance(data, Data):
            factors = measure_disentanglement(model, test, data.factors, seed=seed, precision=precision)
    if isinstance(model, VQVAE):
        codes = measure_codes(model, test, dynamic=dynamic, seed=seed)
    samples_at_all = not isinstance(model, Autoencoder) or model.can_sample()
    if features is not None and isinstance(data, Data) and samples_at_all:
        generated = generate(model, data, min(GENERATED, len(test)), seed)
        quality = sample_quality(generated, test.images, data.train.images, features, seed=seed)
    under = measured_under(model.arguments.get("likelihood"))
    return Evaluation(
        about={**about, "seconds": round(time.monotonic() - began, 1)},
        likelihood={key_under(name, under): mean for name, mean in likelihood.items()},
        bits=in_bits_of(model, likelihood, under.kind),
        health=health,
        findings=[*(findings(health) if health else []), *(codes.findings() if codes else [])],
        quality=quality,
        codes=codes,
        disentanglement=factors,
    )


def measure_likelihood(
    model: LatentModel,
    split: Split,
    samples: int,
    jackknife: bool,
    annealed: int,
    *,
    seed: int,
    dynamic: bool,
    precision: str,
    tell: Tell | None,
) -> dict[str, MeanNats]:
    """Every bound on -log p(x), by name; arguments as in `evaluate`."""
    common: dict[str, Any] = {"seed": seed, "dynamic": dynamic, "precision": precision, "tell": tell}
    bounds = {
        "negative_elbo_nats": negative_elbo(model, split, **common),
        "nll_nats": importance_bound(model, split, samples, **common),
    }
    if jackknife:
        bounds["nll_jackknife_nats"] = importance_bound(model, split, samples, jackknife=True, **common)
    if annealed:
        few = chosen(split, annealed, derive_seed(seed, "annealed"))
        bounds["nll_annealed_nats"] = annealed_bound(model, few, seed=seed, dynamic=dynamic, tell=tell)
    return bounds


def in_bits_of(model: Model, likelihood: Mapping[str, MeanNats], kind: str) -> dict[str, float]:
    """The bounds in bits/dim, where that is defined."""
    values = {name: mean.value for name, mean in likelihood.items()}
    return in_bits(values, kind, model.arguments["pixels"], torch.Size(model.shape).numel()) if values else {}


def is_binarised(model: Model, data: Data | Split) -> bool:
    """Whether images are to be drawn from grey ones; a split tells by its values and the model.

    Raises:
        SettingError: the model's likelihood is not defined on the data's pixels.
    """
    if isinstance(data, Data):
        if "likelihood" in model.arguments:
            check_support(model.arguments["likelihood"], data.pixels)
        return data.dynamic
    if model.arguments.get("pixels") != "binary":
        return False
    white = 255 if data.images.dtype == torch.uint8 else 1
    return bool(((data.images != 0) & (data.images != white)).any())


def describe(model: Model, test: Split, data: Data | Split, common: Mapping[str, Any]) -> dict[str, Any]:
    """Model, data and conditions, for the record."""
    device = next(model.parameters()).device
    about: dict[str, Any] = {
        "model": type(model).__name__,
        "images": len(test),
        "seed": common["seed"],
        "device": str(device),
        "precision": choose_precision(common["precision"], device),
    }
    if isinstance(data, Data):
        about |= {"data": data.source, "split": "test"}
    if model.classes:
        about["classes"] = model.classes
    if common["dynamic"]:
        about["binarisation"] = f"one draw of each image, seed {common['seed']}"
    if "likelihood" in model.arguments:
        under = measured_under(model.arguments["likelihood"])
        about |= {
            "likelihood": under.likelihood,
            "likelihood_kind": under.kind,
            "likelihood_means": KINDS[under.kind].meaning,
        }
    return about


def generate(model: Model, data: Data, count: int, seed: int) -> Tensor:
    """Samples, (count, *shape) in [0, 1]; with the labels of training images, for a model that asks for them."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "generated"))
    labels = data.train.labels
    parts = []
    for start in range(0, count, AT_ONCE):
        size = min(AT_ONCE, count - start)
        y = None
        if labels is not None and model.sampled_classes:
            y = labels[torch.randint(len(labels), (size,), generator=generator)]
            y = y.to(next(model.parameters()).device)
        parts.append(model.sample(size, y, generator=generator).cpu())
    return torch.cat(parts)
