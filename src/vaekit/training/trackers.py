"""Trackers: the lines of metrics.jsonl, and at the end pictures, in a log that another program shows.

The record of a run is metrics.jsonl. A tracker's log is a copy: whenever a run begins or is resumed the log is written anew
from that file as it stands, and then follows it line by line. So it has each line once, wherever a run was killed. A log
that cannot be written costs a warning, never the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from vaekit import inference
from vaekit.config.fields import imported
from vaekit.core import SettingError, VaekitError, reason, warn_of
from vaekit.data import Split
from vaekit.data.labels import round_robin
from vaekit.data.picking import chosen
from vaekit.images.sheet import TILE
from vaekit.images.tile import tile
from vaekit.models import Model
from vaekit.models.capabilities import Reconstructs
from vaekit.runs.load import load_run, read_previews
from vaekit.runs.records import MetricLine, read_metrics
from vaekit.training.callbacks import Callback
from vaekit.training.history import History

COLUMNS = 8  # pictures side by side


class Sink(Protocol):
    """The log of one run in another program. Made with the run's folder, it is empty: what an earlier one left is gone."""

    def add(self, values: dict[str, float | list[float]], step: int) -> None: ...

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None: ...

    def close(self) -> None: ...


class Tracker(NamedTuple):
    """A program that shows logs.

    Attributes:
        module: that must be there.
        install: what pip installs it by.
        sink: "module:class" or the class, made with a run folder.
    """

    module: str
    install: str
    sink: str | type


TRACKERS = {
    "tensorboard": Tracker(
        "tensorboard", "pip install 'vaekit[track]'", "vaekit.training.tensorboard_log:TensorBoardLog"
    ),
    "trackio": Tracker("trackio", "pip install trackio", "vaekit.training.trackio_log:TrackioLog"),
}


def check_log(log: str, out: object = True) -> None:
    """Raises SettingError for a log that nothing can be written to: a package is missing, or there is no run folder.

    Args:
        log: of `FitSettings`.
        out: the run folder; None where nothing is written.
    """
    if log == "none":
        return
    tracker = TRACKERS[log]
    if find_spec(tracker.module) is None:
        raise SettingError(f"log={log!r} needs the package {tracker.module}: {tracker.install}", "log")
    if out is None:
        raise SettingError(f"log={log!r} is a copy of a run folder's metrics.jsonl: give out= too.", "log")


def flat(line: MetricLine) -> dict[str, float | list[float]]:
    """The values of a line by the names that they have in a log: train/loss_nats, test/kl_nats, train/epoch."""
    values = {f"{line.split}/{name}": value for name, value in line.values.items()}
    return {f"{line.split}/epoch": line.epoch, **values}


class Logged(Callback):
    """A callback that keeps the log of a run.

    Args:
        name: key of TRACKERS.
        folder: of the run.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder
        self._sink: Sink | None = None
        self._model: Model | None = None

    def begin(self, model: Model, steps: int) -> None:
        self._model = model
        self._guarded(self._open)

    def measured(self, line: MetricLine) -> None:
        if (sink := self._sink) is not None:
            self._guarded(lambda: sink.add(flat(line), line.step))

    def end(self, history: History) -> None:
        if history.summary is not None:
            step = history.summary.steps
            self._guarded(lambda: self._draw(step))

    def close(self) -> None:
        """Closes the log; a second time nothing happens."""
        sink, self._sink = self._sink, None
        if sink is not None:
            self._guarded(sink.close)

    def _open(self) -> None:
        self._sink = imported(TRACKERS[self._name].sink)(self._folder)
        for line in read_metrics(self._folder):
            self.measured(line)

    def _draw(self, step: int) -> None:
        if self._sink is None or self._model is None:
            return
        previews, _ = read_previews(self._folder)
        for name, pixels in pictures(self._model, previews).items():
            self._sink.picture(name, pixels, step)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Works on the log; after a fault there is none, and training goes on."""
        try:
            work()
        except Exception as error:  # another's package: a full disk, a damaged database, whatever it raises
            sink, self._sink = self._sink, None  # first: its own close may be what failed
            if sink is not None:
                with suppress(Exception):
                    sink.close()
            fault = f"the {self._name} log of {self._folder} ends here ({reason(error)})"
            remedy = f"metrics.jsonl has everything, and `vaekit resume {self._folder}` writes the log anew"
            warn_of([f"{fault}; {remedy}."])


@contextmanager
def logged(log: str, folder: Path | None) -> Iterator[list[Callback]]:
    """The callbacks that keep a run's log: one, or none where nothing is logged.

    Args:
        log: of `FitSettings`.
        folder: of the run; None where this process writes nothing.
    """
    if log == "none" or folder is None:
        yield []
        return
    kept = Logged(log, folder)
    try:
        yield [kept]
    finally:
        kept.close()


def write_log_anew(
    log: str, history: History, encoder: nn.Module | None = None, decoder: nn.Module | None = None
) -> History:
    """Writes the log of a run that has ended, which was perhaps killed before its pictures were in it; returns its history.

    Args:
        log: of `FitSettings`.
        history: of the run.
        encoder, decoder: own networks, if it was trained with such.
    """
    if log != "none" and history.out is not None and find_spec(TRACKERS[log].module) is not None:
        model = load_run(history.out, encoder=encoder, decoder=decoder).model
        with logged(log, history.out) as callbacks:
            for callback in callbacks:
                callback.begin(model, 0)
                callback.end(history)
    return history


def pictures(model: Model, previews: Split) -> dict[str, np.ndarray]:
    """A run's previews above their reconstructions, and 64 samples, as far as the model has them: uint8 (H, W, 3) each.

    Draws come from a seed of their own, and global random numbers stay as they are.
    """
    if model.pixels == "real" or len(model.shape) != 3:
        return {}
    scale, found = max(1, TILE // min(model.shape[-2:])), {}
    split = chosen(previews, 2 * COLUMNS, 0)
    if isinstance(model, Reconstructs) and len(split):
        pairs = zip(
            inference.shown_images(model, split).split(COLUMNS),
            inference.reconstruct(model, split).split(COLUMNS),
            strict=True,
        )
        rows = [image for pair in pairs for part in pair for image in _whole_row(part)]
        found["reconstructions"] = tile(torch.stack(rows), COLUMNS, scale)
    with suppress(VaekitError):  # an autoencoder without a prior draws nothing
        count = COLUMNS * COLUMNS
        labels = round_robin(count, model.sampled_classes) if model.sampled_classes else None
        found["samples"] = tile(inference.sample(model, count, labels, seed=0), COLUMNS, scale)
    return found


def _whole_row(images: torch.Tensor) -> torch.Tensor:
    """Images and white ones after them, COLUMNS in all."""
    white = torch.ones(COLUMNS - len(images), *images.shape[1:])
    return torch.cat([images, white])
