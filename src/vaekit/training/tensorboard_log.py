"""The log of a run for TensorBoard, in RUN/tensorboard: `tensorboard --logdir runs` shows it beside those of other runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.utils.tensorboard import SummaryWriter

FOLDER, FILES = "tensorboard", "events.out.tfevents.*"


class TensorBoardLog:
    """A `Sink`: values by step as scalars (float32, as TensorBoard keeps them), lists of values as histograms.

    Args:
        run: its folder; an earlier log in it is removed.
    """

    def __init__(self, run: Path) -> None:
        folder = run / FOLDER
        if folder.is_dir():
            for old in folder.glob(FILES):
                old.unlink()
        self._writer = SummaryWriter(str(folder))

    def add(self, values: dict[str, float | list[float]], step: int) -> None:
        for name, value in values.items():
            if isinstance(value, list):
                self._writer.add_histogram(name, np.asarray(value, np.float64), step)
            else:
                self._writer.add_scalar(name, value, step)
        self._writer.flush()  # a page that is open shows it, and a run that is killed has it

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()
