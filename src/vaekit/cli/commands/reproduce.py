"""`vaekit reproduce`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import ReproduceOptions
from vaekit.cli.output import Result, say
from vaekit.cli.reproduced import list_lines, reproduction_lines
from vaekit.cli.signals import status_after, stopping


def reproduce(options: ReproduceOptions) -> Result:
    """Runs recipes again and judges their figures; exit status 1 where one falls out."""
    with stopping() as reason:
        found = vaekit.reproduce(
            options.recipes,
            list=options.list,
            quick=options.quick,
            out=options.out,
            device=options.device,
            should_stop=reason,
            tell=say,
        )
    if options.list:
        return Result(found.as_dict(), "\n".join(list_lines(found)))
    text = "\n".join(reproduction_lines(found))
    if found.interrupted is not None:
        say(f"stopped ({found.interrupted}); the same command resumes it; --out {found.out}")
        return Result(found.as_dict(), text, status_after(found.interrupted))
    return Result(found.as_dict(), text, 0 if found.holds else 1)
