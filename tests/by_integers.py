"""Programs of whole numbers in Python's own integers, which have no largest: an independent answer; and one to run."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.coding.integers import Program
from vaekit.coding.knots import silu

Row = list[int]


def slow_run(program: Program, inputs: dict[str, np.ndarray]) -> dict[str, list[Row]]:
    """As `Program.run`, from the words of its docstring."""
    names = list(inputs)
    rows = [
        slow_row(program, dict(zip(names, row, strict=True))) for row in zip(*inputs.values(), strict=True)
    ]
    return {name: [row[name] for row in rows] for name in program.outputs}


def slow_row(program: Program, inputs: dict[str, np.ndarray]) -> dict[str, Row]:
    values = {name: [int(number) for number in row] for name, row in inputs.items()}
    arrays = {name: array.tolist() for name, array in program.arrays.items()}
    for op in program.ops:
        values[op["out"]] = STEPS[op["op"]](op, arrays, *(values[name] for name in op["in"]))
    return {name: values[value] for name, value in program.outputs.items()}


def gather(op: dict[str, Any], arrays: dict[str, Any], x: Row) -> Row:
    block = op["block"]
    blocks = [x[i : i + block] for i in range(0, len(x), block)]
    return [
        number for place in arrays[op["index"]] for number in (blocks[place] if place >= 0 else [0] * block)
    ]


def linear(op: dict[str, Any], arrays: dict[str, Any], x: Row) -> Row:
    weight, bias = arrays[op["weight"]], arrays[op["bias"]]
    size = len(x) // op["rows"]
    return [
        (sum(a * b for a, b in zip(x[i : i + size], row, strict=True)) + add) >> op["shift"]
        for i in range(0, len(x), size)
        for row, add in zip(weight, bias, strict=True)
    ]


def shift(op: dict[str, Any], arrays: dict[str, Any], x: Row) -> Row:
    bits = op["bits"]
    return [number >> bits if bits >= 0 else number << -bits for number in x]


def clamp(op: dict[str, Any], arrays: dict[str, Any], x: Row) -> Row:
    low, high = op["low"], op["high"]
    x = x if low is None else [max(number, low) for number in x]
    return x if high is None else [min(number, high) for number in x]


def table(op: dict[str, Any], arrays: dict[str, Any], x: Row) -> Row:
    knots, low, step, extra = arrays[op["knots"]], op["low"], op["step"], op["extra"]
    high = low + ((len(knots) - 1) << step)

    def value(number: int) -> int:
        inside = min(max(number, low), high)
        k, f = divmod(inside - low, 1 << step)
        line = knots[k] * ((1 << step) - f) + (knots[k + 1] * f if f else 0)
        ends = op["ends"][0] * min(number - low, 0) + op["ends"][1] * max(number - high, 0)
        return ((line + ((1 << (step + extra)) >> 1)) >> (step + extra)) + ends

    return [value(number) for number in x]


def add(op: dict[str, Any], arrays: dict[str, Any], *x: Row) -> Row:
    return [sum(numbers) for numbers in zip(*x, strict=True)]


def concat(op: dict[str, Any], arrays: dict[str, Any], *x: Row) -> Row:
    return [number for row in x for number in row]


STEPS = {
    "gather": gather,
    "linear": linear,
    "shift": shift,
    "clamp": clamp,
    "table": table,
    "add": add,
    "concat": concat,
}


def steps(seed: int = 0, width: int = 6) -> Program:
    """A program with every kind of step."""
    generator = np.random.default_rng(seed)
    table = silu()
    about = {"knots": "silu", "low": table.low, "step": table.step, "extra": table.extra}
    arrays = {
        "places": np.array([2, -1, 0, 0, 1, -1]),
        "w": generator.integers(-5000, 5000, (width, 4)),
        "b": generator.integers(-(2**20), 2**20, width),
        "silu": table.knots,
    }
    ops = [
        {"op": "gather", "in": ["x"], "out": "g", "index": "places", "block": 2},
        {"op": "linear", "in": ["g"], "out": "l", "weight": "w", "bias": "b", "shift": 9, "rows": 3},
        {"op": "table", "in": ["l"], "out": "t", **about, "ends": [0, 1]},
        {"op": "add", "in": ["l", "t"], "out": "a"},
        {"op": "shift", "in": ["y"], "out": "up", "bits": -3},
        {"op": "shift", "in": ["a"], "out": "down", "bits": 2},
        {"op": "concat", "in": ["up", "down", "y"], "out": "c"},
        {"op": "clamp", "in": ["c"], "out": "cut", "low": -7000, "high": 7000},
        {"op": "clamp", "in": ["c"], "out": "relu", "low": 0, "high": None},
    ]
    inputs = {"x": (6, -(2**14), 2**14), "y": (2, 0, 100)}
    return Program(ops, arrays, inputs, {"cut": "cut", "relu": "relu", "same": "y"})


def given(count: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    return {
        "x": generator.integers(-(2**14), 2**14, (count, 6)),
        "y": generator.integers(0, 101, (count, 2)),
    }
