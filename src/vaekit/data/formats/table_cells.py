"""Cells of a text table as numbers, where all of a column are, and nothing is guessed where two readings are possible."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", ".", "<na>"})
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
ENGLISH = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d+\.?\d*", re.ASCII)  # 1,234.5
CONTINENTAL = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", re.ASCII)  # 1.234,5
EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,234
WORDS = {"true": True, "false": False}


def is_number(cell: str) -> bool:
    """Returns whether a cell is a number as programs write it, or with commas."""
    return any(form.fullmatch(cell) for form in (NUMBER, ENGLISH, CONTINENTAL))


def columns_of(cells: Sequence[Sequence[str]], names: Sequence[str]) -> list[np.ndarray]:
    """Columns as whole numbers, floats (NaN where a value is missing), true and false, or text (None where it is missing).

    Args:
        cells: of each column, without spaces around them.
        names: of the columns, for the error.

    Raises:
        ValueError: commas that may be those of thousands or of decimals; names a column and a cell.
    """
    plain = [_plain(column) for column in cells]
    left = [
        index
        for index, found in enumerate(plain)
        if found is None and any("," in cell for cell in cells[index])
    ]
    styles = {style for index in left for style in _decided(cells[index])}
    for index in left:
        plain[index] = _with_commas(cells[index], styles, names[index])
    return [_text(column) if found is None else found for column, found in zip(cells, plain, strict=True)]


def _plain(cells: Sequence[str]) -> np.ndarray | None:
    """Numbers, or true and false; None for a column of other cells."""
    if all(WHOLE.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64)
    lower = [cell.lower() for cell in cells]
    if all(NUMBER.fullmatch(cell) or cell in MISSING for cell in lower):
        return np.array([np.nan if cell in MISSING else float(cell) for cell in lower])
    if all(cell in WORDS for cell in lower):
        return np.array([WORDS[cell] for cell in lower])
    return None


def _decided(cells: Sequence[str]) -> list[str]:
    """The one style that all cells fit, if one of them fits no other."""
    known = [cell for cell in cells if cell.lower() not in MISSING]
    fits = {
        "english": all(ENGLISH.fullmatch(cell) for cell in known),
        "continental": all(CONTINENTAL.fullmatch(cell) for cell in known),
    }
    return [style for style, fitting in fits.items() if fitting and sum(fits.values()) == 1]


def _with_commas(cells: Sequence[str], styles: set[str], name: str) -> np.ndarray | None:
    """Numbers with commas by the style of their own column, else by the one of the others; None for text."""
    known = [cell for cell in cells if cell.lower() not in MISSING]
    own = _decided(cells)
    if not own:
        if not all(ENGLISH.fullmatch(cell) and CONTINENTAL.fullmatch(cell) for cell in known):
            return None
        if len(styles) != 1:
            example = next(cell for cell in known if "," in cell)
            raise ValueError(
                f"{example} in column {name} may be {example.replace(',', '')} or {example.replace(',', '.')}; save the "
                "table with a point before decimals and nothing between thousands"
            )
        own = [*styles]
    if own[0] == "english":
        plain = [cell.replace(",", "") for cell in cells]
    else:
        plain = [cell.replace(".", "").replace(",", ".") for cell in cells]
    return np.array([np.nan if cell.lower() in MISSING else float(cell) for cell in plain])


def _text(cells: Sequence[str]) -> np.ndarray:
    found = np.empty(len(cells), object)
    found[:] = [None if cell.lower() in MISSING else cell for cell in cells]
    return found
