"""Bytes of a picture against its error: what a lossy coder is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from vaekit.core import SettingError, counted
from vaekit.images.colours import OKABE_ITO
from vaekit.plots import style
from vaekit.plots.style import FAINT, MARKERS, dress
from vaekit.runs.file_cost import FileCost, Point

OURS = "vaekit"
LINE = 0.17  # inches of a line of the legend
TICKS = [10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000]


def bytes_and_error(points: Mapping[str, Sequence[Point]], note: str = "") -> Figure:
    """Real bytes against squared error, both on logarithmic axes; towards the lower left is better.

    Args:
        points: coder -> its points; names that begin with `vaekit` are drawn first and heavier.
        note: what was coded, and what the bytes hold.

    Raises:
        SettingError: there are no points.
    """
    drawn = {name: sorted(line, key=lambda point: point.size) for name, line in points.items() if line}
    if not drawn:
        raise SettingError("no coder has a point: there is nothing to draw.")
    head = LINE * -(-len(drawn) // 2)
    figure = style.chart(3.9, 3.1, "Bytes of a picture against its error", note, head=head)
    axes = dress(figure.add_subplot(), "bytes per picture", "mean squared error, of values in [0, 1]")
    axes.set_xscale("log")
    axes.set_yscale("log")
    others = 0
    for number, (name, line) in enumerate(
        sorted(drawn.items(), key=lambda item: not item[0].startswith(OURS))
    ):
        ours = name.startswith(OURS)
        others += not ours
        look = {"color": OKABE_ITO[0] if ours else FAINT, "lw": 1.6 if ours else 0.9}
        style_of_line = "-" if others < 2 else ("--", ":", "-.")[others % 3]
        axes.plot(
            [point.size for point in line], [point.error for point in line],
            marker=MARKERS[number % len(MARKERS)], ms=4, ls=style_of_line, label=name, zorder=3 if ours else 2, **look,
        )  # fmt: skip
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=1.5, width=0.4)
    style.legend_above(figure, axes, head, columns=2)
    return figure


def of_files(files: Sequence[FileCost]) -> Figure | str:
    """`bytes_and_error` of the files that are kept with a run, or why there is none.

    Args:
        files: of the same pictures, the last one made last; the general coders are those that it was put beside.
    """
    lossy = [cost for cost in files if cost.point is not None]
    if not lossy:
        return "no file of its pictures was measured yet: compress it with lossy=True"
    last = lossy[-1]
    by = "codes under their prior" if last.prior else "codes by how often they occur"
    general = {} if last.general is None else dict(last.general.points)
    split = "" if last.split == "all" else f", {last.split} split"
    note = f"{counted(last.pictures, 'picture')} of {last.source}{split}, without the model's {last.model:,} bytes"
    if last.general is not None and last.general.images < last.pictures:
        note += f"; other coders on {last.general.images:,} of them"
    points = [cost.point for cost in lossy if cost.point is not None]
    return bytes_and_error({f"{OURS}, {by}": points, **general}, f"{note}.")
