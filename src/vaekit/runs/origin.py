"""The run that a model's weights are from: what may be said of them elsewhere."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from vaekit.config.options import Settings
from vaekit.core import RunError
from vaekit.metrics import Under
from vaekit.models import Model
from vaekit.runs.json_records import as_json, read_record, sealed
from vaekit.runs.records import CONFIG, RunConfig, Summary, read_run_config, read_summary
from vaekit.runs.write import weights_fingerprint

Records = tuple[RunConfig, Summary | None]  # config.json and summary.json


class Recorded(Protocol):
    """A run, or what is left of one elsewhere: its settings, config.json and summary.json, and the conditions of its numbers."""

    @property
    def settings(self) -> Settings: ...
    @property
    def config(self) -> RunConfig: ...
    @property
    def summary(self) -> Summary | None: ...
    @property
    def under(self) -> Under: ...


@dataclass(frozen=True)
class Origin:
    """Kept by a model that comes from a run.

    Attributes:
        weights: hash of the weights that the records are of.
        read: gives config.json and summary.json as they are then.
    """

    weights: str
    read: Callable[[], Records]


def from_folder(model: Model, folder: Path) -> Origin:
    """Returns the origin of a model that has the weights of a run."""
    return Origin(weights_fingerprint(model), partial(_in_folder, folder))


def from_records(model: Model, config: RunConfig, summary: Summary | None) -> Origin:
    """Returns the origin of a model that was loaded with the records of its run."""
    return Origin(weights_fingerprint(model), partial(_given, config, summary))


def _in_folder(folder: Path) -> Records:  # no lambda: a model can be pickled by whoever wants to
    return read_run_config(folder), read_summary(folder)


def _given(config: RunConfig, summary: Summary | None) -> Records:
    return config, summary


def records_of(model: Model) -> Records | None:
    """Records of the run that a model's weights are from; None where there is none, it is gone, or they were changed since."""
    origin = model.origin
    if not isinstance(origin, Origin) or origin.weights != weights_fingerprint(model):
        return None
    with suppress(RunError):
        return origin.read()
    return None


# A path from the root, with at least one folder: all but its last part is nobody's business.
ABSOLUTE = re.compile(r"(?<![\w.:/\\])(?:~|[A-Za-z]:)?[/\\](?:[^\s'\"/\\:;,()|]+[/\\])+([^\s'\"/\\:;,()|]*)")


def for_others(config: RunConfig, summary: Summary | None) -> Records:
    """Records without paths of this machine, and without what was said of single files of the data."""
    data, start = config.data, config.start
    places = [
        data.path,
        config.settings.get("data_dir"),
        start and start.path,
        str(Path.cwd()),
        str(Path.home()),
    ]
    if data.path is not None and data.source != Path(data.source).name:
        places.append(data.source)
    known = sorted({str(place) for place in places if place and len(str(place)) > 1}, key=len, reverse=True)
    open_data = dataclasses.replace(data, notes=(), path=None if data.path is None else Path(data.path).name)
    content = _without(as_json(dataclasses.replace(config, data=open_data)), known)
    cleaned = read_record(RunConfig, sealed(content), Path(CONFIG))
    if summary is None:
        return cleaned, None
    return cleaned, read_record(Summary, _without(as_json(summary), known), Path(CONFIG))


def _without(value: Any, places: list[str]) -> Any:
    """Nested values of JSON with the last part of a path in its place, wherever it stands."""
    if isinstance(value, dict):
        return {key: _without(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, places) for item in value]
    if not isinstance(value, str):
        return value
    for place in places:
        value = value.replace(place, Path(place).name)
    return ABSOLUTE.sub(r"\1", value)
