"""`vaekit figures`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import FiguresOptions
from vaekit.cli.output import Result
from vaekit.cli.places import place_of, usual
from vaekit.cli.spelling import as_typed, listed


def figures(options: FiguresOptions) -> Result:
    """Draws the figures that fit a run, says why others were left out, and writes the run's page.

    The page shows what a run is by its own data; with figures chosen, drawn otherwise or of others it stays as it was.
    """
    drawn = vaekit.figures(
        options.run,
        options.data,
        label=options.label,
        out=place_of("figures", options),
        only=listed(options.only or None),
        tsne=options.tsne,
        ellipses=options.ellipses,
        linear=options.linear,
        report=options.only is None and options.out is None and usual(options),
        device=options.device,
    )
    files = {name: str(path) for name, path in drawn.files.items()}
    values = {"run": options.run, "figures": files, "left_out": drawn.left_out}
    if drawn.report is not None:
        values["report"] = str(drawn.report)
    lines = [*files.values(), *([str(drawn.report)] if drawn.report is not None else [])]
    lines += [f"left out: {name} ({as_typed(reason)})" for name, reason in drawn.left_out.items()]
    return Result(values, lines)
