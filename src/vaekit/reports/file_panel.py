"""The section of a run's page on what files of its pictures cost: numbers as `compress` kept them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from vaekit.core import counted
from vaekit.reports.html import scrolling
from vaekit.runs.file_cost import FileCost, General

COLUMNS = ["bytes of a picture", "mean squared error"]
ALIKE = {"lzma": "LZMA"}
HOW = {" files": "each picture as a file", " sheet": "one sheet of all"}
HOW_ELSE = {"surroundings": "each value by those around it, learned on the way"}


def file_panel(files: Sequence[FileCost], drawn: bool = False) -> str:
    """HTML of the section; empty where no file is kept.

    Args:
        files: of `files_of`, the last one made last.
        drawn: whether what is coded is a black-and-white view of grey pictures.
    """
    if not files:
        return ""
    last = files[-1]
    lines = [_what(last, drawn), *_model(last)]
    table = _sizes(last) if last.point is None else _points(files)
    words = "".join(f"<p>{escape(line)}</p>\n" for line in lines)
    return f"<h2>What a file costs</h2>\n{words}{table}"


def _what(cost: FileCost, drawn: bool) -> str:
    """Says which pictures they are, and what they take."""
    split = "" if cost.split == "all" else f", {cost.split} split"
    pictures = f"{counted(cost.pictures, 'picture')} of {cost.source}{split}"
    pictures += ", in their black-and-white view" if drawn else ""
    if cost.error is not None:
        return (
            f"{pictures}, as codes: real bytes of the pictures alone, and the mean squared error, of values in [0, 1], of what "
            "comes back."
        )
    others = {name: count for name, count in cost.coders.items() if name != "model"}
    without = ", ".join(f"{count:,} by {name}" for name, count in others.items())
    fallen = f" For {without} the model would have needed more." if others else ""
    return (
        f"{pictures}, restored to the last pixel: {cost.bits_per_value:.4f} bits per value, {cost.each:,.1f} bytes of each; "
        f"the whole file has {counted(cost.size, 'byte')}.{fallen}"
    )


def _model(cost: FileCost) -> list[str]:
    """Says what the model weighs, and when it has paid for itself."""
    inside = "inside the file" if cost.inside else "not inside the file"
    takes = f"The model takes {counted(cost.model, 'byte')}, {inside}"
    if cost.against is None:
        return [f"{takes}."]
    pays = (
        "never pays for itself"
        if cost.pays_after is None
        else f"has paid for itself after {counted(cost.pays_after, 'picture')}"
    )
    coder, how = called(cost.against)
    against = f"{coder} ({how})" if cost.point is None else f"{coder} at the same error"
    return [f"{takes}; it {pays}, against {against}."]


def _sizes(cost: FileCost) -> str:
    """Bytes of a picture by each coder, the fewest first."""
    general = cost.general
    if general is None or general.ours is None:
        return ""
    values = max(general.images * cost.values, 1)
    found = [
        (("this run", ""), general.ours),
        *((called(name), size) for name, size in general.sizes.items()),
    ]
    rows = [
        (*names, f"{size / general.images:,.1f}", f"{8 * size / values:.4f}")
        for names, size in sorted(found, key=lambda item: item[1])
    ]
    table = _table(["bytes of a picture", "bits per value"], rows)
    return f'<p class="faint">{escape(_measured_on(cost, general))}:</p>\n{table}'


def _points(files: Sequence[FileCost]) -> str:
    """Bytes of a picture against error, for each file and for each point of the other coders."""
    last = files[-1]
    ours = sorted(files, key=lambda cost: (cost.trade or 0.0, cost.inside))
    rows = [
        ("this run", f"trade {cost.trade or 0:g}", f"{cost.each:,.1f}", f"{cost.error:.5f}")
        for cost in ours
        if cost.error is not None
    ]
    table = _table(COLUMNS, rows)
    if last.general is None or not last.general.points:
        return table
    others = _table(
        COLUMNS,
        [
            (name, "", f"{point.size:,.1f}", f"{point.error:.5f}")
            for name, line in last.general.points.items()
            for point in line
        ],
    )
    which = _measured_on(last, last.general)
    return f"{table}\n<details><summary>{escape(which)}</summary>{others}</details>"


def _measured_on(cost: FileCost, general: General) -> str:
    """On how many pictures the others were measured."""
    which = "the same pictures" if general.images == cost.pictures else f"{general.images:,} of them"
    return f"Other coders on {which}; pixels alone, without names and labels"


def called(name: str) -> tuple[str, str]:
    """A coder and how it is given the pictures, from its name in `General.sizes`."""
    for ending, how in HOW.items():
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            return ALIKE.get(stem, stem), how
    return ALIKE.get(name, name), HOW_ELSE.get(name, "all together")


def _table(columns: Sequence[str], rows: Iterable[tuple[str, str, str, str]]) -> str:
    """A table of rows of a coder, how it is given the pictures, and two numbers."""
    head = "".join(f'<th class="number">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(
            f'<td class="number" data-split="{escape(column)}">{escape(cell)}</td>'
            for column, cell in zip(columns, cells, strict=True)
        )
        + f"<td><p>{escape(how)}</p></td></tr>"
        for name, how, *cells in rows
    )
    return scrolling(
        f'<table class="numbers"><thead><tr><th></th>{head}<th></th></tr></thead><tbody>{body}</tbody></table>',
        "What a file costs",
    )
