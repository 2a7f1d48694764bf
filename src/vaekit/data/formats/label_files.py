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
from vaekit.plain_files import as_text

LABEL_FILES = ("metadata.csv", "metadata.jsonl", "metadata.tsv", "labels.csv", "labels.tsv", "labels.jsonl")
MOST = 2**28  # bytes of a table

FILE_COLUMNS = (
    "file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_name", "image_id", "img", "id", "name",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "category", "target", "y", "classes", "categories", "label_name",
)  # fmt: skip

SPLIT_COLUMNS = ("split", "set", "subset", "fold", "partition", "usage")

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
        files = [str(row.get(file_column) or "").replace("\\", "/").removeprefix("./") for row in rows]
        own = [
            known.get(whole) or bare.get(whole) for whole in (f"{folder}/{f}" if folder else f for f in files)
        ]
        if not any(own) and any(own := _by_last_part(files, known, folder)):
            notes.append(
                f"{place}: its paths are of another place; images are found by the last part of the names"
            )
        labelled_here, empty = set(), 0
        for row, file, name in zip(rows, files, own, strict=True):
            label = _text(row.get(label_column), place, label_column, where)
            empty += name is not None and not label
            if name is None or not label:
                continue
            if found.get(name, label) != label:
                raise DataError(
                    f"{where}: {place} gives {file} two labels, {found[name]} and {label}; keep one."
                )
            found[name] = label
            labelled_here.add(name)
        missing = own.count(None)
        lost = f"; {missing:,} of its lines name no image that is there" if missing else ""
        lost += f"; {empty:,} of its lines have an empty label" if empty else ""
        notes.append(f"{len(labelled_here):,} labels from {place}, column {label_column}{lost}")
    if found and (without := len(known) - len(found)):
        notes.append(f"{without:,} images have no line there")
    return found, notes


def _by_last_part(files: Sequence[str], known: Mapping[str, str], folder: str) -> list[str | None]:
    """Images by the last part of the paths in a table, whatever its case, where no two images share it."""
    lasts: dict[str, str | None] = {}
    for plain, name in known.items():
        if not folder or plain.startswith(f"{folder}/"):
            last = PurePosixPath(plain).name.casefold()
            lasts[last] = None if last in lasts else name
    return [lasts.get(PurePosixPath(file).name.casefold()) for file in files]


def _text(label: Any, place: str, column: str, where: str) -> str:
    """A label as text; empty where there is none.

    Raises:
        DataError: it is no single value.
    """
    if isinstance(label, dict | list):
        raise DataError(
            f"{where}: {place} has labels of several values in column {column}; give each image one."
        )
    return "" if label is None else as_text(str(label))


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
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = content.decode("utf-16" if wide else "utf-8-sig")
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
    split = [name for name in there if name.strip().lower() in SPLIT_COLUMNS and name not in (files, labels)]
    unused = [
        f"{place}: its column {name} is not used; splits are folders train, validation, test"
        for name in split
    ]
    more = [name for key, name in by_name.items() if key in LABEL_COLUMNS and name not in (files, labels)]
    unused += [f"{place}: column {name} is not used; labels_key={name} takes it" for name in more]
    return files, labels, unused
