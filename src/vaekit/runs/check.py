"""`check`: whether the files of a run are whole, and belong to one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.config.configured import strict
from vaekit.core import InputError, RunError, foreign
from vaekit.images.png import check_png, check_svg
from vaekit.models import Model
from vaekit.plain_files import plain_file
from vaekit.runs.checkpoints import read_state, states
from vaekit.runs.files import has_checksum, read_json, read_tensors
from vaekit.runs.json_records import read_record
from vaekit.runs.load import build_model, codes_fingerprint, load_weights, settings_of
from vaekit.runs.plausible import check_previews, check_sizes, check_weights, shapes_in
from vaekit.runs.previews import read_previews
from vaekit.runs.prior_place import NEW, PRIOR
from vaekit.runs.records import (
    CONFIG,
    METRICS,
    PREVIEWS,
    SUMMARY,
    WEIGHTS,
    RunConfig,
    Summary,
    WeightsRecord,
    changes_of,
    holds_model,
    read_metrics,
    read_run_config,
    read_summary,
)

REPORT = "report.html"
WHOLE = "whole"
OLDER = "whole as far as can be seen: written before there were checksums"


@dataclass(frozen=True)
class Checked:
    """The findings on the files of a run.

    Attributes:
        run: its folder.
        files: name within the folder -> "whole", or what is to be said of it.
        damaged: names of those that are missing or damaged, or do not belong to the others.
        ended: whether the training has come to its end.

    Example:
        >>> found = vaekit.check("runs/first")
        >>> found.files["config.json"], found.damaged
        ('whole', ())
    """

    run: Path
    files: dict[str, str]
    damaged: tuple[str, ...]
    ended: bool

    @property
    def whole(self) -> bool:
        """Returns whether every file is there, can be read, and belongs to the others."""
        return not self.damaged


@strict
def check(run: str | Path) -> Checked:
    """Checks the files of a run: each is there, can be read, is what was written, and belongs to the others.

    Args:
        run: its folder. Nothing in it is changed.

    Returns:
        What was found of each file, those of a prior in the folder included.

    Raises:
        RunError: no such folder, or none of a run.

    Example:
        >>> vaekit.check("runs/first").whole
        True
    """
    folder = Path(run)
    if not (folder / CONFIG).is_file() or _is_model(folder):
        read_run_config(folder)  # says what is there
    found = Found(folder)
    found.look()
    return Checked(folder, found.files, tuple(found.damaged), found.summary is not None)


def _is_model(folder: Path) -> bool:
    try:
        return holds_model(read_json(folder / CONFIG))
    except RunError:
        return False


class Found:
    """The files of one run, one after another.

    Args:
        folder: of the run.

    Attributes:
        files, damaged: of `Checked`.
        summary: what summary.json holds, if the run has ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, str] = {}
        self.damaged: list[str] = []
        self.config: RunConfig | None = None
        self.summary: Summary | None = None
        self.model: Model | None = None
        self.last = 0  # step of the last line of metrics.jsonl

    def look(self) -> None:
        """Looks at all of them."""
        self.note(CONFIG, self._config)
        if self.config is None:
            return
        kept = states(self.folder / "checkpoints")
        begun = (
            bool(kept) or (self.folder / SUMMARY).exists()
        )  # before its first state, `resume` writes what is missing
        self.note(PREVIEWS, self._previews, begun or (self.folder / PREVIEWS).exists())
        self.note(METRICS, self._metrics, (self.folder / METRICS).exists())
        self.note(SUMMARY, self._summary, (self.folder / SUMMARY).exists())
        self.note(WEIGHTS, self._weights, self.summary is not None or (self.folder / WEIGHTS).exists())
        for path in kept:
            self.note(f"checkpoints/{path.name}", lambda path=path: self._state(path))
        if not kept and self.summary is None and self.last:
            self._wrong("checkpoints", "no state to resume from is left")
        for look, ending in ((check_png, "png"), (check_svg, "svg")):
            for path in sorted(self.folder.glob(f"figures/*.{ending}")):
                self.note(f"figures/{path.name}", lambda path=path, look=look: look(path))
        self.note(REPORT, self._report, (self.folder / REPORT).exists())
        for name in (PRIOR, NEW):
            if (self.folder / name).exists():
                self._prior(name)

    def note(self, name: str, look: Callable[[], str | None], there: bool = True) -> None:
        """Notes what a look at a file finds, if it should be there."""
        if not there:
            return
        try:
            with foreign(f"{self.folder / name} cannot be read", RunError):
                self.files[name] = look() or WHOLE
        except InputError as error:
            self._wrong(name, str(error).removeprefix(f"{self.folder / name}").lstrip(": "))

    def _wrong(self, name: str, line: str) -> None:
        self.files[name] = line
        if name not in self.damaged:
            self.damaged.append(name)

    def _config(self) -> None:
        config = read_run_config(self.folder)
        settings = settings_of(self.folder, config)
        self.config = config
        check_sizes(settings.model.flat(), shapes_in(self.folder / WEIGHTS), self.folder / CONFIG)
        if settings.flat().get("network") != "custom":
            self.model = build_model(settings, config)
        for line in changes_of(self.folder):
            raise RunError(f"{line}.")

    def _previews(self) -> str | None:
        assert self.config is not None
        previews, checked = read_previews(self.folder)
        check_previews(previews, self.config.data, self.folder / PREVIEWS)
        return None if checked else OLDER

    def _metrics(self) -> None:
        path = self.folder / METRICS
        steps = [line.step for line in read_metrics(self.folder)]
        if (self.folder / SUMMARY).exists() and not plain_file(path).read_bytes().endswith(b"\n"):
            raise RunError(f"{path}: its last line is cut short.")
        if steps != sorted(steps) or min(steps, default=0) < 0:
            raise RunError(f"{self.folder / METRICS}: its steps are not in their order.")
        self.last = steps[-1] if steps else 0

    def _summary(self) -> None:
        assert self.config is not None
        summary, path = read_summary(self.folder), self.folder / SUMMARY
        assert summary is not None
        self.summary = summary
        if summary.method is not None and summary.method != self.config.settings.get("method"):
            raise RunError(
                f"{path}: of a {summary.method}, config.json is of a {self.config.settings.get('method')}."
            )
        if self.last and summary.steps != self.last:
            raise RunError(f"{path}: {summary.steps:,} steps, by {METRICS} {self.last:,}.")

    def _weights(self) -> str | None:
        path = self.folder / WEIGHTS
        tensors, header = read_tensors(path)
        read_record(WeightsRecord, header, path)
        if self.model is not None:
            load_weights(self.model, tensors, path)
        return None if has_checksum(path) else OLDER

    def _state(self, path: Path) -> str | None:
        state: dict[str, Any] = read_state(path)
        if path.name != f"step-{state['step']:09d}.safetensors":
            raise RunError(f"{path}: it is of step {state['step']}.")
        if self.model is not None:
            check_weights(self.model.state_dict(), state["model"], path)
        size, metrics = state["metrics_size"], self.folder / METRICS
        if size and (not metrics.exists() or metrics.stat().st_size < size):
            self._wrong(METRICS, f"shorter than it was when {path.name} was saved")
        return None if has_checksum(path) else OLDER

    def _report(self) -> None:
        path = self.folder / REPORT
        if not plain_file(path).read_bytes().rstrip().endswith(b"</html>"):
            raise RunError(f"{path}: its end is missing.")

    def _prior(self, name: str) -> None:
        inner = Found(self.folder / name)
        if not (inner.folder / CONFIG).is_file():
            self._wrong(name, f"it has no {CONFIG}")
            return
        inner.look()
        self.files |= {f"{name}/{file}": line for file, line in inner.files.items()}
        self.damaged += [f"{name}/{file}" for file in inner.damaged]
        if self.model is None or inner.config is None or self.config is None or WEIGHTS in self.damaged:
            return
        if inner.config.data.fingerprint != codes_fingerprint(self.model, self.config.data.fingerprint):
            self._wrong(f"{name}/{CONFIG}", "it was fitted to other weights of the run")
