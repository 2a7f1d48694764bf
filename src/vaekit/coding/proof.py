"""The proof that no value of a program leaves the whole numbers that float64 holds exactly.

Interval arithmetic, itself exact: a bound of a sum is a sum of whole numbers that are not negative, so that it is below
2^53 as computed if and only if it truly is, in whatever order it was added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vaekit.coding.integers import COMPUTE, Op, Program, last_uses, same_as, table_of, width_of
from vaekit.coding.knots import Table
from vaekit.core import DataError, SettingError, foreign

EXACT = 2.0**53
MOST_STEPS, MOST_NUMBERS, MOST_BITS = 4096, 2**24, 52  # of a program, of a row, of a shift
MOST_WORK, MOST_PLACES = 2**32, 2**22  # of a program: multiplications for one row, and integers between knots
AT_ONCE = 2**20  # weights that are looked at at a time

Interval = tuple[np.ndarray, np.ndarray]


class Ranges:
    """The least and the greatest value of every number of every step so far.

    Attributes:
        of: (n,) and (n,) float64 by the name of a value.
    """

    def __init__(self, inputs: Mapping[str, tuple[int, int, int]], arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays
        self._tables: dict[str, Table] = {}
        self.of: dict[str, Interval] = {
            name: (np.full(width, float(low)), np.full(width, float(high)))
            for name, (width, low, high) in inputs.items()
        }

    def follow(self, op: Op) -> None:
        """Takes one more step.

        Raises:
            SettingError: a value of it could pass 2^53.
        """
        x = [self.of[name] for name in op["in"]]
        if op["op"] == "table":
            table = self._tables.setdefault(same_as(op), table_of(op, self.arrays))
            low, high = of_table(table, *x)
        else:
            low, high = FOLLOW[op["op"]](op, self.arrays, *x)
        if not (low.min(initial=0) > -EXACT and high.max(initial=0) < EXACT):
            raise passes(op)
        self.of[op["out"]] = low, high

    def largest(self, name: str) -> float:
        """The greatest magnitude that a value may have."""
        low, high = self.of[name]
        return float(max(-low.min(initial=0), high.max(initial=0)))


def passes(op: Op) -> SettingError:
    """The error of a step whose sums are not proved to be exact."""
    return SettingError(
        f"exact arithmetic: values of step {op['out']!r} could pass 2^53, where sums are no longer exact; "
        "its weights are too large."
    )


def worst_sum(op: Op, arrays: Mapping[str, np.ndarray], x: Interval) -> float:
    """The greatest magnitude of any partial sum of a linear step, in any order."""
    largest = np.maximum(np.abs(x[0]), np.abs(x[1])).reshape(op["rows"], -1)
    sums = (largest @ np.abs(weight).T + np.abs(bias) for weight, bias in pieces(op, arrays))
    return max(float(part.max(initial=0)) for part in sums)


def pieces(op: Op, arrays: Mapping[str, np.ndarray]) -> Iterator[Interval]:
    """Weights and biases of a linear step as float64, some rows of the matrix at a time."""
    weight, bias = arrays[op["weight"]], arrays[op["bias"]]
    size = max(1, AT_ONCE // weight.shape[1])
    for first in range(0, len(weight), size):
        part = slice(first, first + size)
        yield weight[part].astype(np.float64), bias[part].astype(np.float64)


def _linear(op: Op, arrays: Mapping[str, np.ndarray], x: Interval) -> Interval:
    if not worst_sum(op, arrays, x) < EXACT:
        raise passes(op)
    (low, high), scale = (end.reshape(op["rows"], -1) for end in x), math.ldexp(1.0, -op["shift"])
    least, most = [], []
    for weight, bias in pieces(op, arrays):
        up, down = np.maximum(weight, 0).T, np.minimum(weight, 0).T
        least.append(np.floor((low @ up + high @ down + bias) * scale))
        most.append(np.floor((high @ up + low @ down + bias) * scale))
    return np.concatenate(least, axis=1).ravel(), np.concatenate(most, axis=1).ravel()


def _gather(op: Op, arrays: Mapping[str, np.ndarray], x: Interval) -> Interval:
    index, block = arrays[op["index"]].ravel().astype(np.intp), op["block"]
    low, high = (np.append(end, np.zeros(block)).reshape(-1, block)[index].ravel() for end in x)
    return low, high


def _shift(op: Op, arrays: Mapping[str, np.ndarray], x: Interval) -> Interval:
    scale = math.ldexp(1.0, -op["bits"])
    return np.floor(x[0] * scale), np.floor(x[1] * scale)


def _clamp(op: Op, arrays: Mapping[str, np.ndarray], x: Interval) -> Interval:
    low, high = (-EXACT if op["low"] is None else op["low"]), (EXACT if op["high"] is None else op["high"])
    return np.clip(x[0], low, high), np.clip(x[1], low, high)


def of_table(table: Table, x: Interval) -> Interval:
    """Bounds of values: exact for a function that rises, or first falls and then rises; else of all values between."""
    low, high = table(x[0]), table(x[1])
    least, most = np.minimum(low, high), np.maximum(low, high)
    if table.turn is None:
        return np.minimum(least, table.dense.min()), np.maximum(most, table.dense.max())
    within = (x[0] <= table.turn) & (table.turn <= x[1])
    return np.where(within, np.minimum(least, table.dense.min()), least), most


def _add(op: Op, arrays: Mapping[str, np.ndarray], *x: Interval) -> Interval:
    magnitude = sum(np.maximum(np.abs(low), np.abs(high)) for low, high in x)
    if not float(np.max(magnitude, initial=0)) < EXACT:
        raise passes(op)
    return sum((low for low, _ in x[1:]), x[0][0]), sum((high for _, high in x[1:]), x[0][1])


def _concat(op: Op, arrays: Mapping[str, np.ndarray], *x: Interval) -> Interval:
    return np.concatenate([low for low, _ in x]), np.concatenate([high for _, high in x])


FOLLOW: dict[str, Callable[..., Interval]] = {
    "gather": _gather,
    "linear": _linear,
    "shift": _shift,
    "clamp": _clamp,
    "add": _add,
    "concat": _concat,
}


def checked(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray], where: str) -> Program:
    """A program from a file: whole, and proved to be exact.

    Args:
        description: as `Program.description` gives it; from anyone.
        arrays: as they lie in the file; from anyone.
        where: begins the line of an error: the file.

    Raises:
        DataError: it is no program, asks for too much, or its sums could pass 2^53.
    """
    with foreign(where, DataError, lambda _: "its network is damaged: no program of whole numbers."):
        ops = [dict(op) for op in description["ops"]]
        inputs = {str(name): _input(*about) for name, about in description["inputs"].items()}
        program = Program(ops, arrays, inputs, {str(k): str(v) for k, v in description["outputs"].items()})
        check_arrays(arrays)
        _need(len(ops) <= MOST_STEPS and len(inputs) > 0)
        ranges, widths = Ranges(inputs, arrays), {name: about[0] for name, about in inputs.items()}
        _check_work(ops, widths, arrays)
        _need(all(value in widths for value in program.outputs.values()))
        for op, done in zip(ops, last_uses(ops), strict=True):
            try:
                ranges.follow(op)
            except SettingError as error:
                raise DataError(f"{where}: {error}") from None
            for name in done:
                del ranges.of[name]
    return program


def _check_work(ops: Sequence[Op], widths: dict[str, int], arrays: Mapping[str, np.ndarray]) -> None:
    """Checks every step, and that all together ask for no more than networks do; adds their widths."""
    work, places = 0, {}
    for op in ops:
        _check_step(op, widths, arrays)
        width = widths[op["out"]] = width_of(op, widths, arrays)
        work += 16 * width
        if op["op"] == "linear":
            weight = arrays[op["weight"]]
            work += 16 * weight.size + width * weight.shape[1]
        elif op["op"] == "table":
            places[same_as(op)] = len(arrays[op["knots"]]) << op["step"]
        _need(0 < width <= MOST_NUMBERS and work <= MOST_WORK and sum(places.values()) <= MOST_PLACES)


def _need(fact: bool) -> None:
    if not fact:
        raise ValueError


def _whole(number: object, least: int, most: int) -> int:
    _need(isinstance(number, int) and not isinstance(number, bool))
    assert isinstance(number, int)
    _need(least <= number <= most)
    return number


def _input(width: object, low: object, high: object) -> tuple[int, int, int]:
    ends = _whole(low, -(2**40), 2**40), _whole(high, -(2**40), 2**40)
    _need(ends[0] <= 0 <= ends[1])
    return _whole(width, 1, MOST_NUMBERS), *ends


def check_arrays(arrays: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError for arrays that are not of whole numbers below 2^53."""
    for array in arrays.values():
        _need(array.dtype.kind in "iu")
        _need(not array.size or -(2**53) < int(array.min()) <= int(array.max()) < 2**53)


def _check_step(op: Op, widths: Mapping[str, int], arrays: Mapping[str, np.ndarray]) -> None:
    """Checks that a step names what there is, and that the sizes fit."""
    names = op["in"]
    _need(op["op"] in COMPUTE and isinstance(op["out"], str) and op["out"] not in widths)
    _need(isinstance(names, list) and all(name in widths for name in names))
    least, most = {"add": (2, 16), "concat": (1, 16)}.get(op["op"], (1, 1))
    _need(least <= len(names) <= most)
    width = widths[names[0]]
    if op["op"] == "gather":
        index, block = arrays[op["index"]], _whole(op["block"], 1, width)
        _need(width % block == 0 and index.ndim == 1 and -1 <= index.min() <= index.max() < width // block)
        _need(index.size * block <= MOST_NUMBERS)
    elif op["op"] == "linear":
        weight, rows = arrays[op["weight"]], _whole(op["rows"], 1, MOST_NUMBERS)
        _need(weight.ndim == 2 and weight.shape[1] > 0 and rows * weight.shape[1] == width)
        _need(arrays[op["bias"]].shape == weight.shape[:1])
        _whole(op["shift"], 0, MOST_BITS)
    elif op["op"] == "shift":
        _whole(op["bits"], -MOST_BITS, MOST_BITS)
    elif op["op"] == "clamp":
        low, high = (end if end is None else _whole(end, -(2**52), 2**52) for end in (op["low"], op["high"]))
        _need(low is None or high is None or low <= high)
    elif op["op"] == "table":
        _check_table(op, arrays[op["knots"]])
    elif op["op"] == "add":
        _need(all(widths[name] == width for name in names))


def _check_table(op: Op, knots: np.ndarray) -> None:
    step, extra = _whole(op["step"], 0, 20), _whole(op["extra"], 0, 20)
    _need(knots.ndim == 1 and 2 <= len(knots) <= 2**24 >> step)
    _need(int(np.abs(knots.astype(np.int64)).max()) < 2**62 >> (step + 2))
    _whole(op["low"], -(2**40), 2**40)
    for slope in op["ends"]:
        _whole(slope, 0, 1)
    _need(len(op["ends"]) == 2 and extra + step <= 40)
