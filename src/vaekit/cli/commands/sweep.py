"""`vaekit sweep`."""

from __future__ import annotations

from typing import Any

import vaekit
from vaekit.cli.command_options import SweepOptions
from vaekit.cli.output import Result, say
from vaekit.cli.signals import stopping
from vaekit.cli.sweeping import sweep_result
from vaekit.config.options import Settings, only_given


def sweep(settings: Settings, grid: dict[str, list[Any]], options: SweepOptions) -> Result:
    """Trains every combination, resuming where it was interrupted."""
    given = only_given(settings)
    with stopping() as reason:
        found = vaekit.sweep(
            given.pop("method"),
            given.pop("data"),
            grid=grid,
            out=options.out,
            seeds=options.seeds,
            should_stop=reason,
            tell=say,
            **given,
        )
    return sweep_result(found)
