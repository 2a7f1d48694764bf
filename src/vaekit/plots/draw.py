"""Draws the figures of a run: those that fit it, in memory or as files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from matplotlib.figure import Figure

from vaekit.config.configured import strict
from vaekit.config.methods import PRIORS
from vaekit.core import InputError, SettingError, choose
from vaekit.plots.figures import FIGURES, Entry
from vaekit.plots.run_view import View, Wishes
from vaekit.plots.style import DPI, Paper, no_words_on_letters
from vaekit.plots.vector import svg
from vaekit.reports.run import write_report
from vaekit.runs.ask import data_to_show, run_of
from vaekit.runs.files import check_writable, write_atomic, writing
from vaekit.runs.load import Run
from vaekit.wording import speaking_of

OTHERS = (
    ".pdf",
    ".svg",
    ".jpg",
    ".jpeg",
    ".webp",
    ".gif",
    ".tif",
    ".tiff",
    ".eps",
    ".html",
)  # no folder is meant


@dataclass(frozen=True)
class Drawn:
    """Figures of a run.

    Attributes:
        figures: name -> matplotlib figure; empty where they went into files.
        files: name -> PNG file of 200 dots an inch; in a folder an SVG of the same name stands beside each.
        left_out: name -> why it was not drawn, in one line.
        report: the run's page, where it was written.
    """

    figures: dict[str, Figure] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    report: Path | None = None


@strict
def figures(
    run: Run | str | Path,
    data: object = None,
    *,
    label: str | None = None,
    out: str | Path | None = None,
    only: Sequence[str] | None = None,
    tsne: bool = False,
    ellipses: int = 0,
    linear: bool = False,
    report: bool = False,
    device: str = "auto",
) -> Drawn:
    """Draws the figures that fit a run.

    Args:
        run: from `load_run`, or its folder.
        data: a data set or source; the run's own by default, or if that is gone its preview images.
        label: class of images without labels, for a conditional run.
        out: folder for PNG files, or of one figure a .png; None keeps the figures in memory.
        only: keys of FIGURES; all by default.
        tsne, ellipses, linear: see `Wishes`.
        report: write the run's page, RUN/report.html, with the files; a prior has none, its page is that
            of its run.
        device: where a folder's model is computed.

    Returns:
        The figures, or the files that they went into, and why others were not drawn.

    Raises:
        SettingError: an unknown figure, a page without files, or one .png for several figures.
        DataError: a source that was given cannot be used.
        RunError: the folder cannot be written.

    Example:
        >>> drawn = vaekit.figures(run, only=["reconstructions"])
        >>> figure = drawn.figures["reconstructions"]  # of matplotlib
        >>> vaekit.figures(run, only=["reconstructions"], out="pages").files["reconstructions"].name
        'reconstructions.png'
    """
    names = list(FIGURES) if only is None else list(only)
    for name in names:
        choose(name, FIGURES, "figure")
    if report and out is None:
        raise SettingError("report=True: the page shows files; say with out= where they go.", "report")
    ending = "" if out is None or Path(out).is_dir() else Path(out).suffix.lower()
    if ending in OTHERS:
        raise SettingError(f"out='{out}': figures are written as .png; name one, or a folder.", "out")
    single = ending == ".png"
    if single and len(names) != 1:
        raise SettingError(
            f"out='{out}' is one file; name its figure, only='{names[0]}' say, or a folder for all.", "out"
        )
    if out is not None:
        check_writable(Path(out) if single else Path(out) / "figure.png")
    run = run_of(run, device)
    view = View(run, data_to_show(run, data, label), Wishes(tsne, ellipses, linear))
    drawn = Drawn()
    for name in names:
        result = _draw(FIGURES[name], view)
        if isinstance(result, str):
            drawn.left_out[name] = result
        elif out is None:
            drawn.figures[name] = result
        else:
            path = Path(out) if single else Path(out) / f"{name}.png"
            drawn.files[name] = write_figure(result, path, vector=not single)
    if report and run.settings.method not in PRIORS:
        return replace(drawn, report=write_report(run, drawn.files, drawn.left_out))
    return drawn


def draw_figures(
    run: Run | str | Path,
    data: object = None,
    out: str | Path | None = None,
    only: Sequence[str] | None = None,
    tsne: bool = False,
    ellipses: int = 0,
    linear: bool = False,
) -> tuple[dict[str, Path], dict[str, str]]:
    """`figures` into files: in RUN/figures by default.

    Returns:
        name -> file, and name -> why it was left out, in one line.
    """
    run = run_of(run)
    folder = run.path / "figures" if out is None else Path(out)
    drawn = figures(run, data, out=folder, only=only, tsne=tsne, ellipses=ellipses, linear=linear)
    return drawn.files, drawn.left_out


def png(figure: Figure) -> bytes:
    """A figure as PNG at 200 dots an inch, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": False})
    return buffer.getvalue()


def _draw(entry: Entry, view: View) -> Figure | str:
    """The figure, or why there is none: a figure that does not fit never stops the others."""
    try:
        prior = view.run.settings.method in PRIORS  # whose examples are latents of what its run is of
        with no_words_on_letters(), nullcontext() if prior else speaking_of(view.model.shape):
            return entry.draw(view)
    except InputError as error:
        return str(error)


def write_figure(figure: Figure, path: Path, *, vector: bool = True) -> Path:
    """Writes a figure's PNG, and beside it the SVG.

    Raises:
        RunError: it cannot be written.
    """
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, png(figure))
    if vector and isinstance(figure, Paper):
        write_atomic(path.with_suffix(".svg"), svg(figure))
    return path
