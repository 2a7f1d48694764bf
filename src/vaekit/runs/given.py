"""Examples that somebody names for a run: image files and folders, or sources of any kind, in the run's form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from vaekit.core import DataError, SettingError, warn_of
from vaekit.data import Data, Split
from vaekit.data.formats.given_files import read_images
from vaekit.data.formats.picture_files import COLOURS
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.picking import picked
from vaekit.data.sources import holds_sets
from vaekit.data.splits import joined
from vaekit.runs.exchanged import exchanged
from vaekit.runs.load import Run


def data_of(run: Run, data: object, label: str | None = None) -> Data:
    """The run's own data, or another source brought to the same form; what was odd about it is a warning.

    Args:
        data: a data set, or as in `Run.load_data`.
    """
    if isinstance(data, Data):
        number = None if label is None else run.class_number(label)
        return run.with_own_classes(data, number) if run.model.classes else data
    found = run.load_data(data, label)
    if data is not None:
        warn_of([*found.notes, *exchanged(run, [split.images for split in found.splits.values()])])
    return found


def given_examples(run: Run, given: object, label: str | None, who: str | None = None) -> Split:
    """Examples that somebody names for a run, in its form.

    Args:
        given: image files and folders, or one source or several as in `Run.load_data`.
        label: class of all of them, for a conditional run.
        who: takes no more than one, for the error; None where any number will do.

    Raises:
        SettingError: the class is missing, or there is none; or there are several where one is wanted.
        DataError: a source cannot be used.
    """
    named = [given] if isinstance(given, str | Path) else given
    paths = isinstance(named, list | tuple) and all(isinstance(one, str | Path) for one in named)
    if not paths:
        return picked(data_of(run, given, label), "all")
    assert isinstance(named, list | tuple)
    pictures = not why_no_pictures(run.model.shape, run.model.pixels)
    if pictures and not any(holds_sets(Path(one)) for one in named):
        return given_images(run, named, label, who)
    return joined([_of_place(run, one, label) for one in named])


def _of_place(run: Run, place: str | Path, label: str | None) -> Split:
    """All examples of a source; its error names it, not an option data= that nobody gave."""
    try:
        return picked(data_of(run, place, label), "all")
    except DataError as error:
        asked = f"data='{place}'"
        if not str(error).startswith(asked):
            raise
        raise DataError(f"{place}{str(error).removeprefix(asked)}") from None


def given_table(run: Run, given: object, label: str | None) -> Data | None:
    """One source for a run of a table, with the names of its classes; None for several sources.

    Args:
        given, label: as in `given_examples`.

    Raises:
        SettingError, DataError: as in `given_examples`.
    """
    if isinstance(given, list | tuple) and all(isinstance(one, str | Path) for one in given):
        return data_of(run, given[0], label) if len(given) == 1 else None
    return data_of(run, given, label)


def given_example(run: Run, given: object, label: str | None, who: str) -> Split:
    """One example that somebody names for a run, in its form.

    Args:
        given, label: as in `given_examples`.
        who: takes it, for the error.

    Raises:
        SettingError: as in `given_examples`, or there are none or several.
        DataError: a source cannot be used.
    """
    found = given_examples(run, given, label, who)
    _check_one(len(found), who, given)
    return found


def _check_one(count: int, who: str, given: object) -> None:
    if count != 1:
        raise SettingError(f"{who}; {given} has {count:,}.")


def given_images(run: Run, paths: Sequence[str | Path], label: str | None, who: str | None = None) -> Split:
    """Image files in the form of a run's images, all of one class if it is conditional.

    Args:
        label, who: as in `given_examples`.

    Raises:
        SettingError: the class is missing, or there is none; or there are several where one is wanted.
        DataError: the run is not one of pictures, or a file cannot be used.
    """
    number = None if label is None else run.class_number(label)
    if run.model.classes and number is None:
        raise SettingError(
            f"{run.path} is conditioned on the class of each image; say of which these are with label= "
            f"({', '.join(run.classes[:10])}{', ...' * (len(run.classes) > 10)})."
        )
    shape = run.model.shape
    if len(shape) != 3 or shape[0] not in COLOURS or why_no_pictures(shape, run.model.pixels):
        raise DataError(
            f"{run.path} was trained on {list(shape)}, not on pictures; leave the image files away."
        )
    data = run.settings.data
    values = "unit" if run.model.pixels == "unit" else "8-bit"
    stored, names, notes = read_images(paths, shape, data.fit, values, data.white)
    if who is not None:
        _check_one(len(stored), who, ", ".join(map(str, paths)))
    warn_of([*notes, *exchanged(run, [stored])])
    return Split(stored, None if number is None else torch.full((len(stored),), number), names)
