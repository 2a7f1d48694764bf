"""`vaekit export --format onnx`: encoder and decoder for any program that runs ONNX files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.core import VaekitError
from vaekit.explorer.capabilities import Subject
from vaekit.explorer.web import Decoder, Encoder
from vaekit.models.base import evaluating
from vaekit.plots.encoded import spread

CHECKED = 1000  # images and codes on which torch and onnxruntime are compared
TOLERANCE = 1e-5  # of values about 1; of larger ones, relative to the largest


def write_onnx(subject: Subject, images: Tensor, out: Path) -> dict[str, float]:
    """Writes encoder.onnx and decoder.onnx and compares them with torch.

    Args:
        subject: the model.
        images: as stored; up to CHECKED of them are encoded, and decoded again.
        out: an existing folder.

    Returns:
        file -> largest difference to torch.

    Raises:
        VaekitError: a file gives other numbers than torch.
    """
    model = subject.model.cpu()
    x = subject.images(images[spread(len(images), CHECKED)])
    with evaluating(model), torch.no_grad():
        mean = Encoder(model)(x)[0]
        return {
            "encoder.onnx": write(Encoder(model), x, out / "encoder.onnx", ["image"], ["mean", "std"]),
            "decoder.onnx": write(Decoder(model), mean, out / "decoder.onnx", ["code"], ["picture"]),
        }


def write(module: nn.Module, given: Tensor, path: Path, inputs: list[str], outputs: list[str]) -> float:
    """One file with a dynamic batch, and its largest difference to torch."""
    with warnings.catch_warnings(), quiet("torch.onnx"):
        warnings.simplefilter("ignore")  # torch's own, about its exporter
        torch.onnx.export(
            module.eval(),
            (given[:2],),
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    difference = compare(module, given, path)
    if not difference <= TOLERANCE:
        raise VaekitError(f"{path} differs from torch by {difference:.2g}, more than {TOLERANCE:g}.")
    return difference


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Only errors of a logger within the block."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def compare(module: nn.Module, given: Tensor, path: Path) -> float:
    """Largest difference between torch and onnxruntime, relative to the largest value where that is above 1."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: given.numpy()})
    expected = module(given)
    expected = expected if isinstance(expected, tuple) else (expected,)
    worst = 0.0
    for ours, theirs in zip(expected, found, strict=True):
        scale = max(1.0, float(ours.abs().max()))
        worst = max(worst, float(np.abs(ours.numpy() - theirs).max()) / scale)
    return worst
