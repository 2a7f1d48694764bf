"""`vaekit prior`."""

from __future__ import annotations

from vaekit.cli.command_options import PriorOptions
from vaekit.cli.output import Result, say
from vaekit.config.options import Settings


def prior(settings: Settings, options: PriorOptions) -> Result:
    """Fits a density to the latents of a run, into RUN/prior; `vaekit sample` draws from it from then on."""
    from vaekit.cli.commands.train import finished, stopping
    from vaekit.runs.load import load_run
    from vaekit.training.fit import check_options
    from vaekit.training.priors import fit_prior

    check_options(settings.fit)
    run = load_run(options.run, device=settings.fit.device)
    with stopping() as reason:
        history = fit_prior(run, settings.flat(), replace=options.replace, should_stop=reason, tell=say)
    return finished(history, [f"vaekit sample {options.run}", f"vaekit evaluate {options.run}"])
