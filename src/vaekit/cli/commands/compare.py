"""`vaekit compare`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vaekit
from vaekit.cli.command_options import CompareOptions
from vaekit.cli.comparing import comparison_result, side_by_side_result
from vaekit.cli.output import Result, say
from vaekit.cli.signals import stopping
from vaekit.config.compare_options import CompareSettings


def compare(options: CompareOptions) -> Result:
    """Trains, measures and compares, resuming where it was interrupted; or puts ended runs side by side."""
    with stopping() as reason:
        asked = {"runs": options.runs} if options.runs else asked_of(options, reason)
        found = vaekit.compare(**asked)
    return side_by_side_result(found) if isinstance(found, vaekit.SideBySide) else comparison_result(found)


def asked_of(options: CompareOptions, reason: Callable[[], str | None]) -> dict[str, Any]:
    """Arguments of the public call."""
    own = ("methods", "seeds", "seed", "budget", "epochs", "steps", "out", "features")
    given = {name: getattr(options, name) for name in own} | options.those_of(CompareSettings)
    return {**given, "should_stop": reason, "tell": say}
