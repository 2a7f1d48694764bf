"""`vaekit check`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import CheckOptions
from vaekit.cli.output import Result


def check(options: CheckOptions) -> Result:
    """Says of every file of a run whether it is whole; the status is 1 where one is not."""
    found = vaekit.check(options.run)
    width = max(map(len, found.files), default=0)
    lines = [f"  {name:{width}}  {line}" for name, line in found.files.items()]
    verdict = "whole" if found.whole else f"damaged: {', '.join(found.damaged)}"
    lines.append(f"{found.run}: {verdict}{'' if found.ended else ' (its training has not ended)'}")
    values = {"run": options.run, "whole": found.whole, "ended": found.ended, "files": found.files}
    return Result(values | {"damaged": list(found.damaged)}, lines, 0 if found.whole else 1)
