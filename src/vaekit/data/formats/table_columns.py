"""Rows of numbers from a table of any library: which columns are features, which one is the class of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vaekit.config.options import DataSettings
from vaekit.core import DataError, near_miss
from vaekit.data.dataset import Loaded
from vaekit.data.formats.arrays import from_array
from vaekit.data.formats.label_files import LABEL_COLUMNS
from vaekit.data.formats.row_values import are_pixels
from vaekit.wording import speak_of

MOST_CLASSES = 100  # by which whole numbers may be the classes of a table


def is_table(data: object) -> bool:
    """Returns whether this is a DataFrame, or what acts as one."""
    return hasattr(data, "columns") and hasattr(data, "to_numpy") and not isinstance(data, Mapping)


def from_table(table: Any, labels: object | None, settings: DataSettings, where: str) -> Loaded:
    """Rows of numbers from a table; one column may be the labels, and one of text that is called so is.

    Raises:
        DataError: columns that are no numbers, two of one name, or missing values.
    """
    values = columns_by_name(table, where)
    notes: list[str] = []
    column = settings.labels_key if settings.labels_key is not None else labels
    if not isinstance(column, str):
        column = None if labels is not None else _called_labels(values) or _beside_pixels(values)
        notes += [] if column is None else [f"column {column} is taken as the class of each row"]
        notes += [] if column is not None else _doubtful_labels(values)
    if column is not None:
        if column not in values:
            raise DataError(
                f"{where}: no column {column}.{near_miss(column, values)} Columns: {', '.join([*values][:20])}."
            )
        labels = values.pop(column)
        _check_whole(column, labels, where)
    numbers = _numbers(values, len(table), where)
    loaded = from_array(numbers, labels, settings, where)
    loaded.columns, loaded.label_column = list(values), column
    speak_of(tuple(numbers.shape[1:]), [*loaded.columns, *(loaded.class_names or ())])
    loaded.notes = notes + loaded.notes
    return loaded


def columns_by_name(table: Any, where: str) -> dict[str, np.ndarray]:
    """Columns as arrays.

    Raises:
        DataError: two of one name.
    """
    names = [str(name) for name in table.columns]
    twice = (
        next((name for name in names if names.count(name) > 1), None) if len({*names}) < len(names) else None
    )
    if twice is not None:
        raise DataError(f"{where}: two columns are called {twice}; give each a name of its own.")
    return {name: np.asarray(table[own]) for name, own in zip(names, table.columns, strict=True)}


def in_order(table: Any, columns: Sequence[str] | None, label_column: str | None, where: str) -> Any:
    """The columns that a model was trained on, in their order, and that of the classes where it is there.

    Args:
        table: a DataFrame, or what acts as one.
        columns: by which the model knows its features; None leaves the table as it is.

    Raises:
        DataError: one is missing.
    """
    there = [str(name) for name in table.columns]
    if columns is None or not {*there} & {*columns}:  # without names, or with none in common: by their places
        return table
    missing = [name for name in columns if name not in there]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{where}: no column {missing[0]}{more}, which the model was trained on; add it.")
    wanted = [*columns, *([label_column] if label_column in there else [])]
    return table if there == wanted else table[[table.columns[there.index(name)] for name in wanted]]


def _called_labels(values: Mapping[str, np.ndarray]) -> str | None:
    """The one column of text, if its name says that it has the classes."""
    text = [name for name, column in values.items() if column.dtype.kind in "OUST"]
    return text[0] if len(text) == 1 and text[0].strip().lower() in LABEL_COLUMNS else None


def _beside_pixels(values: Mapping[str, np.ndarray]) -> str | None:
    """The one column that is called as classes are, of few whole numbers, beside the pixels of pictures."""
    named = [name for name in values if name.strip().lower() in LABEL_COLUMNS]
    rest = [column for name, column in values.items() if name not in named]
    if len(named) != 1 or not rest or any(column.dtype.kind not in "biuf" for column in values.values()):
        return None
    few = len(np.unique(values[named[0]])) <= MOST_CLASSES
    return named[0] if few and are_pixels(np.stack(rest, 1)) else None


def _doubtful_labels(values: Mapping[str, np.ndarray]) -> list[str]:
    """A line on a column of few whole numbers that is called as classes are, but may be a feature too."""
    for name, column in values.items():
        if (
            name.strip().lower() in LABEL_COLUMNS
            and column.dtype.kind in "biu"
            and 1 < len(np.unique(column)) <= MOST_CLASSES
        ):
            return [
                f"column {name} is taken as a feature; labels_key={name!r} makes it the class of each row"
            ]
    return []


def _check_whole(name: str, labels: np.ndarray, where: str) -> None:
    missing = np.array([label is None or label != label for label in labels], bool)
    if missing.any():
        raise DataError(
            f"{where}: column {name} is missing in row {int(missing.argmax())}; fill or remove such rows."
        )


def _numbers(values: Mapping[str, np.ndarray], count: int, where: str) -> np.ndarray:
    """(N, D) of the columns.

    Raises:
        DataError: columns that are no numbers, with a value of the first; or missing values.
    """
    odd = [name for name, column in values.items() if column.dtype.kind not in "biuf"]
    if odd:
        kinds = ", ".join(f"{name} ({_example(values[name])})" for name in odd[:5]) + ", ..." * (len(odd) > 5)
        raise DataError(
            f"{where}: columns that are no numbers: {kinds}; leave them out, or give labels_key={odd[0]!r} if it is the "
            "class of each row."
        )
    if not values or not count:
        raise DataError(
            f"{where}: a table of {count:,} rows and {len(values)} columns of numbers; give both."
        )
    rows = np.empty((count, len(values)), np.result_type(*(column.dtype for column in values.values())))
    for index, (name, column) in enumerate(values.items()):
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            row = int(np.argmin(np.isfinite(column)))
            raise DataError(
                f"{where}: column {name} is {column[row]} in row {row}; fill or remove such rows."
            )
        rows[:, index] = column
    return rows


def _example(column: np.ndarray) -> str:
    """The first value that is no number, and its row."""
    from vaekit.data.formats.table_cells import is_number

    for row, value in enumerate(column):
        if value is None:
            return f"missing in row {row}"
        if not is_number(str(value)):
            shown = " ".join(str(value).split())
            return f"{shown[:24]}{'...' * (len(shown) > 24)} in row {row}"
    return str(column.dtype)
