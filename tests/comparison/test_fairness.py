"""Whether methods had the same time, by seconds that are written down here."""

from __future__ import annotations

from typing import Any

import pytest

from vaekit.cli.tables import comparison_lines
from vaekit.comparison.claims import DEPENDS, FAILS, HOLDS
from vaekit.comparison.fairness import seconds_spent, spent_in_words, withheld
from vaekit.comparison.lesson_claims import judge_all
from vaekit.comparison.rows import tabulate


def record(seconds: float, **figures: float) -> dict[str, Any]:
    return {"figures": {"processor_seconds": seconds, "parameters": 5, **figures}, "notes": {}}


def records(slower: float) -> dict[str, dict[int, dict[str, Any]]]:
    """Two methods, of which the GAN takes 10 s each, and the VAE `slower` on average."""
    return {
        "gan": {0: record(9.0, fd=4.0, precision=0.9), 1: record(11.0, fd=4.1, precision=0.9)},
        "vae": {0: record(slower - 1, fd=12.0, precision=0.5), 1: record(slower + 1, fd=12.1, precision=0.5)},
    }


@pytest.mark.parametrize(
    ("slower", "judged"), [(10.0, True), (10.9, True), (11.1, False), (9.2, True), (9.0, False)]
)
def test_up_to_a_tenth_is_judged_and_more_is_not(slower: float, judged: bool) -> None:
    """Runs within a method may differ by more: their means are what counts."""
    table = tabulate(records(slower), 10.0)
    assert (table.withheld == "") == judged
    assert table.best("fd") == (["gan"] if judged else [])
    verdicts = {verdict.verdict for verdict in judge_all(table)}
    assert verdicts & {HOLDS, FAILS, DEPENDS} if judged else verdicts == {None}


def test_equal_steps_are_judged_whatever_they_take() -> None:
    table = tabulate(records(40.0))
    assert table.withheld == "" and table.best("fd") == ["gan"]


def test_the_reason_has_the_figures_and_the_remedy() -> None:
    said = withheld(10.0, records(12.5))
    for part in ("Of 10 s", "gan spent 10 s and vae 12.5 s", "25% more", "over a tenth", "nothing is judged",
                 "a longer budget", "does nothing else", "equal epochs"):  # fmt: skip
        assert part in said
    assert comparison_lines(tabulate(records(12.5), 10.0))[-1] == said
    assert all(one.missing == said for one in judge_all(tabulate(records(12.5), 10.0)))
    assert said not in comparison_lines(tabulate(records(10.5), 10.0))


def test_failed_runs_do_not_count_and_one_method_is_even_with_itself() -> None:
    runs = {
        "gan": {0: {"failed": "it burst"}, 1: record(10.0)},
        "vae": {0: record(10.5)},
        "ae": {0: {"failed": "too"}},
    }
    assert seconds_spent(runs) == {"gan": [10.0], "vae": [10.5]}
    assert withheld(10.0, runs) == ""
    assert withheld(10.0, {"gan": {0: record(3.0), 1: record(30.0)}}) == ""
    assert withheld(10.0, {"gan": {0: {"failed": "it burst"}}}) == ""


def test_the_range_is_that_of_all_runs() -> None:
    assert spent_in_words(records(12.0)) == "spent 9 to 13 s"
    assert spent_in_words({"gan": {0: record(9.81), 1: record(9.79)}}) == "spent 9.79 to 9.81 s"
    assert spent_in_words({"gan": {0: record(9.8)}}) == "spent 9.8 s"
    assert spent_in_words({"gan": {0: {"failed": "it burst"}}}) == ""
