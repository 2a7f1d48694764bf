"""Places where results of commands go, and what else was there."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.config.fields import Options
from vaekit.core import RunError
from vaekit.plain_files import plain_file

# Command -> the stem and ending of what it makes of a run; the ending None is of what the examples are.
PLACES: dict[str, tuple[str, str | None]] = {
    "encode": ("codes", ".npz"),
    "score": ("scores", ".csv"),
    "search": ("neighbours", ".png"),
    "duplicates": ("duplicates", ".csv"),
    "interpolate": ("interpolation", None),
    "sample": ("samples", None),
    "reconstruct": ("reconstructions", None),
    "figures": ("figures", ""),
    "compress": ("compressed", ".vk"),
    "export": ("", ""),  # named as its format
}
# Options that change nothing of what is in the file of the result: where, by what, and which parts of the whole.
BESIDE = {"run", "out", "json", "device", "sizes", "format", "only", "tsne", "beside"}
MOST_READ = 64 * 2**20  # bytes of a file that is read to see whether it holds the same
NAMED = ("out", "sizes", "card")  # options that name a file to write


def place_of(command: str, options: Any) -> Path:
    """The place that was named for a result, or its usual one, which is of this very request.

    Args:
        command: key of PLACES.
        options: of the command.

    Raises:
        RunError: not a run folder.
    """
    if options.out is not None:
        return Path(options.out)
    from vaekit.data import SOURCES
    from vaekit.runs.usual_names import usual_name

    stem, ending = PLACES[command]
    name = usual_name(stem or options.format, asked(options), frozenset(SOURCES))
    if ending is None:
        from vaekit.runs.ask import usual_out

        return usual_out(options.run, name)
    return Path(options.run, name + ending)


def restored_place(file: str) -> Path:
    """The usual place of what a .vk file restores: its name without the ending.

    Raises:
        RunError: a file is there, the original maybe.
    """
    out = Path(file).with_suffix("")
    if out.is_file():
        raise RunError(f"{out} is there, where the restored ones would go; name another place with out=")
    return out


def asked(options: Options) -> dict[str, object]:
    """The options that change a result and are not as by default."""
    return {
        field.name: value
        for field in dataclasses.fields(options)
        if field.name not in BESIDE and (value := getattr(options, field.name)) != field.default
    }


def usual(options: Options) -> bool:
    """Returns whether a result is as by default."""
    return not asked(options)


class Content(NamedTuple):
    """Content of a file, as far as it is known.

    Attributes:
        size: bytes.
        written: when, and which file of the system it is: as long as these stay, nobody wrote it.
        digest: hash of the bytes; None of a file that is too large to be read for this.
    """

    size: int
    written: tuple[int, int, int]
    digest: bytes | None


def contents(command: str, options: Any) -> dict[Path, Content]:
    """The contents of the files that a command may write over, as they are now."""
    found = {}
    for path in _files(command, options):
        with suppress(OSError, ValueError):
            size, written = _state(path)
            found[path] = Content(size, written, _digest(path) if size <= MOST_READ else None)
    return found


def replaced(before: Mapping[Path, Content]) -> str:
    """Says which files hold something else now; empty where none does. A large one does if it was written again."""
    names = [str(path) for path, content in before.items() if _differs(path, content)]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"replaced: {names[0]}{more}, which held something else" if names else ""


def _differs(path: Path, before: Content) -> bool:
    """Returns whether a file that is still there holds something else; it is read only where nothing else tells."""
    try:
        size, written = _state(path)
        if written == before.written and size == before.size:
            return False
        return size != before.size or before.digest is None or _digest(path) != before.digest
    except (OSError, ValueError):
        return False


def _state(path: Path) -> tuple[int, tuple[int, int, int]]:
    """Size, and time and number of a plain file."""
    found = plain_file(path).stat()
    return found.st_size, (found.st_mtime_ns, found.st_dev, found.st_ino)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _files(command: str, options: Any) -> Iterator[Path]:
    for name in NAMED if command in (*PLACES, "evaluate", "features", "decompress") else ():
        if isinstance(value := getattr(options, name, None), str):
            yield Path(value)
    if command in PLACES:
        out = place_of(command, options)
        yield out
        if command == "score":
            yield out.with_suffix(".png")
        if command == "figures" and out.is_dir():
            yield from sorted(path for path in out.iterdir() if path.suffix in (".png", ".svg"))
