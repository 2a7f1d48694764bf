"""Tables in files: .csv and .tsv by the standard library, .parquet by pyarrow. One row per example, columns with names."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted, foreign, reason
from vaekit.data.dataset import Loaded
from vaekit.data.formats.table_cells import columns_of, is_number
from vaekit.data.formats.table_columns import from_table

DELIMITERS = "\t;|,"  # the surest first: a comma is also part of numbers and of text
SHOWN = 50  # lines by which the delimiter is chosen
MOST = 2**31  # bytes of a table as text
TABLE_FILES = (".csv", ".tsv", ".parquet")


@dataclass
class Table:
    """Columns by their names, in their order.

    Attributes:
        notes: what was done to read it.
    """

    values: dict[str, np.ndarray]
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.values)

    def __getitem__(self, names: Any) -> Any:
        """One column by its name, or a table of several."""
        if isinstance(names, list):
            return Table({name: self.values[name] for name in names})
        return self.values[names]

    def __len__(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def to_numpy(self) -> np.ndarray:
        """All columns, (N, D)."""
        return np.stack(list(self.values.values()), 1)


def load_table_file(path: Path, settings: DataSettings) -> Loaded:
    """Rows of features from a table in a file.

    Raises:
        DataError: it cannot be read, or as in `from_table`.
    """
    table = read_table(path)
    loaded = from_table(table, None, settings, str(path))
    loaded.path = str(path.resolve())
    loaded.notes = table.notes + loaded.notes
    return loaded


def read_table(path: Path) -> Table:
    """A table in a file.

    Raises:
        DataError: damaged, of no common form, or a package is missing.
    """
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise DataError(f"{path}: .parquet needs pyarrow: pip install pyarrow; or save it as .csv.")
    with foreign(str(path), say=lambda error: f"cannot be read as a table ({reason(error)})."):
        if path.suffix.lower() == ".parquet":
            return _parquet(path)
        if path.stat().st_size > MOST:
            raise ValueError(f"more than {MOST / 1e9:.0f} GB; save it as .npy, which is mapped")
        return _text(path.read_bytes(), path.suffix.lower() == ".tsv")


def _text(content: bytes, tabs: bool) -> Table:
    notes: list[str] = []
    text = _decoded(content, notes)
    delimiter = "\t" if tabs else _delimiter(text)
    lines = list(_lines(text, delimiter))
    if not lines:
        raise ValueError("it is empty")
    named = not all(is_number(cell) or not cell for cell in lines[0][1]) or len(lines) == 1
    names = lines[0][1] if named else [str(index) for index in range(len(lines[0][1]))]
    rows = lines[1:] if named else lines
    if not named:
        notes.append("no line of names: the first line is taken as a row of values")
    if not rows:
        raise ValueError("a line of names and no rows")
    for number, row in rows:
        if len(row) != len(names):
            raise ValueError(f"line {number} has {counted(len(row), 'cell')}, the first one {len(names)}")
    return _tabled(names, [row for _, row in rows], notes)


def _tabled(names: Sequence[str], rows: Sequence[Sequence[str]], notes: list[str]) -> Table:
    """Columns under their names; an index that pandas has written is none of them."""
    cells = list(zip(*rows, strict=True))
    if len(names) > 1 and not names[0] and list(cells[0]) == [str(i) for i in range(len(rows))]:
        names, cells = names[1:], cells[1:]
        notes.append("the first column numbers the rows and has no name: not used")
    names = [name or f"column {index}" for index, name in enumerate(names)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"two columns are called {twice[0]}; give each a name of its own")
    return Table(dict(zip(names, columns_of(cells, names), strict=True)), notes)


def _decoded(content: bytes, notes: list[str]) -> str:
    """Text in UTF-8, or UTF-16 that says so; else that of Windows, in which every byte is a letter."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16")
    if b"\0" in content[:4096]:
        raise ValueError("it holds bytes that are no text; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        notes.append("not UTF-8: read as Windows-1252")
        return content.decode("cp1252", "replace")


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the last line and cells of each row, without spaces around them; empty lines are left out."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells) or len(cells) > 1:
            yield reader.line_num, cells


def _delimiter(text: str) -> str:
    """The first of DELIMITERS that all of the first lines have equally often, outside quotes; else the one that most have."""
    head = "".join(text.splitlines(keepends=True)[: 4 * SHOWN])
    counts: dict[str, list[int]] = {}
    for delimiter in DELIMITERS:
        try:
            counts[delimiter] = [
                len(row) for _, row in zip(range(SHOWN), _rows(head, delimiter), strict=False)
            ]
        except csv.Error:
            continue
    for delimiter, found in counts.items():
        if found and min(found) == max(found) > 1:
            return delimiter
    return max(counts, key=lambda one: sum(count > 1 for count in counts[one]), default=",")


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)


def _parquet(path: Path) -> Table:
    """Columns of a file of pyarrow; what holds neither numbers nor text stays an object, which is refused by its name."""
    found: Any = import_module("pyarrow.parquet").read_table(path)
    twice = [name for name, count in Counter(found.column_names).items() if count > 1]
    if twice:
        raise ValueError(f"two columns are called {twice[0]}; give each a name of its own")
    columns = {}
    for name in found.column_names:
        if name.startswith("__index_level_"):
            continue
        column = found.column(name)
        if str(column.type).startswith("decimal"):
            column = column.cast("float64")
        columns[str(name)] = column.to_numpy()
    return Table(columns)
