"""Keys with variable parts, wording by the kind of the likelihood, and bits."""

from __future__ import annotations

import math

import pytest

from vaekit.distributions import LIKELIHOODS
from vaekit.distributions.likelihoods import measured_under
from vaekit.metrics import (
    KINDS,
    METRICS,
    Under,
    bits_per_dimension,
    has_bits,
    in_bits,
    key_under,
    known,
    metric_of,
)


@pytest.mark.parametrize(
    ("key", "label", "unit"),
    [
        ("fd_mnist_v1", "Fréchet distance (mnist_v1)", "squared feature units"),
        ("kd_mine", "kernel distance (mine)", "kernel units"),
        ("recall_x_floor", "recall (x) of training images", "share"),
        ("fd_x_floor_se", "Fréchet distance (x) of training images, standard error", "squared feature units"),
        ("fd_spread", "spread of the Fréchet distance", "of its mean"),
        ("bce_bound_nats", "bce importance-weighted loss", "nats per image"),
        ("my_own_bound_jackknife_nats", "my_own importance-weighted loss, jackknife", "nats per image"),
        ("bce_negative_elbo_nats", "bce −ELBO", "nats per image"),
        ("nll_bpd", "−log p(x)", "bits/dim"),
        ("negative_iwae_bound_bpd", "importance-weighted bound", "bits/dim"),
    ],
)
def test_variable_parts(key: str, label: str, unit: str) -> None:
    assert known(key)
    assert (metric_of(key).label, metric_of(key).unit) == (label, unit)


def test_a_key_without_an_entry_is_shown_by_its_words() -> None:
    for key, label, unit in (
        ("tilt_nats", "tilt", "nats per image"),
        ("tilt_of_z", "tilt of z", ""),
        ("kl_bpd", "kl", "bits/dim"),
    ):
        assert not known(key)
        metric = metric_of(key)
        assert (metric.label, metric.unit, metric.sentence) == (label, unit, "")


@pytest.mark.parametrize(
    ("key", "likelihood", "unit"),
    [
        ("kl_nats", "bce", "nats per image"),
        ("negative_elbo_nats", "bce", "nats per image of bce, no likelihood"),
        ("reconstruction_nats", "gaussian", "nats per image, of a density"),
        ("reconstruction_nats", "bernoulli", "nats per image"),
        ("negative_elbo_bpd", "categorical", "bits/dim"),
        ("code_usage", "bce", "share"),
        ("negative_elbo_nats", "of tomorrow", "nats per image"),
        ("negative_elbo_nats", None, "nats per image"),
    ],
)
def test_what_contains_log_p_of_x_given_z_says_of_which_kind(
    key: str, likelihood: str | None, unit: str
) -> None:
    assert metric_of(key, measured_under(likelihood)).unit == unit


def test_every_kind_of_a_likelihood_has_its_sentences() -> None:
    assert {kind.kind for kind in LIKELIHOODS.values()} <= KINDS.keys()
    assert [kind for kind in KINDS if not KINDS[kind].bounds] == ["pseudo"]
    assert "bounds nothing" in KINDS["pseudo"].meaning and "Under bce" in KINDS["pseudo"].note.format(
        name="bce"
    )
    assert KINDS["mass"].unit == KINDS["mass"].note == ""


def test_a_model_that_is_conditioned_on_the_class_has_conditional_densities() -> None:
    under = Under(classes=True)
    assert metric_of("nll_nats", under).label == "−log p(x|y)"
    assert metric_of("reconstruction_nats", under).symbol == "−log p(x|z, y)"
    assert metric_of("kl_nats", under).symbol == "KL(q(z|x, y) ‖ p(z))"
    assert metric_of("aggregate_kl_nats", under) == METRICS["aggregate_kl_nats"]


def test_names_of_what_is_no_likelihood() -> None:
    pseudo = Under("bce", "pseudo")
    assert key_under("nll_annealed_nats", pseudo) == "bce_bound_annealed_nats"
    assert key_under("negative_elbo_nats", pseudo) == "bce_negative_elbo_nats"
    for kind in ("mass", "density", ""):
        assert key_under("nll_nats", Under("x", kind)) == "nll_nats"


def test_only_masses_on_eight_bits_are_given_in_bits() -> None:
    values = {
        "kl_nats": 3.0,
        "negative_iwae_bound_nats": 392 * math.log(2),
        "negative_elbo_nats": 784 * math.log(2),
    }
    bits = {"negative_elbo_bpd": 1.0, "negative_iwae_bound_bpd": 0.5}
    found = in_bits(values, "mass", "8-bit", 784)
    assert found == pytest.approx(bits) and list(found) == list(bits)
    pairs = [(kind, pixels) for kind in (*KINDS, "") for pixels in ("8-bit", "binary", "unit", "real")]
    assert [pair for pair in pairs if has_bits(*pair)] == [("mass", "8-bit")]
    assert all(in_bits(values, *pair, 784) == {} for pair in pairs if pair != ("mass", "8-bit"))
    assert bits_per_dimension(8 * math.log(2), 1) == pytest.approx(8)


def test_details_are_added_where_the_record_has_them() -> None:
    metric = metric_of("nll_nats")
    assert "K = 5,000, 100 images. Lower is better." in metric.sentence_with(
        {"samples": 5000, "images": 100, "seed": 0}
    )
    assert "K" not in metric.sentence_with({"samples": 5000})


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("images", 12345, "12,345"),
        ("nll_nats", 1234.567, "1,234.57"),
        ("nll_nats", -0.5, "-0.50"),
        ("kl_nats", 0.012345, "0.012"),
        ("mse", 0.123456, "0.1235"),
        ("mse", 0.0123456, "0.01235"),
        ("recall", 0.0, "0"),
        ("recall", None, "–"),
    ],
)
def test_values_as_text(key: str, value: float | None, text: str) -> None:
    assert metric_of(key).text(value) == text


def test_what_is_no_likelihood_is_never_said_to_bound_or_to_be_one():
    """Whatever the number: of bce there is no p(x|z), and nothing is bounded."""
    under = Under("bce", "pseudo")
    for key, metric in METRICS.items():
        if not metric.likelihood:
            continue
        sentence = metric_of(key_under(key, under), under).sentence
        assert "from above" not in sentence and "p(x|z)" not in sentence, (key, sentence)
        assert "p(x)" not in metric_of(key_under(key, under), under).label
    assert (
        "bounds −log p(x) from above" in metric_of("negative_elbo_nats", Under("bernoulli", "mass")).sentence
    )
