"""`vaekit explore`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import ExploreOptions
from vaekit.cli.output import Result, say


def explore(options: ExploreOptions) -> Result:
    """Serves the page of a run until Ctrl-C."""
    url = vaekit.explore(
        options.run,
        options.data,
        label=options.label,
        port=options.port,
        host=options.host,
        no_browser=options.no_browser,
        device=options.device,
        tell=say,
    )
    return Result({"run": options.run, "url": url}, "ended")
