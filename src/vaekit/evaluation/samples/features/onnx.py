"""Features from the user's own network."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from vaekit.core import RunError
from vaekit.evaluation.samples.features.base import Features, content_of, described


class ONNXFeatures(Features):
    """The first output of an ONNX network, flattened: an Inception of the user's own, say.

    A network is code; ONNX is the format that cannot run any beyond its own arithmetic. It is given
    float images (B, C, H, W) in [0, 1] as they are: resizing, channels and normalisation belong into
    the graph, because a Fréchet distance depends on them.

    Args:
        path: .onnx file.
        shape: of one image.

    Raises:
        RunError: the file is missing, damaged, or does not take such images.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        import onnxruntime
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidProtobuf

        content = content_of(path)
        try:
            self.session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
            self.input = self.session.get_inputs()[0].name
            self.shape, self.name = tuple(shape), f"onnx_{hashlib.sha256(content).hexdigest()[:8]}"
            self.dimensions = self.compute(torch.zeros(2, *shape)).shape[1]
        except (Fail, InvalidArgument, InvalidProtobuf) as error:
            reason = " ".join(str(error).split())[:160]
            raise RunError(f"{path} cannot be run on {described(shape)} images: {reason}") from None

    def compute(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.session.run(None, {self.input: x.numpy()})[0]).flatten(1)
