"""What the runs of a method come to: worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from vaekit.comparison.rows import ROWS, label, metric_in, rank, spread_of, tabulate
from vaekit.metrics import HIGHER, LOWER, METRICS, ONE


def record(likelihood: str = "bce", **figures: float) -> dict[str, Any]:
    return {"figures": figures, "notes": {}, "likelihood": likelihood, "likelihood_kind": "pseudo"}


def test_mean_and_deviation_over_seeds() -> None:
    spread = spread_of([2.0, 4.0, 9.0])
    assert (spread.mean, spread.count) == (5.0, 3)
    assert spread.deviation == pytest.approx(math.sqrt((9 + 1 + 16) / 2))
    assert spread_of([3.0]).deviation is None
    assert spread_of([7, 7, 7]).deviation is None, "a count that is always the same has no spread"
    assert spread_of([7, 9]).deviation == pytest.approx(math.sqrt(2))


def test_stability_is_the_spread_of_the_final_quality_and_the_failures() -> None:
    runs = {0: record(fd=8.0, reconstruction_mse=0.1), 1: record(fd=12.0, reconstruction_mse=0.1)}
    table = tabulate({"vae": runs, "gan": {0: record(fd=5.0), 1: {"failed": "loss is not finite at step 3"}}})
    assert table.figures["vae"]["fd_spread"].mean == pytest.approx(math.sqrt(8) / 10)
    assert table.figures["vae"]["mse_spread"].mean == pytest.approx(0.0)
    assert table.figures["vae"]["diverged"].mean == 0
    assert table.figures["gan"]["diverged"].mean == 1
    assert "fd_spread" not in table.figures["gan"], "one run that is left has no spread"
    assert table.figures["gan"]["fd"].mean == 5.0
    assert table.failures["gan"] == {1: "loss is not finite at step 3"}


def test_a_method_of_which_every_run_failed_has_no_figures() -> None:
    table = tabulate(
        {"gan": {0: {"failed": "no"}, 1: {"failed": "no"}}, "ae": {0: record(fd=1.0), 1: record(fd=2.0)}}
    )
    assert list(table.figures["gan"]) == ["diverged"]
    assert table.get("gan", "fd") is None
    assert table.best("fd") == []


def test_the_best_is_marked_by_what_better_means() -> None:
    table = tabulate(
        {
            "a": {0: record(fd=3.0, recall=0.5, sharpness=1.5, epochs=4)},
            "b": {0: record(fd=2.0, recall=0.9, sharpness=0.75, epochs=9)},
            "c": {0: record(fd=2.0, recall=0.1)},
        }
    )
    assert table.best("fd") == ["b", "c"]
    assert table.best("recall") == ["b"]
    assert table.best("sharpness") == ["b"], "0.75 is nearer to 1 than 1.5 is, in ratios"
    assert table.best("epochs") == []
    assert table.best("diverged") == [], "all alike"


def test_nats_under_different_likelihoods_have_no_best() -> None:
    runs = {"a": {0: record("bce", nll_nats=100.0)}, "b": {0: record("gaussian", nll_nats=-50.0)}}
    assert tabulate(runs).best("nll_nats") == []
    runs["b"] = {0: record("bce", nll_nats=90.0)}
    assert tabulate(runs).best("nll_nats") == ["b"]
    runs["c"] = {0: record("gaussian", fd=1.0)}
    assert tabulate(runs).best("nll_nats") == ["b"], "one without nats does not matter"


def test_ranks() -> None:
    assert rank(2.0, LOWER) < rank(3.0, LOWER)
    assert rank(3.0, HIGHER) < rank(2.0, HIGHER)
    assert rank(0.5, ONE) == pytest.approx(rank(2.0, ONE))
    assert rank(0.0, ONE) == math.inf


def test_every_row_is_a_number_that_has_an_entry() -> None:
    assert ROWS.keys() <= METRICS.keys()


def test_a_group_of_rows_stands_together() -> None:
    groups = list(ROWS.values())
    assert [group for i, group in enumerate(groups) if i == 0 or groups[i - 1] != group] == list(
        dict.fromkeys(groups)
    )


def test_of_what_is_no_likelihood_no_row_is_a_log_p() -> None:
    table = tabulate({"a": {0: record("bce", nll_nats=90.0)}})
    assert label("nll_nats", table) == "bce importance-weighted loss"
    assert "bounds nothing" in metric_in("nll_nats", table).sentence
    proper = record("bernoulli", nll_nats=90.0) | {"likelihood_kind": "mass"}
    table = tabulate({"a": {0: proper}})
    assert label("nll_nats", table) == "−log p(x)"
