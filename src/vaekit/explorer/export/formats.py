"""A run's networks for other programs: as ONNX files, or as the explorer's page with the networks beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vaekit.config.configured import strict
from vaekit.core import choose
from vaekit.explorer.export.onnx_files import write_onnx
from vaekit.explorer.export.web import write_page
from vaekit.explorer.material import Material
from vaekit.explorer.subject import subject_of
from vaekit.runs.ask import data_to_show
from vaekit.runs.files import new_folder
from vaekit.runs.load import Run, load_run
from vaekit.runs.outputs import check_out

FORMATS = ("onnx", "web")


@dataclass(frozen=True)
class Exported:
    """The files of an export.

    Attributes:
        sizes: file -> bytes.
        differences: ONNX file -> largest difference to torch.
    """

    sizes: dict[str, int]
    differences: dict[str, float] = field(default_factory=dict)


@strict
def export(
    run: Run | str | Path,
    out: str | Path,
    format: Literal["onnx", "web"] = "onnx",
    *,
    data: object = None,
    label: str | None = None,
) -> Exported:
    """Writes the networks of a run.

    Args:
        run: from `load_run`, on the CPU, or its folder.
        out: a new folder.
        format: `onnx` for encoder.onnx and decoder.onnx (rows of features too), `web` for the explorer's page.
        data: a source for the images on the page; the run's own by default.
        label: class of images without labels, for a conditional run.

    Returns:
        The files with their sizes, and of ONNX files the largest difference to torch.

    Raises:
        SettingError: an unknown format, or the model has what it cannot hold.

    Example:
        >>> made = vaekit.export(run, "onnx")
        >>> sorted(made.sizes)
        ['decoder.onnx', 'encoder.onnx']
    """
    choose(format, FORMATS, "format")
    check_out(Path(out), ("",))
    run = run if isinstance(run, Run) else load_run(run, device="cpu")
    found = data_to_show(run, data, label)
    if format == "web":
        return Exported(write_page(Material(run, found), Path(out)))
    images = found.test if found is not None and len(found.test) else run.previews
    with new_folder(Path(out)) as part:
        differences = write_onnx(subject_of(run, rows=True), images, part)
    return Exported({name: (Path(out) / name).stat().st_size for name in differences}, differences)
