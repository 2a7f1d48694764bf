"""Files in which images and latents leave vaekit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from vaekit.core import RunError, SettingError
from vaekit.data.kinds.image import why_no_pictures
from vaekit.images.png import png
from vaekit.images.sheet import contact_sheet
from vaekit.images.tile import to_bytes, to_rgb
from vaekit.runs.files import check_writable, new_folder, write_atomic, writing

IMAGE_FILES = (".png", ".npz", ".csv", "")  # of `write_images`, as far as they fit the images
ARRAY_FILES = (".npz", ".csv")  # of `write_arrays`


def check_out(out: Path, suffixes: Sequence[str]) -> None:
    """Checks where a result is to go, before any work is done.

    Args:
        suffixes: of the files that can be written; "" stands for a folder.

    Raises:
        SettingError: an unknown suffix.
        RunError: something is in the way, or its folder cannot be written.
    """
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        choices = ", ".join(s or "a folder without an ending" for s in suffixes)
        raise SettingError(f"out='{out}': cannot write {suffix or 'a folder'}; choices: {choices}.")
    if suffix and out.is_dir():
        raise RunError(f"out='{out}': a folder is there; name a file.")
    if not suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"out='{out}': something is there already; name a new folder.")
    check_writable(out)


def usual_file(shape: tuple[int, ...], pixels: str) -> str:
    """The ending of the file that examples go to where nobody names one: a picture, a table, or arrays."""
    if not why_no_pictures(shape, pixels):
        return ".png"
    return ".csv" if len(shape) == 1 else ".npz"


def check_holds(out: Path, shape: tuple[int, ...], pixels: str) -> None:
    """Checks that a file can hold examples, before any work is done: pictures, or rows in a table.

    Raises:
        SettingError: it cannot; names the file that can.
    """
    suffix, reason = out.suffix.lower(), why_no_pictures(shape, pixels)
    if suffix == ".csv" and len(shape) != 1:
        reason = f"a table has one row per example, these are {'x'.join(map(str, shape))}"
    if suffix != ".npz" and reason and not (suffix == ".csv" and len(shape) == 1):
        rows = " or a .csv" if len(shape) == 1 else ""
        raise SettingError(f"out='{out}': {reason}; write them to a .npz{rows}.")


def write_images(
    images: Tensor, out: Path, pixels: str, labels: Tensor | None = None, columns: int | None = None
) -> None:
    """Images as one contact sheet (.png), as a folder of PNGs, as arrays (.npz), or rows as a table (.csv).

    Args:
        images: (N, C, H, W) or (N, D); in [0, 1] where their pixels are.
        pixels: key of PIXELS; in a .npz, real values of any shape and rows stay floats, others become uint8.
        labels: (N,), for a .npz or .csv.
        columns: of the sheet; None makes it about square.

    Raises:
        SettingError: the file cannot hold them.
        RunError: it cannot be written; nothing is left behind.
    """
    check_holds(out, tuple(images.shape[1:]), pixels)
    if out.suffix.lower() in ARRAY_FILES:
        key = "images" if out.suffix.lower() == ".npz" else "x"
        arrays = {key: _array(images, pixels)}
        write_arrays(out, arrays if labels is None else arrays | {"labels": labels.numpy()})
        return
    if out.suffix:
        write_file(out, contact_sheet(images, columns))
        return
    with new_folder(out) as folder:
        _write_pictures(images, folder)


def write_arrays(out: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Arrays as .npz, or as .csv with one line per example.

    Args:
        arrays: (N, ...) each; in a .csv "names" and "labels" come first, all others row by row.

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    if out.suffix.lower() == ".csv":
        write_file(out, _csv(arrays).encode("utf-8"))
        return
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    write_file(out, content.getvalue())


def write_file(out: Path, content: bytes) -> None:
    """A file, and the folders that it lies in.

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, content)


def _write_pictures(images: Tensor, folder: Path) -> None:
    pixels = to_bytes(images) if images.shape[1] in (1, 3, 4) else to_rgb(images)
    digits = max(4, len(str(len(pixels) - 1)))
    for number, picture in enumerate(pixels):
        (folder / f"{number:0{digits}d}.png").write_bytes(png(picture))


def _array(images: Tensor, pixels: str) -> np.ndarray:
    """uint8 or floats, (N, H, W, C) for images."""
    if images.ndim != 4:
        return images.numpy()
    return images.permute(0, 2, 3, 1).contiguous().numpy() if pixels == "real" else to_bytes(images)


def _csv(arrays: Mapping[str, np.ndarray]) -> str:
    """Columns: name, label (where there are any), then mean_0 ..., std_0 ..., codes_0 ... of a grid, or x_0 ... of rows."""
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
