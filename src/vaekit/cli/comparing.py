"""The output of `vaekit compare`: a comparison as far as it came, or runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaekit.cli.output import Result, aligned, say
from vaekit.cli.signals import status_after
from vaekit.cli.spelling import as_typed
from vaekit.cli.tables import comparison_lines

if TYPE_CHECKING:
    from vaekit.comparison.compare import Comparison
    from vaekit.comparison.finished import SideBySide


def comparison_result(found: Comparison) -> Result:
    """Means of every method and where the page is; or that the same command goes on."""
    plan, table = found.plan, found.table
    values: dict[str, Any] = {
        "out": str(found.out),
        "interrupted": found.interrupted,
        "lengths": plan.lengths,
        "prior_lengths": plan.prior_lengths,
        "decided": plan.decided,
    }
    if found.interrupted is not None or table is None:
        say(f"stopped ({found.interrupted}); the same command resumes it; --out {found.out}")
        return Result(values, f"out   {found.out} (not finished)", status_after(str(found.interrupted)))
    means = {m: {name: spread.mean for name, spread in row.items()} for m, row in table.figures.items()}
    failed = {m: list(runs) for m, runs in table.failures.items() if runs}
    values |= {
        "figures": means,
        "failed": failed,
        "withheld": found.withheld,
        "page": str(found.page),
        "numbers": str(found.numbers),
    }
    return Result(values, [*comparison_lines(table), str(found.page), str(found.numbers)])


def side_by_side_result(found: SideBySide) -> Result:
    """A row for each figure, a column for each run, an error over images beside what has one."""
    rows = [["", *map(str, found.runs), ""]]
    for figure in found.figures:
        cells = [
            figure.metric.text(value) + ("" if error is None else f" ± {figure.metric.text(error)}")
            for value, error in zip(figure.values, figure.errors, strict=True)
        ]
        rows.append([figure.metric.label, *cells, figure.metric.unit])
    kind = "" if found.likelihood is None else f", likelihood {found.likelihood}"
    lines = [f"{found.data}{kind}", "", *aligned(rows, right=set(range(1, len(found.runs) + 1)))]
    lines += [f"left out: {name} ({as_typed(reason)})" for name, reason in found.left_out.items()]
    lines += [as_typed(note) for note in found.notes]
    figures = {one.key: {"values": one.values, "standard_errors": one.errors} for one in found.figures}
    values: dict[str, Any] = {
        "runs": [str(run) for run in found.runs],
        "data": found.data,
        "figures": figures,
    }
    return Result(
        values
        | {"likelihood": found.likelihood, "left_out": dict(found.left_out), "notes": list(found.notes)},
        lines,
    )
