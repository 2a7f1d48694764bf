"""A network in an ONNX file, asked for its outputs; what is wrong with the file is one line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaekit.core import RunError, SettingError
from vaekit.evaluation.samples.features.base import content_of

TYPES = {  # of ONNX -> numpy
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(uint16)": np.uint16, "tensor(int16)": np.int16,
    "tensor(int32)": np.int32, "tensor(int64)": np.int64,
}  # fmt: skip
CLASS = (
    "class",
    "classes",
    "label",
    "labels",
    "y",
)  # names of an input of whole numbers that is given the class
SILENT = 4  # severity: a failure is raised, and not printed too


class OnnxNetwork:
    """An ONNX file with one input whose first axis is the batch, and perhaps the class of each image beside it.

    Attributes:
        name: of the file.
        given: shape of an input without the batch, None for an axis of any length; None where nothing is declared.
        dtype: of the input.
        digest: SHA-256 of the file, and of the file of its weights where these lie beside it.

    Args:
        path: .onnx file.
        option: the argument that named it, for messages.

    Raises:
        RunError: the file is missing, damaged or no ONNX, or cannot be run here.
        SettingError: it has other inputs too, or one that is no array of numbers.
    """

    def __init__(self, path: str | Path, option: str) -> None:
        import onnxruntime

        self.name = Path(path).name
        self.where = f"{option}='{path}'"
        weights = Path(f"{path}.data")
        content = content_of(Path(path)) + (content_of(weights) if weights.is_file() else b"")
        self.digest = hashlib.sha256(content).hexdigest()
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level, settings.intra_op_num_threads = SILENT, torch.get_num_threads()
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of its parser: whatever a foreign file makes it raise
            raise RunError(f"{self.where}: not an ONNX file that can be run ({_reason(error)}).") from None
        inputs = self.session.get_inputs()
        labels = [
            one
            for one in inputs[1:]
            if one.name.lower() in CLASS and TYPES.get(one.type) in (np.int32, np.int64)
        ]
        if len(inputs) != 1 + len(labels) or len(labels) > 1:
            names = ", ".join(one.name for one in inputs) or "none"
            raise SettingError(
                f"{self.where}: takes {len(inputs)} inputs ({names}); one is wanted, and beside it the class of an image at "
                "most: export it anew without the others, or pass a function in Python.", option
            )  # fmt: skip
        self.label = labels[0] if labels else None
        self.input: str = inputs[0].name
        if inputs[0].type not in TYPES:
            raise SettingError(
                f"{self.where}: its input is a {inputs[0].type}; an array of numbers is wanted.", option
            )
        self.dtype = np.dtype(TYPES[inputs[0].type])
        axes = [size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape or []]
        self.batch = axes[0] if axes else None
        self.given = tuple(axes[1:]) if axes else None
        self.names = [one.name for one in self.session.get_outputs()]

    def __call__(self, x: np.ndarray, y: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The outputs by name, (N, ...) each, for inputs (N, ...) as it takes them, and classes (N,) if it takes some.

        A batch of fixed length is filled up by copies of the last row.

        Raises:
            RunError: it cannot be run on these, or an output has another number of rows.
            SettingError: it takes classes, and there are none.
        """
        if self.label is not None and y is None:
            raise SettingError(
                f"{self.where}: takes the class of each image ({self.label.name}); these have no labels."
            )
        size = self.batch or len(x)
        places = [np.arange(start, start + size).clip(max=len(x) - 1) for start in range(0, len(x), size)]
        parts = [self._run(x[place], None if y is None else y[place]) for place in places]
        return {name: np.concatenate([part[name] for part in parts])[: len(x)] for name in self.names}

    def _run(self, x: np.ndarray, y: np.ndarray | None) -> dict[str, np.ndarray]:
        given = {self.input: x}
        if self.label is not None and y is not None:
            given[self.label.name] = y.astype(TYPES[self.label.type])
        try:
            found: list[Any] = list(self.session.run(None, given))
        except Exception as error:  # whatever the file makes it raise
            shape = "x".join(map(str, x.shape))
            raise RunError(
                f"{self.where}: cannot be run on an input of {shape} ({_reason(error)})."
            ) from None
        for name, value in zip(self.names, found, strict=True):
            if not isinstance(value, np.ndarray) or value.ndim < 1 or len(value) != len(x):
                raise RunError(f"{self.where}: its output {name} has no row for each of {len(x)} inputs.")
        return dict(zip(self.names, found, strict=True))


def _reason(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:160].rstrip(" .:")
