"""Bounds of programs: they hold, they are reached, and what could pass 2^53 or is damaged is refused."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest

from by_integers import given, steps
from vaekit.coding.knots import gelu, silu, soft_bounds, softplus, tabulate
from vaekit.coding.proof import EXACT, Ranges, checked
from vaekit.core import DataError, SettingError


def linear(weight: Any, bias: Any, low: int, high: int) -> tuple[dict[str, Any], Ranges]:
    weight = np.array(weight, dtype=np.int64)
    arrays = {"w": weight, "b": np.array(bias, dtype=np.int64)}
    op = {"op": "linear", "in": ["x"], "out": "l", "weight": "w", "bias": "b", "shift": 0, "rows": 1}
    return op, Ranges({"x": (weight.shape[1], low, high)}, arrays)


def test_bounds_of_a_linear_step_are_its_corners() -> None:
    op, ranges = linear([[3, -2], [1, 1]], [5, 0], -10, 100)
    ranges.follow(op)
    low, high = ranges.of["l"]
    assert low.tolist() == [-30 - 200 + 5, -20] and high.tolist() == [300 + 20 + 5, 200]


def test_two_to_the_53_is_refused_and_one_less_is_not() -> None:
    op, ranges = linear([[2**50 - 1, 1]], [0], 0, 8)  # 8 (2^50 - 1) + 8 = 2^53
    with pytest.raises(SettingError, match=r"'l' could pass 2\^53"):
        ranges.follow(op)
    op, ranges = linear([[2**50 - 1, 1]], [-1], 0, 8)  # partial sums pass, whatever the whole does
    with pytest.raises(SettingError, match=r"2\^53"):
        ranges.follow(op)
    op, ranges = linear([[2**50 - 2, 1]], [7], 0, 8)
    ranges.follow(op)
    assert ranges.largest("l") == EXACT - 1


def test_values_that_cancel_are_refused_by_their_partial_sums() -> None:
    op, ranges = linear([[2**50, -(2**50)]], [0], 7, 8)
    with pytest.raises(SettingError):
        ranges.follow(op)


def test_sums_and_shifts_are_refused_too() -> None:
    ranges = Ranges({"x": (1, 0, 2**52)}, {})
    with pytest.raises(SettingError):
        ranges.follow({"op": "add", "in": ["x", "x"], "out": "a"})
    with pytest.raises(SettingError):
        ranges.follow({"op": "shift", "in": ["x"], "out": "s", "bits": -1})
    ranges.follow({"op": "shift", "in": ["x"], "out": "s", "bits": 1})
    ranges.follow({"op": "add", "in": ["s", "s"], "out": "a"})


def test_values_stay_within_bounds_that_are_nearly_reached() -> None:
    program, inputs = steps(), given(3000)
    ranges = Ranges(program.inputs, program.arrays)
    for op in program.ops:
        ranges.follow(op)
    for name, values in program.run(inputs).items():
        low, high = ranges.of[program.outputs[name]]
        assert (values >= low).all() and (values <= high).all()
        assert np.median((values.max(0) - values.min(0)) / (high - low)) > 0.9


@pytest.mark.parametrize(
    "table",
    [silu(), gelu(), softplus(), soft_bounds(-20, 10), tabulate(lambda x: -x * x, -4096, 4096)],
    ids=["silu", "gelu", "softplus", "bounds", "hill"],
)
def test_bounds_of_a_table_hold_everywhere(table: Any) -> None:
    generator = np.random.default_rng(0)
    ends = np.sort(generator.integers(-60_000, 60_000, (300, 2)), axis=1).astype(float)
    about = {"knots": "k", "low": table.low, "step": table.step, "extra": table.extra, "ends": [*table.ends]}
    ranges = Ranges({}, {"k": table.knots})
    ranges.of["x"] = ends[:, 0], ends[:, 1]
    ranges.follow({"op": "table", "in": ["x"], "out": "t", **about})
    low, high = ranges.of["t"]
    for number, (first, last) in enumerate(ends):
        values = table(np.arange(first, last + 1))
        assert low[number] <= values.min() and values.max() <= high[number]
        if table is not None and table.ends == (0, 1):
            assert (low[number], high[number]) == (values.min(), values.max())


def described() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    program = steps()
    return program.description(), dict(program.arrays)


def test_a_program_from_a_file_is_the_same_program() -> None:
    about, arrays = described()
    read = checked(about, arrays, "x.vk")
    assert read.hash() == steps().hash()
    assert (read.run(given(3))["cut"] == steps().run(given(3))["cut"]).all()


def test_a_program_whose_sums_could_pass_is_refused_as_a_file() -> None:
    about, arrays = described()
    arrays["w"] = arrays["w"] * 2**30
    with pytest.raises(DataError, match=r"^x\.vk: .*2\^53"):
        checked(about, arrays, "x.vk")


def test_programs_that_ask_for_too_much_are_refused() -> None:
    """Few bytes that would take hours or all memory."""
    square, ends = np.ones((1024, 1024), dtype=np.int8), np.zeros(2, dtype=np.int8)
    arrays = {"w": square, "b": square[0], "k": ends, "i": np.zeros(2**22, dtype=np.int8)}
    linear = {"op": "linear", "weight": "w", "bias": "b", "shift": 20, "rows": 1}
    table = {"op": "table", "knots": "k", "step": 20, "extra": 0, "ends": [0, 0]}
    gather = {"op": "gather", "index": "i", "block": 1}
    for step in (linear, table, gather):
        ops = [
            {**step, "in": [f"v{i}"], "out": f"v{i + 1}"} | ({"low": -i} if step is table else {})
            for i in range(4096)
        ]
        about = {"ops": ops, "inputs": {"v0": [1024, 0, 1]}, "outputs": {"x": "v9"}}
        with pytest.raises(DataError, match="damaged"):
            checked(about, arrays, "x.vk")
        checked(about | {"ops": ops[:1], "outputs": {"x": "v1"}}, arrays, "x.vk")


HOSTILE = [None, -1, 0, 1, 2**70, 1e300, float("nan"), "x", "w", [], {}, True, ["x"], ["x", "x"], {"x": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for key, inner in items for place in places(inner, (*path, key))]


def test_damaged_descriptions_are_one_line() -> None:
    """Every place replaced by everything hostile: refused, or a program that runs within its bounds."""
    about, arrays = described()
    refused = 0
    for path in places(about):
        for value in HOSTILE:
            other = copy.deepcopy(about)
            held = other
            for key in path[:-1]:
                held = held[key]
            held[path[-1]] = value
            refused += not survives(other, arrays)
    assert refused > 500


def test_damaged_arrays_are_one_line() -> None:
    about, arrays = described()
    chance = random.Random(0)
    for name, array in arrays.items():
        for bad in (
            array[:0],
            array[None],
            array * 2**40,
            array.astype(float),
            array.astype(str),
            array[:-1],
        ):
            survives(about, arrays | {name: bad})
        for _ in range(20):
            other = array.copy()
            other.flat[chance.randrange(other.size)] = chance.choice([-(2**63), 2**63 - 1, 2**53, -2, 10**6])
            survives(about, arrays | {name: other})
        assert not survives(about, {k: v for k, v in arrays.items() if k != name})


def survives(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> bool:
    """Says whether a description is taken for a program; if so it runs, if not the error is one line."""
    try:
        program = checked(about, arrays, "x.vk")
    except DataError as error:
        return not (str(error).startswith("x.vk: ") and "\n" not in str(error))
    inputs = {name: np.zeros((2, width)) for name, (width, _, _) in program.inputs.items()}
    assert all(len(values) == 2 for values in program.run(inputs).values())
    return True
