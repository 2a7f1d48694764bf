"""A network as a list of simple steps and one file of numbers, for the interpreter in page/program.js.

`torch.export` gives the graph of one forward pass; whatever does not depend on the input is worked out
here, the rest becomes steps on float32 arrays of fixed shape. Any network is written whose operations
are in STEPS; others are refused by the name of what is missing.
"""

from __future__ import annotations

import hashlib
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node
from torch.fx.node import map_arg

from vaekit.core import SettingError

aten = torch.ops.aten


@dataclass
class Weights:
    """The numbers of all programs, each array stored once."""

    parts: list[bytes] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)
    count: int = 0

    def add(self, tensor: Tensor) -> int:
        """Adds an array; returns its offset, in numbers."""
        content = tensor.detach().to(torch.float32).contiguous().cpu().numpy().astype("<f4").tobytes()
        key = hashlib.blake2b(content).digest()
        if key not in self.places:
            self.places[key] = self.count
            self.parts.append(content)
            self.count += len(content) // 4
        return self.places[key]

    def content(self) -> bytes:
        return b"".join(self.parts)


def write_program(module: nn.Module, example: tuple[Tensor, ...], weights: Weights) -> dict[str, Any]:
    """The program of a module for inputs of these shapes, JSON-able.

    Args:
        module: takes and returns tensors; in eval mode, on the CPU.
        example: its inputs.
        weights: takes the arrays.

    Raises:
        SettingError: an operation that the page does not know.
    """
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its exporter
        exported = torch.export.export(module, example, strict=False).run_decompositions()
        return Writer(exported, weights).program()


class Writer:
    """Goes through a graph once: constants are computed, all else becomes a step."""

    def __init__(self, exported: torch.export.ExportedProgram, weights: Weights) -> None:
        self.exported, self.weights = exported, weights
        self.known: dict[Node, Any] = {}  # nodes whose value does not depend on the input
        self.numbers: dict[Node, int] = {}  # nodes that are computed -> register
        self.arrays: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.registers = 0

    def program(self) -> dict[str, Any]:
        """Registers, arrays and steps; inputs and outputs are registers."""
        given = constants(self.exported)
        inputs, outputs = [], []
        for node in self.exported.graph.nodes:
            if node.op == "placeholder" and node.name in given:
                self.known[node] = given[node.name]
            elif node.op == "placeholder":
                inputs.append({"register": self.register(node), "shape": list(node.meta["val"].shape)})
            elif node.op == "call_function":
                self.call(node)
            elif node.op == "output":
                outputs = [self.operand(value) for value in node.args[0]]
        return {
            "registers": self.registers,
            "inputs": inputs,
            "outputs": outputs,
            "arrays": self.arrays,
            "steps": self.steps,
        }

    def register(self, node: Node) -> int:
        self.numbers[node] = self.registers
        self.registers += 1
        return self.numbers[node]

    def operand(self, value: Any) -> int:
        """The register of a tensor; a known one becomes an array first."""
        if isinstance(value, Node) and value in self.numbers:
            return self.numbers[value]
        tensor = self.known[value] if isinstance(value, Node) else torch.as_tensor(float(value))
        register = self.registers
        self.registers += 1
        self.arrays.append(
            {"register": register, "shape": list(tensor.shape), "at": self.weights.add(tensor)}
        )
        if isinstance(value, Node):
            self.numbers[value] = register
        return register

    def call(self, node: Node) -> None:
        """One operation of the graph."""
        if all(argument in self.known for argument in node.all_input_nodes):
            values = map_arg((node.args, node.kwargs), lambda argument: self.known[argument])
            self.known[node] = node.target(*values[0], **values[1])  # type: ignore[operator]
            return
        if node.target in IGNORED or node in self.numbers:  # a part of a split is there already
            return
        if node.target not in STEPS:
            raise SettingError(
                f"format='web': the page cannot compute {node.target}, which this model needs; take format='onnx'."
            )
        name, operands, options = STEPS[node.target](*node.args, **node.kwargs)
        shape = node.meta["val"]
        shapes = [list(one.shape) for one in shape] if isinstance(shape, list | tuple) else list(shape.shape)
        step = {"op": name, "in": [self.operand(value) for value in operands]}
        if isinstance(shape, list | tuple):  # split: its parts are taken by getitem
            self.known_parts(node, step, shapes, options)
            return
        self.steps.append(step | {"out": self.register(node), "shape": shapes} | options)

    def known_parts(
        self, node: Node, step: dict[str, Any], shapes: list[list[int]], options: dict[str, Any]
    ) -> None:
        """A split into parts along a dimension, as one slice for each part that is used."""
        starts = [sum(options["sizes"][:k]) for k in range(len(shapes))]
        for user in node.users:
            if user.target is not operator.getitem:
                raise SettingError(
                    "format='web': the page cannot compute this model's splits; take format='onnx'."
                )
            k = int(user.args[1])  # type: ignore[arg-type]
            given = {"dim": options["dim"], "start": starts[k], "step": 1}
            self.steps.append(step | {"op": "slice", "out": self.register(user), "shape": shapes[k]} | given)


def constants(exported: torch.export.ExportedProgram) -> dict[str, Tensor]:
    """Parameters, buffers and constants by the names of their placeholders."""
    signature = exported.graph_signature
    found = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    values: dict[str, Any] = {**exported.state_dict, **exported.constants}
    named = {name: values[target] for name, target in found.items()}
    lifted = signature.inputs_to_lifted_tensor_constants
    return named | {name: values[target] for name, target in lifted.items()}


Described = tuple[str, Sequence[Any], dict[str, Any]]


def unary(name: str) -> Callable[..., Described]:
    return lambda x, **_: (name, [x], {})


def binary(name: str) -> Callable[..., Described]:
    def described(a: Any, b: Any, alpha: float = 1) -> Described:
        return name, [a, b], ({} if alpha == 1 else {"alpha": alpha})

    return described


def reshape(x: Any, *_: Any, **__: Any) -> Described:
    return "reshape", [x], {}


def convert(x: Any, dtype: torch.dtype | None = None, **_: Any) -> Described:
    whole = dtype is not None and not dtype.is_floating_point and dtype != torch.bool
    return ("trunc" if whole and x.meta["val"].is_floating_point() else "reshape"), [x], {}


def linear(bias: Any, x: Any, weight: Any, alpha: float = 1) -> Described:
    return "linear", [x, weight, bias], ({} if alpha == 1 else {"alpha": alpha})


def divide(a: Any, b: Any, rounding_mode: str | None = None) -> Described:
    if rounding_mode not in (None, "floor"):
        raise SettingError(
            "format='web': the page divides without rounding or rounds down; take format='onnx'."
        )
    return "div" if rounding_mode is None else "floor_div", [a, b], {}


def rows(table: Any, indices: Sequence[Any]) -> Described:
    if len(indices) != 1 or indices[0].meta["val"].dtype == torch.bool:
        raise SettingError("format='web': the page looks up rows by their number only; take format='onnx'.")
    return "rows", [table, indices[0]], {}


def argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Described:
    if dim is None:
        raise SettingError(
            "format='web': the page finds the least along a dimension only; take format='onnx'."
        )
    return "argmin", [x], {"dim": dim % len(x.meta["val"].shape)}


def slice_(
    x: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Described:
    length = x.meta["val"].shape[dim]
    begin = 0 if start is None else start + length if start < 0 else min(start, length)
    return "slice", [x], {"dim": dim % len(x.meta["val"].shape), "start": begin, "step": step}


def slice_scatter(
    x: Any, part: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Described:
    return "scatter", [x, part], slice_(x, dim, start, end, step)[2]


def select(x: Any, dim: int, index: int) -> Described:
    shape = x.meta["val"].shape
    return "slice", [x], {"dim": dim % len(shape), "start": index % shape[dim], "step": 1}


def convolution(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, extra: Any, groups: int
) -> Described:  # fmt: skip
    if set(dilation) != {1} or groups != 1 or any(extra) or len(stride) != 2:
        raise SettingError("format='web': only plain 2-D convolutions run on the page; take format='onnx'.")
    operands = [x, weight] if bias is None else [x, weight, bias]
    name = "transposed" if transposed else "convolution"
    return name, operands, {"stride": list(stride), "padding": list(padding)}


def reduction(name: str) -> Callable[..., Described]:
    def described(x: Any, dims: Any = None, keepdim: bool = False, **_: Any) -> Described:
        rank = len(x.meta["val"].shape)
        wanted = range(rank) if not dims and dims != 0 else [dims] if isinstance(dims, int) else dims
        return name, [x], {"dims": sorted(d % rank for d in wanted)}

    return described


def softmax(name: str) -> Callable[..., Described]:
    return lambda x, dim, half=False: (name, [x], {"dim": dim % len(x.meta["val"].shape)})


IGNORED = {aten._assert_tensor_metadata.default}

# operation -> the name of a step in page/program.js, its operands and its options
STEPS: dict[Any, Callable[..., Described]] = {
    aten.addmm.default: linear,
    aten.mm.default: lambda x, weight: ("linear", [x, weight], {}),
    aten.bmm.default: lambda x, y: ("matmul", [x, y], {}),
    aten.convolution.default: convolution,
    aten.add.Tensor: binary("add"),
    aten.sub.Tensor: binary("sub"),
    aten.mul.Tensor: binary("mul"),
    aten.div.Tensor: divide,
    aten.div.Tensor_mode: divide,
    aten.remainder.Tensor: binary("remainder"),
    aten.remainder.Scalar: binary("remainder"),
    aten.maximum.default: binary("maximum"),
    aten.minimum.default: binary("minimum"),
    aten.pow.Tensor_Scalar: lambda x, power: ("pow", [x, power], {}),
    aten.gt.Scalar: binary("gt"),
    aten.gt.Tensor: binary("gt"),
    aten.ge.Scalar: binary("ge"),
    aten.lt.Scalar: binary("lt"),
    aten.lt.Tensor: binary("lt"),
    aten.le.Scalar: binary("le"),
    aten.eq.Scalar: binary("eq"),
    aten.eq.Tensor: binary("eq"),
    aten.logical_and.default: binary("mul"),
    aten.where.self: lambda condition, a, b: ("where", [condition, a, b], {}),
    aten.clamp.default: lambda x, low=None, high=None: ("clamp", [x], {"low": low, "high": high}),
    aten.clamp_min.default: lambda x, low: ("clamp", [x], {"low": low, "high": None}),
    aten.sum.dim_IntList: reduction("sum"),
    aten.mean.dim: reduction("mean"),
    aten.amax.default: reduction("amax"),
    aten.sum.default: reduction("sum"),
    aten.argmin.default: argmin,
    aten.index.Tensor: rows,
    aten._softmax.default: softmax("softmax"),
    aten._log_softmax.default: softmax("log_softmax"),
    aten.slice.Tensor: slice_,
    aten.slice_scatter.default: slice_scatter,
    aten.select.int: select,
    aten.split_with_sizes.default: lambda x, sizes, dim=0: (
        "split", [x], {"sizes": list(sizes), "dim": dim % len(x.meta["val"].shape)}),
    aten.cat.default: lambda parts, dim=0: ("cat", parts, {"dim": dim % len(parts[0].meta["val"].shape)}),
    aten.permute.default: lambda x, order: ("permute", [x], {"order": [d % len(order) for d in order]}),
    aten.expand.default: lambda x, shape, **_: ("expand", [x], {}),
    aten.constant_pad_nd.default: lambda x, sides, value=0.0: ("pad", [x], {"sides": list(sides), "value": value}),
    aten.full_like.default: lambda x, value, **_: ("fill", [x], {"value": float(value)}),
    **dict.fromkeys([
        aten.view.default, aten.reshape.default, aten.unsqueeze.default, aten.squeeze.dim, aten.squeeze.dims,
        aten.clone.default, aten.alias.default, aten.detach.default,
    ], reshape),
    aten._to_copy.default: convert,
    **{getattr(aten, name).default: unary(name) for name in (
        "sigmoid", "relu", "exp", "expm1", "log", "log1p", "neg", "abs", "tanh", "sqrt", "reciprocal", "floor",
        "round", "logical_not", "sign",
    )},
}  # fmt: skip
