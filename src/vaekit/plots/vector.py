"""Figures as SVG: sharp at any size, and light or dark as the page that they stand on."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

from vaekit.images.opening import open_image
from vaekit.plots.style import DPI, FAINT, HEADING, INK, LIGHT, Paper

DARK = {INK: "#e6edf3", FAINT: "#9198a1", LIGHT: "#30363d", "#ffffff": "#0d1117", "#000000": "#e6edf3"}
# Colours on white -> those on a dark page; what lies on coloured ground has colours that are not among them.

HEAVY = 150_000  # bytes of a picture from which on it stands as JPEG or WebP in the SVG; the PNG beside it has every level
QUALITY = 90  # of that JPEG, without a loss of resolution in its colours

_EMBEDDED = re.compile(rb"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")
# Random; of scatters the latter.
_DRAWN_NAME = re.compile(rb'id="((?:[a-zA-Z]+|C[0-9a-f]+_[0-9a-f]+_)[0-9a-f]{10})"')
_FRAME = re.compile(rb'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>')


def svg(figure: Paper) -> bytes:
    """Returns a figure that was drawn as SVG, the same bytes for the same figure.

    It stays laid out as it is, since every layout starts from the last and moves things a little. Its heading is not drawn but kept
    as title and description, so that a page can set it in its own type.
    """
    buffer = io.BytesIO()
    with _without_heading(figure):
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})  # fmt: skip
    content = _EMBEDDED.sub(_lighter, buffer.getvalue())
    for number, name in enumerate(dict.fromkeys(_DRAWN_NAME.findall(content))):
        content = content.replace(name, b"k%d_" % number)
    return _FRAME.sub(lambda found: _head(figure, float(found[1]), float(found[2])), content, count=1)


@contextmanager
def _without_heading(figure: Paper) -> Iterator[None]:
    lines, engine = [text for text in figure.texts if text.get_gid() == HEADING], figure.get_layout_engine()
    figure.set_layout_engine("none")
    for line in lines:
        line.set_visible(False)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
        for line in lines:
            line.set_visible(True)


def _head(figure: Paper, width: float, height: float) -> bytes:
    """The opening of the SVG: what is below the heading, title and description, colours on a dark page."""
    top = figure.heading.height * 72 if figure.heading else 0.0
    title, note = (
        ("", "")
        if figure.heading is None
        else (" ".join(figure.heading.title), " ".join(figure.heading.note))
    )
    frame = f"0 {top:g} {width:g} {height - top:g}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" version="1.1" '
        f'width="{width:g}pt" height="{height - top:g}pt" viewBox="{frame}">\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(note)}</desc>\n<style>{_dark()}</style>"
    ).encode()


def _dark() -> str:
    """The rules that turn what is drawn in the colours of the page into those of a dark one."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"


def _lighter(found: re.Match[bytes]) -> bytes:
    """A heavy picture as JPEG, or where parts of it are the page as WebP."""
    content = base64.b64decode(found[1])
    if len(content) < HEAVY:
        return b"data:image/png;base64," + base64.b64encode(content)
    with open_image(io.BytesIO(content), ["PNG"]) as opened:
        picture = opened.convert("RGBA")
    opaque = picture.getchannel("A").getextrema() == (255, 255)
    kind, options = ("JPEG", {"subsampling": 0}) if opaque else ("WEBP", {"exact": True})
    buffer = io.BytesIO()
    picture.convert("RGB" if opaque else "RGBA").save(buffer, kind, quality=QUALITY, **options)
    return f"data:image/{kind.lower()};base64,".encode() + base64.b64encode(buffer.getvalue())
