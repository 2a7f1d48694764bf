"""Layers as steps of whole numbers: weights rounded, convolutions as gathered matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from torch import Tensor, nn

from vaekit.coding.integers import Op, Program, narrowed
from vaekit.coding.knots import FRACTION, Table
from vaekit.coding.proof import EXACT, Ranges, worst_sum
from vaekit.core import SettingError

WEIGHT_BITS = 12  # after the point of a weight: more change the bound of no network that was measured
FEWEST_BITS = 8  # of a weight; with fewer, rounding would make another network of it
LIMIT = 1 << (FRACTION + 14)  # of an activation, 16,384: further ones are cut off where they could occur


@dataclass(frozen=True, eq=False)
class Grid:
    """A value as h x w positions of channels, within a step's row of numbers.

    Attributes:
        name: of the value.
        index: (h, w, m), blocks of the row which together are the channels of a position; -1 is a block of zeros.
        block: numbers of a block; a position has m * block channels.
        scale: what one unit of a whole number is worth times 2^fraction, for each channel.
        fraction: bits after the point.
    """

    name: str
    index: np.ndarray
    block: int
    scale: np.ndarray
    fraction: int = FRACTION

    @property
    def channels(self) -> int:
        return self.index.shape[2] * self.block


class Builder:
    """Makes a program, step by step; each is proved to be exact as it is added.

    Args:
        weight_bits: bits after the point of a weight, fewer where sums could pass 2^53 otherwise.
    """

    def __init__(self, weight_bits: int = WEIGHT_BITS) -> None:
        self.weight_bits = weight_bits
        self.ops: list[Op] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.inputs: dict[str, tuple[int, int, int]] = {}
        self.ranges = Ranges({}, self.arrays)
        self._tables: dict[int, tuple[Table, str]] = {}

    def program(self, outputs: dict[str, Grid]) -> Program:
        """The program of all steps so far; outputs in torch's order, channels before rows before columns."""
        named = {name: self.flat(grid).name for name, grid in outputs.items()}
        return Program(self.ops, self.arrays, self.inputs, named)

    def input(
        self, name: str, shape: Sequence[int], low: int, high: int, scale: float, fraction: int
    ) -> Grid:
        """An input in torch's order: (C, H, W) or (D,)."""
        count = prod(shape)
        self.inputs[name] = count, low, high
        self.ranges.of[name] = np.full(count, float(low)), np.full(count, float(high))
        if len(shape) != 3:
            return Grid(name, np.zeros((1, 1, 1), dtype=np.int64), count, np.full(count, scale), fraction)
        index = np.arange(count).reshape(*shape).transpose(1, 2, 0)
        return Grid(name, index, 1, np.full(shape[0], scale), fraction)

    def dense(self, x: Grid, layer: nn.Linear) -> Grid:
        """A linear layer on a flat row."""
        return self._linear(x, array(layer.weight), bias_of(layer), (1, 1))

    def head(self, x: Grid, layer: nn.Linear) -> Grid:
        """A linear layer on channels flattened as torch does, (C, h, w)."""
        h, w, _ = x.index.shape
        weight = array(layer.weight).reshape(-1, x.channels, h, w).transpose(0, 2, 3, 1)
        weight = weight.reshape(len(weight), -1)
        return self._linear(self.materialised(x), weight, bias_of(layer), (1, 1))

    def spread(self, x: Grid, layer: nn.Linear, shape: Sequence[int]) -> Grid:
        """A linear layer whose outputs are (C, h, w)."""
        channels, h, w = shape
        weight = array(layer.weight).reshape(channels, h, w, -1).transpose(1, 2, 0, 3)
        bias = bias_of(layer).reshape(channels, h, w).transpose(1, 2, 0)
        made = self._linear(x, weight.reshape(-1, weight.shape[-1]), bias.ravel(), (1, 1))
        return whole(made.name, (h, w), channels)

    def conv(
        self, x: Grid, layer: nn.Conv2d, stride: int = 1, padding: int = 0, more: tuple[int, int] = (0, 0)
    ) -> Grid:
        """A convolution; `more` rows and columns of zeros are added below and to the right first."""
        kernel = array(layer.weight)
        size = [
            (x.index.shape[axis] + more[axis] + 2 * padding - kernel.shape[2 + axis]) // stride + 1
            for axis in (0, 1)
        ]
        weight = kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
        windows = self._windows(x, size, kernel.shape[2:], stride, -padding)
        return self._linear(windows, weight, bias_of(layer), (size[0], size[1]))

    def transposed(self, x: Grid, layer: nn.ConvTranspose2d, size: tuple[int, int]) -> Grid:
        """A transposed convolution of kernel 4, stride 2, padding 1, cropped to `size`.

        Around each corner of four pixels lie 2 x 2 pixels of the result, which see these four and no others.
        """
        kernel = array(layer.weight)  # (C, O, 4, 4)
        corners = [length // 2 + 1 for length in size]
        windows = self._windows(x, corners, (2, 2), 1, -1)
        part, seen = np.meshgrid([0, 1], [0, 1], indexing="ij")
        taps = 2 * (1 - seen) + part  # of the kernel: [pixel of the result, pixel that it sees]
        weight = kernel[:, :, taps[:, None, :, None], taps[None, :, None, :]]  # (C, O, 2, 2, 2, 2)
        channels, outputs = kernel.shape[:2]
        weight = weight.transpose(2, 3, 1, 4, 5, 0).reshape(4 * outputs, 4 * channels)
        made = self._linear(windows, weight, np.tile(bias_of(layer), 4), (corners[0], corners[1]))
        rows, columns = (np.arange(length) + 1 for length in size)
        corner = (rows[:, None] // 2) * corners[1] + columns // 2
        index = corner * 4 + (rows[:, None] % 2) * 2 + columns % 2
        return Grid(made.name, index[:, :, None], outputs, np.ones(outputs))

    def shuffled(self, x: Grid, layer: nn.Conv2d, factor: int, size: tuple[int, int]) -> Grid:
        """A 1 x 1 convolution and a pixel shuffle, cropped to `size`."""
        kernel = array(layer.weight)
        outputs = len(kernel) // factor**2
        weight = kernel.reshape(outputs, factor**2, -1).transpose(1, 0, 2).reshape(len(kernel), -1)
        bias = bias_of(layer).reshape(outputs, factor**2).T.ravel()
        h, w = x.index.shape[:2]
        made = self._linear(self.materialised(x), weight, bias, (h, w))
        rows, columns = (np.arange(length) for length in size)
        place = (rows[:, None] // factor) * w + columns // factor
        index = place * factor**2 + (rows[:, None] % factor) * factor + columns % factor
        return Grid(made.name, index[:, :, None], outputs, np.ones(outputs))

    def unshuffled(self, x: Grid, factor: int) -> Grid:
        """Patches of factor x factor positions as channels, in torch's order; filled up with 0."""
        h, w, parts = x.index.shape
        padded = np.pad(x.index, ((0, -h % factor), (0, -w % factor), (0, 0)), constant_values=-1)
        rows, columns = padded.shape[0] // factor, padded.shape[1] // factor
        index = padded.reshape(rows, factor, columns, factor, parts).transpose(0, 2, 4, 1, 3)
        assert x.block == 1
        return Grid(x.name, index.reshape(rows, columns, -1), 1, np.repeat(x.scale, factor**2), x.fraction)

    def table(self, x: Grid, table: Table) -> Grid:
        """A function of every number. Where it maps 0 to 0 the layout may stay as it is."""
        if table(np.zeros(1))[0] != 0:
            x = self.materialised(x)
        held = self._tables.setdefault(id(table), (table, f"knots{len(self._tables)}"))[1]
        self.arrays[held] = table.knots
        about = {"low": table.low, "step": table.step, "extra": table.extra, "ends": list(table.ends)}
        return self._as(x, self.emit("table", [x.name], knots=held, **about))

    def relu(self, x: Grid) -> Grid:
        """max(x, 0)."""
        return self._as(x, self.emit("clamp", [x.name], low=0, high=None))

    def add(self, x: Grid, y: Grid) -> Grid:
        """The sum; a grid of 1 x 1 is added to every position."""
        x = self.materialised(x)
        h, w, _ = x.index.shape
        if y.index.shape[:2] == (1, 1) and (h, w) != (1, 1):
            y = Grid(y.name, np.broadcast_to(y.index, (h, w, y.index.shape[2])), y.block, y.scale)
        y = self.materialised(y)
        return self._as(x, self._bounded(self.emit("add", [x.name, y.name])))

    def joined(self, x: Grid, y: Grid | None) -> Grid:
        """Flat rows one after another, both brought to the finer of their fractions."""
        if y is None:
            return x
        fraction = max(x.fraction, y.fraction)
        names = [
            self.emit("shift", [part.name], bits=part.fraction - fraction)
            if part.fraction < fraction
            else part.name
            for part in (x, y)
        ]
        scale = np.concatenate([x.scale, y.scale])
        index = np.zeros((1, 1, 1), dtype=np.int64)
        return Grid(self.emit("concat", names), index, len(scale), scale, fraction)

    def flat(self, x: Grid) -> Grid:
        """Channels before rows before columns, as torch has them, in one row."""
        places = x.index[..., None] * x.block + np.where(x.index[..., None] < 0, 0, np.arange(x.block))
        places = np.where(x.index[..., None] < 0, -1, places)
        order = places.reshape(*x.index.shape[:2], -1).transpose(2, 0, 1).reshape(-1)
        scale = np.repeat(x.scale, x.index.shape[0] * x.index.shape[1])
        if self._is_all(x.name, order, 1):
            return Grid(x.name, np.zeros((1, 1, 1), dtype=np.int64), len(order), scale, x.fraction)
        name = self._gather(x.name, order, 1)
        return Grid(name, np.zeros((1, 1, 1), dtype=np.int64), len(order), scale, x.fraction)

    def part(self, x: Grid, first: int, count: int) -> Grid:
        """Some of the numbers of a flat row."""
        name = self._gather(x.name, np.arange(first, first + count), 1)
        return Grid(
            name, np.zeros((1, 1, 1), dtype=np.int64), count, x.scale[first : first + count], x.fraction
        )

    def materialised(self, x: Grid) -> Grid:
        """The same with its numbers where they belong: positions, then channels."""
        h, w, _ = x.index.shape
        order, index = x.index.ravel(), np.arange(h * w).reshape(h, w, 1)
        name = x.name if self._is_all(x.name, order, x.block) else self._gather(x.name, order, x.block)
        return Grid(name, index, x.channels, x.scale, x.fraction)

    def emit(self, kind: str, names: list[str], **about: Any) -> str:
        """Adds a step and returns its name."""
        op = {"op": kind, "in": names, "out": f"{kind}{len(self.ops)}", **about}
        self.ranges.follow(op)
        self.ops.append(op)
        return op["out"]

    def _as(self, x: Grid, name: str) -> Grid:
        return Grid(name, x.index, x.block, x.scale, x.fraction)

    def _is_all(self, name: str, index: np.ndarray, block: int) -> bool:
        """Says whether an index takes all blocks of a value in their order."""
        count = len(self.ranges.of[name][0]) // block
        return len(index) == count and bool((index == np.arange(count)).all())

    def _gather(self, name: str, index: np.ndarray, block: int) -> str:
        key = f"index{len(self.ops)}"
        self.arrays[key] = np.ascontiguousarray(index)
        return self.emit("gather", [name], index=key, block=block)

    def _windows(self, x: Grid, size: Sequence[int], kernel: Sequence[int], stride: int, start: int) -> Grid:
        """Windows of `kernel` rows and columns at size[0] x size[1] places, `start` from the corner: positions whose
        channels are those of a window, rows before columns before channels."""
        places = []
        for axis in (0, 1):
            place = np.arange(size[axis])[:, None] * stride + start + np.arange(kernel[axis])
            places.append(np.where((place < 0) | (place >= x.index.shape[axis]), -1, place))
        padded = np.pad(x.index, ((0, 1), (0, 1), (0, 0)), constant_values=-1)  # -1 is the last
        index = padded[places[0][:, None, :, None], places[1][None, :, None, :]]  # (h, w, kh, kw, m)
        scale = np.tile(x.scale, kernel[0] * kernel[1])
        flat = index.reshape(size[0], size[1], -1)
        return self.materialised(Grid(x.name, flat, x.block, scale, x.fraction))

    def _linear(self, x: Grid, weight: np.ndarray, bias: np.ndarray, size: tuple[int, int]) -> Grid:
        """A linear layer at every position of a materialised grid, in the finest integers that are proved exact."""
        weight = weight * np.tile(x.scale, weight.shape[1] // len(x.scale))
        small = int(np.ceil(-np.log2(x.scale.min())))  # bits before the first that a scale below 1 leaves
        out, rows = f"linear{len(self.ops)}", size[0] * size[1]
        for bits in range(self.weight_bits, FEWEST_BITS - 1, -1):
            fine = max(bits + max(small, 0), FRACTION - x.fraction)
            shift = fine + x.fraction - FRACTION
            half = (1 << shift) >> 1
            self.arrays[f"{out}.weight"] = narrowed(np.rint(np.ldexp(weight, fine)))
            self.arrays[f"{out}.bias"] = np.rint(np.ldexp(bias, fine + x.fraction)).astype(np.int64) + half
            about = {"weight": f"{out}.weight", "bias": f"{out}.bias", "shift": shift, "rows": rows}
            if worst_sum(about, self.arrays, self.ranges.of[x.name]) < EXACT:
                name = self._bounded(self.emit("linear", [x.name], **about))
                return whole(name, size, len(weight))
        raise SettingError(
            f"exact arithmetic: a layer whose largest weight is {np.abs(weight).max():.3g} could pass 2^53, "
            "where sums are no longer exact; train with weight decay or fewer steps."
        )

    def _bounded(self, name: str) -> str:
        if self.ranges.largest(name) <= LIMIT:
            return name
        return self.emit("clamp", [name], low=-LIMIT, high=LIMIT)


def whole(name: str, size: tuple[int, int], channels: int) -> Grid:
    """All of a row as a grid."""
    index = np.arange(size[0] * size[1]).reshape(*size, 1)
    return Grid(name, index, channels, np.ones(channels))


def bias_of(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> np.ndarray:
    """The bias of a layer, (O,) float64; zeros for one without."""
    if layer.bias is not None:
        return array(layer.bias)
    return np.zeros(layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)


def array(values: Tensor) -> np.ndarray:
    """Weights as float64, in which each is exact.

    Raises:
        SettingError: some are not finite.
    """
    found = values.detach().double().cpu().numpy()
    if not np.isfinite(found).all():
        raise SettingError(
            "exact arithmetic: weights are not finite; train again with a lower learning rate."
        )
    return found
