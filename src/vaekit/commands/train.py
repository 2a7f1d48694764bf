"""`vaekit train`, `vaekit demo`, `vaekit resume`."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.commands.options import DemoOptions, ResumeOptions, TrainOptions
from vaekit.commands.output import Result, note, say
from vaekit.methods import resolve
from vaekit.settings import Settings

if TYPE_CHECKING:
    from vaekit.training import History

# What the demonstration trains: two latents can be shown whole, as a map and as a manifold.
DEMO = {"data": "digits", "latent_dim": 2, "epochs": 60}


def train(settings: Settings, options: TrainOptions) -> Result:
    """Trains a model into a new run folder."""
    return _finished(_train(settings, options.out))


def demo(options: DemoOptions) -> Result:
    """Trains on digits, draws every figure and a sheet of samples, and says where to look."""
    settings = resolve("vae", DEMO, {"seed": options.seed})
    history = _train(settings, options.out, name="demo")
    if history.interrupted:
        return _finished(history)
    from vaekit.commands.output import write_images
    from vaekit.plots import draw_figures
    from vaekit.plots.encoded import sample
    from vaekit.runs import load_run

    assert history.out is not None
    run = load_run(history.out)
    drawn, _ = draw_figures(run)
    write_images(sample(run.model, 64), run.path / "samples.png")
    values = {"run": str(run.path), "summary": run.summary, "figures": {k: str(v) for k, v in drawn.items()}}
    return Result(values, _demo_text(history, list(drawn.values())))


def resume(options: ResumeOptions) -> Result:
    """Goes on with an interrupted run."""
    from vaekit import training

    with stopping() as reason:
        history = training.resume(options.run, should_stop=reason)
    return _finished(history)


def _train(settings: Settings, out: str | None, name: str | None = None) -> History:
    from vaekit.data import load_data
    from vaekit.runs import check_free, new_model, next_run_path
    from vaekit.training import check_options, fit

    folder = Path(out) if out is not None else next_run_path(name or settings.method, settings.data.data)
    check_free(folder)
    check_options(settings.fit)
    data = load_data(**dataclasses.asdict(settings.data))
    model, objective = new_model(settings, data)
    for line in data.notes:
        note(line)
    images = f"{len(data.train):,} images of {'x'.join(map(str, data.shape))}"
    say(f"training {settings.method} on {settings.data.data} ({images}) into {folder}")
    with stopping() as reason:
        return fit(
            model,
            objective,
            data,
            out=folder,
            method=settings.method,
            should_stop=reason,
            **dataclasses.asdict(settings.fit),
        )


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


def _finished(history: History) -> Result:
    values = {"run": str(history.out), "interrupted": history.interrupted, "summary": history.summary}
    if history.interrupted:
        say(f"stopped ({history.interrupted}); resume with: vaekit resume {_quoted(history.out)}")
        status = 143 if history.interrupted == "SIGTERM" else 130
        return Result(values, f"run   {history.out} (not finished)", status)
    run = _quoted(history.out)
    following = [f"vaekit figures {run}", f"vaekit reconstruct {run}", f"vaekit sample {run}"]
    if "kl_nats" not in history.summary.get("test", {}):
        following.pop()  # nothing to draw codes from
    lines = [f"run    {history.out}", *_beside("next", following)]
    return Result(values, _grouped(summary_table(history.summary), *lines))


def _demo_text(history: History, figures: list[Path]) -> Any:
    run = _quoted(history.out)
    lines = [
        f"run    {history.out}",
        *_beside("look", [str(path) for path in [*figures, figures[0].parent.parent / "samples.png"]]),
        *_beside("next", [f"vaekit reconstruct {run}", f"vaekit encode {run}", "vaekit train --help"]),
    ]
    return _grouped(summary_table(history.summary), *lines)


def summary_table(summary: dict[str, Any]) -> Any:
    """What was trained, and its figures on validation and test with their units, drawn by rich."""
    from rich.console import Group
    from rich.table import Table

    splits = [name for name in ("validation", "test") if name in summary]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for name in splits:
        table.add_column(f"{name} ({summary[name]['images']:,} images)", justify="right")
    table.add_column("")
    for key in dict.fromkeys(key for name in splits for key in summary[name] if key != "images"):
        label, unit = _label(key)
        table.add_row(label, *(_figure(summary[name].get(key)) for name in splits), unit)
    epochs = f"{summary['epochs']} epoch{'s' * (summary['epochs'] != 1)}"
    which = f"weights: {summary['weights']['which']}, epoch {summary['weights']['epoch']}"
    head = (
        f"{summary['method']} on {summary['data']}: {epochs} in {summary['train_seconds']:.1f} s on "
        f"{summary['device']}, {summary['parameters']:,} parameters, likelihood {summary['likelihood']}, {which}"
    )
    return Group(head, "", table)


def _label(key: str) -> tuple[str, str]:
    """`kl_nats` as ("KL", "nats an image")."""
    name = key.removesuffix("_nats")
    unit = "nats an image" if name != key else ""
    return {"kl": "KL", "negative_elbo": "-ELBO"}.get(name, name.replace("_", " ")), unit


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _beside(word: str, lines: list[str]) -> list[str]:
    return [f"{word if i == 0 else '':6} {line}" for i, line in enumerate(lines)]


def _grouped(table: Any, *lines: str) -> Any:
    from rich.console import Group

    return Group(table, "", *lines)


def _quoted(path: Path | None) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
