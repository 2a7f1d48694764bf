"""SOURCES: every named set, one line each; and `load_data`, which takes these, files and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vaekit.config.configured import documented
from vaekit.config.fields import Options, check_known
from vaekit.config.options import DataSettings
from vaekit.core import DataError, SettingError, near_miss
from vaekit.data.dataset import Data, Loaded
from vaekit.data.formats.arrays import from_array, load_npy_file, load_npz_file
from vaekit.data.formats.folder import load_folder
from vaekit.data.kinds.image import parse_size, resize
from vaekit.data.named import load_digits, load_idx_set
from vaekit.data.pixels import binarize, interpret
from vaekit.data.splits import content_keys, make_splits
from vaekit.data.synthetic.render import load_sprites, load_strokes

SOURCES: dict[str, Callable[[DataSettings], Loaded]] = {
    "digits": load_digits,
    "mnist": load_idx_set,
    "fashion-mnist": load_idx_set,
    "strokes": load_strokes,
    "sprites": load_sprites,
}

TEXTS = ("image_size", "data_dir")  # numbers and paths are taken too

USED_BY = {
    "white": ("folder",),
    "layout": ("array", ".npy", ".npz"),
    "images_key": (".npz",),
    "labels_key": (".npz",),
}
FILES: dict[str, Callable[[Path, DataSettings], Loaded]] = {".npy": load_npy_file, ".npz": load_npz_file}


@documented(DataSettings)
def load_data(
    data: str | Path | np.ndarray | Tensor, *, labels: object | None = None, **options: Any
) -> Data:
    """Loads a data set and completes its splits.

    Splits that the source has stay. Else a sixth of the images, chosen by content hash, is the
    test split, and `validation` of the rest the validation split; no seed changes either.

    Args:
        data: a name in SOURCES, a folder of images, a .npy or .npz file, or an array:
            (N, H, W), (N, C, H, W), (N, H, W, C) or (N, D); uint8, bool or floats in [0, 1].
        labels: class numbers or names of an array's images, (N,).

    Raises:
        SettingError: an option is unknown or has an impossible value.
        DataError: the source is missing, empty, damaged, too small or does not fit the options.
    """
    words = {
        name: str(value) for name, value in options.items() if isinstance(value, int | Path) and name in TEXTS
    }
    name = "array" if isinstance(data, np.ndarray | Tensor) else str(data)
    settings = DataSettings.of({**options, **words, "data": name})
    parse_size(settings.image_size)
    if isinstance(data, np.ndarray | Tensor):
        return _complete(from_array(data, labels, settings, "array"), settings, "array")
    if labels is not None:
        raise DataError(f"{settings.data}: labels= belongs to an array; this source has its own.")
    kind = "named" if settings.data in SOURCES else Path(settings.data).suffix.lower()
    kind = "folder" if kind != "named" and Path(settings.data).expanduser().is_dir() else kind
    return _complete(_loaded(data, settings), settings, kind)


def as_data(
    data: Data | str | Path | np.ndarray | Tensor, *, labels: object | None = None, **options: Any
) -> Data:
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


def _loaded(data: object, settings: DataSettings) -> Loaded:
    """A named set, or the folder or file at a path."""
    if not isinstance(data, str | Path):
        raise DataError(f"data is a {type(data).__name__}; give a name, a path, a numpy array or a tensor.")
    name = settings.data
    if name in SOURCES:
        return SOURCES[name](settings)
    path = Path(name).expanduser()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise DataError(f"data='{name}': cannot be read ({error.strerror}); check its permissions.") from None
    if is_folder and name:
        return load_folder(path, settings)
    if not is_file:
        raise DataError(
            f"data='{name}': no such source.{near_miss(name, SOURCES)} "
            f"Named sets: {', '.join(SOURCES)}; or no such folder or file."
        )
    if path.suffix.lower() not in FILES:
        raise DataError(f"data='{name}': not a folder of images, nor a .npy or .npz file.")
    return FILES[path.suffix.lower()](path, settings)


def _complete(loaded: Loaded, settings: DataSettings, kind_of_source: str) -> Data:
    """Interprets the pixels, brings them to size, binarises and splits; hashes come first, so that
    none of these changes the split."""
    where = settings.data
    loaded.notes += _without_effect(settings, kind_of_source)
    for name, split in loaded.parts.items():
        if name not in loaded.keys:
            loaded.keys[name] = content_keys(split.images)
    kind = interpret(loaded, settings.pixels, where)
    changed = resize(loaded, parse_size(settings.image_size), settings.fit, where)
    if changed and kind == "binary":
        kind = "8-bit"
        loaded.notes.append("resizing made binary images grey; binarize= makes them binary again")
    kind, dynamic = binarize(loaded, kind, settings.binarize, where)
    decided = (settings.image_size, settings.fit, settings.binarize, kind, dynamic)
    token = " ".join(map(str, decided if loaded.usual_white else (*decided, loaded.white)))
    splits, fingerprint = make_splits(loaded, kind, settings.validation, where, token)
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
        notes=loaded.notes,
    )


def _options(settings: DataSettings, loaded: Loaded) -> dict[str, Any]:
    """The arguments that load the same again from any working directory."""
    options = asdict(settings) | ({} if loaded.white is None else {"white": loaded.white})
    if settings.data not in SOURCES and loaded.path is not None:
        options["data"] = loaded.path
    if settings.data_dir is not None:
        options["data_dir"] = str(Path(settings.data_dir).expanduser().resolve())
    return options


def _without_effect(settings: DataSettings, kind_of_source: str) -> list[str]:
    """A note for each option given that this kind of source does not read."""
    given = {name for name in USED_BY if getattr(settings, name) != getattr(DataSettings, name)}
    unused = sorted(name for name in given if kind_of_source not in USED_BY[name])
    notes = [f"{name}= has no effect on this source" for name in unused]
    if settings.fit != DataSettings.fit and settings.image_size is None:
        notes.append("fit= has no effect without image_size=")
    return notes
