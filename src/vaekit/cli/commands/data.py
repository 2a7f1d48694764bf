"""`vaekit data`."""

from __future__ import annotations

import dataclasses
from typing import Any

from vaekit.cli.command_options import SourceOptions
from vaekit.cli.output import Result
from vaekit.cli.spelling import as_typed

MOST_CLASSES = 30  # rows of the table


def data(options: SourceOptions) -> Result:
    """Describes a source: how many images of what shape and range, classes, problems found."""
    from vaekit.data import describe, load_data

    wanted = dataclasses.asdict(options)
    del wanted["json"]
    description = describe(load_data(**wanted))
    return Result(description, _text(description))


def _text(description: dict[str, Any]) -> Any:
    from rich.console import Group

    counts, (low, high) = description["images"], description["range"]
    shape, pairs = description["shape"], description["duplicates"]
    path = f" ({description['path']})" if description["path"] else ""
    axes = "channels x height x width" if len(shape) == 3 else "features"
    drawn = ", drawn anew for every batch" if description["dynamic"] else ""
    between = [f"{count:,} {where}" for where, count in pairs.items() if where != "all" and count]
    rows = {
        "source": f"{description['source']}{path}",
        "images": ", ".join([f"{counts['all']:,}", *(f"{counts[n]:,} {n}" for n in counts if n != "all")]),
        "shape": f"{'x'.join(map(str, shape))} ({axes})",
        "pixels": f"{description['pixels']}: {description['pixels_meaning']}{drawn}",
        "range": f"{low:.4g} to {high:.4g}, mean {description['mean']:.4g}",
        "exact copies": f"{pairs['all']:,}" + (f" ({', '.join(between)})" if between else ""),
    }
    if description["factors"]:
        ends = {
            n: v if isinstance(v, int) else f"{v[0]:g} to {v[1]:g}" for n, v in description["factors"].items()
        }
        rows["factors"] = ", ".join(f"{name} ({values})" for name, values in ends.items())
    lines: list[Any] = [f"{name:14} {value}" for name, value in rows.items()]
    lines += [f"{'note':14} {as_typed(line)}" for line in description["notes"]]
    return Group(*lines, *(["", _classes(description["classes"])] if description["classes"] else []))


def _classes(classes: dict[str, dict[str, int]]) -> Any:
    from rich.table import Table

    splits = list(dict.fromkeys(name for counts in classes.values() for name in counts))
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("class")
    for name in splits:
        table.add_column(name, justify="right")
    for label, counts in list(classes.items())[:MOST_CLASSES]:
        table.add_row(label, *(f"{counts.get(name, 0):,}" for name in splits))
    if len(classes) > MOST_CLASSES:
        table.add_row(f"and {len(classes) - MOST_CLASSES} more (--json names all)")
    return table
