"""The log of a run for TensorBoard, in RUN/tensorboard: `tensorboard --logdir runs` shows it beside those of other runs."""

from __future__ import annotations

import io
import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import summary

FOLDER, FILES = "tensorboard", "events.out.tfevents.*"
EDGES = 1e-12 * 1.1 ** np.arange(774)  # of the histograms: those of torch's SummaryWriter, up to 1e20
BINS = np.concatenate([-EDGES[::-1], [0.0], EDGES])


class TensorBoardLog:
    """A `Sink`: values by step as scalars (float32, as TensorBoard keeps them), lists of values as histograms.

    It writes its file itself, as TensorBoard reads it. torch's SummaryWriter has a thread for that, which where a disk is full
    ends with a traceback on the terminal, beside the line that is said of it.

    Args:
        run: its folder; an earlier log in it is removed.
    """

    def __init__(self, run: Path) -> None:
        folder = run / FOLDER
        if folder.is_dir():
            for old in folder.glob(FILES):
                old.unlink()
        folder.mkdir(exist_ok=True)
        its = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{os.urandom(4).hex()}"
        self._file = (folder / FILES.replace("*", its)).open("xb", buffering=0)
        try:
            self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        except OSError:
            self.close()
            raise

    def add(self, values: dict[str, float | list[float]], step: int) -> None:
        for name, value in values.items():
            if isinstance(value, list):
                self._add(summary.histogram(name, np.asarray(value, np.float64), BINS), step)
            else:
                self._add(summary.scalar(name, value), step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._add(summary.image(name, pixels, dataformats="HWC"), step)

    def close(self) -> None:
        self._file.close()

    def _add(self, content: Any, step: int) -> None:
        self._write(Event(wall_time=time.time(), step=step, summary=content))

    def _write(self, event: Event) -> None:
        """Without a buffer: a page that is open shows it, a run that is killed has it, and a fault is one at once."""
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        left = record.getvalue()
        while left:  # a disk takes what it has room for, and says no only to the rest
            left = left[self._file.write(left) :]
