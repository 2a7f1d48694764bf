"""What a command gives back, and the files in which images and codes leave vaekit."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.spelling import as_typed
from vaekit.core import RunError, SettingError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

TILE = 56  # dots, about, of the shorter side of a tile; small images are enlarged to it


@dataclass(frozen=True)
class Result:
    """What a command gives back.

    Attributes:
        values: for --json.
        text: for people: a line, or anything that rich draws.
        status: exit status.
    """

    values: dict[str, Any]
    text: Any
    status: int = 0


def speaks() -> bool:
    """Whether this process is the one that people hear; under torchrun that is the first."""
    return os.environ.get("RANK", "0") == "0"


def say(line: str) -> None:
    """A line for people on standard error, beside the result."""
    if speaks():
        print(f"vaekit: {as_typed(line)}", file=sys.stderr, flush=True)


def note(line: str) -> None:
    """Something that was done otherwise than one may think."""
    say(f"note: {line}")


def check_out(out: Path, suffixes: Sequence[str]) -> None:
    """Checks where a result is to go, before any work is done.

    Args:
        suffixes: of the files that can be written; ("",) stands for a folder.

    Raises:
        SettingError: an unknown suffix.
        RunError: something is in the way.
    """
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        choices = ", ".join(s or "a folder without an ending" for s in suffixes)
        raise SettingError(f"--out {out}: cannot write {suffix or 'a folder'}; choices: {choices}.")
    if suffix and out.is_dir():
        raise RunError(f"--out {out}: a folder is there; name a file.")
    if not suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"--out {out}: something is there already; name a new folder.")


def write_images(images: Tensor, out: Path, labels: Tensor | None = None, columns: int | None = None) -> None:
    """Images as one contact sheet (.png), as a folder of PNGs, or as arrays (.npz).

    Args:
        images: (N, C, H, W) in [0, 1], or (N, D), which only a .npz can hold, as floats.
        labels: (N,), for a .npz.
        columns: of the sheet; None makes it about square.

    Raises:
        SettingError: features, or more than four channels, as pictures.
        RunError: it cannot be written; nothing is left behind.
    """
    from vaekit.runs.files import write_atomic, writing

    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".npz":
        write_atomic(out, _npz(images, labels))
    elif out.suffix:
        write_atomic(out, _sheet(images, columns))
    else:
        with writing(out):
            _write_folder(images, out)


def write_codes(out: Path, arrays: dict[str, np.ndarray]) -> None:
    """Codes as .npz with these arrays, or as .csv with a line an image.

    Args:
        arrays: "mean" and "std" (N, D), or "codes" (N, h, w); where there are any "labels", "names" (N,).

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    import numpy as np

    from vaekit.runs.files import write_atomic, writing

    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".csv":
        write_atomic(out, _csv(arrays).encode("utf-8"))
        return
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    write_atomic(out, content.getvalue())


def to_bytes(images: Tensor) -> np.ndarray:
    """Images (N, C, H, W) in [0, 1] as uint8 (N, H, W, C)."""
    import torch

    return (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def _npz(images: Tensor, labels: Tensor | None) -> bytes:
    import numpy as np

    arrays = {"images": to_bytes(images) if images.ndim == 4 else images.numpy()}
    if labels is not None:
        arrays["labels"] = labels.numpy()
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def _sheet(images: Tensor, columns: int | None) -> bytes:
    from vaekit.plots import tile

    _check_pictures(images)
    height, width = images.shape[-2:]
    columns = columns or ceil(sqrt(len(images) * height / width))
    return _png(tile(images, min(columns, len(images)), max(1, TILE // min(height, width))))


def _write_folder(images: Tensor, out: Path) -> None:
    """All images or no folder: they are written beside it first."""
    from vaekit.images.tile import to_rgb

    _check_pictures(images)
    pixels = to_bytes(images) if images.shape[1] in (1, 3, 4) else to_rgb(images)
    beside = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    beside.mkdir()
    try:
        digits = max(4, len(str(len(pixels) - 1)))
        for number, picture in enumerate(pixels):
            (beside / f"{number:0{digits}d}.png").write_bytes(_png(picture))
        if out.is_dir():
            out.rmdir()
        os.replace(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_pictures(images: Tensor) -> None:
    if images.ndim != 4 or not 1 <= images.shape[1] <= 4:
        raise SettingError(
            f"--out: values of shape {tuple(images.shape[1:])} are no pictures; write them to a .npz."
        )


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(content, "PNG")
    return content.getvalue()


def _csv(arrays: dict[str, np.ndarray]) -> str:
    """Columns: name, label (where there are any), mean_0 ..., std_0 ..., or the codes row by row."""
    single = [key for key in ("names", "labels") if key in arrays]
    columns: list[np.ndarray] = [arrays[key] for key in single]
    header = [key.removesuffix("s") for key in single]
    for key in [key for key in arrays if key not in single]:
        flat = arrays[key].reshape(len(arrays[key]), -1)
        header += [f"{key}_{d}" for d in range(flat.shape[1])]
        columns += list(flat.T)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*(column.tolist() for column in columns), strict=True))
    return text.getvalue()
