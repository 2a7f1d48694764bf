"""`vaekit compare`."""

from __future__ import annotations

from typing import Any

import vaekit
from vaekit.cli.command_options import CompareOptions
from vaekit.cli.output import Result, say
from vaekit.cli.signals import status_after, stopping
from vaekit.cli.tables import comparison_lines
from vaekit.config.compare_options import CompareSettings


def compare(options: CompareOptions) -> Result:
    """Trains, measures and compares; resumes where it was interrupted."""
    with stopping() as reason:
        found = vaekit.compare(
            methods=options.methods,
            seeds=options.seeds,
            seed=options.seed,
            budget=options.budget,
            epochs=options.epochs,
            steps=options.steps,
            out=options.out,
            features=options.features,
            should_stop=reason,
            tell=say,
            **options.those_of(CompareSettings),
        )
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
