"""Pictures that are no files of a folder: in an archive, or in memory. Decoded by the rules of folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted, reason
from vaekit.data.cache import RESIDENT, cache_dir, digest, gathered, read_npy, write_npy
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.class_labels import class_numbers
from vaekit.data.formats.picture_bytes import content_of
from vaekit.data.formats.picture_notes import Seen, check_scale, conversions
from vaekit.data.formats.picture_plan import plan_for
from vaekit.data.formats.readers import reader_notes
from vaekit.data.kinds.image import parse_size
from vaekit.data.splits import keys_from_bytes


@dataclass(frozen=True)
class Member:
    """An image whose bytes can be had.

    Attributes:
        name: with slashes between folders.
        read: gives its bytes.
        place: (split, class or None).
    """

    name: str
    read: Callable[[], bytes]
    place: tuple[str, Any] = ("train", None)

    def read_bytes(self) -> bytes:
        """Its bytes, as a `Path` gives them."""
        return self.read()

    def __str__(self) -> str:
        return self.name


def from_members(
    members: Sequence[Member], settings: DataSettings, where: str, token: str | None = None
) -> Loaded:
    """Images, splits and labels from encoded images.

    Args:
        members: the images.
        where: names the source in errors.
        token: tells this content from another for the cache, where what does not fit into memory goes; None keeps all
            in memory.

    Raises:
        DataError: Pillow is missing, none can be read, or sizes differ without image_size=.
    """
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise DataError(f"{where}: images need Pillow: pip install 'vaekit[all]'") from None
    bad: list[files.Bad] = []
    headers = list(files.good(files.parallel(_probe, members), bad))
    if not headers:
        raise _all_bad(bad, where)
    size = parse_size(settings.image_size)
    values = settings.pixels if settings.pixels in ("unit", "real") else "8-bit"
    plan = plan_for(headers, size, settings.fit, where, values, settings.white)
    form = f"{settings.image_size} {plan}"
    known = {id(header.path): header for header in headers}
    kept: list[files.Decoded] = []
    stream = _decoded(headers, plan, bad, kept)
    large = len(headers) * plan.channels * plan.size[0] * plan.size[1] > RESIDENT
    if large and token is not None:
        path = cache_dir() / "archives" / f"{digest(token, form)}.npy"
        write_npy(path, stream, (plan.channels, *plan.size), plan.type)
        images = read_npy(path)
    else:
        blocks = list(stream)
        images = np.concatenate(blocks) if blocks else np.empty(0)
    if not kept:
        raise _all_bad(bad, where)
    used, seen = [known[id(found.path)] for found in kept], Seen()
    for found, header in zip(kept, used, strict=True):
        seen.add(found, header)
    check_scale(used, plan, seen, where)
    loaded = _assembled(images, kept, form, where)
    loaded.state = form
    loaded.notes += conversions(used, plan, seen) + reader_notes(found.path for found in kept)
    if bad:
        loaded.notes.append(
            f"{len(bad):,} unreadable {'images' if len(bad) > 1 else 'image'} skipped, first {bad[0].path} ({bad[0].reason})"
        )
    return loaded


def _probe(member: Member) -> files.Header | files.Bad:
    try:
        content = member.read_bytes()
    except Exception as error:  # what a damaged archive raises is of many kinds
        return files.Bad(cast(Path, member), reason(error))
    return files.probe(cast(Path, member), content)


def _decoded(
    headers: Sequence[files.Header], plan: files.Plan, bad: list[files.Bad], kept: list[files.Decoded]
) -> Iterator[np.ndarray]:
    """Pixels image by image, (1, C, H, W); their names and hashes go to a list, without the pixels."""

    def work(header: files.Header) -> files.Decoded | files.Bad:
        return files.decode(header, plan)

    for found in files.good(files.parallel(work, headers), bad):
        kept.append(_without_pixels(found))
        yield found.pixels[None]


def _without_pixels(found: files.Decoded) -> files.Decoded:
    return replace(found, pixels=np.empty(0))


def _assembled(images: np.ndarray, kept: Sequence[files.Decoded], form: str, where: str) -> Loaded:
    """Parts and labels; labels of all parts are numbered together."""
    members = [cast(Member, found.path) for found in kept]
    mapped = images.nbytes > RESIDENT
    keys = keys_from_bytes(b"".join(found.key for found in kept))
    rows: dict[str, list[int]] = {}
    for index, member in enumerate(members):
        rows.setdefault(member.place[0], []).append(index)
    known = [i for i, member in enumerate(members) if member.place[1] is not None]
    numbers = np.full(len(members), -1)
    loaded = Loaded({}, mapped=mapped)
    if known:
        tensor, loaded.class_names = class_numbers([members[i].place[1] for i in known], len(known), where)
        numbers[known] = tensor.numpy()
    without = []
    for part, indices in rows.items():
        labels = torch.from_numpy(numbers[indices])
        pixels = gathered(
            torch.from_numpy(images), np.array(indices), mapped, form + keys[indices].tobytes().hex()
        )
        complete = bool((labels >= 0).all())
        loaded.parts[part] = Split(pixels, labels if complete else None, [members[i].name for i in indices])
        loaded.keys[part] = keys[indices]
        if known and not complete:
            without.append(part)
    if without:
        missing = int((numbers < 0).sum())
        loaded.notes.append(f"no labels in {', '.join(without)}: {counted(missing, 'image')} there have none")
    if len(without) == len(rows):
        loaded.class_names = None
    return loaded


def _all_bad(bad: Sequence[files.Bad], where: str) -> DataError:
    first = f", first {bad[0].path} ({bad[0].reason})" if bad else ""
    return DataError(
        f"{where}: none of the {len(bad):,} images can be read{first}; check that the files are whole."
    )


def is_picture(item: object) -> bool:
    """Returns whether this is an image of Pillow."""
    return hasattr(item, "getbands") and hasattr(item, "mode") and hasattr(item, "tobytes")


def encoded(picture: Any, name: str) -> Member:
    """An image of Pillow as a member, so that it is treated like a file."""
    return Member(name, partial(content_of, picture))
