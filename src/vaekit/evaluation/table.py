"""The numbers of an evaluation as rows for people: label, value with its error, unit, meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vaekit.evaluation.factors.disentanglement import SCORES
from vaekit.evaluation.samples.quality import measure_of

NATS, BITS = "nats an image", "bits an image"
MEANINGS = {  # name, without the likelihood's where it is none -> label, unit, meaning
    "negative_elbo_nats": ("−ELBO", NATS, "distortion plus rate; bounds −log p(x) from above"),
    "nll_nats": ("−log p(x)", NATS, "importance-weighted bound with K = {samples}; above the truth"),
    "nll_jackknife_nats": ("−log p(x), jackknife", NATS, "the bound without its bias of order 1/K"),
    "nll_annealed_nats": ("−log p(x), annealed", NATS, "annealed importance sampling, {images} images"),
    "bound_nats": ("bound", NATS, "importance-weighted bound with K = {samples}; no likelihood"),
    "bound_jackknife_nats": ("bound, jackknife", NATS, "the bound without its bias of order 1/K"),
    "bound_annealed_nats": ("bound, annealed", NATS, "annealed importance sampling, {images} images"),
    "nll_bpd": ("−log p(x)", "bits a value", "size of a lossless file, at best"),
    "distortion_nats": ("distortion", NATS, "−E log p(x|z): lost on the way through the code"),
    "rate_nats": ("rate", NATS, "KL(q(z|x) ‖ p(z)): what the code tells of an image"),
    "generalisation_gap_nats": ("generalisation gap", NATS, "−ELBO less that on training images"),
    "explained_variance": ("explained variance", "share", "of the pixels, by reconstructions"),
    "active_units": ("active units", "dimensions", "whose mean varies by more than 0.01 over the images"),
    "mutual_information_nats": (
        "mutual information",
        "nats",
        "of code and image; at most log N = {ceiling:.2f}",
    ),
    "aggregate_kl_nats": ("aggregate KL", "nats", "of all codes together from the prior"),
    "total_correlation_nats": ("total correlation", "nats", "the part of it that is dependence"),
    "dimensionwise_kl_nats": ("dimension-wise KL", "nats", "its other part"),
    "code_usage": ("code usage", "share", "of the codebook that occurs in these images"),
    "code_perplexity": ("code perplexity", "codes", "so many, used equally, tell as much"),
    "mse": ("squared error", "a pixel", "of reconstructions, pixels in [0, 1]"),
    "psnr_db": ("PSNR", "dB", "of that error, for a peak of 1"),
    "reconstruction_nats": ("−log p(x|z)", NATS, "lost on the way through the codes"),
    "fixed_bits": ("fixed length", BITS, "codes of log2 K bits each"),
    "independent_bits": ("independent codes", BITS, "entropy of each position by itself"),
    "code_bits": ("code length", BITS, "−log2 of the fitted prior"),
    "aggregate_kl_from_moments_nats": ("moment KL", "nats", "at least so far are the codes from N(0, I)"),
}


@dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        label, unit, meaning: in words.
        value, error: and its standard error, if there is one.
        floor: what training images in the place of samples give, for the quality of samples.
    """

    label: str
    value: float
    error: float | None
    floor: float | None
    unit: str
    meaning: str

    @property
    def text(self) -> str:
        """Value and error: `84.93 ± 0.23`."""
        return short(self.value) + ("" if self.error is None else f" ± {short(self.error)}")


def rows(evaluation: Mapping[str, Any]) -> list[Row]:
    """The rows of `Evaluation.as_dict()`."""
    likelihood = str(evaluation.get("likelihood", ""))
    health = evaluation.get("health", {})
    classes = "classes" in evaluation
    found = [*_rows(evaluation, f"{likelihood}_", {}, classes), *_rows(health, "", health, classes)]
    found += _rows(evaluation.get("codes", {}), "", {}, False)
    found += _quality(evaluation.get("quality", {}))
    known = evaluation.get("disentanglement", {})
    scores = {name: known[name] for name in SCORES if name in known}
    return found + [
        Row(SCORES[name][0], score, None, None, "0 to 1", SCORES[name][1]) for name, score in scores.items()
    ]


def short(value: float) -> str:
    """Whole numbers as they are; others with two decimals, or two digits when small."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _rows(values: Mapping[str, Any], prefix: str, around: Mapping[str, Any], classes: bool) -> Iterator[Row]:
    ceiling = around.get("mutual_information_ceiling_nats", 0.0)
    for name, found in values.items():
        if name.removeprefix(prefix) in MEANINGS:
            label, unit, meaning = MEANINGS[name.removeprefix(prefix)]
            parts = found if isinstance(found, Mapping) else {"value": found}
            about = {"samples": parts.get("samples"), "images": parts.get("images"), "ceiling": ceiling}
            label = label if name in MEANINGS else f"{prefix.removesuffix('_')} {label}"
            label, meaning = told(label, classes), told(meaning.format(**about), classes)
            yield Row(label, parts["value"], parts.get("standard_error"), None, unit, meaning)


def told(text: str, classes: bool) -> str:
    """Densities as those of a model that is told the class y, if it is."""
    if not classes:
        return text
    for alone, given in {"p(x)": "p(x|y)", "p(x|z)": "p(x|z, y)", "q(z|x)": "q(z|x, y)"}.items():
        text = text.replace(alone, given)
    return text


def _quality(values: Mapping[str, Any]) -> Iterator[Row]:
    numbers = {name: value for name, value in values.items() if isinstance(value, float)}
    for name, value in numbers.items():
        if not name.endswith(("_se", "_floor")):
            measure = measure_of(name)
            error, floor = numbers.get(f"{name}_se"), numbers.get(f"{name}_floor")
            yield Row(name, value, error, floor, measure.unit, measure.meaning)
