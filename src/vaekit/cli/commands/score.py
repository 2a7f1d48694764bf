"""`vaekit score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaekit.cli.command_options import ScoreOptions
from vaekit.cli.commands.evaluate import shown
from vaekit.cli.output import Result, note
from vaekit.core import SettingError
from vaekit.metrics import METRICS
from vaekit.runs.outputs import check_out, write_images

if TYPE_CHECKING:
    from vaekit.evaluation.score import Scores

AUROC = METRICS["auroc"]


def score(options: ScoreOptions) -> Result:
    """Ranks images by how odd they are: a CSV, a sheet of the oddest, and AUROC where outliers are known."""
    out = Path(options.out) if options.out is not None else Path(options.run) / "scores.csv"
    check_out(out, (".csv",))
    if options.count < 1:
        raise SettingError(f"count={options.count}: must be at least 1.")
    from vaekit.evaluation.score import score as rank
    from vaekit.runs.load import load_run

    run = load_run(options.run, device=options.device)
    data = run.load_data(options.data, options.label)
    for line in data.notes if options.data is not None else []:
        note(line)
    with shown() as tell:
        found = rank(
            run,
            data if options.data is not None else None,
            split=options.split,
            label=options.label,
            scores=_names(options.scores),
            by=options.by,
            against=options.against,
            odd=_names(options.odd),
            samples=options.samples,
            seed=options.seed,
            precision=options.precision,
            tell=tell,
        )
    found.write(out)
    return _result(options, found, out)


def _names(listed: str | None) -> list[str] | None:
    return None if listed is None else [name.strip() for name in listed.split(",")]


def _result(options: ScoreOptions, found: Scores, out: Path) -> Result:
    from vaekit.data import to_unit

    values = {
        "run": options.run,
        "data": found.source,
        "images": len(found.split),
        "by": found.by,
        "out": str(out),
    }
    lines = [f"{len(found.split):,} images in {out}, oddest first by {found.by}"]
    if found.split.images.ndim == 4:
        sheet = out.with_suffix(".png")
        write_images(to_unit(found.split.images[found.order[: options.count]]), sheet)
        values["sheet"] = str(sheet)
        lines.append(f"the oddest {min(options.count, len(found.split))} in {sheet}, row by row")
    lines.append(f"oddest: {', '.join(found.oddest(5))}")
    lines += [f"{AUROC.label} {AUROC.text(value)}  {name}" for name, value in found.auroc.items()]
    lines += [f"left out: {name} ({reason})" for name, reason in found.left_out.items()]
    named = {"against": options.against, "odd": options.odd}
    values |= {name: value for name, value in named.items() if value is not None}
    if found.auroc:
        values["auroc"] = dict(found.auroc)
    return Result(values | {"oddest": found.oddest(10), "left_out": dict(found.left_out)}, "\n".join(lines))
