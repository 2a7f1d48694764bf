"""Keeps an evaluation that another takes the place of, in a file of its own: evaluation-1.json and so on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaekit.core import RunError
from vaekit.runs.files import read_json, write_json
from vaekit.runs.json_records import as_json
from vaekit.runs.records import Summary

# What says under which conditions a figure was measured, wherever it stands in an evaluation.
CONDITIONS = {
    "images", "samples", "seed", "precision", "chains", "temperatures", "leapfrog", "features", "split", "data"
}  # fmt: skip
ASIDE = "evaluation-*.json"


def holds_more(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Returns whether an evaluation has a figure that another lacks, or has it under other conditions."""
    return not _figures(before) <= _figures(now)


def set_aside(folder: Path, summary: Summary, *, files: bool = False) -> Path | None:
    """Writes the evaluation of a summary into the next free file, with the weights that it is of.

    Args:
        files: whether what files cost goes too, since the summary will be gone.

    Returns:
        The file; None where there is nothing to keep, or a file has it already.

    Raises:
        RunError: it cannot be written.
    """
    measured = {"evaluation": summary.evaluation, "files": as_json(summary).get("files") if files else None}
    found = {name: values for name, values in measured.items() if values}
    if not found:
        return None
    content = {"weights": as_json(summary.weights), "steps": summary.steps, **found}
    for number in itertools.count(1):
        path = folder / f"evaluation-{number}.json"
        if not path.exists():
            write_json(path, content)
            return path
        if _holds(path, content):
            return None
    raise AssertionError


def _holds(path: Path, content: Mapping[str, Any]) -> bool:
    try:
        return read_json(path) == content
    except RunError:
        return False


def _figures(values: Mapping[str, Any]) -> set[tuple[str, object]]:
    """Names of the figures, and the conditions with their values."""
    drawn = {("samples_from", values.get("samples_from"))} if "quality" in values else set()
    return set(_leaves(values, "")) | drawn


def _leaves(values: Mapping[str, Any], under: str) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        name = f"{under}.{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        elif key in CONDITIONS and not isinstance(value, list):
            yield name, value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, None
