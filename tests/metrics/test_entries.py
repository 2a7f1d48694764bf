"""Every entry says what it is; the main ones against their definitions, written down here a second time."""

from __future__ import annotations

import re

import pytest

from vaekit.metrics import METRICS

BETTER = {"lower", "higher", "near 0", "near 0.01", "near 1", ""}


@pytest.mark.parametrize("key", METRICS)
def test_an_entry_is_complete(key: str) -> None:
    metric = METRICS[key]
    assert metric.label and metric.unit and metric.better in BETTER
    assert re.fullmatch(r"[^a-z].*\.", metric.meaning), "a sentence"
    assert metric.sentence.count(metric.meaning[1:]) == 1


@pytest.mark.parametrize("key", METRICS)
def test_the_unit_is_that_of_the_name(key: str) -> None:
    units = {"nats": r"nats( per image)?", "bits": "bits per image", "db": "dB", "seconds": "s"}
    ending = key.rpartition("_")[2]
    assert re.fullmatch(units.get(ending, ".+"), METRICS[key].unit)


def test_no_two_numbers_look_alike() -> None:
    """But for those that are the same number of two records."""
    same = {
        frozenset(pair) for pair in (("reconstruction_nats", "distortion_nats"), ("kl_nats", "rate_nats"))
    }
    seen: dict[tuple[str, str], str] = {}
    for key, metric in METRICS.items():
        other = seen.setdefault((metric.label, metric.unit), key)
        shared = other == key or frozenset((other, key)) in same or metric.meaning != METRICS[other].meaning
        assert shared, f"{key} and {other} are called the same"


# key -> label, symbol, words of the meaning, direction: from the papers, not from the table.
DEFINED = {
    "negative_elbo_nats": ("−ELBO", "distortion + rate", "bounds −log p(x) from above", "lower"),
    "negative_iwae_bound_nats": ("importance-weighted bound", "p(x, z)/q(z|x)", "than the −ELBO", "lower"),
    "nll_nats": ("−log p(x)", "", "Importance-weighted bound", "lower"),
    "nll_jackknife_nats": ("−log p(x), jackknife", "", "order 1/K", "lower"),
    "nll_annealed_nats": ("−log p(x), annealed", "", "annealed importance sampling", "lower"),
    "bound_nats": ("importance-weighted loss", "", "bounds nothing", "lower"),
    "reconstruction_nats": ("distortion", "−log p(x|z)", "is lost", "lower"),
    "distortion_nats": ("distortion", "−log p(x|z)", "is lost", "lower"),
    "kl_nats": ("rate", "KL(q(z|x) ‖ p(z))", "can say about an image", ""),
    "rate_nats": ("rate", "KL(q(z|x) ‖ p(z))", "can say about an image", ""),
    "generalisation_gap_nats": ("generalisation gap", "", "less that on training images", "lower"),
    "mutual_information_nats": ("mutual information", "E KL(q(z|x) ‖ q(z))", "which image it came from", ""),
    "aggregate_kl_nats": ("aggregate KL", "KL(q(z) ‖ p(z))", "all images together are from the prior", "lower"),
    "mutual_information_lower_bound_nats": ("mutual information, lower bound", "", "at least", ""),
    "aggregate_total_correlation_nats": ("total correlation of the aggregate", "KL(q(z) ‖ ∏ q(z_d))", "independent of each other", "lower"),
    "total_correlation_from_moments_nats": ("total correlation of a normal density", "−½ log det corr z", "same moments", "lower"),
    "minibatch_total_correlation_nats": ("total correlation by minibatch", "", "of the batch alone", "lower"),
    "discriminator_total_correlation_nats": ("total correlation by discriminator", "", "log-odds", "lower"),
    "dimensionwise_kl_nats": ("dimension-wise KL", "Σ KL(q(z_d) ‖ p(z_d))", "each latent dimension by itself", "lower"),
    "aggregate_kl_from_moments_nats": ("moment KL", "", "at least this far from the prior", "lower"),
    "explained_variance": ("explained variance", "", "by reconstructions", "higher"),
    "active_units": ("active units", "", "variance above 0.01", ""),
    "code_usage": ("code usage", "", "that occurs in these images", "higher"),
    "code_perplexity": ("code perplexity", "", "exp of their entropy", ""),
    "code_bits": ("code length", "", "−log₂ p(c)", ""),
    "fixed_bits": ("fixed length", "", "log₂ K", ""),
    "independent_bits": ("independent codes", "", "each position by itself", ""),
    "lossless_bits": ("lossless", "", "probability of 8-bit pixels", "lower"),
    "mse": ("squared error", "", "reconstructed", "lower"),
    "reconstruction_mse": ("squared error", "", "test images", "lower"),
    "psnr_db": ("PSNR", "", "peak of 1", "higher"),
    "fd": ("Fréchet distance", "", "normals fitted to features", "lower"),
    "kd": ("kernel distance", "", "squared MMD with a cubic kernel", "lower"),
    "precision": ("precision", "", "Generated images within the neighbourhoods of test", "higher"),
    "recall": ("recall", "", "Test images within the neighbourhoods of generated", "higher"),
    "density": ("density of neighbourhoods", "", "against those expected", "near 1"),
    "coverage": ("coverage", "", "Test images with a generated one in their", "higher"),
    "sharpness": ("sharpness", "", "below 1 blurred, above 1 noisy", "near 1"),
    "memorised": ("memorised", "", "nearer to training than to test images: 1 for copies", "near 0"),
    "near_copies": ("near copies", "", "than 99 % of test images are", "near 0.01"),
    "knn_accuracy": ("classes by neighbours", "", "5 nearest", "higher"),
    "probe_accuracy": ("classes by a linear probe", "", "Logistic regression", "higher"),
    "mig": ("MIG", "", "gap to the next, in mutual information", "higher"),
    "sap": ("SAP", "", "gap to the next, in predictability", "higher"),
    "dci_disentanglement": ("DCI disentanglement", "", "Each dimension serves one factor", "higher"),
    "dci_completeness": ("DCI completeness", "", "Each factor is served by one dimension", "higher"),
    "dci_informativeness": ("DCI informativeness", "", "predicted from all latents", "higher"),
    "factorvae_score": ("FactorVAE score", "", "dimension that varies least", "higher"),
    "betavae_score": ("β-VAE score", "", "from their differences", "higher"),
    "infom": ("InfoM", "", "Each dimension is informative about one factor", "higher"),
    "infoc": ("InfoC", "", "One dimension is informative about each factor", "higher"),
    "infoe": ("InfoE", "", "predicted linearly from all latents", "higher"),
    "auroc": ("AUROC", "", "has the higher score", "higher"),
    "diverged": ("runs that failed", "", "NaN or infinite", "lower"),
}  # fmt: skip


@pytest.mark.parametrize("key", DEFINED)
def test_label_and_meaning_are_those_of_the_definition(key: str) -> None:
    label, symbol, words, better = DEFINED[key]
    metric = METRICS[key]
    assert (metric.label, metric.better) == (label, better)
    assert symbol in metric.symbol and (symbol or not metric.symbol)
    assert words in metric.meaning
