"""Places where results of commands go, and what else was there."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

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


def contents(command: str, options: Any) -> dict[Path, bytes]:
    """Hashes of the files that a command may write over, as they are now."""
    found = {}
    for path in _files(command, options):
        with suppress(OSError, ValueError), plain_file(path).open("rb") as file:
            found[path] = hashlib.file_digest(file, "blake2b").digest()
    return found


def replaced(before: Mapping[Path, bytes], now: Mapping[Path, bytes]) -> str:
    """Says which files hold something else now; empty where none does."""
    names = [str(path) for path, content in before.items() if now.get(path, content) != content]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"replaced: {names[0]}{more}, which held something else" if names else ""


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
