"""The style of every figure: paper size, type, colours. Figures never touch pyplot or rcParams, so they
are the same in threads, servers and notebooks, and stay white under a dark theme.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextToPath

from vaekit.images.colours import OKABE_ITO
from vaekit.wording import worded

DPI = 200
PAGE = 7.0  # inches: the widest figure, so that type keeps its size between the margins of a page
TITLE, LABEL, SMALL = 9.0, 8.0, 7.0  # points
TITLE_LINE, NOTE_LINE = 0.165, 0.135  # inches from line to line
INK, FAINT, LIGHT = "#1f2328", "#59636e", "#d0d7de"
ON_PALE, ON_DEEP = "#1f2329", "#fffffe"  # type on coloured ground, which stays as it is on a dark page
HEADING = "heading"  # gid of its lines
FONT = "DejaVu Sans"  # comes with matplotlib

_TO_PATH = TextToPath()

MARKERS = ["o", "^", "s", "D", "v", "P", "X", "*"]
AREA = {"^": 1.3, "v": 1.3, "P": 1.4, "X": 1.4, "*": 2.2}  # by which a marker looks as large as a disc

SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#9ecae1", "#0072B2", "#08254a"])
TRAIN, VALIDATION, TEST = OKABE_ITO[5], OKABE_ITO[0], OKABE_ITO[1]


@contextmanager
def no_words_on_letters() -> Iterator[None]:
    """Within the block no warning for each letter that the font lacks, in the names of classes: a box stands in its place."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .*", UserWarning)
        yield


class Paper(Figure):
    """A matplotlib figure that notebooks show without pyplot.

    Attributes:
        heading: what stands above the picture.
    """

    heading: Heading | None = None

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue(), {"width": round(self.get_figwidth() * 110)}

    def savefig(self, *given: Any, **named: Any) -> None:
        """As matplotlib, without words on letters."""
        with no_words_on_letters():
            super().savefig(*given, **named)


def paper(width: float, height: float, layout: ConstrainedLayoutEngine | None = None) -> Paper:
    """An empty white figure, sizes in inches."""
    figure = Paper(figsize=(width, height), dpi=DPI, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def text_style(size: float = LABEL, color: str = INK, **more: Any) -> dict[str, Any]:
    """Keyword arguments of a matplotlib text, independent of rcParams."""
    return {"fontsize": size, "color": color, "fontfamily": FONT, **more}


def dress(axes: Axes, xlabel: str = "", ylabel: str = "", title: str = "") -> Axes:
    """Gives axes the common look: two spines, small ticks, dark type on white."""
    axes.set_facecolor("white")
    axes.grid(False)
    axes.tick_params(labelsize=SMALL, colors=INK, width=0.6, length=2.5, labelfontfamily=FONT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color=INK, linewidth=0.6)
    axes.set_xlabel(worded(xlabel), **text_style())
    axes.set_ylabel(worded(ylabel), **text_style())
    if title:
        axes.set_title(worded(title), loc="left", **text_style(TITLE))
    return axes


def legend_above(figure: Paper, axes: Axes, head: float, columns: int = 0) -> None:
    """The legend of axes above all panels, where it covers nothing: in one line, or in so many columns."""
    handles, labels = axes.get_legend_handles_labels()
    width, height = figure.get_size_inches()
    top = 0.0 if figure.heading is None else figure.heading.height
    figure.legend(
        handles,
        labels,
        loc="center left",
        bbox_to_anchor=(0.03 / width, 1 - (top + head / 2) / height),
        ncols=columns or len(labels),
        frameon=False,
        labelcolor=INK,
        prop={"family": FONT, "size": SMALL},
        handlelength=1.6,
        columnspacing=1.4,
    )


def legend(axes: Axes, **options: Any) -> None:
    """A legend without an edge in the common type."""
    axes.legend(
        frameon=True,
        framealpha=0.85,
        facecolor="white",
        edgecolor="none",
        labelcolor=INK,
        prop={"family": FONT, "size": SMALL},
        handlelength=1.6,
        **options,
    )


def wrap(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Lines of words that fit into a width in inches, measured in the type they are set in."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line in inches."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    with no_words_on_letters():
        return _TO_PATH.get_text_width_height_descent(text, font, ismath=False)[0] / 72


@dataclass(frozen=True)
class Heading:
    """Headline and note of a figure, broken into lines for its width in inches."""

    title: list[str]
    note: list[str]

    @classmethod
    def fit(cls, title: str, note: str, width: float) -> Heading:
        title, note = worded(title), worded(note)
        return cls(wrap(title, width - 0.2, TITLE, "bold"), wrap(note, width - 0.2, SMALL))

    @property
    def height(self) -> float:
        """Inches from the top of the page to where the figure may begin."""
        return 0.12 + TITLE_LINE * len(self.title) + NOTE_LINE * len(self.note) + 0.04

    def write(self, figure: Paper) -> None:
        """From the top left corner of the page down."""
        figure.heading = self
        width, height = figure.get_size_inches()
        y = 0.08
        for line in self.title:
            look = text_style(TITLE, fontweight="bold")
            figure.text(0.1 / width, 1 - y / height, line, va="top", gid=HEADING, **look)
            y += TITLE_LINE
        for line in self.note:
            figure.text(0.1 / width, 1 - y / height, line, va="top", gid=HEADING, **text_style(SMALL, FAINT))
            y += NOTE_LINE


def chart(width: float, height: float, title: str, note: str = "", head: float = 0.0) -> Paper:
    """A page with a heading, above axes that are laid out by themselves; height in inches without it.

    Args:
        head: inches above the axes that are kept for a legend, which `legend_above` writes.
    """
    heading = Heading.fit(title, note, width)
    total = height + head + heading.height
    layout = ConstrainedLayoutEngine(rect=(0, 0, 1, height / total))
    figure = paper(width, total, layout)
    heading.write(figure)
    return figure


def class_markers(count: int) -> list[str]:
    """One marker for each class: the same for all of as few as Okabe and Ito's colours, else in turn, so that pale or similar
    colours do not distinguish classes alone."""
    return [
        MARKERS[number % len(MARKERS)] if count > len(OKABE_ITO) else MARKERS[0] for number in range(count)
    ]


def shorten(name: str, length: int = 16) -> str:
    """A name that fits into a legend."""
    return name if len(name) <= length else name[: length - 1] + "…"
