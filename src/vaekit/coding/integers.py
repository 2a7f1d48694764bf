"""Programs of whole numbers: what a network becomes, and what computes the same bits on every machine.

All values are whole numbers below 2^53 in float64. There every product, sum and floor is exact, so that the order in
which a library adds, its threads, instructions and the size of a batch cannot change a bit.
`vaekit.coding.proof` shows for each program that no sum can leave that range.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vaekit.coding import knots
from vaekit.coding.knots import Table
from vaekit.core import DataError

AT_ONCE = 2**19  # values of the widest step that are computed at a time
ROWS, MOST_AT_ONCE = (
    32,
    2**23,
)  # or this number of rows, for which weights are read once, within this number of values

Op = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Program:
    """Steps on rows of whole numbers, (B, n) each.

    A step takes values by the names in `in` and gives one value a name, `out`. With x its first value, (B, n):

    - gather: x as (B, n / block, block); `index` names the blocks to take, -1 a block of zeros.
    - linear: x as (B * rows, k); floor((x weight^T + bias) / 2^shift), then (B, rows * o).
    - shift: floor(x / 2^bits); times 2^-bits for negative bits.
    - clamp: no less than `low` and no more than `high`, where they are not None.
    - table: the `Table` of `knots`, `low`, `step`, `extra` and `ends`.
    - add: the sum of all values named.
    - concat: all values named, one after another, (B, sum of n).

    `index`, `weight`, `bias` and `knots` name arrays.

    Attributes:
        ops: the steps, JSON-able.
        arrays: whole numbers by name.
        inputs: for each name its width n and the least and the greatest value it may have.
        outputs: for each name of a result the value that it is.
    """

    ops: Sequence[Op]
    arrays: Mapping[str, np.ndarray]
    inputs: Mapping[str, tuple[int, int, int]]
    outputs: Mapping[str, str]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Results, (B, m) int64 each.

        Args:
            inputs: (B, n) each, whole numbers in any type; the names beside those of `inputs` are not looked at.

        Raises:
            DataError: an input is missing, has another width, values that are not whole, or out of its range.
        """
        given = {name: self._checked(name, inputs) for name in self.inputs}
        count = len(next(iter(given.values())))
        if any(len(x) != count for x in given.values()):
            raise DataError("inputs of exact arithmetic must have one row for each example.")
        widest = max(self._widths.values())
        size = max(1, AT_ONCE // widest, min(ROWS, MOST_AT_ONCE // widest))
        starts = range(0, max(count, 1), size)
        found = {name: np.empty((count, width), np.int64) for name, width in self.widths.items()}
        for i in starts:
            part = self._piece({name: x[i : i + size] for name, x in given.items()})
            for name, values in part.items():
                found[name][i : i + size] = values
        return found

    def description(self) -> dict[str, Any]:
        """All but the arrays, JSON-able."""
        inputs = {name: list(about) for name, about in self.inputs.items()}
        return {"ops": [dict(op) for op in self.ops], "inputs": inputs, "outputs": dict(self.outputs)}

    def hash(self) -> str:
        """SHA-256 of the steps as JSON with sorted keys and no spaces, and of each array in the order of their names: a
        line of its name and shape, then its values as 64-bit integers, little end first."""
        digest = hashlib.sha256(canonical(self.description()))
        for name in sorted(self.arrays):
            array = self.arrays[name]
            digest.update(f"\n{name} {'x'.join(map(str, array.shape))}\n".encode())
            for first in range(0, array.size, AT_ONCE):
                digest.update(array.ravel()[first : first + AT_ONCE].astype("<i8").tobytes())
        return digest.hexdigest()

    @property
    def widths(self) -> dict[str, int]:
        """Numbers per row of each result."""
        return {name: self._widths[value] for name, value in self.outputs.items()}

    @cached_property
    def _widths(self) -> dict[str, int]:
        widths = {name: about[0] for name, about in self.inputs.items()}
        for op in self.ops:
            widths[op["out"]] = width_of(op, widths, self.arrays)
        return widths

    @cached_property
    def _steps(self) -> list[tuple[Callable[..., np.ndarray], list[str], str, list[str]]]:
        """The function of each step, the names it takes, its own name, and the names not needed after it."""
        keep = set(self.outputs.values())
        drop = [[name for name in names if name not in keep] for names in last_uses(self.ops)]
        kinds = [same_as(op) for op in self.ops]
        made = {kind: COMPUTE[op["op"]](op, self.arrays) for kind, op in zip(kinds, self.ops, strict=True)}
        return [
            (made[kind], op["in"], op["out"], done)
            for kind, op, done in zip(kinds, self.ops, drop, strict=True)
        ]

    def _piece(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        for compute, names, out, done in self._steps:
            values[out] = compute(*(values[name] for name in names))
            for name in done:
                del values[name]
        return {name: values[value] for name, value in self.outputs.items()}

    def _checked(self, name: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        width, low, high = self.inputs[name]
        if name not in inputs:
            raise DataError(f"exact arithmetic needs the input {name!r}, which is missing.")
        x = np.asarray(inputs[name]).astype(np.float64)
        if x.ndim != 2 or x.shape[1] != width:
            raise DataError(
                f"input {name!r} of shape {x.shape} given to exact arithmetic; give (B, {width})."
            )
        if x.size and not (x.min() >= low and x.max() <= high and bool((x == np.floor(x)).all())):
            raise DataError(f"input {name!r} of exact arithmetic must be whole numbers from {low} to {high}.")
        return x


def same_as(op: Op) -> str:
    """A key that steps share which compute the same of what they are given: those of one table have it once."""
    return canonical({name: value for name, value in op.items() if name not in ("in", "out")}).decode()


def canonical(description: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces: the same bytes for the same content."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def narrowed(values: np.ndarray) -> np.ndarray:
    """The same whole numbers in the least type that holds them: int8, int16, int32 or int64."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    kinds = (np.int8, np.int16, np.int32, np.int64)
    kind = next(kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return values.astype(kind)


def last_uses(ops: Sequence[Op]) -> list[list[str]]:
    """The values that no later step takes, for each step."""
    last: dict[str, int] = {}
    for number, op in enumerate(ops):
        last |= dict.fromkeys([*op["in"], op["out"]], number)
    done: list[list[str]] = [[] for _ in ops]
    for name, number in last.items():
        done[number].append(name)
    return done


def table_of(op: Op, arrays: Mapping[str, np.ndarray]) -> Table:
    """The table of a step."""
    low, high = op["ends"]
    return Table(arrays[op["knots"]], op["low"], op["step"], op["extra"], (low, high))


def width_of(op: Op, widths: Mapping[str, int], arrays: Mapping[str, np.ndarray]) -> int:
    """Numbers per row of a step's value."""
    if op["op"] == "gather":
        return arrays[op["index"]].size * op["block"]
    if op["op"] == "linear":
        return op["rows"] * arrays[op["weight"]].shape[0]
    if op["op"] == "concat":
        return sum(widths[name] for name in op["in"])
    return widths[op["in"][0]]


def _gather(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    index, block = arrays[op["index"]].astype(np.intp).ravel(), op["block"]
    width = index.size * block
    padded = bool((index < 0).any())

    def compute(x: np.ndarray) -> np.ndarray:
        if padded:
            x = np.concatenate([x, np.zeros((len(x), block))], axis=1)  # the last block: index -1
        blocks = x.reshape(len(x), x.shape[1] // block, block)
        return blocks.take(index, axis=1, mode="wrap").reshape(len(x), width)

    return compute


def _linear(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    scale = math.ldexp(1.0, -op["shift"])  # of a power of two: products and sums stay as exact as they were
    weight = np.ascontiguousarray(arrays[op["weight"]].T, dtype=np.float64) * scale
    bias, width = arrays[op["bias"]].astype(np.float64) * scale, op["rows"] * weight.shape[1]
    few = max(1, knots.AT_ONCE // weight.shape[1])

    def compute(x: np.ndarray) -> np.ndarray:
        y = x.reshape(-1, weight.shape[0]) @ weight
        for first in range(0, len(y), few):
            part = y[first : first + few]
            part += bias
            np.floor(part, out=part)
        return y.reshape(len(x), width)

    return compute


def _shift(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    scale = math.ldexp(1.0, -op["bits"])
    return lambda x: np.floor(x * scale)


def _clamp(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    low, high = op["low"], op["high"]
    return lambda x: np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _table(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    return table_of(op, arrays)


def _add(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    def compute(*values: np.ndarray) -> np.ndarray:
        return np.sum(values, axis=0)

    return compute


def _concat(op: Op, arrays: Mapping[str, np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *values: np.concatenate(values, axis=1)


COMPUTE: dict[str, Callable[[Op, Mapping[str, np.ndarray]], Callable[..., np.ndarray]]] = {
    "gather": _gather,
    "linear": _linear,
    "shift": _shift,
    "clamp": _clamp,
    "table": _table,
    "add": _add,
    "concat": _concat,
}
