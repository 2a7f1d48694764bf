"""Image files and folders of them that a user names, brought to the form of a run's images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaekit.core import DataError, counted
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.listing import scan
from vaekit.data.formats.picture_notes import Seen, conversions, without_options
from vaekit.data.formats.readers import ending_of, reader_notes


def read_images(
    paths: Sequence[str | Path],
    shape: tuple[int, int, int],
    fit: str,
    values: str = "8-bit",
    white: float | None = None,
) -> tuple[Tensor, list[str], list[str]]:
    """Image files, and those in folders, brought to one size and number of channels.

    Args:
        shape: (C, H, W).
        fit: how an image is brought to size, as in `load_data`.
        values: 8-bit, or unit to keep the depth of images of more than 8 bits.
        white: the value of white in these, as in `load_data`.

    Returns:
        (N, C, H, W) uint8, or float32 where depth is kept, a name for each, and one line for each kind of thing that was converted.

    Raises:
        DataError: a path is missing or no image, or a file is damaged.
    """
    notes: list[str] = []
    found = [file for path in paths for file in _image_files(Path(path), notes)]
    bad: list[files.Bad] = []
    headers = list(files.good(files.parallel(files.probe, found), bad))
    values = values if any(header.deep for header in headers) else "8-bit"
    plan = files.Plan((shape[1], shape[2]), fit, shape[0], values, white)
    decoded = list(files.good(files.parallel(lambda header: files.decode(header, plan), headers), bad))
    if bad:
        raise DataError(f"{bad[0].path} cannot be read as an image: {bad[0].reason.partition(': give ')[0]}.")
    seen = Seen()
    for image, header in zip(decoded, headers, strict=True):
        seen.add(image, header)
    notes += [without_options(line) for line in conversions(headers, plan, seen)] + reader_notes(found)
    if shape[0] < 3 and (colour := sum(not header.grey for header in headers)):
        notes.append(f"{counted(colour, 'colour image')} converted to grey")
    if other := sum(header.size != plan.size for header in headers):
        notes.append(f"{counted(other, 'image')} brought to the run's {shape[1]}x{shape[2]} pixels ({fit})")
    pixels = np.stack([image.pixels for image in decoded])
    return torch.from_numpy(pixels), [str(header.path) for header in headers], notes


def _image_files(path: Path, notes: list[str]) -> list[Path]:
    if path.is_dir():
        listed, found = scan(path)
        if not listed:
            raise DataError(f"{path}: no images in this folder.")
        notes += found
        return [path / name for name in listed]
    if not path.is_file():
        raise DataError(f"{path}: no such image file or folder.")
    if ending_of(path) not in files.SUFFIXES:
        raise DataError(f"{path} is not an image file; known endings: {' '.join(sorted(files.SUFFIXES))}.")
    return [path]
