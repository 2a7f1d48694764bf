"""The table of a run: which figures it has, and what is said of them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from toy import summary
from vaekit.cli.tables import summary_table
from vaekit.runs.records import SplitSummary


def drawn(likelihood: str, **figures: float) -> str:
    stream = io.StringIO()
    test = SplitSummary(10, figures)
    Console(file=stream, width=120).print(summary_table(summary(likelihood=likelihood, test=test)))
    return " ".join(stream.getvalue().split())


@pytest.mark.parametrize(
    ("likelihood", "nats", "said"),
    [("gaussian", -812.3, True), ("gaussian", 12.3, False), ("bernoulli", 12.3, False)],
)
def test_negative_nats_of_a_density_are_explained(likelihood: str, nats: float, said: bool) -> None:
    text = drawn(likelihood, negative_elbo_nats=nats, kl_nats=1.0)
    sentence = f"{likelihood} is a density, which may exceed 1, so that its negative logarithm may be below 0"
    assert text.count(sentence) == said


def test_a_total_correlation_below_zero_is_no_matter_of_densities() -> None:
    assert "density, which" not in drawn(
        "gaussian", negative_elbo_nats=2.0, minibatch_total_correlation_nats=-0.1
    )  # an estimate


def test_a_loss_that_is_another_row_is_left_out() -> None:
    assert "loss" not in drawn("bernoulli", loss_nats=23.57, negative_elbo_nats=23.570001, kl_nats=1.0)
    assert "loss 23.57" in drawn("bernoulli", loss_nats=23.57, negative_elbo_nats=20.0)
