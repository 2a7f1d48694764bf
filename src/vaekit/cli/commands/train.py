"""`vaekit train`, `vaekit demo`, `vaekit resume`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.command_options import DemoOptions, ResumeOptions, TrainOptions
from vaekit.cli.output import Result, note, say
from vaekit.config.methods import PRIORS, resolve
from vaekit.config.options import Settings
from vaekit.metrics import KINDS, metric_of

if TYPE_CHECKING:
    from vaekit.data import Data
    from vaekit.models import Model
    from vaekit.runs.records import Summary
    from vaekit.training.fit import History

# What the demonstration trains: two latents can be shown whole, as a map and as a manifold, and a
# gaussian of this width spreads the classes further apart than bce does.
DEMO = {
    "data": "digits", "latent_dim": 2, "width": 256, "likelihood": "gaussian", "sigma": 0.15, "epochs": 60,
}  # fmt: skip


def train(settings: Settings, options: TrainOptions) -> Result:
    """Trains a model into a new run folder."""
    return finished(_train(settings, options.out))


def demo(options: DemoOptions) -> Result:
    """Trains on digits, draws every figure and a sheet of samples, and says where to look."""
    settings = resolve("vae", DEMO, {"seed": options.seed})
    with one_thread():
        history = _train(settings, options.out, name="demo")
    if history.interrupted:
        return finished(history)
    from vaekit.plots.draw import figures
    from vaekit.reports.run import write_report
    from vaekit.runs.ask import sample
    from vaekit.runs.load import load_run

    assert history.out is not None
    run = load_run(history.out)
    drawn = figures(run, out=run.path / "figures")
    page = write_report(run, drawn.files, drawn.left_out)
    sample(run, out=run.path / "samples.png")
    files = {name: str(path) for name, path in drawn.files.items()}
    values = {
        "run": str(run.path),
        "summary": run.summary and run.summary.as_dict(),
        "figures": files,
        "report": str(page),
    }
    return Result(values, _demo_text(history, [page, *drawn.files.values(), run.path / "samples.png"]))


def resume(options: ResumeOptions) -> Result:
    """Resumes an interrupted run."""
    from vaekit.training import fit as training

    with stopping() as reason:
        history = training.resume(options.run, should_stop=reason)
    return finished(history)


def _train(settings: Settings, out: str | None, name: str | None = None) -> History:
    from vaekit.data import load_data
    from vaekit.runs.write import check_free, reserved_run_path
    from vaekit.runtime.launch import launched
    from vaekit.training.fit import check_options, fit
    from vaekit.training.fresh import new_model

    leads = launched().leads
    if leads and out is not None:
        check_free(Path(out))
    check_options(settings.fit)
    data = load_data(**settings.data.flat())
    model, objective = new_model(settings, data)
    for line in [*data.notes, *likelihood_notes(settings, model, data)]:
        note(line)
    images = f"{len(data.train):,} images of {'x'.join(map(str, data.shape))}"
    numbered = out is None and leads  # the other processes write nothing
    place = reserved_run_path(name or settings.method, settings.data.data) if numbered else nullcontext(out)
    with place as folder, stopping() as reason:
        say(f"training {settings.method} on {settings.data.data} ({images}) into {folder}")
        return fit(
            model,
            objective,
            data,
            out=folder,
            method=settings.method,
            should_stop=reason,
            options=settings.fit,
        )


def likelihood_notes(settings: Settings, model: Model, data: Data) -> list[str]:
    """Says that `auto` took what is no likelihood, and which ones are."""
    from vaekit.distributions import LIKELIHOODS

    name = model.arguments.get("likelihood")
    if settings.flat().get("likelihood") != "auto" or name is None or KINDS[LIKELIHOODS[name].kind].bounds:
        return []
    proper = [k for k, v in LIKELIHOODS.items() if data.pixels in v.pixels and KINDS[v.kind].bounds]
    return [
        f"{name} gives pleasant pictures but is no likelihood of {data.pixels} pixels; "
        f"these are: --likelihood {', '.join(proper)}"
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """For images as small as digits: a second thread only waits for the first, and on a busy machine long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def stopping() -> Iterator[Callable[[], str | None]]:
    """Within the block the first Ctrl-C or SIGTERM is noted, a second one interrupts at once.

    Gives a function that returns the name of the signal that has come, or None.
    """
    received: list[str] = []

    def receive(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signal.Signals(number).name)
        # not print: the signal may have come in the middle of one
        os.write(2, b"\nvaekit: saving; once more stops at once\n")

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received[0] if received else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finished(history: History, following: list[str] | None = None) -> Result:
    """The result of a training: its table, and which commands come next."""
    values = {
        "run": str(history.out),
        "interrupted": history.interrupted,
        "summary": history.summary.as_dict() if history.summary else {},
    }
    if history.interrupted:
        say(f"stopped ({history.interrupted}); resume with: vaekit resume {_quoted(history.out)}")
        status = 143 if history.interrupted == "SIGTERM" else 130
        return Result(values, f"run   {history.out} (not finished)", status)
    run = _quoted(history.out)
    assert history.summary is not None
    if following is None and history.summary.method in PRIORS:
        assert history.out is not None
        following = [f"vaekit sample {_quoted(history.out.parent)}"]
    if following is None:
        from vaekit.runs.ask import what_follows

        following = [f"vaekit {command} {run}" for command in what_follows(history.summary.method or "")]
    lines = [f"run    {history.out}", *_beside("next", following)]
    return Result(values, _grouped(summary_table(history.summary), *lines))


def _demo_text(history: History, written: list[Path]) -> Any:
    assert history.summary is not None
    run = _quoted(history.out)
    lines = [
        f"run    {history.out}",
        *_beside("look", [str(path) for path in written]),
        *_beside("next", [f"vaekit reconstruct {run}", f"vaekit encode {run}", "vaekit train --help"]),
    ]
    return _grouped(summary_table(history.summary), *lines)


def summary_table(summary: Summary) -> Any:
    """Prints what was trained, and its figures on validation and test with their units, by rich."""
    from rich.console import Group
    from rich.table import Table

    from vaekit.distributions.likelihoods import measured_under

    under, splits = measured_under(summary.likelihood), summary.splits
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for name in splits:
        table.add_column(name, justify="right")
    table.add_column("")
    for key in dict.fromkeys(key for split in splits.values() for key, _ in split):
        metric, values = metric_of(key, under), [dict(split).get(key) for split in splits.values()]
        table.add_row(
            metric.label, *("" if value is None else metric.text(value) for value in values), metric.unit
        )
    epochs = f"{summary.epochs} epoch{'s' * (summary.epochs != 1)}"
    which = f"weights: {summary.weights.which}, epoch {summary.weights.epoch}"
    likelihood = "" if summary.likelihood is None else f", likelihood {summary.likelihood}"
    head = (
        f"{summary.method} on {summary.data}: {summary.parameters:,} parameters{likelihood}, "
        f"{epochs} in {summary.train_seconds:.1f} s on {summary.device}, {which}"
    )
    return Group(head, "", table)


def _beside(word: str, lines: list[str]) -> list[str]:
    return [f"{word if i == 0 else '':6} {line}" for i, line in enumerate(lines)]


def _grouped(table: Any, *lines: str) -> Any:
    from rich.console import Group

    return Group(table, "", *lines)


def _quoted(path: Path | None) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
