"""`list_runs`: the runs of a folder, with what each is and how far it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vaekit.core import RunError, VaekitError, choose
from vaekit.distributions.likelihoods import measured_under
from vaekit.metrics import Metric, metric_of
from vaekit.runs.lock import BeingTrained, sole_writer
from vaekit.runs.records import (
    CONFIG,
    METRICS,
    SUMMARY,
    RunConfig,
    Summary,
    has_begun,
    read_metrics,
    read_run_config,
    read_summary,
)
from vaekit.wording import speaking_of

STATES = ("any", "ended", "unfinished", "training", "damaged")

SORTS = ("changed", "name", "method", "data", "size", "value")

DEEPEST = 3  # folders below the one that is searched

# What says most of a run, the first that it has.
TELLING = ("negative_elbo_nats", "reconstruction_nats", "mse", "code_bits", "loss_nats")


@dataclass(frozen=True)
class Listed:
    """One run.

    Attributes:
        path: its folder.
        state: one of STATES but the first.
        method, data: as in its config.json; "" where that is damaged.
        steps: updates so far.
        size: of all files in its folder, bytes.
        changed: when its record was last written, seconds since 1970.
        key: of METRICS, of its telling figure; "" where it has none yet.
        value: the figure, on test images, or else on those of validation.
        metric: what the figure is, in which unit.
        problem: why it is damaged, in one line; "" where it is not.

    Example:
        >>> runs = vaekit.list_runs("runs", sort="size")
        >>> runs[0].state, runs[0].size > 1000
        ('ended', True)
    """

    path: Path
    state: str
    method: str = ""
    data: str = ""
    steps: int = 0
    size: int = 0
    changed: float = 0.0
    key: str = ""
    value: float | None = None
    metric: Metric | None = None
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Its attributes, JSON-able."""
        names = ("state", "method", "data", "steps", "size", "changed", "key", "value", "problem")
        return {"path": str(self.path)} | {name: getattr(self, name) for name in names}


def list_runs(
    folder: str | Path | None = None,
    *,
    sort: str = "changed",
    methods: Sequence[str] = (),
    data: str | None = None,
    state: str = "any",
) -> list[Listed]:
    """Lists the runs in a folder and in those below it; those of a comparison too, without the priors in runs.

    Args:
        folder: to be searched, three folders deep; or a run. None takes runs/ where that is, else the present folder.
        sort: changed (the newest first), name, method, data, size (the largest first), or value (the lowest first).
        methods: only those of these; all by default.
        data, state: only those whose data have this in their name, that are in this state.

    Returns:
        An entry for each run; nothing is loaded but the records.

    Raises:
        SettingError: no such order or state.
        RunError: no such folder.

    Example:
        >>> {entry.method for entry in vaekit.list_runs("runs", methods=["vae"])}
        {'vae'}
    """
    choose(sort, SORTS, "sort")
    choose(state, STATES, "state")
    folder = Path(folder or ("runs" if Path("runs").is_dir() else "."))
    if not folder.is_dir():
        what = "a file, no folder" if folder.exists() else "no such folder"
        raise RunError(
            f"{folder}: {what}; runs are in runs/ of where they were trained, unless out= named another."
        )
    entries = [_listed(path) for path in _folders(folder, DEEPEST)]
    entries = [
        entry
        for entry in entries
        if (not methods or entry.method in methods)
        and (data is None or data in entry.data)
        and state in ("any", entry.state)
    ]
    ends = float("inf")
    orders = {
        "changed": lambda entry: -entry.changed,
        "name": lambda entry: str(entry.path),
        "method": lambda entry: entry.method,
        "data": lambda entry: entry.data,
        "size": lambda entry: -entry.size,
        "value": lambda entry: (entry.key, ends if entry.value is None else entry.value),
    }
    return sorted(sorted(entries, key=lambda entry: str(entry.path)), key=orders[sort])


def _folders(folder: Path, deep: int) -> Iterator[Path]:
    """The run folders in a folder, itself included; none within a run."""
    if has_begun(folder):
        yield folder
        return
    try:
        inner = (
            sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
            if deep
            else []
        )
    except OSError:  # it may not be read
        return
    for path in inner:
        yield from _folders(path, deep - 1)


def _listed(folder: Path) -> Listed:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    changed = max(
        (folder / name).stat().st_mtime for name in (CONFIG, METRICS, SUMMARY) if (folder / name).exists()
    )
    try:
        config, summary = read_run_config(folder), read_summary(folder)
        steps = summary.steps if summary else max((line.step for line in read_metrics(folder)), default=0)
    except VaekitError as error:
        return Listed(folder, "damaged", size=size, changed=changed, problem=str(error))
    settings = config.settings
    known = Listed(
        folder,
        _state(folder, summary),
        str(settings.get("method", "")),
        config.data.source,
        steps,
        size,
        changed,
    )
    return _with_figure(known, config, summary)


def _state(folder: Path, summary: Summary | None) -> str:
    """Returns whether a run has ended; of another whether a process holds its lock."""
    if summary is not None:
        return "ended"
    try:
        with sole_writer(folder):
            return "unfinished"
    except BeingTrained:
        return "training"
    except RunError:  # nobody may write here
        return "unfinished"


def _with_figure(entry: Listed, config: RunConfig, summary: Summary | None) -> Listed:
    if summary is None:
        return entry
    split = summary.test or summary.validation
    found = dict(split) if split is not None else {}
    key = next((key for key in TELLING if key in found), None)
    if key is None:
        return entry
    with speaking_of(config.data.shape):
        metric = metric_of(key, measured_under(summary.likelihood, config.conditional))
    return replace(entry, key=key, value=found[key], metric=metric)
