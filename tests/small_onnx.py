"""Tiny ONNX autoencoders of known arithmetic, in any convention: x in [0, 1] times a matrix, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, DOUBLE, HALF, BYTE, LONG = (
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT64,
)  # fmt: skip
Axis = int | str | None
SCALES = {"0..1": (1.0, 0.0), "-1..1": (2.0, -1.0), "0..255": (255.0, 0.0)}  # from [0, 1]


class Graph:
    """Nodes, one after another, from one input."""

    def __init__(self, given: Sequence[Axis], dtype: int = FLOAT, name: str = "x") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info(name, dtype, list(given))]
        self.outputs: list[onnx.ValueInfoProto] = []
        self.last = name
        if dtype != FLOAT:
            self.node("Cast", to=FLOAT)

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, *operands: np.ndarray, of: str | None = None, **attributes: object) -> str:
        out = f"n{len(self.nodes)}"
        given = [of or self.last, *map(self.constant, operands)]
        self.nodes.append(helper.make_node(kind, given, [out], **attributes))
        self.last = out
        return out

    def output(self, name: str, shape: Sequence[Axis], dtype: int = FLOAT, of: str | None = None) -> None:
        self.nodes.append(helper.make_node("Cast", [of or self.last], [name], to=dtype))
        self.outputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))

    def write(self, path: Path) -> Path:
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())
        return path


def placed(shape: tuple[int, int, int], axes: str) -> tuple[int, ...]:
    """The shape of an image (C, H, W) in an order of the axes."""
    channels, height, width = shape
    return {
        "NCHW": shape, "NHWC": (height, width, channels), "NHW": (height, width), "flat": (channels * height * width,),
    }[axes]  # fmt: skip


def encoder(
    path: Path, shape: tuple[int, int, int], outputs: dict[str, np.ndarray], axes: str = "NCHW", values: str = "0..1",
    dtype: int = FLOAT, batch: Axis = "n", size: tuple[Axis, ...] | None = None,
) -> Path:  # fmt: skip
    """Each output is the image times a matrix (P + 1, D), whose last row is added; images of any size and range, as said."""
    graph = Graph((batch, *(size or placed(shape, axes))), dtype)
    scale, shift = SCALES[values]
    graph.node("Sub", np.float32(shift))
    graph.node("Div", np.float32(scale))
    if axes == "NHWC":
        graph.node("Transpose", perm=[0, 3, 1, 2])
    flat = graph.node("Reshape", np.array([-1, int(np.prod(shape))]))
    for name, matrix in outputs.items():
        graph.node("MatMul", matrix[:-1].astype(np.float32), of=flat)
        graph.node("Add", matrix[-1].astype(np.float32))
        graph.output(name, (batch, matrix.shape[1]))
    return graph.write(path)


def decoder(
    path: Path, shape: tuple[int, int, int], matrix: np.ndarray, axes: str = "NCHW", values: str = "0..1",
    dtype: int = FLOAT, batch: Axis = "n", given: int = FLOAT,
) -> Path:  # fmt: skip
    """Latents times a matrix (D, P), as images."""
    graph = Graph((batch, matrix.shape[0]), given, "z")
    graph.node("MatMul", matrix.astype(np.float32))
    graph.node("Reshape", np.array([-1, *shape]))
    if axes == "NHWC":
        graph.node("Transpose", perm=[0, 2, 3, 1])
    if axes in ("NHW", "flat"):
        graph.node("Reshape", np.array([-1, *placed(shape, axes)]))
    scale, shift = SCALES[values]
    graph.node("Mul", np.float32(scale))
    graph.node("Add", np.float32(shift))
    if dtype == BYTE:
        graph.node("Round")
        graph.node("Clip", np.float32(0), np.float32(255))
    graph.output("image", (batch, *placed(shape, axes)), dtype)
    return graph.write(path)
