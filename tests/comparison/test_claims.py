"""Verdicts on the lesson's sentences, from tables made by hand."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest

from vaekit.comparison.claims import (
    DEPENDS,
    FAILS,
    HOLDS,
    OTHERS,
    Claim,
    Defined,
    Expectation,
    HasDensity,
    LessVariance,
    clear,
    figure,
    higher,
    judge,
    lower,
    short,
)
from vaekit.comparison.lesson_claims import CLAIMS, judge_all
from vaekit.comparison.rows import ROWS, Spread, Table, tabulate
from vaekit.config.methods import METHODS
from vaekit.metrics import LOWER


def table(**methods: dict[str, list[float]]) -> Table:
    """Figures of each seed, by method (`_` for `-` in its name) and name."""
    records: dict[str, dict[int, Any]] = {}
    for method, figures in methods.items():
        seeds = range(max(map(len, figures.values())))
        records[method.replace("_", "-")] = {
            seed: {
                "figures": {"parameters": 5, **{name: values[seed] for name, values in figures.items()}},
                "notes": {},
                "likelihood": "bce",
                "likelihood_kind": "pseudo",
            }
            for seed in seeds
        }
    return tabulate(records)


def verdict(found: Table, *expectations: Expectation) -> str | None:
    return judge(Claim("§0", "something", expectations), found).verdict


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Spread(1.0, None, 1), Spread(2.0, None, 1), HOLDS),
        (Spread(2.0, None, 1), Spread(1.0, None, 1), FAILS),
        (Spread(1.96, None, 1), Spread(2.0, None, 1), DEPENDS),  # 2 %: within the margin
        (Spread(1.0, 1.0, 4), Spread(2.9, 1.0, 4), HOLDS),  # 1.9 against t(6) sqrt(1/4 + 1/4) = 1.73
        (Spread(1.0, 1.0, 4), Spread(2.3, 1.0, 4), DEPENDS),  # 1.3
        (Spread(2.9, 1.0, 4), Spread(1.0, 1.0, 4), FAILS),
    ],
)
def test_clear_is_beyond_noise_and_margin(a: Spread, b: Spread, expected: str) -> None:
    assert clear(a, b, LOWER, margin=0.05) == expected


def test_a_claim_holds_if_all_of_it_does() -> None:
    found = table(
        vae={"fd": [4.0, 4.1], "recall": [0.8, 0.81]}, gan={"fd": [8.0, 8.1], "recall": [0.3, 0.31]}
    )
    assert verdict(found, lower("fd", "vae", "gan"), higher("recall", "vae", "gan")) == HOLDS
    assert verdict(found, lower("fd", "gan", "vae"), higher("recall", "gan", "vae")) == FAILS
    assert verdict(found, lower("fd", "vae", "gan"), higher("recall", "gan", "vae")) == DEPENDS
    assert verdict(found, lower("fd", "vae", "gan"), higher("kd", "vae", "gan")) is None


def test_the_best_of_several_speaks_for_them() -> None:
    found = table(vae={"fd": [9.0]}, gan={"fd": [2.0]}, ae={"fd": [5.0]}, beta_vae={"fd": [7.0]})
    assert verdict(found, lower("fd", "vae gan", OTHERS)) == HOLDS
    assert verdict(found, lower("fd", "vae beta-vae", OTHERS)) == FAILS
    assert verdict(found, lower("fd", "ae", "vae beta-vae")) == HOLDS
    assert verdict(found, lower("fd", "vae", 10.0)) == HOLDS
    told = table(vae={"fd": [9.0]}, ae={"fd": [20.0]}, cvae={"fd": [1.0]})
    assert verdict(told, lower("fd", "vae", OTHERS)) == HOLDS, "labels are an advantage that others lack"
    judged = judge(Claim("", "", (lower("fd", "vae gan", OTHERS),)), found).judged[0]
    assert judged.found == "gan 2, ae 5"


def test_methods_that_were_not_compared_leave_it_open_and_are_named() -> None:
    found = judge(
        Claim("", "", (higher("as_asked", "cvae", 0.9), lower("fd", "gan", "vae"))), table(vae={"fd": [1.0]})
    )
    assert found.verdict is None
    assert found.missing == "not compared: cvae, gan"


def test_what_is_not_defined_is_a_finding() -> None:
    found = table(vae={"nll_nats": [90.0]}, gan={"fd": [3.0]})
    assert verdict(found, Defined("nll_nats", "gan", wanted=False)) == HOLDS
    assert verdict(found, Defined("nll_nats", "gan")) == FAILS
    assert verdict(found, Defined("nll_nats", "vae")) == HOLDS
    nothing = tabulate({"gan": {0: {"failed": "it did"}}})
    assert verdict(nothing, Defined("nll_nats", "gan", wanted=False)) is None, "a failed run shows nothing"


def test_a_density_that_is_no_likelihood_depends() -> None:
    found = table(vae={"nll_nats": [90.0]})
    assert verdict(found, HasDensity("vae")) == DEPENDS
    proper = Table(found.figures, found.failures, found.notes, {"vae": ("bernoulli", "mass")})
    assert verdict(proper, HasDensity("vae")) == HOLDS


def test_failures_count_before_spreads() -> None:
    def runs(failed: int, values: list[float]) -> dict[int, Any]:
        good = {seed: {"figures": {"fd": value}, "notes": {}} for seed, value in enumerate(values, failed)}
        return {seed: {"failed": "not finite"} for seed in range(failed)} | good

    wild, broken = runs(0, [4.0, 8.0, 5.0, 9.0]), runs(4, [])
    assert verdict(tabulate({"vae": wild, "gan": broken}), LessVariance("vae", "gan")) == HOLDS
    assert verdict(tabulate({"vae": broken, "gan": wild}), LessVariance("vae", "gan")) == FAILS
    once = runs(1, [1.0, 1.0])
    found = tabulate({"vae": runs(0, [4.0, 8.0, 5.0]), "gan": once})
    judged = judge(Claim("", "", (LessVariance("vae", "gan"),)), found).judged[0]
    assert judged.verdict == DEPENDS, "one failure of three is nothing: Fisher's exact test gives 1"
    assert judged.found == "vae 0 of 3, gan 1 of 3"
    alone = tabulate({"vae": runs(0, [8.0]), "gan": runs(0, [4.0])})
    assert verdict(alone, LessVariance("vae", "gan")) is None


def test_few_seeds_do_not_decide_which_spread_is_larger() -> None:
    """Standard deviations 0.02 and 0.1 of the mean: F(1, 1) asks for 25 times, F(2, 2) for 6.2, F(5, 5) for 2.7."""
    rng = random.Random(0)

    def runs(seeds: int, deviation: float) -> dict[int, Any]:
        values = [rng.gauss(0, 1) for _ in range(seeds)]
        mean, spread = statistics.fmean(values), statistics.stdev(values)
        exact = [10 * (1 + deviation * (value - mean) / spread) for value in values]
        return {seed: {"figures": {"fd": value}, "notes": {}} for seed, value in enumerate(exact)}

    for seeds, expected in ((2, DEPENDS), (3, DEPENDS), (6, HOLDS)):
        found = tabulate({"vae": runs(seeds, 0.02), "gan": runs(seeds, 0.1)})
        assert verdict(found, LessVariance("vae", "gan")) == expected, seeds
        judged = judge(Claim("", "", (LessVariance("vae", "gan"),)), found).judged[0]
        assert judged.found == f"vae 0.02, {seeds} seeds; gan 0.1, {seeds} seeds"
    assert verdict(tabulate({"vae": runs(6, 0.1), "gan": runs(6, 0.02)}), LessVariance("vae", "gan")) == FAILS
    # How often is one of two equal spreads taken for the larger?
    wrong = 0
    for _ in range(400):
        pair = {
            m: {s: {"figures": {"fd": rng.gauss(10, 1)}, "notes": {}} for s in range(6)}
            for m in ("vae", "gan")
        }
        wrong += verdict(tabulate(pair), LessVariance("vae", "gan")) != DEPENDS
    assert wrong < (0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5) * 400


def test_a_collapsed_latent_space_is_not_disentangled() -> None:
    (claim,) = (claim for claim in CLAIMS if "disentangled" in claim.text)
    healthy = {"aggregate_total_correlation_nats": [3.0], "active_units": [9]}
    assert (
        judge(
            claim,
            table(vae=healthy, beta_vae={"aggregate_total_correlation_nats": [1.0], "active_units": [4]}),
        ).verdict
        == HOLDS
    )
    collapsed = {"aggregate_total_correlation_nats": [0.0], "active_units": [0]}
    assert judge(claim, table(vae=healthy, beta_vae=collapsed)).verdict == DEPENDS


def test_every_claim_speaks_of_known_rows_and_the_lessons_methods() -> None:
    known = {*METHODS, "cvae", "vqvae"}
    for claim in CLAIMS:
        for expectation in claim.expectations:
            assert set(expectation.needs) <= known
            assert getattr(expectation, "name", "fd") in ROWS
    assert {claim.section for claim in CLAIMS} == {"§1", "§6", "§8", "use cases"}
    assert len(judge_all(table(vae={"fd": [1.0]}))) == len(CLAIMS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (12.0, "12"),
        (1_148_008.0, "1,148,008"),
        (0.01234, "0.0123"),
        (103.4, "103"),
        (999.7, "1,000"),
        (-0.5, "-0.5"),
    ],
)
def test_figures_are_short(value: float, text: str) -> None:
    assert figure(value) == text
    assert short(Spread(value, 0.25, 3)) == f"{text} ± 0.25"
