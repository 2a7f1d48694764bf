"""`vaekit prior`."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from vaekit.commands.options import PriorOptions
from vaekit.commands.output import Result, say
from vaekit.core import RunError
from vaekit.settings import Settings


def prior(settings: Settings, options: PriorOptions) -> Result:
    """Fits a density to the codes of a run, into RUN/prior; `vaekit sample` draws from it from then on."""
    from vaekit.checkpoints import writing
    from vaekit.codes import load_codes
    from vaekit.commands.train import finished, stopping
    from vaekit.methods import resolve
    from vaekit.models import Autoencoder
    from vaekit.processes import launched
    from vaekit.runs import PRIOR, load_run, new_model
    from vaekit.training import check_options, fit

    out, leads = Path(options.run) / PRIOR, launched().leads
    check_options(settings.fit)
    if leads and out.exists() and not options.replace:
        done = (out / "summary.json").exists()
        remedy = "--replace fits another" if done else f"go on with it (vaekit resume {out}), or --replace it"
        raise RunError(f"{out}: a prior is there already; {remedy}.")
    run = load_run(options.run, device=settings.fit.device)
    data = load_codes(options.run, run=run)
    assert isinstance(run.model, Autoencoder)
    decided = {"data": data.source, "classes": len(data.class_names or ()), **run.model.options_of_prior()}
    given = settings.flat()
    settings = resolve(settings.method, given | {k: v for k, v in decided.items() if k in given})
    model, objective = new_model(settings, data)
    if leads and out.exists():
        with writing(out):
            shutil.rmtree(out)
    say(f"fitting a {settings.method} to {len(data.train):,} codes of {options.run} into {out}")
    with stopping() as reason:
        history = fit(
            model,
            objective,
            data,
            out=out,
            method=settings.method,
            should_stop=reason,
            **dataclasses.asdict(settings.fit),
        )
    return finished(history, [f"vaekit sample {options.run}", f"vaekit evaluate {options.run}"])
