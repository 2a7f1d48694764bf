"""`vaekit data`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import SourceOptions
from vaekit.cli.output import Result
from vaekit.cli.tables import description_table
from vaekit.config.options import DataSettings


def data(options: SourceOptions) -> Result:
    """Describes a source: how many images of what shape and range, classes, problems found."""
    description = vaekit.describe(**options.those_of(DataSettings))
    return Result(description, description_table(description))
