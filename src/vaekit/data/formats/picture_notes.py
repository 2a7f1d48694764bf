"""Sentences on what had to be converted of a set of image files, and the check that its values have the scale assumed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from vaekit.core import DataError, counted
from vaekit.data.formats.deep_codecs import PACKAGE
from vaekit.data.formats.depth import DARK, white_for
from vaekit.data.formats.picture_files import COLOURS, Decoded, Header, Plan

ODD_MODES = {
    "1": "1-bit", "P": "palette", "PA": "palette", "CMYK": "CMYK", "YCbCr": "YCbCr", "LAB": "LAB", "HSV": "HSV",
}  # fmt: skip


class Seen:
    """Seen while a set is decoded: which images were transparent, and the greatest value of each depth."""

    def __init__(self) -> None:
        self.clear = 0
        self.highest: dict[str, float] = {}

    def add(self, decoded: Decoded, header: Header) -> None:
        self.clear += decoded.clear
        if header.depth is not None and decoded.top is not None:
            kind = header.depth.kind
            self.highest[kind] = max(self.highest.get(kind, decoded.top), decoded.top)


def check_scale(headers: Iterable[Header], plan: Plan, seen: Seen, where: str) -> None:
    """Compares the greatest value of a set with white.

    Raises:
        DataError: all values of one depth are under an eighth of white, so that hardly any levels would be left.
    """
    if plan.values == "real" or plan.white is not None:
        return
    for depth in {h.depth.kind: h.depth for h in headers if h.depth and h.deep}.values():
        high = seen.highest.get(depth.kind, 0.0)
        if 0 < high < depth.top / DARK:
            likely = high if depth.kind == "float" else white_for(high)
            raise DataError(
                f"{where}: the {depth.kind} images have values up to {high:g} only, where white is {depth.top:.10g}: give "
                f"white={likely:g} (what their white is), or white={depth.top:.10g} if they are as dark as that."
            )


def conversions(headers: Sequence[Header], plan: Plan, seen: Seen) -> list[str]:
    """One line for each kind of image that is not taken as it is.

    Args:
        headers: of the images that were decoded.
        plan: by which they were.
        seen: what was found on the way.
    """
    target = COLOURS[plan.channels]
    kinds = Counter(ODD_MODES[h.mode] for h in headers if h.depth is None and h.mode in ODD_MODES)
    lines = [f"{_images(n, kind)} converted to {target}" for kind, n in kinds.items()]
    lines += _depths(headers, plan, seen, target)
    grey = sum(header.grey and not header.deep and header.mode not in ODD_MODES for header in headers)
    if plan.channels > 2 and grey:
        lines.append(f"{_images(grey, 'grey')} converted to {target}")
    if seen.clear:
        done = "kept as the last channel" if plan.channels in (2, 4) else "laid onto white"
        lines.append(f"{_images(seen.clear)} with transparency: {done}")
    if turned := sum(header.orientation in range(2, 9) for header in headers):
        lines.append(f"{_images(turned)} turned upright as the EXIF orientation says")
    if other := sum(header.profile for header in headers):
        lines.append(
            f"{_images(other)} with a colour profile other than sRGB: the numbers are taken as they are"
        )
    if moving := sum(header.frames > 1 for header in headers):
        lines.append(f"{_images(moving)} with several frames: only the first is used")
    return lines


def without_options(line: str) -> str:
    """A line without the options that only loading a set to train on has."""
    line = re.sub(r"(?:; pixels='unit' keeps their depth|: white=\S+ uses all of the scale)", "", line)
    line = re.sub(r",? or pixels='[\w-]+' if they are (?:whole numbers 0\.\.255|[^;:,.]+)", "", line)
    line = re.sub(r", or give labels_key=\S+ if it is the class of each row", "", line)
    return re.sub(r": give white=[^;]+", ": give them in the scale of the model's own images.", line)


def _depths(headers: Sequence[Header], plan: Plan, seen: Seen, target: str) -> list[str]:
    """Lines on images of more than 8 bits."""
    lines = []
    depths = Counter(header.depth for header in headers if header.depth is not None and header.deep)
    for kind in dict.fromkeys(depth.kind for depth in depths):
        same = [depth for depth in depths if depth.kind == kind]
        count, high = sum(depths[depth] for depth in same), seen.highest.get(kind, 0.0)
        top = same[0].top if plan.white is None else plan.white
        if plan.values == "real":
            lines.append(f"{_images(count, kind)} taken as they are, with values up to {high:g}")
            continue
        how = f"times {255 / top:g}" if top < 255 else f"divided by {top / 255:.10g}"
        done = "kept in full depth" + (f" ({top:.10g} is 1)" if top != 1 else "")
        if plan.values == "8-bit":
            done = f"converted to {target} ({how}); pixels='unit' keeps their depth"
        more = f"; their greatest value is {high:g}: white={white_for(high):g} uses all of the scale"
        wide = plan.white is None and 1 < high <= top / 2
        lines.append(f"{_images(count, kind)} {done}{more if wide else ''}")
    if inverted := sum(header.depth is not None and header.depth.inverted for header in headers):
        lines.append(f"{_images(inverted)} in which 0 is white: inverted")
    if cut := sum(header.cut for header in headers):
        lines.append(
            f"{_images(cut)} of more than 8 bits cut to 8, which is all that their decoder gives; saved as PNG or TIFF of 16 "
            f"bits all are read, of JPEG 2000 and AVIF also with {PACKAGE} installed"
        )
    return lines


def _images(count: int, kind: str = "") -> str:
    return counted(count, f"{kind} image".strip())
