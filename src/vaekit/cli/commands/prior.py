"""`vaekit prior`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import PriorOptions
from vaekit.cli.endings import finished
from vaekit.cli.output import Result, say
from vaekit.cli.signals import stopping
from vaekit.config.options import Settings


def prior(settings: Settings, options: PriorOptions) -> Result:
    """Fits a density to the latents of a run, into RUN/prior; `vaekit sample` draws from it from then on."""
    given = {**settings.model.flat(), **settings.objective.flat(), **settings.fit.flat()}
    with stopping() as reason:
        history = vaekit.prior(options.run, replace=options.replace, should_stop=reason, tell=say, **given)
    return finished(history)
