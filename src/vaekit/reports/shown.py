"""The figures on a run's page: in two columns on a wide window, one below the other on a narrow one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import product
from pathlib import Path

from vaekit.images.png import check_png, check_svg, data_uris, png_size
from vaekit.plain_files import plain_file
from vaekit.plots.figures import FIGURES
from vaekit.reports.html import IMAGE_BYTES

INCH = 110  # dots of a page to an inch of a figure, where there is room
PNG_INCH, POINTS = 200, 72  # dots of a PNG, and units of an SVG
WORDS = 130.0  # dots, about, of heading and caption
LAST = 8  # figures that are placed so that both columns end together

_HEAD = re.compile(rb'<svg [^>]*viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Shown:
    """One figure as it stands on the page.

    Attributes:
        kind, content: "png" or "svg+xml", and the file.
        size: dots of the page, (width, height), where there is room.
        title, note: of an SVG, which has them apart from the picture.
    """

    name: str
    kind: str
    content: bytes
    size: tuple[float, float]
    title: str = ""
    note: str = ""

    @classmethod
    def read(cls, name: str, path: Path) -> Shown:
        """The SVG beside a PNG, else the PNG.

        Raises:
            OSError, ValueError: the PNG cannot be read.
        """
        check_png(path)
        vector = path.with_suffix(".svg")
        if vector.exists():
            check_svg(vector)
            content = vector.read_bytes()
            if found := _HEAD.search(content):
                size = (float(found[1]) * INCH / POINTS, float(found[2]) * INCH / POINTS)
                return cls(
                    name, "svg+xml", content, size, _within(content, b"title"), _within(content, b"desc")
                )
        content = plain_file(path).read_bytes()
        width, height = png_size(content[:24])
        return cls(name, "png", content, (width * INCH / PNG_INCH, height * INCH / PNG_INCH))

    @property
    def labelled(self) -> bool:
        """Says whether it has type that must stay legible."""
        return self.kind == "png" or b'id="text_' in self.content

    def html(self, source: str, number: int) -> str:
        """The figure, `number`th of all in order."""
        width, height = (round(side) for side in self.size)
        caption = FIGURES[self.name].caption if self.name in FIGURES else self.name
        alternative = escape(f"{self.title}. {caption}" if self.title else caption)
        looks = ["sheet", *["paper"] * (self.kind == "png"), *["labelled"] * self.labelled]
        heading = f"<h3>{escape(self.title)}</h3>" if self.title else ""
        note = f' <span class="note">{escape(self.note)}</span>' if self.note else ""
        return (
            f'<figure id="{escape(self.name)}" style="order: {number}">{heading}<div class="{" ".join(looks)}">'
            f'<img src="{source}" alt="{alternative}" width="{width}" height="{height}" style="--natural: {width}px"></div>'
            f"<figcaption>{escape(caption)}{note}</figcaption></figure>"
        )


def pictures(figures: Mapping[str, Path], left_out: Mapping[str, str]) -> str:
    """The section of a page with the figures, and why others are not there."""
    found, left_out = {}, dict(left_out)
    for name, path in figures.items():
        try:
            found[name] = Shown.read(name, path)
        except (OSError, ValueError):
            left_out[name] = "its file is damaged; draw the figures again"
    plain = {name: figures[name].read_bytes() for name in found}
    vectors = {name: one.content for name, one in found.items() if one.kind == "svg+xml"}
    sources = data_uris(plain, IMAGE_BYTES, vectors)
    cards = [one.html(sources[name], number) for number, (name, one) in enumerate(found.items())]
    column = balanced([one.size[1] * min(1, 640 / one.size[0]) + WORDS for one in found.values()])
    sides = ["\n".join(card for card, at in zip(cards, column, strict=True) if at == side) for side in (0, 1)]
    missing = "".join(f"<li><b>{escape(name)}</b>: {escape(why)}</li>" for name, why in left_out.items())
    left = (
        f"<details><summary>{len(left_out)} not drawn, and why</summary><ul>{missing}</ul></details>"
        if missing
        else ""
    )
    if not cards and not left:
        return '<h2>Pictures</h2>\n<p class="faint">None are drawn yet: <code>vaekit figures</code> draws them.</p>'
    shown = "\n".join(f'<div class="column">\n{side}\n</div>' for side in sides if side)
    return f'<h2>Pictures</h2>\n<div class="pictures">\n{shown}\n</div>\n{left}'


def balanced(heights: Sequence[float]) -> list[int]:
    """Column, 0 or 1, of each figure: the next goes where there is more room, the last so that both end together."""
    column: list[int] = []
    filled = [0.0, 0.0]
    for height in heights[:-LAST]:
        column.append(0 if filled[0] <= filled[1] else 1)
        filled[column[-1]] += height
    rest = heights[-LAST:]

    def hole(chosen: tuple[int, ...]) -> float:
        ends = [
            filled[side] + sum(h for h, at in zip(rest, chosen, strict=True) if at == side) for side in (0, 1)
        ]
        return abs(ends[0] - ends[1])

    return [*column, *min(product((0, 1), repeat=len(rest)), key=hole)]


def _within(content: bytes, tag: bytes) -> str:
    found = re.search(b"<%s>(.*?)</%s>" % (tag, tag), content, re.DOTALL)
    return unescape(found[1].decode("utf-8")) if found else ""
