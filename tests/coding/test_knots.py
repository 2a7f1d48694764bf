"""Tables of functions in whole numbers, against floats, Python's integers and known sums."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import norm

from by_integers import table as slow_table
from vaekit.coding import knots
from vaekit.coding.knots import ONE, Table, tabulate
from vaekit.distributions.numerics import soft_bounds

FUNCTIONS: dict[str, tuple[Table, Callable[[np.ndarray], np.ndarray]]] = {
    "silu": (knots.silu(), lambda x: x * expit(x)),
    "gelu": (knots.gelu(), lambda x: x * norm.cdf(x)),
    "tanh": (knots.tanh(), np.tanh),
    "sigmoid": (knots.sigmoid(), expit),
    "softplus": (knots.softplus(), lambda x: np.logaddexp(0, x)),
    "soft bounds": (
        knots.soft_bounds(-20, 10),
        lambda x: soft_bounds(torch.from_numpy(x), -20, 10).numpy(),
    ),
}


def places() -> np.ndarray:
    generator = np.random.default_rng(0)
    far = generator.integers(-(2**26), 2**26, 500)
    return np.concatenate([generator.integers(-30 * ONE, 30 * ONE, 5000), far, np.arange(-300, 300)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_within_one_of_the_function(name: str) -> None:
    table, function = FUNCTIONS[name]
    x = places()
    assert np.abs(table(x) - function(x / ONE) * ONE).max() <= 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_integers_without_a_largest(name: str) -> None:
    table, _ = FUNCTIONS[name]
    x = places()[::7]
    about = {"low": table.low, "step": table.step, "extra": table.extra, "ends": table.ends, "knots": "k"}
    assert table(x).tolist() == slow_table(about, {"k": table.knots.tolist()}, x.tolist())


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("silu", "09ec4d93f390e579"),
        ("gelu", "88167f12e4d18235"),
        ("tanh", "5a075dd19a769e10"),
        ("sigmoid", "1ff6c0c96b1f3194"),
        ("softplus", "8886600649807e9d"),
        ("soft bounds", "e8fd72faac2dc18a"),
    ],
)
def test_knots_are_what_they_were(name: str, digest: str) -> None:
    """Files name models by a hash of these too: a change of one knot is another format."""
    content = FUNCTIONS[name][0].knots.astype("<i8").tobytes()
    assert hashlib.sha256(content).hexdigest()[:16] == digest


@pytest.mark.parametrize("name", ["silu", "gelu"])
def test_zero_stays_zero(name: str) -> None:
    """So that borders of zeros may be added before or after."""
    assert FUNCTIONS[name][0](np.zeros(1)).tolist() == [0]


def test_any_function_in_any_fraction() -> None:
    table = tabulate(
        lambda x: x.exp(), -16 << 8, 0, step=2, extra=10, fraction_in=8, fraction_out=20, ends=(0, 0)
    )
    x = np.arange(-16 << 8, 1)
    assert (
        np.abs(table(x) - np.exp(x / 256) * 2**20).max() <= 33
    )  # a line over 4/256: 1/8 (1/64)^2 of the value
    assert table(np.array([5])).tolist() == [2**20]


def test_halves_are_rounded_up() -> None:
    table = tabulate(lambda x: x / 2, -8, 8, step=0, extra=4, fraction_in=0, fraction_out=0)
    assert table(np.array([-3, -1, 1, 3])).tolist() == [-1, 0, 1, 2]
    assert tabulate(lambda _: Decimal("0.5"), 0, 2, step=1, extra=1).knots.tolist() == [ONE, ONE]
