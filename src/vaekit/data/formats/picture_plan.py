"""One shape for a set of image files, by their headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vaekit.data.formats.picture_files import Bad, Header, Plan, decode, parallel
from vaekit.data.kinds.image import NoCommonSize, check_size


def plan_for(
    headers: Sequence[Header],
    size: tuple[int, int] | None,
    fit: str,
    where: str,
    values: str = "8-bit",
    white: float | None = None,
) -> Plan:
    """Size and channels for a set of images: grey if all are, alpha only if all have it.

    Args:
        headers: of all images.
        size: (height, width) that is asked for.
        fit: crop or pad.
        where: names the source in errors.
        values: 8-bit, or, where an image has more bits, unit or real.
        white: the value of white in images of more than 8 bits.

    Raises:
        DataError: sizes differ and none is asked for, or the one size is not possible.
    """
    sizes = Counter(header.size for header in headers)
    if size is None and len(sizes) > 1:
        (first, most), (second, next_most) = sizes.most_common(2)
        others = sum(sizes.values()) - most - next_most
        rest = f", {others:,} of other sizes" if others else ""
        raise NoCommonSize(
            f"{where}: images of different sizes: {most:,} of {_text(first)} (height x width), {next_most:,} "
            f"of {_text(second)}{rest}; bring them to one with image_size={_suggested(first, most / len(headers))!r}."
        )
    if size is None:
        check_size(*next(iter(sizes)), where)
    channels = 1 if all(header.grey for header in headers) else 3
    if all(header.alpha for header in headers) and not any(parallel(_is_opaque, headers)):
        channels += 1
    kept = values if any(header.deep for header in headers) else "8-bit"
    return Plan(size or headers[0].size, fit, channels, kept, white)


def _is_opaque(header: Header) -> bool:
    """Returns whether the alpha channel is fully opaque; False for a damaged file."""
    found = decode(header, Plan(header.size, "crop", 4))
    return not isinstance(found, Bad) and not found.clear


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _suggested(size: tuple[int, int], share: float) -> str:
    """The commonest size itself if half of the images have it and the networks can take it, else 64."""
    if share < 0.5 or not all(8 <= side <= 256 for side in size):
        return "64"
    return str(size[0]) if size[0] == size[1] else _text(size)
