"""The images that are kept with a run."""

from __future__ import annotations

from pathlib import Path

import torch

from vaekit.core import RunError, foreign
from vaekit.data import Split
from vaekit.data.formats.numpy_files import open_npz
from vaekit.runs.files import NOT_AS_WRITTEN, checksum_of_arrays
from vaekit.runs.records import PREVIEWS


def read_previews(folder: Path) -> tuple[Split, bool]:
    """The images kept with a run, and whether they have a checksum, as all have but those of earlier versions.

    Raises:
        RunError: previews.npz is missing or damaged.
    """
    with foreign(f"{folder / PREVIEWS} cannot be read", RunError), open_npz(folder / PREVIEWS) as file:
        arrays = {name: file[name] for name in file.files}
        checksum = arrays.pop("checksum", None)
        if checksum is not None and str(checksum) != checksum_of_arrays(arrays):
            raise ValueError(NOT_AS_WRITTEN)
        labels = torch.from_numpy(arrays["labels"]) if "labels" in arrays else None
        names = [str(name) for name in arrays["names"]] if "names" in arrays else None
        return Split(torch.from_numpy(arrays["images"]), labels, names), checksum is not None
