"""Runs that have ended, side by side: where their data and likelihood agree, and only figures measured alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.core import RunError, SettingError
from vaekit.distributions.likelihoods import measured_under
from vaekit.metrics import Metric, Under, known, metric_of
from vaekit.runs.records import RunConfig, Summary, read_run_config, read_summary

CONDITIONS = ("images", "samples", "seed")  # of a figure that is an estimate
SKIPPED = ("loss_nats",)  # another name of a figure that is there, or a sum with weights of its own


@dataclass(frozen=True)
class Figure:
    """One figure of several runs.

    Attributes:
        key: of METRICS.
        metric: what it is, in which unit.
        values, errors: of each run, None where it has none; an error is one standard error over images.
    """

    key: str
    metric: Metric
    values: tuple[float | None, ...]
    errors: tuple[float | None, ...]


@dataclass(frozen=True)
class SideBySide:
    """Ended runs on the same data, under the same likelihood.

    Attributes:
        runs: their folders.
        data: source of the data.
        likelihood: of their models; None where they have none.
        figures: on the same test images, those of the end of training first, then those of `vaekit evaluate`.
        left_out: key -> why it is no row: measured otherwise in one run than in another.
        notes: what else is not alike, one line each.

    Example:
        >>> found = vaekit.compare(runs=["runs/first", "runs/second"])
        >>> found.data, found.likelihood
        ('digits', 'gaussian-optimal')
        >>> [figure.key for figure in found.figures][:2]
        ['negative_elbo_nats', 'reconstruction_nats']
    """

    runs: tuple[Path, ...]
    data: str
    likelihood: str | None
    figures: tuple[Figure, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...] = ()


def side_by_side(runs: Sequence[str | Path]) -> SideBySide:
    """Puts the figures of ended runs beside one another.

    Raises:
        SettingError: fewer than two, or runs whose data or likelihood differ: their figures say nothing of each other.
        RunError: one is no run, or has not ended.
    """
    folders = tuple(map(Path, runs))
    if len(folders) < 2:
        raise SettingError(
            "side by side stand two run folders or more; to train, give data= and methods.", "runs"
        )
    records = [_records(folder) for folder in folders]
    for folder, (config, summary) in zip(folders[1:], records[1:], strict=True):
        _check_alike(folders[0], records[0], folder, (config, summary))
    config, summary = records[0]
    conditional = [config.conditional for config, _ in records]
    under = measured_under(summary.likelihood, all(conditional))
    figures, left_out = _figures([dict(_measured(summary)) for _, summary in records], under)
    notes = []
    if any(conditional) and not all(conditional):
        which = ", ".join(str(folder) for folder, given in zip(folders, conditional, strict=True) if given)
        notes.append(
            f"{which}: given the class of each image, so that what bounds −log p(x) elsewhere bounds −log p(x|y) here."
        )
    return SideBySide(folders, config.data.source, summary.likelihood, figures, left_out, tuple(notes))


def _records(folder: Path) -> tuple[RunConfig, Summary]:
    config, summary = read_run_config(folder), read_summary(folder)
    if summary is None:
        raise RunError(f"{folder}: its training has not ended; vaekit resume {folder}")
    return config, summary


def _check_alike(
    first: Path, of_first: tuple[RunConfig, Summary], other: Path, of_other: tuple[RunConfig, Summary]
) -> None:
    """Raises SettingError where two runs cannot be compared."""
    (one, ended), (two, also) = of_first, of_other
    if one.data.fingerprint != two.data.fingerprint:
        sources = [one.data.source, two.data.source]
        what = (
            " and ".join(sources)
            if sources[0] != sources[1]
            else f"other images, labels or splits of {sources[0]}"
        )
        raise SettingError(
            f"{first} and {other} were measured on {what}; their figures say nothing of each other."
        )
    if one.data.dynamic != two.data.dynamic or one.data.pixels != two.data.pixels:
        raise SettingError(f"{first} and {other} saw other pixels: {_pixels(one)} and {_pixels(two)}.")
    if ended.likelihood != also.likelihood:
        words = [summary.likelihood or f"no likelihood ({summary.method})" for summary in (ended, also)]
        raise SettingError(
            f"{first} and {other} have likelihoods that differ, {words[0]} and {words[1]}: their nats are of different things."
        )


def _pixels(config: RunConfig) -> str:
    return f"{config.data.pixels}{', binarised anew' if config.data.dynamic else ''}"


def _measured(summary: Summary) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each figure of a run: key -> value, error and the conditions that it was measured under."""
    found: dict[str, Mapping[str, Any]] = {}
    for key, value in summary.test or ():
        if key != "images" and key not in SKIPPED:
            found[key] = {"value": value, "images": summary.test.images if summary.test else 0}
    for key, entry in _estimates(summary.evaluation or {}):
        found.setdefault(key, entry)
    yield from found.items()


def _estimates(tree: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The estimates in the record of an evaluation, at any depth, that METRICS describes."""
    for key, value in tree.items():
        if not isinstance(value, Mapping):
            continue
        if "value" in value:
            if known(key) and isinstance(value["value"], int | float):
                yield key, value
        else:
            yield from _estimates(value)


def _figures(
    runs: Sequence[Mapping[str, Mapping[str, Any]]], under: Under
) -> tuple[tuple[Figure, ...], dict[str, str]]:
    rows, left_out = [], {}
    for key in dict.fromkeys(key for run in runs for key in run):
        entries = [run.get(key) for run in runs]
        there = [entry for entry in entries if entry is not None]
        if len(there) < 2:
            continue
        differing = [name for name in CONDITIONS if len({str(entry.get(name)) for entry in there}) > 1]
        if differing:
            values = " and ".join(dict.fromkeys(f"{entry.get(differing[0])}" for entry in there))
            left_out[key] = f"measured with {differing[0]} {values}"
            continue
        metric = metric_of(key, under)
        if not metric.condition:
            values_of = tuple(None if entry is None else float(entry["value"]) for entry in entries)
            errors = tuple(None if entry is None else entry.get("standard_error") for entry in entries)
            rows.append(Figure(key, metric, values_of, errors))
    return tuple(rows), left_out
