"""Decoded images of a folder, kept in the cache under everything that decided them.

What could not be read is tried again each time. A set is planned from the headers, and once more from the files that could
be decoded, so that a damaged one decides nothing.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted
from vaekit.data.cache import cache_dir, clean_parts, digest, read_npy, write_npy, written
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.deep_codecs import PACKAGE
from vaekit.data.formats.listing import Stamp
from vaekit.data.formats.picture_notes import Seen, check_scale, conversions
from vaekit.data.formats.picture_plan import plan_for
from vaekit.data.formats.picture_reasons import is_of_form
from vaekit.data.kinds.image import parse_size

USUAL_TOPS = (1, 65535)  # a run keeps that of its own data, and may be shown others
FORMAT = 3  # of what is kept in the cache; raised when the same files would give other pixels


@dataclass
class Manifest:
    """The images that could be read.

    Attributes:
        names: paths within the folder.
        keys: hashes, 32 hexadecimal digits each.
        notes: what was converted.
        failed: name and reason of each file that could not be read.
        pixels: hash of the pixels, where they are in a file.
        token: all that decided the images.
        folder: absolute path.
        white: the value of white in the images of more than 8 bits; None where there are none, or of several depths.
        usual: whether that is the depth's own.
    """

    names: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    pixels: str = ""
    token: str = ""
    folder: str = ""
    white: float | None = None
    usual: bool = True


@dataclass(frozen=True)
class Work:
    """Files to be decoded, and how."""

    root: Path
    headers: list[files.Header]
    plan: files.Plan
    bad: list[files.Bad]


def load_pixels(root: Path, listed: dict[str, Stamp], settings: DataSettings) -> tuple[np.ndarray, Manifest]:
    """The decoded images (N, C, H, W), uint8 or float32, from the cache if the files are those of last time.

    Raises:
        DataError: Pillow is missing, all images are damaged, sizes differ without image_size=, or the values of images of
            more than 8 bits are of another scale.
    """
    values = settings.pixels if settings.pixels in ("unit", "real") else "8-bit"
    options = (str(settings.image_size), settings.fit, values, str(settings.white))
    state = digest(str(FORMAT), _decoder(root), *options, json.dumps(listed))
    try:
        slot = cache_dir() / "folders" / digest(str(root.resolve()), *options)
        clean_parts(cache_dir())
    except OSError as error:
        work = _survey(root, list(listed), settings, values)
        return _in_memory(work, f"no cache ({error.strerror or error})")
    with suppress(OSError, ValueError, KeyError, TypeError, EOFError):  # none yet, or damaged
        images, kept = _read_cache(slot, state)
        if not _any_mended(root, kept.failed, values, settings.white):
            kept.notes += _failed_note(kept.failed)
            return images, kept
    work = _survey(root, list(listed), settings, values)
    try:
        images, kept = _decoded(work, lambda work: _to_cache(work, slot, state))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _in_memory(work, f"the cache {slot.parent} cannot be written ({reason})")
    _forget_others(slot, state)
    kept.notes += _failed_note(kept.failed)
    return images, kept


def _in_memory(work: Work, why: str) -> tuple[np.ndarray, Manifest]:
    images, kept = _decoded(work, _to_memory)
    kept.notes += [*_failed_note(kept.failed), f"{why}: decoded again each time"]
    return images, kept


def _decoder(root: Path) -> str:
    """Names and versions of what decodes.

    Raises:
        DataError: Pillow is missing.
    """
    try:
        pillow = f"Pillow {importlib.import_module('PIL').__version__}"
        return f"{pillow}, {PACKAGE} {version(PACKAGE)}" if find_spec(PACKAGE) else pillow
    except ImportError:
        raise DataError(f"{root}: a folder of images needs Pillow: pip install 'vaekit[all]'") from None


def _survey(root: Path, names: list[str], settings: DataSettings, values: str) -> Work:
    """Headers of the readable files, what is to become of them, and the unreadable files."""
    bad: list[files.Bad] = []
    headers = list(files.good(files.parallel(files.probe, [root / name for name in names]), bad))
    size = parse_size(settings.image_size)
    if size is None:
        headers = _of_readable_sizes(headers, bad)
    if not headers:
        raise _all_bad(root, bad)
    plan = plan_for(headers, size, settings.fit, str(root), values, settings.white)
    return Work(root, headers, plan, bad)


def _of_readable_sizes(headers: list[files.Header], bad: list[files.Bad]) -> list[files.Header]:
    """The headers without those of sizes that no readable file has; a damaged file does not decide the size of a set."""
    by_size: dict[tuple[int, int], list[files.Header]] = {}
    for header in headers:
        by_size.setdefault(header.size, []).append(header)
    sure = 0
    for size in sorted(by_size, key=lambda size: len(by_size[size])):
        if sure > 1 or len(by_size) == 1:
            break
        failed: list[files.Bad] = []
        for header in by_size[size]:
            found = files.decode(header, files.Plan(size, "crop", 1, "real"))
            if not isinstance(found, files.Bad):
                sure += 1
                break
            failed.append(found)
        else:
            bad += failed
            gone = {header.path for header in by_size[size]}
            headers = [header for header in headers if header.path not in gone]
    return headers


def _decoded(work: Work, how: Any) -> tuple[np.ndarray, Manifest]:
    """Decodes; a second time, if files that turned out to be damaged had decided the form of all."""
    images, kept = how(work)
    if len(kept.names) == len(work.headers):
        return images, kept
    there = {*kept.names}
    headers = [header for header in work.headers if header.path.relative_to(work.root).as_posix() in there]
    plan = work.plan
    again = plan_for(headers, plan.size, plan.fit, str(work.root), plan.values, plan.white)
    if again == plan:
        return images, kept
    bad = [files.Bad(work.root / name, reason) for name, reason in kept.failed]
    return how(Work(work.root, headers, again, bad))


def _stream(work: Work, kept: Manifest) -> Iterator[np.ndarray]:
    """Pixels image by image, while `kept` fills."""
    headers = {header.path: header for header in work.headers}
    bad, seen, used = work.bad.copy(), Seen(), []
    for decoded in files.good(files.parallel(partial(files.decode, plan=work.plan), work.headers), bad):
        used.append(headers[decoded.path])
        seen.add(decoded, used[-1])
        kept.names.append(decoded.path.relative_to(work.root).as_posix())
        kept.keys.append(decoded.key.hex())
        yield decoded.pixels
    if not kept.names:
        raise _all_bad(work.root, bad)
    check_scale(used, work.plan, seen, str(work.root))
    kept.notes += conversions(used, work.plan, seen)
    tops = {header.depth.top for header in used if header.depth is not None and header.deep}
    given = work.plan.white
    kept.white, kept.usual = given if tops else None, not tops or given is None or tops == {given}
    if given is None and len(tops) == 1:
        kept.white = tops.pop()
    if given is not None and not tops and given not in USUAL_TOPS:
        kept.notes.append("white= has no effect: no image has more than 8 bits")
    kept.failed += [(file.path.relative_to(work.root).as_posix(), file.reason) for file in bad]


def _to_cache(work: Work, slot: Path, state: str) -> tuple[np.ndarray, Manifest]:
    """Streams the images into the cache, so that a set larger than memory passes through."""
    kept = Manifest(token=f"{state} {work.plan}", folder=str(work.root.resolve()))
    blocks = (image[None] for image in _stream(work, kept))
    kept.pixels = write_npy(
        slot / f"{state}.npy", blocks, (work.plan.channels, *work.plan.size), work.plan.type
    )
    with written(slot / f"{state}.json") as file:
        file.write(json.dumps(asdict(kept)).encode("utf-8", "surrogatepass"))
    return read_npy(slot / f"{state}.npy"), kept


def _to_memory(work: Work) -> tuple[np.ndarray, Manifest]:
    kept = Manifest(token=str(work.plan), folder=str(work.root.resolve()))
    images = np.empty((len(work.headers), work.plan.channels, *work.plan.size), work.plan.type)
    count = 0
    for count, image in enumerate(_stream(work, kept), 1):
        images[count - 1] = image
    return images[:count], kept


def read_manifest(path: Path) -> Manifest:
    """A manifest of the cache.

    Raises:
        OSError, ValueError, KeyError, TypeError: missing, or damaged.
    """
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    failed = [(str(name), str(reason)) for name, reason in stored.pop("failed")]
    return Manifest(**stored, failed=failed)


def _read_cache(slot: Path, state: str) -> tuple[np.ndarray, Manifest]:
    kept = read_manifest(slot / f"{state}.json")
    images = read_npy(slot / f"{state}.npy")
    if not len(images) == len(kept.names) == len(kept.keys):
        raise ValueError("the cached images are not those of the manifest")
    return images, kept


def _any_mended(root: Path, failed: list[tuple[str, str]], values: str, white: float | None) -> bool:
    """Returns whether a file that could not be read can be read now; the cause may have been a passing one."""
    headers = files.good(files.parallel(files.probe, [root / name for name, _ in failed]), [])
    plans = ((header, files.Plan(header.size, "crop", 3, values, white)) for header in headers)
    return any(not isinstance(files.decode(header, plan), files.Bad) for header, plan in plans)


def _forget_others(slot: Path, state: str) -> None:
    """Removes what the same folder gave before it changed."""
    for path in slot.iterdir():
        if path.suffix in (".npy", ".json") and path.stem != state:
            with suppress(OSError):  # in use, on Windows
                path.unlink()


def _failed_note(failed: list[tuple[str, str]]) -> list[str]:
    if not failed:
        return []
    name, reason = failed[0]
    return [f"{counted(len(failed), 'unreadable image')} skipped, first {name} ({reason})"]


def _all_bad(root: Path, bad: list[files.Bad]) -> DataError:
    first, reason = bad[0].path.relative_to(root).as_posix(), bad[0].reason
    ending = "." if is_of_form(reason) else "; check that the files are whole."
    return DataError(f"{root}: none of the {len(bad):,} images can be read, first {first} ({reason}){ending}")
