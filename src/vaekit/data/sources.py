"""SOURCES: every named set, one line each; and `load_data`, which takes these, files and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.config.configured import documented, strict
from vaekit.config.fields import Options, check_known
from vaekit.config.options import DataSettings
from vaekit.core import DataError, SettingError, a_kind, foreign, warn_of
from vaekit.data.dataset import Data, Loaded, Split
from vaekit.data.formats.archives import archive_ending, load_archive
from vaekit.data.formats.arrays import load_npy_file, read_array
from vaekit.data.formats.folder import load_folder
from vaekit.data.formats.given_files import read_images
from vaekit.data.formats.given_items import TAKEN
from vaekit.data.formats.given_objects import from_object
from vaekit.data.formats.named_arrays import load_npz_file
from vaekit.data.formats.picture_files import SUFFIXES
from vaekit.data.formats.readers import ending_of, remedy_for
from vaekit.data.formats.table_files import TABLE_FILES, load_table_file, read_table
from vaekit.data.kinds.image import NoCommonSize, parse_size, resize
from vaekit.data.labels import label_notes
from vaekit.data.like import Form, as_a_set, brought_to, picture_shape, recolour, said_of_a_model
from vaekit.data.missing import at_home, source_meant
from vaekit.data.named import load_digits, load_idx_set
from vaekit.data.pixels import binarize, dark, interpret
from vaekit.data.splits import content_keys, make_splits
from vaekit.data.synthetic.render import load_sprites, load_strokes
from vaekit.data.unused_options import without_effect

SOURCES: dict[str, Callable[[DataSettings], Loaded]] = {
    "digits": load_digits,
    "mnist": load_idx_set,
    "fashion-mnist": load_idx_set,
    "strokes": load_strokes,
    "sprites": load_sprites,
}

TEXTS = ("image_size", "data_dir")  # numbers and paths are taken too

FILES: dict[str, Callable[[Path, DataSettings], Loaded]] = {
    ".npy": load_npy_file,
    ".npz": load_npz_file,
    **dict.fromkeys(TABLE_FILES, load_table_file),
}


@strict
@documented(DataSettings)
def load_data(data: object, *, labels: object | None = None, **options: Any) -> Data:
    """Loads a data set and completes its splits.

    Splits that the source has stay. Else a sixth of the images, chosen by content hash, is the test split, and
    `validation` of the rest the validation split; no seed changes either.

    Args:
        data: a name in SOURCES; a folder of images, a zip or tar archive of one, a .npy or .npz file, a table (.csv,
            .tsv, .parquet); an array, (N, H, W), (N, C, H, W), (N, H, W, C), uint8, bool or floats in [0, 1], or (N, D); a
            list of arrays or of Pillow's images, a pair (images, labels), a dict of arrays, a table (DataFrame) of numbers,
            or a data set or loader of torch or Hugging Face.
        labels: classes of the images, (N,) numbers or names, or (N, K) one-hot; of a table also the name of a column.

    Returns:
        The data, in three splits.

    Raises:
        SettingError: an option is unknown or has an impossible value.
        DataError: the source is missing, empty, damaged, too small or does not fit the options.

    Example:
        >>> vaekit.load_data("photos", image_size="16").class_names
        ['sea', 'sky']
    """
    settings = settings_for(data, options)
    loaded, kind = read_source(data, labels, settings)
    return _complete(loaded, settings, kind)


@said_of_a_model()
def load_like(data: object, form: Form, *, labels: object | None = None, **options: Any) -> Data:
    """Any number of examples for a model that is trained already, in the form of those that it was trained on.

    Splits are those of `load_data` where there are enough examples for it; else all of them are in the test split.

    Args:
        data: as in `load_data`, and also one image file, one row (D,), or one image as an array.
        form: of the model's examples.
        labels, options: as in `load_data`; options are those of the model's own data.

    Raises:
        SettingError, DataError: as in `load_data`, or examples that the model does not take.
    """
    loaded, settings, kind = _read_like(data, form, labels, options)
    return _complete(loaded, settings, kind, form)


@said_of_a_model()
def load_as_stored(data: object, form: Form, *, labels: object | None = None, **options: Any) -> Data:
    """As `load_like`, in the source's own splits and order: nothing is split, and what has no splits is all for testing.

    Its fingerprint is empty.
    """
    loaded, settings, _ = _read_like(data, form, labels, options)
    kind, dynamic = _formed(loaded, settings, form)
    parts = {
        "test" if list(loaded.parts) == ["train"] else name: split for name, split in loaded.parts.items()
    }
    none = next(iter(parts.values())).take(torch.arange(0))
    train, validation, test = (parts.get(name, none) for name in ("train", "validation", "test"))
    return Data(
        source=settings.data, train=train, validation=validation, test=test, pixels=kind, dynamic=dynamic,
        class_names=loaded.class_names, path=loaded.path, notes=loaded.notes, columns=loaded.columns,
        label_column=loaded.label_column,
    )  # fmt: skip


def _read_like(
    data: object, form: Form, labels: object | None, options: Mapping[str, Any]
) -> tuple[Loaded, DataSettings, str]:
    """The contents of a source for a model of a form, the options that they were read with, and their kind as in USED_BY."""
    settings = settings_for(data, options)
    path = at_home(settings.data) if isinstance(data, str | Path) and data not in SOURCES else None
    if path is not None and ending_of(path) in SUFFIXES and path.is_file():
        values = "unit" if form.pixels == "unit" else "8-bit"
        stored, names, notes = read_images(
            [path], picture_shape(form, str(path)), settings.fit, values, settings.white
        )
        one = Loaded({"train": Split(stored, None, names)}, path=str(path.resolve()), notes=notes)
        return one, settings, "pictures"
    if path is not None and path.suffix.lower() == ".npy" and path.is_file():
        data, settings = as_a_set(read_array(path), settings, form)
        loaded, kind = from_object(data, labels, settings, str(path)), ".npy"
        loaded.path = str(path.resolve())
        return loaded, settings, kind
    if path is not None and path.suffix.lower() in TABLE_FILES and path.is_file():
        table = read_table(path)
        data, settings = as_a_set(table, settings, form)
        loaded, kind = from_object(data, labels, settings, str(path)), "table"
        loaded.path, loaded.notes = str(path.resolve()), table.notes + loaded.notes
        return loaded, settings, kind
    if path is None and not isinstance(data, str | Path):
        data, settings = as_a_set(data, settings, form)
    loaded, kind = _sized(data, labels, settings, form)
    if kind == "pictures":
        recolour(loaded, form)
    return loaded, settings, kind


@said_of_a_model()
def examples_like(data: object, form: Form) -> Tensor:
    """Examples of one collection in their order, (N, *shape) as stored, in the form of a trained model's.

    What had to be changed is a VaekitWarning.

    Args:
        data: as in `load_like`, no path and no arrays.

    Raises:
        DataError: examples that the model does not take, or several splits.
    """
    settings = settings_for(data, {})
    loaded, kind = _sized(data, None, settings, form)
    if list(loaded.parts) != ["train"]:
        raise DataError(f"a {type(data).__name__} of several splits given to a model; give one of them.")
    if kind == "pictures":
        recolour(loaded, form)
    brought_to(loaded, form, "auto", "none", f"a {type(data).__name__}")
    warn_of(loaded.notes)
    return loaded.parts["train"].images


def _sized(data: object, labels: object | None, settings: DataSettings, form: Form) -> tuple[Loaded, str]:
    """The contents of a source; pictures of other sizes than the model's are brought to it."""
    if len(form.shape) == 1 and settings.pixels == "auto":  # few rows would not say what they are
        settings = replace(settings, pixels=form.pixels)
    side = "x".join(map(str, form.shape[1:]))
    free = settings.image_size is None and len(form.shape) == 3 and form.pixels != "real"
    sized = replace(settings, image_size=side)
    try:
        loaded, kind = read_source(data, labels, settings)
    except NoCommonSize:
        if not free:
            raise
        loaded, kind = read_source(data, labels, sized)
        loaded.notes.append(f"images brought to {side} pixels, as the model takes them ({settings.fit})")
        return loaded, kind
    there = {tuple(split.images.shape[2:]) for split in loaded.parts.values()}
    if free and kind == "pictures" and there != {form.shape[1:]}:
        loaded, kind = read_source(data, labels, sized)
        loaded.notes.append(f"images brought to {side} pixels, as the model takes them ({settings.fit})")
    return loaded, kind


def settings_for(data: object, options: Mapping[str, Any]) -> DataSettings:
    """Options of loading a source, checked.

    Raises:
        SettingError: an option is unknown or has an impossible value.
    """
    words = {
        name: str(value) for name, value in options.items() if isinstance(value, int | Path) and name in TEXTS
    }
    settings = DataSettings.of({**options, **words, "data": source_name(data)})
    parse_size(settings.image_size)
    return settings


def source_name(data: object) -> str:
    """The name of a source: as it was given, or `array` for what is in memory."""
    return str(data) if isinstance(data, str | Path) else "array"


def read_source(data: object, labels: object | None, settings: DataSettings) -> tuple[Loaded, str]:
    """The contents of a source, and of what kind it is, as in USED_BY."""
    if not isinstance(data, str | Path):
        if data is None or isinstance(data, int | float | bytes):
            raise DataError(f"data is {a_kind(data)}; give {TAKEN}.")
        named = isinstance(data, Mapping) or hasattr(data, "column_names")
        kind = "table" if hasattr(data, "to_numpy") else "named" if named else "array"
        with foreign(f"the {type(data).__name__} cannot be read"):
            loaded = from_object(data, labels, settings, settings.data)
        return loaded, "pictures" if loaded.keys else kind  # which have the hashes of their files
    if labels is not None:
        raise DataError(f"{settings.data}: labels= belongs to an array; this source has its own.")
    with foreign(f"{settings.data} cannot be read"):  # whatever a loader did not foresee
        if settings.data in SOURCES:
            return SOURCES[settings.data](settings), ""
        return _of_files(settings)


def as_data(data: object, *, labels: object | None = None, **options: Any) -> Data:
    """A data set as it is, or what `load_data` makes of a source.

    Raises:
        SettingError: options or labels, for a data set that is loaded already.
    """
    if not isinstance(data, Data):
        return load_data(data, labels=labels, **options)
    check_not_given(options if labels is None else {**options, "labels": labels}, DataSettings)
    check_known(options, DataSettings.names())
    return data


def check_not_given(options: Iterable[str], section: type[Options]) -> None:
    """Raises SettingError when options of loading are given for data that are loaded already."""
    for name in options:
        if name in ("labels", *section.names()):
            raise SettingError(f"{name}= is for a source; these data are loaded already.", name)


def holds_sets(path: Path) -> bool:
    """Returns whether the ending of a file is that of arrays or of an archive."""
    return path.suffix.lower() in FILES or archive_ending(path) is not None


def _of_files(settings: DataSettings) -> tuple[Loaded, str]:
    """The folder or file at a path, and its kind."""
    name = settings.data
    path = at_home(name)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise DataError(f"data='{name}': cannot be read ({error.strerror}); check its permissions.") from None
    if is_folder and name:
        return load_folder(path, settings), "pictures"
    if not is_file:
        raise DataError(
            f"data='{name}': no such file or folder, and no named set ({', '.join(SOURCES)}).{source_meant(name, path, SOURCES)}"
        )
    if archive_ending(path):
        return load_archive(path, settings), "pictures"
    ending = path.suffix.lower()
    if ending not in FILES:
        raise DataError(
            f"data='{name}': not a folder of images, nor a .npy, .npz, .csv or .parquet file"
            f"{remedy_for(ending, ending_of(path) in SUFFIXES)}."
        )
    return FILES[ending](path, settings), "table" if ending in TABLE_FILES else ending


def _complete(loaded: Loaded, settings: DataSettings, kind_of_source: str, like: Form | None = None) -> Data:
    """Interprets the pixels, brings them to size, binarises and splits; hashes come first: none of these changes the split.

    Args:
        like: the form of a trained model's examples, which these are to be brought to and need not suffice to train
            one; None for a set to train on.
    """
    where = settings.data
    loaded.notes += without_effect(settings, kind_of_source)
    for name, split in loaded.parts.items():
        if name not in loaded.keys:
            loaded.keys[name] = content_keys(split.images)
    try:
        kind, dynamic = _formed(loaded, settings, like)
        decided = (settings.image_size, settings.fit, settings.binarize, kind, dynamic)
        token = " ".join(map(str, decided if loaded.usual_white else (*decided, loaded.white)))
        splits, fingerprint = make_splits(loaded, kind, settings.validation, where, token, like is None)
    except DataError as error:
        if not loaded.doubts:
            raise
        raise DataError(f"{str(error).rstrip('.')}; {loaded.doubts[0]}.") from None
    if like is None:
        loaded.notes += label_notes(splits, loaded.class_names)
    return Data(
        source=settings.data,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        pixels=kind,
        dynamic=dynamic,
        class_names=loaded.class_names,
        factors=loaded.factors,
        path=loaded.path,
        fingerprint=fingerprint,
        options=_options(settings, loaded),
        notes=loaded.notes + (loaded.doubts if like is None else []),
        columns=loaded.columns,
        label_column=loaded.label_column,
    )


def _formed(loaded: Loaded, settings: DataSettings, like: Form | None) -> tuple[str, bool]:
    """Brings the pixels to their form; gives their kind, and whether they are binarised anew in each batch."""
    where = settings.data
    if like is not None:
        return brought_to(loaded, like, settings.pixels, settings.binarize, where)
    kind = interpret(loaded, settings.pixels, where)
    loaded.notes += dark((split.images for split in loaded.parts.values() if len(split)), kind)
    changed = resize(loaded, parse_size(settings.image_size), settings.fit, where)
    if changed and kind == "binary":
        kind = "8-bit"
        loaded.notes.append("resizing made binary images grey; binarize= makes them binary again")
    return binarize(loaded, kind, settings.binarize, where)


def _options(settings: DataSettings, loaded: Loaded) -> dict[str, Any]:
    """The arguments that load the same again from any working directory."""
    options = asdict(settings) | ({} if loaded.white is None else {"white": loaded.white})
    if settings.data not in SOURCES and loaded.path is not None:
        options["data"] = loaded.path
    if settings.data_dir is not None:
        options["data_dir"] = str(Path(settings.data_dir).expanduser().resolve())
    return options
