"""The claims of the files of a run, held against one another before anything is allocated for it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.quantizer_parts import LEVELS
from vaekit.core import RunError, foreign
from vaekit.data.dataset import Split
from vaekit.plain_files import plain_file
from vaekit.runs.files import parse_json
from vaekit.runs.records import DataRecord

SLACK, LEAST = 2, 64  # a size may be twice the largest dimension of a tensor in the file, and always this
UNSEEN = 2**16  # sizes where there is no file of weights yet
MOST_HEADER = 2**26  # bytes of the header of a file of tensors


def check_sizes(options: Mapping[str, Any], shapes: Iterable[tuple[int, ...]], path: Path) -> None:
    """Holds the sizes that config.json gives a model against the tensors that are there.

    Args:
        options: of the model, flat.
        shapes: of the tensors of the run's weights or of its newest state; none where there is no such file.
        path: of config.json.

    Raises:
        RunError: a size far beyond them, for which memory would be asked.
    """
    known = list(shapes)
    largest = max([LEAST, len(known), *(side for shape in known for side in shape)])
    most = SLACK * largest if known else UNSEEN
    for name, value in options.items():
        fixed = name == "codes" and value in LEVELS  # of scalars (FSQ), which take no memory
        if isinstance(value, int) and not isinstance(value, bool) and value > most and not fixed:
            raise RunError(
                f"{path}: settings.{name} = {value} does not fit the run's weights, which are far smaller."
            )


def shapes_in(path: Path) -> list[tuple[int, ...]]:
    """Shapes of the tensors of a safetensors file, from its header alone; none where there is no whole header."""
    try:
        with foreign(str(path), RunError), plain_file(path).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = parse_json(file.read(min(length, MOST_HEADER)).decode("utf-8"))
            return [tuple(map(int, value["shape"])) for key, value in header.items() if key != "__metadata__"]
    except RunError:
        return []


def check_previews(previews: Split, data: DataRecord, path: Path) -> None:
    """Raises RunError when previews.npz does not hold images of the run's data."""
    images, labels, names = previews.images, previews.labels, previews.names
    if tuple(images.shape[1:]) != tuple(data.shape) or not len(images):
        raise RunError(
            f"{path}: images of shape {list(images.shape)}, those of the run are {list(data.shape)}."
        )
    if not (images.is_floating_point() and bool(images.isfinite().all())) and str(images.dtype) not in WHOLE:
        raise RunError(f"{path}: images of type {images.dtype} or with values that are not finite.")
    if names is not None and len(names) != len(images):
        raise RunError(f"{path}: {len(names)} names of {len(images)} images.")
    if labels is None:
        return
    if labels.shape != (len(images),) or str(labels.dtype) not in WHOLE:
        raise RunError(
            f"{path}: labels of shape {list(labels.shape)} and type {labels.dtype} of {len(images)} images."
        )
    if int(labels.min()) < 0 or int(labels.max()) >= data.classes:
        raise RunError(
            f"{path}: labels {int(labels.min())} to {int(labels.max())} of {data.classes} classes."
        )


WHOLE = ("torch.uint8", "torch.int16", "torch.int32", "torch.int64")


def check_weights(now: Mapping[str, Tensor], stored: Mapping[str, Tensor], where: Path) -> None:
    """Raises RunError when stored tensors are of another kind than the model's, or hold what is no number.

    Args:
        now: the model's own, as it was built.
    """
    for name, tensor in stored.items():
        own = now.get(name)
        if own is None:
            continue
        if tensor.is_floating_point() != own.is_floating_point():
            raise RunError(f"{where}: {name} is of type {tensor.dtype}, the model's is {own.dtype}.")
        if tensor.is_floating_point() and bool(own.isfinite().all()) and not bool(tensor.isfinite().all()):
            raise RunError(f"{where}: {name} holds values that are not finite.")
