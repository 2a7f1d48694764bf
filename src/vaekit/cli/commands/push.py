"""`vaekit push`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import PushOptions
from vaekit.cli.output import Result


def push(options: PushOptions) -> Result:
    """Puts the model of a run on the hub."""
    done = vaekit.push(options.run, options.repo_id, private=options.private or None, branch=options.branch)
    return Result(
        {"run": options.run, "repo_id": done.repo_id, "url": done.url}, f"{options.run} is at {done.url}"
    )
