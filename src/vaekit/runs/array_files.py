"""Files of arrays: .npz and .npy, and tables (.csv, .parquet) with one line per example."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaekit.core import SettingError
from vaekit.plain_files import utf8

if TYPE_CHECKING:  # files are written too where there is no torch
    from vaekit.runs.data_record import DataRecord

ARRAY_FILES = (".npz", ".npy", ".csv", ".parquet")

TABLES = (".csv", ".parquet")

SINGLE = ("names", "labels")  # one value per example
FEATURES = ("x", "images")  # in the units and columns of the data
LATENTS = {"mean": "z{}", "std": "z{}_std"}


@dataclass(frozen=True)
class Headings:
    """Names of the columns of a table that somebody gave, so that what leaves is named as what came in.

    Attributes:
        columns: of the features.
        label: of the classes.
    """

    columns: tuple[str, ...] | None = None
    label: str | None = None


NO_HEADINGS = Headings()


def headings_of(data: DataRecord) -> Headings:
    """Returns the names of a run's features and labels, if it was trained on a table."""
    return Headings(data.columns, data.label_column)


def check_package(out: Path) -> None:
    """Raises SettingError for a file whose package is not there."""
    if out.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise SettingError(f"out='{out}': .parquet needs pyarrow: pip install pyarrow; or write a .csv.")


def array_content(
    ending: str,
    arrays: Mapping[str, np.ndarray],
    class_names: Sequence[str] | None = None,
    headings: Headings = NO_HEADINGS,
) -> bytes:
    """The content of a file of arrays.

    Args:
        ending: one of ARRAY_FILES; an .npy holds the first array alone.
        arrays: (N, ...) each; "names" and "labels" are (N,).
        class_names: names of the labels: in a table they stand in the column, in an .npz beside the numbers, unless
            they are the numbers.
        headings: of the features and labels.
    """
    if ending in TABLES:
        header, columns = _columns(arrays, class_names, headings)
        return _parquet(header, columns) if ending == ".parquet" else _csv(header, columns)
    content = io.BytesIO()
    if ending == ".npy":
        np.save(content, next(array for name, array in arrays.items() if name not in SINGLE))
    else:
        named = class_names is not None and list(class_names) != [str(i) for i in range(len(class_names))]
        beside = {"class_names": np.array(class_names)} if named and "labels" in arrays else {}
        if headings.columns is not None and any(name in FEATURES for name in arrays):
            beside["columns"] = np.array(headings.columns)
        np.savez(content, **arrays, **beside)  # type: ignore[arg-type]
    return content.getvalue()


def _columns(
    arrays: Mapping[str, np.ndarray], class_names: Sequence[str] | None, headings: Headings
) -> tuple[list[str], list[np.ndarray]]:
    """Columns: name, label (where there are any), then z0 ..., z0_std ..., codes_0 ... of a grid, or x_0 ... of values that
    have no names of their own, those of more axes in C order."""
    found = dict(arrays)
    if class_names is not None and "labels" in found:
        found["labels"] = np.array(class_names)[found["labels"]]
    single = [key for key in SINGLE if key in found]
    columns: list[np.ndarray] = [found[key] for key in single]
    header = [headings.label or "label" if key == "labels" else "name" for key in single]
    for key in [key for key in found if key not in single]:
        flat = found[key].reshape(len(found[key]), -1)
        form = LATENTS.get(key, key + "_{}")
        own = headings.columns if key in FEATURES and found[key].ndim == 2 else None
        header += own or [form.format(d) for d in range(flat.shape[1])]
        columns += list(flat.T)
    return header, columns


def _csv(header: Sequence[str], columns: Sequence[np.ndarray]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*(column.tolist() for column in columns), strict=True))
    return utf8(text.getvalue())


def _parquet(header: Sequence[str], columns: Sequence[np.ndarray]) -> bytes:
    import pyarrow  # pyright: ignore[reportMissingImports]
    from pyarrow import parquet  # pyright: ignore[reportMissingImports]

    arrays = [
        pyarrow.array(column.tolist() if column.dtype.kind == "U" else np.ascontiguousarray(column))
        for column in columns
    ]
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, names=list(header)), sink)
    return sink.getvalue().to_pybytes()
