"""`vaekit runs`, `vaekit remove`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import RemoveOptions, RunsOptions
from vaekit.cli.output import Result, agreed
from vaekit.cli.run_tables import runs_lines
from vaekit.cli.tables import size_text


def runs(options: RunsOptions) -> Result:
    """Lists the runs of a folder."""
    found = vaekit.list_runs(
        options.where, sort=options.sort, methods=options.methods, data=options.data, state=options.state
    )
    return Result({"runs": [entry.as_dict() for entry in found]}, runs_lines(found, options.where))


def remove(options: RemoveOptions) -> Result:
    """Removes a run, once somebody has agreed."""
    if not agreed(f"remove {options.run} and what was made of it?", options.yes):
        return Result({"removed": False}, "nothing was removed", 1)
    done = vaekit.remove(options.run)
    left = [f"  stays: {path}" for path in done.left]
    values = {"run": options.run, "files": done.files, "bytes": done.size, "left": list(map(str, done.left))}
    line = f"removed {options.run}: {done.files} files, {size_text(done.size)}"
    return Result({"removed": True} | values, [line, *left])
