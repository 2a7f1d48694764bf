"""Files in which images and latents leave vaekit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaekit.core import RunError, SettingError, VaekitError, counted, warn_of
from vaekit.images.png import png
from vaekit.plain_files import what_is_there
from vaekit.runs.array_files import ARRAY_FILES, NO_HEADINGS, Headings, array_content, check_package
from vaekit.runs.files import check_writable, new_folder, write_atomic, writing
from vaekit.runs.usual_names import CONFIG, OWN

if TYPE_CHECKING:  # where a result may go is asked too where there is no torch
    from torch import Tensor

# Cells of a table that begin as formulas do, and are no numbers.
FORMULA = re.compile(rb'(?m)(?:^|,)"?(?:[=@]|[+-](?![\d.,\r\n]|inf|nan))')

IMAGE_FILES = (".png", *ARRAY_FILES, "")  # of `write_images`, as far as they fit the images


def check_out(out: Path, suffixes: Sequence[str], *asked: object, run: object = None) -> None:
    """Checks where a result is to go, before any work is done.

    Args:
        suffixes: of the files that can be written; "" stands for a folder.
        asked: what the result is of: a file among these is not written over.
        run: that is asked, or its folder: no file that it was trained on is written over.

    Raises:
        SettingError: an unknown suffix, or one whose package is not there; a file that is asked about.
        RunError: something is in the way, it is a file of a run's own, or its folder cannot be written.
    """
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        choices = ", ".join(s or "a folder without an ending" for s in suffixes)
        raise SettingError(f"out='{out}': cannot write {suffix or 'a folder'}; choices: {choices}.")
    check_package(out)
    if suffix and out.is_dir():
        raise RunError(f"out='{out}': a folder is there; name a file.")
    if "\0" in str(out):
        raise SettingError(f"out={str(out)!r}: no name of a file has a zero byte in it.", "out")
    if what := what_is_there(out) if out.exists() else "":
        raise RunError(f"out='{out}': {what}, is there; name another file.")
    if not suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"out='{out}': something is there already; name a new folder.")
    check_kept(out, *asked)
    if (source := source_of(run)) is not None and out.exists() and is_part(out, source):
        raise SettingError(f"out='{out}': the run was trained on it; name another file.")
    check_writable(out)


def source_of(run: object) -> Path | None:
    """The file or folder that a run was trained on; None for a named set or an array, and where it is not known."""
    config = getattr(run, "config", None)
    if config is None:
        folder = getattr(run, "out", run)
        if not isinstance(folder, str | Path):
            return None
        from vaekit.runs.records import read_run_config  # needs torch, without which a file is restored too

        with suppress(VaekitError, OSError, ValueError):  # who reads the run says what is wrong
            config = read_run_config(Path(folder))
    path = None if config is None else config.data.path
    return None if path is None else Path(path)


def is_part(file: Path, source: Path) -> bool:
    """Returns whether a file is this one, or in this folder."""
    file, source = file.resolve(), source.resolve()
    return file == source or (file.is_file() and source.is_dir() and source in file.parents)


def check_kept(out: Path, *asked: object) -> None:
    """Checks that a result writes over nothing that it is made of, and over nothing that makes a run.

    Raises:
        SettingError: it is one of the files that are asked about.
        RunError: it is a file of a run's own.
    """
    files = [one for given in asked for one in (given if isinstance(given, list | tuple) else [given])]
    if any(isinstance(one, str | Path) and _same(Path(one), out) for one in files):
        raise SettingError(f"out='{out}': these are the examples that are asked about; name another file.")
    inner = out.parent.name == "checkpoints"
    if (inner or out.name in OWN) and (out.parent.parent if inner else out.parent).joinpath(CONFIG).is_file():
        raise RunError(f"out='{out}' is a file that a run is kept in; name another.")


def check_sheet(out: Path, *asked: object) -> None:
    """Checks that the sheet beside a table, where one will be drawn, writes over no picture of somebody's.

    Args:
        out: the table; its sheet has the same name and .png.
        asked: as in `check_out`.

    Raises:
        SettingError: the picture is one of those asked about.
        RunError: it is there without the table.
    """
    sheet = out.with_suffix(".png")
    try:
        check_kept(sheet, *asked)
    except SettingError:
        raise SettingError(
            f"out='{out}': its sheet would go over {sheet}, which is asked about; name another."
        ) from None
    if sheet.exists() and not out.exists():
        raise RunError(f"out='{out}': its sheet would go over {sheet}, which is there; name another.")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.expanduser().samefile(other)
    except (OSError, ValueError, RuntimeError):  # one of them is not there, or no path at all
        return False


def usual_file(shape: tuple[int, ...], pixels: str) -> str:
    """The ending of the file that examples go to where nobody names one: a picture, a table, or arrays."""
    from vaekit.data.kinds.image import why_no_pictures

    if not why_no_pictures(shape, pixels):
        return ".png"
    return ".csv" if len(shape) == 1 else ".npz"


def check_holds(out: Path, shape: tuple[int, ...], pixels: str) -> None:
    """Checks that a file can hold examples, before any work is done: pictures, or the values as they are.

    Raises:
        SettingError: it cannot; names the files that can.
    """
    from vaekit.data.kinds.image import why_no_pictures

    reason = why_no_pictures(shape, pixels)
    if reason and out.suffix.lower() not in ARRAY_FILES:
        raise SettingError(f"out='{out}': {reason}; write them to a .npz, .npy, .csv or .parquet.")


def write_images(
    images: Tensor,
    out: Path,
    pixels: str,
    labels: Tensor | None = None,
    columns: int | None = None,
    class_names: Sequence[str] | None = None,
    headings: Headings = NO_HEADINGS,
) -> None:
    """Images as one contact sheet (.png), as a folder of PNGs, as arrays (.npz, .npy), or as a table (.csv, .parquet).

    Args:
        images: (N, C, H, W) or (N, D); in [0, 1] where their pixels are.
        pixels: key of PIXELS; in arrays and tables real values of any shape and rows stay floats, others become uint8.
        labels: (N,), for arrays with names and tables.
        columns: of the sheet; None makes it about square.
        class_names: names of the labels.
        headings: of rows of features and their labels.

    Raises:
        SettingError: the file cannot hold them.
        RunError: it cannot be written; nothing is left behind.
    """
    from vaekit.images.sheet import contact_sheet

    check_holds(out, tuple(images.shape[1:]), pixels)
    if out.suffix.lower() in ARRAY_FILES:
        key = "images" if out.suffix.lower() == ".npz" else "x"
        arrays = {key: _array(images, pixels)}
        labelled = arrays if labels is None else arrays | {"labels": labels.numpy()}
        write_arrays(out, labelled, class_names, headings)
        return
    if out.suffix:
        write_file(out, contact_sheet(images, columns))
        return
    with new_folder(out) as folder:
        _write_pictures(images, folder)


def write_arrays(
    out: Path,
    arrays: Mapping[str, np.ndarray],
    class_names: Sequence[str] | None = None,
    headings: Headings = NO_HEADINGS,
) -> None:
    """Arrays as .npz, the first of them as .npy, or all as a table (.csv, .parquet) with one line per example.

    Args:
        arrays: (N, ...) each; in a table "names" and "labels" come first, all others row by row.
        class_names: names of the labels.
        headings: of features and labels.

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    write_file(out, array_content(out.suffix.lower(), arrays, class_names, headings))


def write_file(out: Path, content: bytes) -> None:
    """A file, and the folders that it lies in.

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, content)
    if out.suffix.lower() == ".csv" and (cells := FORMULA.findall(content)):
        warn_of(
            [
                f"{out}: {counted(len(cells), 'cell')} of text with the beginning of a formula; in a spreadsheet, open it as text"
            ]
        )


def _write_pictures(images: Tensor, folder: Path) -> None:
    from vaekit.images.tile import to_bytes, to_rgb

    pixels = to_bytes(images) if images.shape[1] in (1, 3, 4) else to_rgb(images)
    digits = max(4, len(str(len(pixels) - 1)))
    for number, picture in enumerate(pixels):
        (folder / f"{number:0{digits}d}.png").write_bytes(png(picture))


def _array(images: Tensor, pixels: str) -> np.ndarray:
    """uint8 or floats, (N, H, W, C) for images."""
    from vaekit.images.tile import to_bytes

    if images.ndim != 4:
        return images.numpy()
    return images.permute(0, 2, 3, 1).contiguous().numpy() if pixels == "real" else to_bytes(images)
