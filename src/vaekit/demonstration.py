"""`demo`: one small run on digits with all that vaekit draws of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vaekit.plots.draw import figures
from vaekit.runs.ask import sample
from vaekit.runs.load import load_run
from vaekit.training.history import History
from vaekit.training.progress import Progress
from vaekit.training.train import train

# Two latents can be shown whole, as a map and as a manifold, and a gaussian of this width spreads the classes
# further apart than bce does.
DEMO = {
    "data": "digits", "latent_dim": 2, "width": 256, "likelihood": "gaussian", "sigma": 0.15, "epochs": 60,
}  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """The files of a demonstration; nothing but the history where it was interrupted, or where another process draws.

    Attributes:
        history: of the training, with the run's folder.
        figures: name -> PNG file.
        report: the run's page.
        samples: a sheet of 64 samples.
    """

    history: History
    figures: dict[str, Path] = field(default_factory=dict)
    report: Path | None = None
    samples: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All of them: what there is to look at, the page first."""
        return [path for path in (self.report, *self.figures.values(), self.samples) if path is not None]


def demo(
    out: str | Path | None = None,
    seed: int = 0,
    *,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> Demo:
    """Trains a VAE of two latents on digits, and draws every figure, a sheet of samples and the run's page.

    Args:
        out: run folder, which must not exist yet; None makes runs/demo-digits-N with the first free N.
        seed: of weights, order and noise.
        progress, should_stop, tell: as in `train`.

    Returns:
        The history and the files.

    Raises:
        RunError: `out` is not free or cannot be written.
    """
    with one_thread():
        history = train(
            "vae",
            **{**DEMO, "seed": seed},
            out=out,
            stem="demo",
            progress=progress,
            should_stop=should_stop,
            tell=tell,
        )
    if history.interrupted or history.out is None:
        return Demo(history)
    run = load_run(history.out)
    drawn = figures(run, out=run.path / "figures", report=True)
    samples = run.path / "samples.png"
    sample(run, out=samples)
    return Demo(history, drawn.files, drawn.report, samples)


@contextmanager
def one_thread() -> Iterator[None]:
    """For images as small as digits: a second thread only waits for the first, and on a busy machine long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
