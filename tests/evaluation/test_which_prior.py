"""Every figure of a record says of which density of latents it is: the model's own, or one that was fitted afterwards."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import torch

import vaekit
from vaekit.cli import tables
from vaekit.data import Data, load_data
from vaekit.evaluation.evaluate import Evaluation, evaluate
from vaekit.evaluation.table import of_which_prior, rows
from vaekit.metrics import METRICS, Under, metric_of, prior_of, under_fitted
from vaekit.models import AE, GAN, VAE, VQVAE
from vaekit.models.code_prior import CodePrior
from vaekit.models.mixture import Mixture
from vaekit.plots.run_view import View, Wishes


def evaluation_text(found: Any) -> str:
    """What is printed of an evaluation, as one text."""
    return "\n".join(tables.evaluation_text(found))


QUIET: dict[str, Any] = {"progress": "none", "device": "cpu"}
DRAWN = "a mixture of 2 normals, fitted to the latents"


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


def fitted(model: Any, components: int = 2) -> Any:
    """The same model with a mixture over its latents."""
    torch.manual_seed(3)
    mixture = Mixture((model.latent_dim,), components)
    model.fitted = lambda: mixture
    return model


def printed(found: Evaluation) -> dict[str, tuple[float, str]]:
    """Key -> value of the row, and its line as it is printed."""
    shown, lines = rows(found.as_dict()), evaluation_text(found).splitlines()
    assert all(line.startswith(f"  {row.label} ") for row, line in zip(shown, lines[1:], strict=False))
    return {row.key: (row.value, line) for row, line in zip(shown, lines[1:], strict=False)}


def test_without_a_fitted_prior_all_is_of_the_own_one(digits: Data) -> None:
    torch.manual_seed(0)
    found = evaluate(VAE((1, 8, 8), 3, width=8), digits.test, samples=2, progress="none")
    values = found.as_dict()
    assert (values["prior"], values["samples_from"]) == ("N(0, I)", "N(0, I)")
    head = evaluation_text(found).splitlines()[0]
    assert head.endswith("; samples from N(0, I)")
    assert not [key for key in values if "fitted" in key]
    assert not [line for _, line in printed(found).values() if " under " in line]


def test_with_one_every_line_says_of_which_it_is(digits: Data) -> None:
    torch.manual_seed(0)
    found = evaluate(
        fitted(VAE((1, 8, 8), 3, width=8, likelihood="categorical")),
        digits,
        samples=3,
        jackknife=True,
        features="auto",
        **QUIET,
    )
    values = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert (values["prior"], values["samples_from"]) == ("N(0, I)", DRAWN)
    lines = printed(found)
    for key, label in {
        "negative_elbo_nats": "−ELBO",
        "nll_nats": "−log p(x)",
        "nll_jackknife_nats": "−log p(x), jackknife",
    }.items():
        value, line = lines[key]
        assert value == values[key]["value"] and line.startswith(f"  {label} under N(0, I) ")
        value, line = lines[under_fitted(key)]
        assert value == values[under_fitted(key)]["value"] != values[key]["value"]
        assert line.startswith(f"  {label} under the fitted prior ") and f"p(z): {DRAWN}." in line
    assert lines["rate_nats"][0] == values["health"]["rate_nats"]["value"]
    assert lines["rate_fitted_prior_nats"][0] == values["rate_fitted_prior_nats"]["value"]
    assert values["nll_fitted_prior_bpd"] == pytest.approx(
        values["nll_fitted_prior_nats"]["value"] / 64 / 0.6931472
    )
    for row in rows(values):
        of, line = prior_of(row.key), lines[row.key][1]
        assert (f"Samples from {DRAWN}." in line) == (of == "samples"), line
        assert ("under N(0, I)" in row.label) == (of == "own"), line
    head = evaluation_text(found).splitlines()[0]
    assert f"samples from {DRAWN}; rate and bounds under N(0, I) unless they say otherwise" in head


def test_under_what_is_no_likelihood_the_rate_keeps_its_name(digits: Data) -> None:
    torch.manual_seed(0)
    values = evaluate(
        fitted(VAE((1, 8, 8), 3, width=8, likelihood="bce")), digits.test, samples=2, progress="none"
    ).as_dict()
    assert {
        "bce_negative_elbo_fitted_prior_nats",
        "bce_bound_fitted_prior_nats",
        "rate_fitted_prior_nats",
    } <= values.keys()
    assert not [key for key in values if "nll" in key]
    shown = {row.label for row in rows(values)}
    assert {
        "bce importance-weighted loss under N(0, I)",
        "bce importance-weighted loss under the fitted prior",
        "rate under the fitted prior",
    } <= shown


def test_an_autoencoder_has_no_prior_until_one_is_fitted(digits: Data) -> None:
    torch.manual_seed(0)
    model = AE((1, 8, 8), 3, width=8)
    bare = evaluate(model, digits.test, progress="none")
    assert {"prior", "samples_from", "sample_variance"}.isdisjoint(bare.as_dict())
    assert "samples from" not in evaluation_text(bare).splitlines()[0]
    found = evaluate(fitted(model), digits.test, progress="none")
    assert found.about["samples_from"] == DRAWN and "prior" not in found.about
    assert found.sample_variance is not None
    assert "no prior" in [note.kind for note in bare.remarks]
    assert "no prior" not in [note.kind for note in found.remarks]
    assert f"Samples from {DRAWN}." in printed(found)["sample_variance"][1]


def test_codes_are_those_of_their_prior(digits: Data) -> None:
    torch.manual_seed(0)
    model = VQVAE((1, 8, 8), downsample=2, codes=8, code_dim=2, width=8, depth=1)
    bare = evaluate(model, digits.test, progress="none").as_dict()
    assert {"prior", "samples_from"}.isdisjoint(bare)
    prior = CodePrior((1, 4, 4), width=8, depth=1, heads=1, codes=8)
    model.fitted = lambda: prior
    found = evaluate(model, digits.test.take(torch.arange(60)), progress="none")
    drawn = "a transformer over grids of 4 × 4 codes, fitted to the latents"
    assert found.about["samples_from"] == drawn
    assert f"p(c): {drawn}." in printed(found)["code_bits"][1]
    assert prior_of("fixed_bits") == prior_of("independent_bits") == ""


def test_a_generator_draws_from_its_own(digits: Data) -> None:
    torch.manual_seed(0)
    found = evaluate(GAN((1, 8, 8), 3, width=8), digits.test, progress="none")
    assert found.about["samples_from"] == "N(0, I)"
    assert "samples from N(0, I)" in evaluation_text(found)


def test_a_run_says_it_wherever_it_is_shown(vae_run: Path, digits: Data) -> None:
    """`evaluate`, its summary, its page, a figure's caption."""
    before = vaekit.evaluate(vae_run, samples=2, images=20, keep=True, **QUIET)
    assert before.about["samples_from"] == "N(0, I)"
    vaekit.prior(vae_run, components=2, epochs=1, tell=lambda line: None, **QUIET)
    found = vaekit.evaluate(vae_run, samples=2, images=20, keep=True, **QUIET)
    run = vaekit.load_run(vae_run)
    assert run.summary is not None and run.summary.evaluation is not None
    kept = run.summary.evaluation
    assert (kept["prior"], kept["samples_from"]) == ("N(0, I)", DRAWN)
    page = unescape((vae_run / "report.html").read_text(encoding="utf-8"))
    assert f"Samples from {DRAWN}; rate and bounds under N(0, I)" in page
    for row in rows(kept):
        assert row.label in page and row.text.replace("-", "−") in page and row.meaning in page
    (fitted_elbo,) = [key for key in found.likelihood if key.endswith("negative_elbo_fitted_prior_nats")]
    assert kept[fitted_elbo]["value"] == found.likelihood[fitted_elbo].value
    assert View(run, digits, Wishes()).drawn.startswith(f"Means of p(x|z) for z drawn from {DRAWN}")


@pytest.mark.parametrize("key", list(METRICS))
def test_numbers_that_depend_on_a_prior_are_known_as_such(key: str) -> None:
    """By the words of their entries: a new number of the rate or of samples is not forgotten."""
    metric = METRICS[key]
    if metric.bound or "p(z" in metric.symbol or "(x, z)" in metric.symbol or "ELBO" in metric.meaning:
        assert prior_of(key) == "own"
    of_reconstructions = "of reconstructions" in metric.label
    if (metric.family and not of_reconstructions) or (
        "generated" in metric.meaning.lower() and "GAN" not in metric.label
    ):
        assert prior_of(key) == "samples" or key.endswith("loss_nats")
    under = Under(own="N(0, I)", drawn=DRAWN)
    said = metric_of(key, under).label + metric_of(key, under).meaning
    assert (
        "N(0, I)" in said.replace("or N(0, I)", "") or DRAWN in said or "decoded N(0, I)" in said
    ) or not prior_of(key)


def test_records_of_before_say_nothing() -> None:
    assert of_which_prior({"findings": []}) == ""
