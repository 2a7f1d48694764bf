"""ONNX files: encoder and decoder for any program that runs ONNX files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.core import SettingError, VaekitError
from vaekit.data import Split
from vaekit.explorer.subject import Call, Subject, exportable
from vaekit.inference import spread
from vaekit.models.base import evaluating

CHECKED = 1000  # images and latents on which torch and onnxruntime are compared

TOLERANCE = 1e-5  # of values about 1; of larger ones, relative to the largest


def write_onnx(subject: Subject, images: Split, out: Path) -> dict[str, float]:
    """Writes encoder.onnx and decoder.onnx and compares them with torch.

    Args:
        subject: the model.
        images: up to CHECKED of them are encoded, and decoded again.
        out: a folder, made if need be.

    Returns:
        file -> largest difference to torch.

    Raises:
        SettingError: a grid of codes: the nearest of them may change with the last digit.
        VaekitError: a file gives other numbers than torch.
    """
    if subject.can.grid is not None:
        raise SettingError("format='onnx': a grid of codes cannot be exported; take format='web'.")
    out.mkdir(parents=True, exist_ok=True)
    chosen = images.take(spread(len(images), CHECKED))
    y = (chosen.labels,) if subject.can.classes and chosen.labels is not None else ()
    found = {}
    with evaluating(subject.model), torch.no_grad(), exportable(subject):
        latents = torch.randn(CHECKED, subject.can.length, generator=torch.Generator().manual_seed(0))
        if subject.can.encodes:
            x = subject.shown(chosen)
            latents = subject.moments(x, *y)[0]
            path = out / "encoder.onnx"
            found["encoder.onnx"] = write(Call(subject, "moments"), (x, *y), path, "image", ["mean", "std"])
        elif y:
            latents = latents[: len(y[0])]
        path = out / "decoder.onnx"
        found["decoder.onnx"] = write(Call(subject, "pictures"), (latents, *y), path, "code", ["picture"])
    return found


def write(module: nn.Module, given: tuple[Tensor, ...], path: Path, name: str, outputs: list[str]) -> float:
    """One file with a dynamic batch, and its largest difference to torch."""
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings(), quiet("torch.onnx"):
        warnings.simplefilter("ignore")  # torch's own, about its exporter
        torch.onnx.export(
            module.eval(),
            tuple(one[:2] for one in given),
            path,
            input_names=[name, "class"][: len(given)],
            output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in given),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    difference = compare(module, given, path)
    if not difference <= TOLERANCE:
        raise VaekitError(f"{path.name} differs from torch by {difference:.2g}, more than {TOLERANCE:g}.")
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


def compare(module: nn.Module, given: tuple[Tensor, ...], path: Path) -> float:
    """Largest difference between torch and onnxruntime, relative to the largest value where that is above 1."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    found = session.run(None, {name: one.numpy() for name, one in zip(names, given, strict=True)})
    expected = module(*given)
    expected = expected if isinstance(expected, tuple) else (expected,)
    worst = 0.0
    for ours, theirs in zip(expected, found, strict=True):
        scale = max(1.0, float(ours.abs().max()))
        worst = max(worst, float(np.abs(ours.numpy() - theirs).max()) / scale)
    return worst
