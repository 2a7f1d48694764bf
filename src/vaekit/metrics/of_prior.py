"""The density of latents that a number is of, where a model has two: a prior of its own, and one fitted afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from vaekit.metrics.kinds import Under
from vaekit.metrics.metric import Metric

FITTED = "_fitted_prior"  # within the key of a number under the fitted prior, before its unit
OWN = (
    "elbo", "iwae", "nll", "bound", "kl_", "rate_nats", "rate_bits", "generalisation_gap", "lossless", "regret", "complexity_corrected",
)  # fmt: skip
SAMPLES = ("fd", "kd", "precision", "density", "recall", "coverage")  # families
OF_SAMPLES = (
    "sharpness",
    "memorised",
    "near_copies",
    "sample_variance",
    "least_class",
    "class_evenness",
    "as_asked",
)
CODES = ("code_bits", "code_nats")  # whose prior is the fitted one, from which samples are drawn

OfPrior = Literal["", "own", "fitted", "samples", "codes"]


def prior_of(key: str) -> OfPrior:
    """Returns what a number depends on: p(z) as a part of the model, "own"; as "fitted" to its latents; or what is drawn
    from one of these ("samples", "codes"); "" where no density of latents takes part."""
    if FITTED in key:
        return "fitted"
    if key.startswith("mutual_information"):  # of codes and images, whatever the prior
        return ""
    if key.split("_")[0] in SAMPLES or key.startswith(OF_SAMPLES):
        return "samples"
    if key.startswith(CODES):
        return "codes"
    return "own" if any(word in key for word in OWN) else ""


def under_fitted(key: str) -> str:
    """The key of the same number under the fitted prior: `nll_nats` gives `nll_fitted_prior_nats`."""
    name, _, unit = key.rpartition("_")
    return f"{name}{FITTED}_{unit}"


def named_by_prior(metric: Metric, key: str, under: Under) -> Metric:
    """An entry that says of which prior its number is, where a record has numbers of two; else as it is."""
    of = prior_of(key)
    if not of or not under.two:
        return metric
    if of == "own":
        return replace(metric, label=f"{metric.label} under {under.own}") if under.own else metric
    what = {"fitted": "p(z)", "samples": "Samples from", "codes": "p(c)"}[of]
    said = f"{what}{'' if of == 'samples' else ':'} {under.drawn}."
    return replace(metric, meaning=f"{metric.meaning} {said}".strip())
