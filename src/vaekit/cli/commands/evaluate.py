"""`vaekit evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vaekit.cli.command_options import EvaluateOptions
from vaekit.cli.output import Result, note
from vaekit.cli.spelling import as_typed
from vaekit.core import SettingError

if TYPE_CHECKING:
    from vaekit.evaluation.evaluate import Evaluation


def evaluate(options: EvaluateOptions) -> Result:
    """Measures a run and keeps the result in its summary.json and report.html."""
    from vaekit.evaluation.evaluate import evaluate as measure
    from vaekit.evaluation.factors.disentanglement import factors_wanted
    from vaekit.evaluation.samples.features.store import features_for
    from vaekit.plots import FIGURES
    from vaekit.reports.run import write_report
    from vaekit.runs.ask import check_images_come
    from vaekit.runs.load import load_run
    from vaekit.runs.write import keep_evaluation

    for name, least in {"samples": 1, "images": 1, "annealed": 0}.items():
        value = getattr(options, name)
        if value is not None and value < least:
            raise SettingError(f"--{name} must be at least {least}, not {value}.")
    run = load_run(options.run, device=options.device)
    check_images_come(run)
    data = run.load_data(options.data, options.label)
    factors_wanted(run.model, data, options.disentanglement, data.source)
    for line in data.notes if options.data is not None else []:
        note(line)
    features = None if options.skip_quality else features_for(data, options.features)
    with shown() as tell:
        result = measure(
            run,
            data,
            samples=options.samples,
            images=options.images,
            jackknife=options.jackknife,
            annealed=options.annealed,
            features=features,
            disentanglement=options.disentanglement,
            seed=options.seed,
            precision=options.precision,
            tell=tell,
        )
    values = result.as_dict()
    if options.data is None:
        if not keep_evaluation(run.path, values):
            note(f"{run.path} has not ended, so this is not kept; resume it: vaekit resume {run.path}")
        drawn = {name: run.path / "figures" / f"{name}.png" for name in FIGURES}
        drawn = {name: picture for name, picture in drawn.items() if picture.exists()}
        write_report(load_run(options.run), drawn, {})
    return Result({"run": options.run, **values}, _text(result))


@contextmanager
def shown() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error while something is measured, if someone looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn()]
    with Progress(
        *columns, TextColumn("images, left"), TimeRemainingColumn(), console=Console(stderr=True)
    ) as bar:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield tell


def _text(result: Evaluation) -> str:
    from vaekit.evaluation.table import rows

    about = result.about
    head = f"{about['images']:,} images, seed {about['seed']}"
    if "binarisation" in about:
        head += f", binarised by {about['binarisation']}"
    if "classes" in about:
        head += f", each with its class, one of {about['classes']}"
    if "likelihood" in about:
        head += f"; {about['likelihood']}: {about['likelihood_means']}"
    found = rows(result.as_dict())
    if not found:
        return f"{head}; nothing to measure of a {about['model']} without the quality of its samples"
    label, number = max(len(row.label) for row in found), max(len(row.text) for row in found)
    lines = [head]
    for row in found:
        floor = "" if row.floor is None else f"; training images: {row.floor_text}"
        lines.append(f"  {row.label:{label}}  {row.text:>{number}}  {row.unit}{floor}. {row.meaning}")
    if result.disentanglement is not None:
        carried = [f"z{d} {name} ({share:.0%})" for d, name, share in result.disentanglement.carries()]
        lines.append(
            f"dimensions, by the factor that each is most informative about: {', '.join(carried) or 'none is'}"
        )
    lines += [f"found: {as_typed(finding)}" for finding in result.findings]
    if result.health is not None and not result.findings:
        lines.append("nothing wrong found with the latent space")
    return "\n".join(lines)
