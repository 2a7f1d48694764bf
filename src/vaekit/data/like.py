"""Examples for a model that is trained already: any number of them, in the form of those that it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vaekit.config.options import DataSettings
from vaekit.core import DataError
from vaekit.data.dataset import Loaded
from vaekit.data.formats.picture_files import COLOURS
from vaekit.data.formats.picture_notes import without_options
from vaekit.data.formats.table_columns import in_order, is_table
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.pixels import binarize, interpret_like

KEPT = "kept as the last channel"  # of opacity, in the notes of folders

GREY = torch.tensor(
    [19595, 38470, 7471]
)  # of 65536, for red, green and blue: ITU-R 601-2, in whole numbers as Pillow has it


@dataclass(frozen=True)
class Form:
    """The form of the examples that a model takes.

    Attributes:
        shape: (C, H, W) or (D,).
        pixels: key of PIXELS.
        model: names it in errors.
        columns: names of its features, where it was trained on a table.
        label_column: of that table's classes.
    """

    shape: tuple[int, ...]
    pixels: str
    model: str
    columns: tuple[str, ...] | None = None
    label_column: str | None = None


def as_a_set(data: object, settings: DataSettings, form: Form) -> tuple[object, DataSettings]:
    """One example as a set of one, the order of axes that the model's shape tells of, and that of a table's columns.

    Args:
        data: an object in memory.
        settings: of loading it.
    """
    if is_table(data):
        known = [str(name) for name in data.columns]  # type: ignore[attr-defined]
        if settings.labels_key is None and form.label_column in known:
            settings = replace(settings, labels_key=form.label_column)
        return in_order(data, form.columns, form.label_column, settings.data), settings
    if isinstance(data, list | tuple) and data and all(isinstance(value, int | float) for value in data):
        data = np.array(data)
    if not isinstance(data, np.ndarray | Tensor):
        return data, settings
    shape, wanted = tuple(data.shape), form.shape
    last = (*wanted[1:], wanted[0])
    if shape == wanted or (len(wanted) == 3 and (shape == last or (wanted[0] == 1 and shape == wanted[1:]))):
        data = data[None]
        shape = tuple(data.shape)
    if (
        settings.layout == "auto"
        and len(wanted) == 3
        and len(shape) == 4
        and wanted != last
        and shape[1:] in (wanted, last)
    ):
        settings = replace(settings, layout="NCHW" if shape[1:] == wanted else "NHWC")
    return data, settings


def picture_shape(form: Form, where: str) -> tuple[int, int, int]:
    """The shape (C, H, W) of the pictures that a model takes.

    Raises:
        DataError: it takes none, so that an image file is nothing for it.
    """
    reason = why_no_pictures(form.shape, form.pixels)
    if reason or form.shape[0] not in COLOURS:
        what = reason or f"{form.shape[0]} channels are none of an image file"
        raise DataError(
            f"{where}: a picture, and {form.model} takes none ({what}); give a .npy, .npz or .csv file."
        )
    channels, height, width = form.shape
    return channels, height, width


def brought_to(loaded: Loaded, form: Form, asked: str, how: str, where: str) -> tuple[str, bool]:
    """Brings images to the values that a model takes, and checks their shape.

    Args:
        asked: key of PIXELS that was asked for, or "auto".
        how: binarisation of the run's own data.

    Returns:
        As `vaekit.data.pixels.binarize`.

    Raises:
        DataError: they are of another size, or of values that the model does not take.
    """
    kind = interpret_like(loaded, asked, form.pixels if how == "none" else "8-bit", where)
    for split in loaded.parts.values():
        shape = tuple(split.images.shape[1:])
        if shape != form.shape:
            theirs, ours = ("x".join(map(str, one)) for one in (shape, form.shape))
            raise DataError(
                f"{where}: images are {theirs}, those of {form.model} are {ours}; give images of that shape."
            )
    if kind in ("binary", "real"):
        return kind, False
    return binarize(loaded, kind, how, where)


def recolour(loaded: Loaded, form: Form) -> None:
    """Grey pictures as colour ones, and the reverse, and transparent ones on white, where only that is between them and
    the form."""
    loaded.notes = [without_options(note) for note in loaded.notes]
    if len(form.shape) != 3 or form.pixels == "real":
        return
    for name in loaded.parts:
        split, wanted = loaded.parts[name], form.shape[0]
        given = split.images.shape[1] if split.images.ndim == 4 else 0
        if given in (2, 4) and wanted in (1, 3):
            loaded.set_images({name: on_white(split.images)})
            loaded.notes = [note.replace(KEPT, "laid onto white") for note in loaded.notes]
            split, given = loaded.parts[name], given - 1
        if (given, wanted) == (1, 3):
            loaded.set_images({name: split.images.expand(-1, 3, -1, -1).contiguous()})
        elif (given, wanted) == (3, 1):
            loaded.set_images({name: to_grey(split.images)})
        else:
            continue
        line = f"{'grey' if wanted == 3 else 'colour'} images converted to {'RGB' if wanted == 3 else 'grey'}"
        if line not in loaded.notes:
            loaded.notes.append(line)


def on_white(images: Tensor) -> Tensor:
    """Images whose last channel is their opacity laid onto white, (N, C + 1, H, W) -> (N, C, H, W), of the same type."""
    colours, alpha = images[:, :-1], images[:, -1:]
    if images.dtype == torch.uint8:
        opaque = alpha.int()
        return ((colours.int() * opaque + 255 * (255 - opaque) + 127) // 255).to(torch.uint8)
    return colours * alpha + (1 - alpha)


@contextmanager
def said_of_a_model() -> Iterator[None]:
    """Errors within the block without the remedies that only a set to train on has: a trained model's values are decided.

    Raises:
        DataError: as within the block.
    """
    try:
        yield
    except DataError as error:
        said = without_options(str(error))
        if said == str(error):
            raise
        raise DataError(said) from None


def to_grey(images: Tensor) -> Tensor:
    """Luminance of colour images, (N, 3, H, W) -> (N, 1, H, W), of the same type."""
    weights = GREY[:, None, None]
    if images.dtype == torch.uint8:
        return ((images.int() * weights).sum(1, keepdim=True) + 0x8000 >> 16).to(torch.uint8)
    return (images * (weights / 65536).to(images.dtype)).sum(1, keepdim=True)
