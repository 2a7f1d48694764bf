"""`vaekit figures`."""

from __future__ import annotations

from vaekit.cli.command_options import FiguresOptions
from vaekit.cli.output import Result
from vaekit.cli.spelling import as_typed


def figures(options: FiguresOptions) -> Result:
    """Draws the figures that fit a run, says why others were left out, and writes the run's page.

    The page shows what a run is by its own data; with figures chosen or drawn of others it stays as it was.
    """
    from vaekit.models import CodeDensity
    from vaekit.plots import draw_figures
    from vaekit.reports.run import write_report
    from vaekit.runs.load import load_run

    run = load_run(options.run, device=options.device)
    drawn, left_out = draw_figures(
        run,
        options.data if options.label is None else run.load_data(options.data, options.label),
        options.out,
        only=options.only.split(",") if options.only else None,
        tsne=options.tsne,
        ellipses=options.ellipses,
        linear=options.linear,
    )
    values: dict[str, object] = {
        "run": options.run,
        "figures": {k: str(v) for k, v in drawn.items()},
        "left_out": left_out,
    }
    lines = [str(path) for path in drawn.values()]
    a_prior = isinstance(run.model, CodeDensity)  # its page is that of its run
    if options.only is None and options.out is None and options.data is None and not a_prior:
        page = str(write_report(run, drawn, left_out))
        values["report"] = page
        lines.append(page)
    lines += [f"left out: {name} ({as_typed(reason)})" for name, reason in left_out.items()]
    return Result(values, "\n".join(lines))
