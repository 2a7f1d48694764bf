"""Records of the files of a run: config.json, summary.json, the lines of metrics.jsonl.

`read_run_config`, `read_summary` and `read_metrics` check what they read; `as_json` of `vaekit.runs.json_records` gives
the file's object back, key for key. Nobody else reads these files by key (a test).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaekit.config.methods import METHODS
from vaekit.config.options import check_format
from vaekit.core import RunError, SettingError, foreign, near_miss
from vaekit.plain_files import plain_file
from vaekit.runs.data_record import DataRecord as DataRecord
from vaekit.runs.data_record import check_data
from vaekit.runs.file_cost import FileCost
from vaekit.runs.files import parse_json, read_json
from vaekit.runs.json_records import OPTIONAL, REST, altered, as_json, read_record
from vaekit.runs.usual_names import CONFIG as CONFIG
from vaekit.runs.usual_names import METRICS as METRICS
from vaekit.runs.usual_names import PREVIEWS as PREVIEWS
from vaekit.runs.usual_names import SUMMARY as SUMMARY
from vaekit.runs.usual_names import WEIGHTS as WEIGHTS


@dataclass(frozen=True)
class StartRecord:
    """The run whose weights another began with.

    Attributes:
        path: absolute path of its folder.
        weights: hash of the weights.
    """

    path: str
    weights: str


@dataclass(frozen=True)
class LengthRecord:
    """A length that a run had before it was given a longer one.

    Attributes:
        done: steps that had been made then.
        epochs, steps: the length, one of them.
    """

    done: int
    epochs: int | None = field(default=None, metadata=OPTIONAL)
    steps: int | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class RunConfig:
    """config.json: what a run began with, and its length.

    Attributes:
        format: of the file.
        settings: every option, flat; `vaekit.runs.load.settings_of` makes them Settings.
        data: what it was trained on.
        initial_weights: hash of the model's and the objective's weights as the seed gives them.
        versions: of vaekit, Python, torch, numpy and the platform; the device; the number of threads.
        start: whose weights it began with, where they are another run's; None for fresh ones.
        lengths: those that it had before, oldest first; None where it always had this one.
        checksum: of all the rest, as vaekit wrote it; None in runs of before there was one.
    """

    format: int
    settings: Mapping[str, Any]
    data: DataRecord
    initial_weights: str
    versions: Mapping[str, Any]
    start: StartRecord | None = field(default=None, metadata=OPTIONAL)
    lengths: tuple[LengthRecord, ...] | None = field(default=None, metadata=OPTIONAL)
    checksum: str | None = field(default=None, metadata=OPTIONAL)

    @property
    def conditional(self) -> bool:
        """Returns whether the method is given the class of each image."""
        entry = METHODS.get(str(self.settings.get("method")))
        return entry is not None and entry.labels and self.data.classes > 0

    @property
    def lengthened_at(self) -> int:
        """Returns the steps after which the run got its present length; -1 where it always had it."""
        return self.lengths[-1].done if self.lengths else -1


@dataclass(frozen=True)
class WeightsRecord:
    """The weights that model.safetensors holds.

    Attributes:
        which: "best" on validation, or "last".
        epoch: after which they were kept.
        averaged: whether they are averages over the steps.
    """

    which: str
    epoch: int
    averaged: bool

    @property
    def when(self) -> str:
        """From when they are, in words."""
        return f"epoch {self.epoch}" if self.epoch else "as they were before the first step"


@dataclass(frozen=True)
class SplitSummary:
    """The figures of one split, each an attribute: `summary.test.kl_nats`. Iterating gives (name, value).

    Attributes:
        images: how many the figures are means of.
        figures: name -> value; the unit is in the name.
    """

    images: int
    figures: Mapping[str, float] = field(default_factory=dict, metadata=REST)

    def __getattr__(self, name: str) -> float:
        if name == "figures" or name.startswith("__"):  # while it is being copied
            raise AttributeError(name)
        try:
            return self.figures[name]
        except KeyError:
            known = ["images", *self.figures]
            raise AttributeError(
                f"no figure {name!r}.{near_miss(name, known)} There are: {', '.join(known)}."
            ) from None

    def __iter__(self) -> Iterator[tuple[str, float]]:
        yield "images", self.images
        yield from self.figures.items()

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.figures]


@dataclass(frozen=True)
class Note:
    """Something that is wrong with a run, and what would help it.

    Attributes:
        kind: in a word, the same for the same fault: "warm-up".
        text: what is wrong, with the run's own numbers.
        remedy: what to do; options are those of `vaekit train`, with values for this run.
    """

    kind: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}."


@dataclass(frozen=True, kw_only=True)
class Summary:
    """summary.json: what came of a run that has ended.

    Attributes:
        method: key of METHODS; None where fit was called without one, and without a folder.
        likelihood: of the model, if it has one.
        data: source.
        parameters: of the model.
        epochs, steps: that were trained.
        stopped_early: because validation no longer got better.
        train_seconds: validation included.
        processor_seconds: that processors worked for training and validation, the preparation of the model included and the
            test split not; of another device those of the clock. None in files of before they were measured.
        forecast_seconds: what was forecast of it from the first steps; None where it was over before, took under
            two seconds, or was resumed.
        device, precision: that it was trained on and in.
        weights: which were kept.
        test, validation: figures, where the split has images.
        notes: what kept the run from learning more (`vaekit.training.verdict`); empty for a good one, and None in files
            of before there were notes.
        evaluation: what `vaekit evaluate` measured last, or None.
        files: what the run's own pictures cost as files of `vaekit compress`: the last, and those beside it; or None.
        extra: what a newer vaekit wrote, unread.
    """

    method: str | None = field(default=None, metadata=OPTIONAL)
    likelihood: str | None = field(default=None, metadata=OPTIONAL)
    data: str
    parameters: int
    epochs: int
    steps: int
    stopped_early: bool
    train_seconds: float
    device: str
    precision: str
    weights: WeightsRecord
    test: SplitSummary | None = field(default=None, metadata=OPTIONAL)
    validation: SplitSummary | None = field(default=None, metadata=OPTIONAL)
    notes: tuple[Note, ...] | None = field(default=None, metadata=OPTIONAL)
    evaluation: Mapping[str, Any] | None = field(default=None, metadata=OPTIONAL)
    files: tuple[FileCost, ...] | None = field(default=None, metadata=OPTIONAL)
    forecast_seconds: float | None = field(default=None, metadata=OPTIONAL)
    processor_seconds: float | None = field(default=None, metadata=OPTIONAL)
    extra: Mapping[str, Any] = field(default_factory=dict, metadata=REST)

    @property
    def splits(self) -> dict[str, SplitSummary]:
        """Figures by split, of those that have images: validation, then test."""
        both = {"validation": self.validation, "test": self.test}
        return {name: split for name, split in both.items() if split is not None}

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: the content of summary.json."""
        return as_json(self)


@dataclass(frozen=True)
class MetricLine:
    """A line of metrics.jsonl.

    Attributes:
        step: updates so far.
        epoch: that the line is of, from 1.
        split: "train" (the mean over the steps since the line before), "validation" or "test".
        values: by name, with the unit in the name; a list where there is one per dimension.
    """

    step: int
    epoch: int
    split: str
    values: Mapping[str, float | list[float]] = field(default_factory=dict, metadata=REST)


def as_folder(given: object) -> Path:
    """The folder of a run, from its path, or from what knows it: a run or a history.

    Raises:
        SettingError: neither.
    """
    place = getattr(given, "out", getattr(given, "path", None))
    if not isinstance(given, str | Path) and not isinstance(place, Path):
        raise SettingError(f"path is a {type(given).__name__}; give the folder of a run.", "path")
    return Path(given) if isinstance(given, str | Path) else Path(str(place))


def read_run_config(folder: Path) -> RunConfig:
    """config.json of a run folder.

    Raises:
        RunError: no such folder, not a run, damaged, or written by a newer vaekit.
    """
    path = folder / CONFIG
    if not folder.exists():
        raise RunError(f"{folder}: no such run folder.{_runs_in(folder.parent)}")
    if not folder.is_dir():
        within = (
            f" It lies in a run: {folder.parent}." if has_begun(folder.parent) else _runs_in(folder.parent)
        )
        raise RunError(f"{folder} is a file; a run is a folder.{within}")
    if not has_begun(folder):
        raise RunError(
            f"{folder} is not a run folder: it has no {CONFIG}.{_runs_in(folder) or _runs_in(folder.parent)}"
        )
    content = read_json(path)
    if holds_model(content):
        raise RunError(f"{folder} holds a model and no run; in Python, vaekit.load('{folder}').")
    try:
        check_format(content, str(path))
    except SettingError as error:
        raise RunError(str(error)) from None
    config = read_record(RunConfig, content, path)
    check_data(config.data, path)
    return config


def holds_model(content: Mapping[str, Any]) -> bool:
    """Returns whether a config.json is of `save_pretrained`: of a model, and no run."""
    return "model" in content and "settings" not in content


def _runs_in(folder: Path) -> str:
    """A sentence with the first runs in a folder; empty where there is none."""
    found = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
    more = ", ..." if len(found) > 10 else ""
    return f" In {folder} there are: {', '.join(found[:10])}{more}." if found else ""


def changes_of(folder: Path) -> list[str]:
    """A line where config.json of a run is not what vaekit wrote: by hand, which may be meant, or by damage."""
    path = folder / CONFIG
    return (
        [f"{path} was changed since it was written (its checksum differs)"]
        if altered(read_json(path))
        else []
    )


def has_begun(folder: Path) -> bool:
    """Returns whether a folder is that of a run."""
    return (folder / CONFIG).is_file()


def has_ended(folder: Path) -> bool:
    """Returns whether the training of a run has come to its end, if only to that of a shorter length before."""
    return (folder / SUMMARY).exists()


def read_summary(folder: Path) -> Summary | None:
    """summary.json of a run folder; None while the run has not ended.

    Raises:
        RunError: it is damaged.
    """
    path = folder / SUMMARY
    return read_record(Summary, read_json(path), path) if has_ended(folder) else None


def read_metrics(folder: Path) -> list[MetricLine]:
    """The lines of metrics.jsonl; a last line that a crash cut short is skipped.

    Raises:
        RunError: a line is no JSON, or not what a line holds.
    """
    path = folder / METRICS
    if not path.exists():
        return []
    with foreign(f"{path} is damaged", RunError):
        lines = plain_file(path).read_text(encoding="utf-8").split("\n")
        content = [(number, parse_json(line)) for number, line in enumerate(lines[:-1], 1) if line]
    return [read_record(MetricLine, line, path.with_name(f"{METRICS}:{number}")) for number, line in content]
