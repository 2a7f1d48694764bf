"""`demo`: one small run on drawn digits with all that vaekit draws of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vaekit.config.configured import strict
from vaekit.plots.draw import figures
from vaekit.runs.ask import sample
from vaekit.runs.load import load_run
from vaekit.training.history import History
from vaekit.training.progress import Progress
from vaekit.training.train import train

# Two latents can be shown whole, as a map and as a manifold. With a gaussian of this width the classes lie apart,
# and more of them within the prior than with the σ that fits best, so that the manifold shows all ten.
DEMO = {
    "data": "strokes", "latent_dim": 2, "width": 256, "likelihood": "gaussian", "sigma": 0.3, "steps": 1000,
}  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """The files of a demonstration; nothing but the history where it was interrupted, or where another process draws.

    Attributes:
        history: of the training, with the run's folder.
        figures: name -> PNG file.
        report: the run's page.
        samples: a sheet of 64 samples.

    Example:
        >>> made = vaekit.demo()  # doctest: +SKIP
        >>> [file.name for file in made.files]  # doctest: +SKIP
        ['report.html', 'samples.png', 'reconstructions.png', 'latent_map.png', 'manifold.png']
    """

    history: History
    figures: dict[str, Path] = field(default_factory=dict)
    report: Path | None = None
    samples: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All of them: what there is to look at, the page first."""
        return [path for path in (self.report, *self.figures.values(), self.samples) if path is not None]


@strict
def demo(
    out: str | Path | None = None,
    seed: int = 0,
    *,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> Demo:
    """Trains a VAE of two latents on digits drawn with a pen (28x28), and draws every figure, a sheet of samples and the run's page.

    Args:
        out: run folder, which must not exist yet; None makes runs/demo-strokes-N with the first free N.
        seed: of weights, order and noise.
        progress, should_stop, tell: as in `train`.

    Returns:
        The history and the files.

    Raises:
        RunError: `out` is not free or cannot be written.

    Example:
        >>> vaekit.demo(out="runs/demo").report  # doctest: +SKIP
        PosixPath('runs/demo/report.html')
    """
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
