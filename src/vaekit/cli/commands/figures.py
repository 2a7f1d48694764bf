"""`vaekit figures`."""

from __future__ import annotations

from pathlib import Path

from vaekit.cli.command_options import FiguresOptions
from vaekit.cli.output import Result
from vaekit.cli.spelling import as_typed


def figures(options: FiguresOptions) -> Result:
    """Draws the figures that fit a run, says why others were left out, and writes the run's page.

    The page shows what a run is by its own data; with figures chosen or drawn of others it stays as it was.
    """
    from vaekit.config.methods import PRIORS
    from vaekit.plots import draw
    from vaekit.reports.run import write_report
    from vaekit.runs.ask import run_of

    run = run_of(options.run, options.device)
    drawn = draw.figures(
        run,
        options.data,
        label=options.label,
        out=Path(options.run, "figures") if options.out is None else options.out,
        only=options.only.split(",") if options.only else None,
        tsne=options.tsne,
        ellipses=options.ellipses,
        linear=options.linear,
    )
    values: dict[str, object] = {
        "run": options.run,
        "figures": {k: str(v) for k, v in drawn.files.items()},
        "left_out": drawn.left_out,
    }
    lines = [str(path) for path in drawn.files.values()]
    a_prior = run.settings.method in PRIORS  # its page is that of its run
    if options.only is None and options.out is None and options.data is None and not a_prior:
        page = str(write_report(run, drawn.files, drawn.left_out))
        values["report"] = page
        lines.append(page)
    lines += [f"left out: {name} ({as_typed(reason)})" for name, reason in drawn.left_out.items()]
    return Result(values, "\n".join(lines))
