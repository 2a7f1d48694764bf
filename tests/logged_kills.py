"""Kills runs that have a log, resumes them, and reads the log by its own reader.

    python logged_kills.py FOLDER TRACKER EVERY

Each run is killed at another point, every EVERY-th of those that a run passes, in a fork; it is resumed and its log read in
a fork too, so that nothing open is inherited. Prints a JSON list: for each killed run the point, the rows of
metrics.jsonl, those of the log, and the names of its pictures.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import killing
from killing import Case, in_fork
from vaekit import core

Rows = list[list[Any]]  # step, name, value; sorted

killing.CASES["logged"] = {
    # states seldom enough that lines and the log are ahead of them, and lines often enough that there are some
    "fit": {"checkpoint_seconds": 4.0},
    "log_every": 2,
}


def rows_of_file(folder: Path) -> Rows:
    """Every value of metrics.jsonl."""
    lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return sorted(
        [line["step"], f"{line['split']}/{name}", value]
        for line in lines
        for name, value in line.items()
        if name not in ("step", "split")
    )


def rows_of_tensorboard(folder: Path) -> tuple[Rows, dict[str, np.ndarray]]:
    """Every scalar by TensorBoard's own reader, of a list its sum, and the pictures."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(
        str(folder / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0, "images": 0}
    )
    found.Reload()
    tags = found.Tags()
    rows = [[event.step, tag, event.value] for tag in tags["scalars"] for event in found.Scalars(tag)]
    for tag in tags["histograms"]:
        for event in found.Histograms(tag):
            rows.append([event.step, tag, [event.histogram_value.num, event.histogram_value.sum]])
    pictures = {}
    for tag in tags["images"]:
        (event,) = found.Images(tag)
        pictures[tag] = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)).convert("RGB"))
    return sorted(rows), pictures


def rows_of_trackio(folder: Path) -> tuple[Rows, dict[str, np.ndarray]]:
    """Every value by Trackio's own reader, lists as they are, and the pictures."""
    import trackio
    from trackio.sqlite_storage import SQLiteStorage
    from trackio.utils import MEDIA_DIR

    (run,) = (
        run
        for run in trackio.Api().runs("vaekit")
        if run.config is not None and run.config["folder"] == str(folder.resolve())
    )
    rows, pictures = [], {}
    for row in SQLiteStorage.get_logs("vaekit", run.name, run_id=run.id):
        step = row.pop("step")
        row.pop("timestamp")
        for name, value in row.items():
            if isinstance(value, Mapping):
                assert name not in pictures
                pictures[name] = np.asarray(Image.open(MEDIA_DIR / value["file_path"]).convert("RGB"))
            else:
                rows.append([step, name, value])
    return sorted(rows), pictures


READERS = {"tensorboard": rows_of_tensorboard, "trackio": rows_of_trackio}


def kill_and_resume(out: Path, log: str, every: int) -> list[dict[str, Any]]:
    case, found = Case("logged"), []
    case.fit["log"] = log
    points: list[str] = []
    core.on_reach = points.append
    case.train(out / "alone")
    core.on_reach = None
    for at in range(1, len(points), every):
        folder, told = out / f"killed-{at}", out / f"{at}.json"
        assert in_fork(lambda folder=folder: case.train(folder), at)
        if not (folder / "config.json").exists():  # no run yet
            continue

        def read(folder: Path = folder, told: Path = told) -> None:
            case.resume(folder)
            rows, pictures = READERS[log](folder)
            told.write_text(json.dumps([rows_of_file(folder), rows, sorted(pictures)]), encoding="utf-8")

        in_fork(read, -1)
        file, rows, pictures = json.loads(told.read_text(encoding="utf-8"))
        found.append({"point": points[at], "file": file, "log": rows, "pictures": pictures})
    return found


if __name__ == "__main__":
    print(json.dumps(kill_and_resume(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
