"""The log of a run in Trackio's own place, where its page has all runs: `trackio show --project vaekit`.

Trackio has the words of Weights & Biases (init, log, finish, Image), and keeps everything on this machine.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import trackio  # type: ignore[import-not-found]
from trackio.utils import MEDIA_DIR  # type: ignore[import-not-found]

from vaekit.core import SettingError
from vaekit.runs.records import read_run_config

PROJECT = "vaekit"
ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")


class TrackioLog:
    """A `Sink`: a line of metrics.jsonl is a row there, lists as they are, with the run's settings.

    Args:
        run: its folder, by whose path its log is known; an earlier log of it is removed.

    Raises:
        SettingError: Trackio is set to write to another machine, where an earlier log cannot be removed.
    """

    def __init__(self, run: Path) -> None:
        for variable in ELSEWHERE:
            if os.environ.get(variable):
                raise SettingError(
                    f"log='trackio' writes on this machine: unset {variable}, and send it there by `trackio sync`"
                )
        name = run_name(run)
        with redirect_stdout(io.StringIO()):  # of a command it is the result
            remove_log(name)
            self._run = trackio.init(
                PROJECT,
                name=name,
                config={"folder": str(run.resolve()), **read_run_config(run).settings},
                resume="never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def add(self, values: dict[str, float | list[float]], step: int) -> None:
        self._log(dict(values), step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._log({name: trackio.Image(pixels)}, step)

    def close(self) -> None:
        with redirect_stdout(io.StringIO()):
            trackio.finish()

    def _log(self, values: dict[str, Any], step: int) -> None:
        with redirect_stdout(io.StringIO()):
            self._run.log(values, step=step)


def run_name(run: Path) -> str:
    """Name of a run's log: that of its folder, and what tells folders of one name in different places apart."""
    path = run.resolve()
    return f"{path.name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:6]}"


def remove_log(name: str) -> None:
    """Removes a run's log, its pictures too, which Trackio's own removal leaves."""
    try:
        runs = trackio.Api().runs(PROJECT)
    except ValueError:  # the first run there is
        return
    for run in [run for run in runs if run.name == name]:
        run.delete()
    shutil.rmtree(MEDIA_DIR / PROJECT / name, ignore_errors=True)
