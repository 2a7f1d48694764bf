"""`vaekit cache`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import CacheOptions
from vaekit.cli.output import Result
from vaekit.cli.tables import cache_table


def cache(options: CacheOptions) -> Result:
    """Shows the cache of decoded images and downloads; status 1 where a check finds damage."""
    found = vaekit.cache(check=options.check, empty=options.empty)
    damaged = found.checked and any("damaged" in entry.problem for entry in found.entries)
    return Result(found.as_dict(), cache_table(found), int(damaged and not found.emptied))
