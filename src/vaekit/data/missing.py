"""Guesses at which source was meant where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from vaekit.core import near_miss
from vaekit.plain_files import what_is_there
from vaekit.synonyms import meant


def at_home(name: str) -> Path:
    """A path, with ~ as the home folder, unless something of that very name is there, or nobody knows where home is."""
    path = Path(name)
    try:
        return path if os.path.lexists(path) else path.expanduser()
    except (RuntimeError, ValueError):
        return path


def source_meant(name: str, path: Path, named: Iterable[str]) -> str:
    """A sentence with the source that is meant by a name of nothing; empty where none is near.

    Args:
        name, path: as it was given.
        named: names of the sets that need no file.
    """
    if what := what_is_there(path):
        return f" What is there is {what}."
    if any(sign in path.name for sign in "*?["):
        return f" A pattern is no source; name the folder: data='{path.parent}'."
    if close := near_miss(name, named):
        return close
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir() if not entry.name.startswith("."))
    except OSError:
        return ""
    there = meant(path.name, beside)
    return f" Did you mean {path.parent / there}?" if there else ""
