"""Every sentence of the lesson: judged true by figures that bear it out, and false by their opposite.

The figures are written from what the sentences mean, on the scales of real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vaekit.comparison.claims import FAILS, HOLDS, Verdict
from vaekit.comparison.lesson_claims import CLAIMS, judge_all
from vaekit.comparison.rows import Table, tabulate

Figures = Mapping[str, Mapping[str, Any]]  # method -> figure -> value

MASS, PSEUDO = ("bernoulli", "mass"), ("bce", "pseudo")


def table(figures: Figures) -> Table:
    """Six runs of each method: a pair of values alternates; the first `failed` of them fail instead."""
    records: dict[str, dict[int, Any]] = {}
    for method, row in figures.items():
        likelihood, kind = row.get("likelihood", MASS)
        runs: dict[int, Any] = {}
        for seed in range(6):
            found = {
                name: value[seed % 2] if isinstance(value, tuple) else value
                for name, value in row.items()
                if name not in ("likelihood", "failed")
            }
            record = {"figures": {"parameters": 5} | found, "notes": {}}
            runs[seed] = record | {"likelihood": likelihood, "likelihood_kind": kind}
        for seed in range(row.get("failed", 0)):
            runs[seed] = {"failed": "its loss is not finite"}
        records[method] = runs
    return tabulate(records)


# A part of the sentence -> figures in which it is true, and figures in which its opposite is.
SENTENCES: dict[str, tuple[Figures, Figures]] = {
    "latent space is discontinuous, a VAE's continuous": (
        # halfway between two latents a VAE decodes to images, an autoencoder does not
        {"vae": {"midpoint_fd": 10.0, "midpoint_precision": 0.8}, "ae": {"midpoint_fd": 30.0, "midpoint_precision": 0.2}},
        {"vae": {"midpoint_fd": 30.0, "midpoint_precision": 0.2}, "ae": {"midpoint_fd": 10.0, "midpoint_precision": 0.8}},
    ),
    "strange output for latents that no training image has": (
        {"vae": {"normal_fd": 10.0, "normal_precision": 0.8}, "ae": {"normal_fd": 80.0, "normal_precision": 0.1}},
        {"vae": {"normal_fd": 80.0, "normal_precision": 0.1}, "ae": {"normal_fd": 10.0, "normal_precision": 0.8}},
    ),
    "difficult to use as a generative model": (
        {"vae": {"normal_fd": 10.0, "fitted_fd": 10.0}, "ae": {"normal_fd": 80.0, "fitted_fd": 40.0}},
        {"vae": {"normal_fd": 80.0, "fitted_fd": 40.0}, "ae": {"normal_fd": 10.0, "fitted_fd": 10.0}},
    ),
    "the latent space is more regularised": (  # nearer to the prior: fewer bits
        {"beta-vae": {"code_bits": 12.0}, "vae": {"code_bits": 30.0}},
        {"beta-vae": {"code_bits": 30.0}, "vae": {"code_bits": 12.0}},
    ),
    "the dimensions are disentangled": (
        {
            "beta-vae": {"aggregate_total_correlation_nats": 0.2, "active_units": 6},
            "vae": {"aggregate_total_correlation_nats": 1.5, "active_units": 10},
        },
        {
            "beta-vae": {"aggregate_total_correlation_nats": 1.5, "active_units": 0},
            "vae": {"aggregate_total_correlation_nats": 0.2, "active_units": 10},
        },
    ),
    "paid for in reconstruction": (
        {"beta-vae": {"reconstruction_mse": 0.05}, "vae": {"reconstruction_mse": 0.02}},
        {"beta-vae": {"reconstruction_mse": 0.02}, "vae": {"reconstruction_mse": 0.05}},
    ),
    "a VAE is stable, a GAN unstable": (
        {"vae": {"fd": (9.9, 10.1)}, "gan": {"fd": (2.0, 18.0)}},
        {"vae": {"fd": (2.0, 18.0)}, "gan": {"fd": (9.9, 10.1)}},
    ),
    "tend to be blurry, those of a GAN are sharp": (
        {"vae": {"sharpness": 0.4}, "gan": {"sharpness": 1.0}},
        {"vae": {"sharpness": 1.0}, "gan": {"sharpness": 0.4}},
    ),
    "a GAN's are of high quality": (
        {"gan": {"fd": 4.0, "precision": 0.9}, "vae": {"fd": 20.0, "precision": 0.5}},
        {"gan": {"fd": 20.0, "precision": 0.5}, "vae": {"fd": 4.0, "precision": 0.9}},
    ),
    "a VAE's is structured; a GAN's cannot be read": (
        {"vae": {"probe_accuracy": 0.9}, "gan": {"fd": 4.0}},
        {"vae": {"probe_accuracy": 0.1}, "gan": {"probe_accuracy": 0.9}},
    ),
    "good for a VAE, a GAN may collapse": (
        {"vae": {"recall": 0.8, "least_class": 0.08}, "gan": {"recall": 0.3, "least_class": 0.001}},
        {"vae": {"recall": 0.3, "least_class": 0.001}, "gan": {"recall": 0.8, "least_class": 0.08}},
    ),
    "possible with a VAE, not with a GAN": (
        {"vae": {"nll_nats": 90.0}, "gan": {"fd": 4.0}},
        {"vae": {"nll_nats": 90.0, "likelihood": PSEUDO}, "gan": {"nll_nats": 90.0}},  # see below
    ),
    "can both reconstruct and generate": (
        {"vae": {"reconstruction_mse": 0.02, "fd": 10.0}},
        {"vae": {"knn_accuracy": 0.9}},
    ),
    "limits how much a VAE's latents carry": (
        {"vae": {"reconstruction_mse": 0.05}, "ae": {"reconstruction_mse": 0.02}},
        {"vae": {"reconstruction_mse": 0.02}, "ae": {"reconstruction_mse": 0.05}},
    ),
    "Data generation: VAE or GAN": (
        {"vae": {"fd": 8.0}, "gan": {"fd": 20.0}, "vqvae": {"fd": 15.0}},
        {"vae": {"fd": 15.0}, "gan": {"fd": 20.0}, "vqvae": {"fd": 8.0}},
    ),
    "VAE, β-VAE above all": (
        {"vae": {"probe_accuracy": 0.8}, "beta-vae": {"probe_accuracy": 0.9}, "ae": {"probe_accuracy": 0.5}},
        {"vae": {"probe_accuracy": 0.5}, "beta-vae": {"probe_accuracy": 0.4}, "ae": {"probe_accuracy": 0.9}},
    ),
    "High-quality images: GAN or VQ-VAE": (
        {"gan": {"fd": 20.0, "precision": 0.6}, "vqvae": {"fd": 5.0, "precision": 0.9}, "vae": {"fd": 15.0, "precision": 0.7}},
        {"gan": {"fd": 20.0, "precision": 0.6}, "vqvae": {"fd": 15.0, "precision": 0.7}, "vae": {"fd": 5.0, "precision": 0.9}},
    ),
    "Conditional generation: CVAE": (
        {"cvae": {"as_asked": 0.97}},
        {"cvae": {"as_asked": 0.1}},
    ),
    "Compression and reconstruction: VAE": (
        {"vae": {"reconstruction_mse": 0.02}, "ae": {"reconstruction_mse": 0.05}, "vqvae": {"reconstruction_mse": 0.04}},
        {"vae": {"reconstruction_mse": 0.05}, "ae": {"reconstruction_mse": 0.02}, "vqvae": {"reconstruction_mse": 0.04}},
    ),
}  # fmt: skip


def judged(sentence: str, figures: Figures) -> Verdict:
    (found,) = [one for one in judge_all(table(figures)) if sentence in one.claim.text]
    return found


def test_every_sentence_is_here() -> None:
    texts = [claim.text for claim in CLAIMS]
    assert [next(s for s in SENTENCES if s in text) for text in texts] == list(SENTENCES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_holds_where_the_figures_bear_it_out(sentence: str) -> None:
    assert judged(sentence, SENTENCES[sentence][0]).verdict == HOLDS


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_does_not_hold_where_they_bear_out_its_opposite(sentence: str) -> None:
    found = judged(sentence, SENTENCES[sentence][1])
    if sentence.startswith("possible with a VAE"):  # what is no likelihood is no refutation, only open
        assert [one.verdict for one in found.judged] == ["depends", FAILS]
    else:
        assert found.verdict == FAILS


def test_dependence_that_is_not_identified_is_not_judged() -> None:
    sentence = "the dimensions are disentangled"
    moments = {"total_correlation_from_moments_nats": 0.01, "active_units": 9}
    known = moments | {"aggregate_total_correlation_nats": 1.5}
    assert judged(sentence, {"beta-vae": moments, "vae": known}).verdict is None
    assert judged(sentence, {"beta-vae": moments, "vae": moments}).verdict is None


def test_runs_that_fail_make_a_gan_unstable() -> None:
    steady, broken = {"fd": 10.0}, {"fd": 10.0, "failed": 5}
    sentence = "a VAE is stable, a GAN unstable"
    assert judged(sentence, {"vae": steady, "gan": broken}).verdict == HOLDS
    assert judged(sentence, {"vae": broken, "gan": steady}).verdict == FAILS
