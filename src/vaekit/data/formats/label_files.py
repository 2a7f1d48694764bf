"""Labels that lie beside images: in metadata.csv, metadata.jsonl or labels.csv, one line for each image, or in a .cls
file for each (as WebDataset has them).

The tables are those of the Hugging Face image folder: a column `file_name`, relative to the table's own folder, and
one with labels.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from vaekit.core import DataError, foreign, reason

LABEL_FILES = ("metadata.csv", "metadata.jsonl", "metadata.tsv", "labels.csv", "labels.tsv", "labels.jsonl")
MOST = 2**28  # bytes of a table

FILE_COLUMNS = (
    "file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_name", "image_id", "img", "id", "name",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "category", "target", "y", "classes", "categories", "label_name",
)  # fmt: skip

Texts = Mapping[str, Callable[[], bytes]]


def label_files_in(root: Path) -> Texts:
    """Tables of labels in a folder of images and in the folders in it, {name with slashes: its content}."""
    found = {}
    for folder in [root, *sorted(path for path in root.iterdir() if path.is_dir())]:
        for name in LABEL_FILES:
            path = folder / name
            if path.is_file():
                found[path.relative_to(root).as_posix()] = path.read_bytes
    return found


def labelled(
    names: Sequence[str], texts: Texts, labels_key: str | None, where: str
) -> tuple[dict[str, str], list[str]]:
    """Labels of images from the tables beside them.

    Args:
        names: of the images.
        texts: name of each table, or .cls file -> what gives its content.
        labels_key: the column with the labels; None finds it by its name.
        where: names the source in errors.

    Returns:
        name -> label, empty where there is no table of labels; and a line for each thing that was found.

    Raises:
        DataError: a table that cannot be read, no such column, or two labels for one image.
    """
    known = {name.removeprefix("./"): name for name in names}
    bare: dict[str, str | None] = {}  # a stem that two images share names neither
    for plain, name in known.items():
        stem = plain.rpartition(".")[0]
        bare[stem] = None if stem in bare else name
    found, notes = _of_each(bare, texts)
    for place, read in texts.items():
        if PurePosixPath(place).name.lower() not in LABEL_FILES:
            continue
        rows = _rows(place, read, where)
        file_column, label_column, said = _columns(place, rows, labels_key, where)
        notes += said
        if file_column is None or label_column is None:
            continue
        folder = PurePosixPath(place).parent.as_posix().removeprefix(".")
        count, missing = 0, 0
        for row in rows:
            file = str(row.get(file_column) or "").replace("\\", "/").removeprefix("./")
            whole = f"{folder}/{file}" if folder else file
            name = known.get(whole) or bare.get(whole)
            label = row.get(label_column)
            if name is None:
                missing += 1
            elif label is not None and label != "":
                label = str(label)
                if found.get(name, label) != label:
                    raise DataError(
                        f"{where}: {place} gives {file} two labels, {found[name]} and {label}; keep one."
                    )
                found[name] = label
                count += 1
        lost = f"; {missing:,} of its lines name no image that is there" if missing else ""
        notes.append(f"{count:,} labels from {place}, column {label_column}{lost}")
    if found and (without := len(known) - len(found)):
        notes.append(f"{without:,} images have no line there")
    return found, notes


def _of_each(bare: Mapping[str, str | None], texts: Texts) -> tuple[dict[str, str], list[str]]:
    """Labels from a .cls file for each image."""
    found = {}
    for place, read in texts.items():
        name = bare.get(place.removeprefix("./").removesuffix(".cls")) if place.endswith(".cls") else None
        if name is not None:
            found[name] = read()[:1000].decode("utf-8", "replace").strip()
    return found, [f"{len(found):,} labels from .cls files"] if found else []


def _rows(place: str, read: Callable[[], bytes], where: str) -> list[dict[str, Any]]:
    """Lines of a table, by the names of its columns."""
    with foreign(
        where, say=lambda error: f"{place} cannot be read ({reason(error)}); repair it, or move it away."
    ):
        content = read()
        if len(content) > MOST:
            raise ValueError(f"more than {MOST / 1e6:.0f} MB")
        text = content.decode("utf-8-sig")
        if place.lower().endswith(".jsonl"):
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            if not all(isinstance(row, dict) for row in rows):
                raise ValueError("a line is no object")
            return rows
        first = text.partition("\n")[0]
        delimiter = max("\t,;", key=first.count)
        return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def _columns(
    place: str, rows: Sequence[Mapping[str, Any]], labels_key: str | None, where: str
) -> tuple[str | None, str | None, list[str]]:
    """The columns of file names and of labels, and a line where there are none."""
    there = [str(name) for name in (rows[0] if rows else {}) if name is not None]
    by_name = {name.strip().lower(): name for name in reversed(there)}
    files = next((by_name[name] for name in FILE_COLUMNS if name in by_name), None)
    if labels_key is not None:
        if labels_key not in there:
            raise DataError(
                f"{where}: {place} has no column {labels_key}; give labels_key=. Columns: {', '.join(there)}."
            )
        return files, labels_key, []
    labels = next(
        (by_name[name] for name in LABEL_COLUMNS if name in by_name and by_name[name] != files), None
    )
    if files is None:
        return (
            None,
            None,
            [f"{place} is not used: it has no column file_name (columns: {', '.join(there) or 'none'})"],
        )
    if labels is None:
        others = ", ".join(name for name in there if name != files) or "none"
        return (
            files,
            None,
            [f"{place} is not used: none of its columns is called label; labels_key= names one ({others})"],
        )
    return files, labels, []
