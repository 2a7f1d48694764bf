"""What do default settings give on anyone's data, against sixty plain lines at equal processor seconds?

    python benchmarks/anyones_data.py --baseline plain_vae.py --shared FOLDER [--sets photos,emoji] [--seconds 20,60]
        [--seeds 3] [--work runs/anyones_data] [--again ours]
    python benchmarks/anyones_data.py --defaults --shared FOLDER [--sets digits,wine]

First mode: `vaekit.train("vae", data)` with its defaults, the plain baseline and, where it is installed, pythae, each
as a process of its own with one thread, on the very same test examples (`anyones_sides.py`). -ELBO is that of a
Gaussian whose sigma is refitted on training examples, in the baseline's units (`anyones_measure.py`). Second mode:
`vaekit train vae --data X` with nothing else and two threads: its time against its forecast, and its explained
variance against principal components.

Every row is kept as a JSON file below `--work`: what was killed continues where it was. Rows of the baseline do not
depend on vaekit and serve again; `--again ours` makes the others anew. `--table` prints what there is. Rows that
were measured before stand in `anyones_rows.jsonl` and serve like those of the folder; `--record` writes them there.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from anyones_measure import for_baseline
from anyones_sets import SETS, Missing, Places, Source, once

SIDES = ("ours", "plain", "pythae")
RECORD = Path(__file__).with_name(
    "anyones_rows.jsonl"
)  # of runs of the past, so that a long table is made piece by piece
FAIR = 1.1  # how much more time one side may have had
LIMIT = 180  # seconds in which a run by default settings must end
ALLOWED = 0.1  # how much less than principal components a run may explain
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One training: a set and, but for a run by default settings, a side, seconds and a seed."""

    name: str
    side: str
    seconds: float = 0
    seed: int = 0

    @property
    def file(self) -> str:
        """Name of its row's file."""
        return f"{self.name}-{self.side}-{self.seconds:g}-{self.seed}.json"


def main() -> None:
    options = parsed()
    names = listed(options.sets, list(SETS))
    rows = list(by_default(options, names) if options.defaults else compared(options, names))
    table = default_table(rows) if options.defaults else pair_table(rows)
    print(table)
    if options.record:
        record(rows)
    if rows:
        (options.work / ("defaults.md" if options.defaults else "table.md")).write_text(table + "\n", "utf-8")


def parsed() -> argparse.Namespace:
    """The options.

    Raises:
        SystemExit: one is missing.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = os.environ.get("VAEKIT_DATA")
    parser.add_argument("--sets", default="all", help=f"all, or some of {','.join(SETS)}")
    parser.add_argument("--seconds", default="20,60,180", help="processor seconds of each side")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sides", default="ours,plain,pythae")
    parser.add_argument("--baseline", type=Path, help="file of the plain baseline, which is never changed")
    parser.add_argument("--shared", type=Path, default=Path(folder) if folder else None)
    parser.add_argument("--work", type=Path, default=Path("runs/anyones_data"))
    parser.add_argument("--again", default="", help="sides (or defaults) whose rows are made anew")
    parser.add_argument("--table", action="store_true", help="train nothing; print the rows that there are")
    parser.add_argument("--record", action="store_true", help=f"add the rows to {RECORD.name}")
    parser.add_argument("--defaults", action="store_true", help="whole commands with nothing but --data")
    options = parser.parse_args()
    if not options.defaults and not options.table and options.baseline is None:
        parser.error("--baseline: name the file of the plain baseline")
    return options


def listed(words: str, known: Sequence[str]) -> list[str]:
    """Words between commas, or all that are known.

    Raises:
        SystemExit: a word is not known.
    """
    chosen = list(known) if words == "all" else [word for word in words.split(",") if word]
    if unknown := set(chosen) - set(known):
        raise SystemExit(f"no such: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return chosen


# Rows ------------------------------------------------------------------------------------------


def compared(options: argparse.Namespace, names: Sequence[str]) -> Iterator[Row]:
    """The rows of all sides: sides take turns, so that a busy machine is busy for all of them."""
    sides = [side for side in listed(options.sides, SIDES) if side != "pythae" or has_pythae()]
    for name, source, arrays, mark in sources(options, names):
        for seconds in map(float, options.seconds.split(",")):
            for seed in range(options.seeds):
                for side in sides:
                    if side != "pythae" or np.load(arrays)["train"].dtype == np.uint8:
                        about = job_of(side, source, options.baseline, arrays, seconds, seed)
                        yield from kept(options, Job(name, side, seconds, seed), mark, about)


def has_pythae() -> bool:
    """Returns whether pythae is installed."""
    return importlib.util.find_spec("pythae") is not None


def sources(options: argparse.Namespace, names: Sequence[str]) -> Iterator[tuple[str, Source, str, str]]:
    """Each set that can be had: name, source, DATA.npz for the baseline, fingerprint. Others are skipped aloud."""
    places = Places(options.shared and options.shared.resolve(), options.work.resolve() / "sets")
    for name in names:
        try:
            source = SETS[name](places)
        except Missing as missing:
            print(f"{name}: skipped, {missing}", file=sys.stderr)
            continue
        data = source.load()

        def write(path: Path, data: Any = data) -> None:
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, **for_baseline(data))

        arrays = once(places.made / "plain" / f"{name}-{data.fingerprint[:16]}.npz", write)
        yield name, source, arrays, data.fingerprint


def job_of(
    side: str, source: Source, baseline: Path | None, arrays: str, seconds: float, seed: int
) -> dict[str, Any]:
    """What a side is given, JSON-able."""
    length = {"seconds": seconds, "seed": seed}
    if side == "plain":
        return {"baseline": str(baseline), "data": arrays, **length}
    return {"data": source.data, "options": source.options, **length}


def kept(options: argparse.Namespace, job: Job, mark: str, about: Mapping[str, Any]) -> Iterator[Row]:
    """The row of a job: that of its file if it is of the same data, else a new one; none if it cannot be made."""
    path = options.work / "rows" / job.file
    there = row_of(path, mark, options.table)
    wanted = job.side in options.again.split(",")
    if options.table or (there is not None and not wanted):
        yield from [] if there is None else [there]
        return
    found = in_process(job.side, about)
    if found is not None:
        row = {**vars(job), "fingerprint": mark, **found}
        write_whole(path, json.dumps(row))
        print(f"{job.file}: {brief(row)}", file=sys.stderr, flush=True)
        yield row


def row_of(path: Path, mark: str, of_record: bool) -> Row | None:
    """The row of a file, or else (of_record) of that name in the record; None where there is none, or one of other data."""
    row = recorded().get(path.name) if of_record else None
    if path.exists():
        row = json.loads(path.read_text("utf-8"))
    return row if row is not None and row["fingerprint"] == mark else None


def recorded() -> dict[str, Row]:
    """Rows of the record, by the names of their files."""
    lines = RECORD.read_text("utf-8").splitlines() if RECORD.exists() else []
    return {key(row): row for row in map(json.loads, lines)}


def record(rows: Sequence[Row]) -> None:
    """Adds rows to the record, in the place of those of the same jobs."""
    every = recorded() | {key(row): row for row in rows}
    write_whole(RECORD, "".join(json.dumps(every[name]) + "\n" for name in sorted(every)))


def key(row: Row) -> str:
    """Name of a row's file."""
    return Job(row["name"], row["side"], row.get("seconds", 0), row.get("seed", 0)).file


def in_process(side: str, about: Mapping[str, Any]) -> Row | None:
    """The JSON that a side prints; None, and its last line of errors shown, if it failed."""
    words = [sys.executable, str(Path(__file__).with_name("anyones_sides.py")), side, json.dumps(about)]
    done = subprocess.run(words, env=threads(1), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        print(f"{side} failed: {' '.join(done.stderr.splitlines()[-1:])}", file=sys.stderr, flush=True)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def threads(count: int) -> dict[str, str]:
    """The environment of a process with this many threads."""
    return os.environ | {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)}


def write_whole(path: Path, text: str) -> None:
    """Writes a file that is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


def brief(row: Row) -> str:
    """The figures of a row for the eye."""
    numbers = {name: value for name, value in row.items() if isinstance(value, float) and name != "seconds"}
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())


def by_default(options: argparse.Namespace, names: Sequence[str]) -> Iterator[Row]:
    """A row of each set: `vaekit train vae --data X`, then what the run is worth."""
    for name, source, _, mark in sources(options, names):
        path = options.work / "rows" / Job(name, "defaults").file
        there = row_of(path, mark, options.table)
        if there is not None and (options.table or "defaults" not in options.again.split(",")):
            yield there
        elif not options.table:
            out = options.work / "defaults" / name
            shutil.rmtree(out, ignore_errors=True)
            words = [sys.executable, "-m", "vaekit", "train", "vae", *source.words(), "--out", str(out)]
            began = time.perf_counter()
            done = subprocess.run(words, env=threads(2), capture_output=True, text=True, encoding="utf-8")
            wall = time.perf_counter() - began
            if done.returncode:
                print(f"{name} failed: {' '.join(done.stderr.splitlines()[-1:])}", file=sys.stderr)
                continue
            found = in_process("defaults", {"data": source.data, "options": source.options, "out": str(out)})
            if found is not None:
                row = {"name": name, "side": "defaults", "fingerprint": mark, "wall_seconds": wall, **found}
                write_whole(path, json.dumps(row))
                print(f"{name}: {brief(row)}", file=sys.stderr, flush=True)
                yield row


# Tables ----------------------------------------------------------------------------------------


def pair_table(rows: Sequence[Row]) -> str:
    """A line per set and seconds, in markdown; `unequal` where one side had over a tenth more time."""
    peers = [side for side in SIDES if any(row["side"] == side for row in rows)]
    others = [side for side in peers if side == "pythae"]
    head = [
        "set",
        "seconds",
        "ours",
        "plain",
        "difference",
        "explained: ours",
        "plain",
        "steps: ours",
        "plain",
    ]
    head += ["own −ELBO", "seconds used: ours", "plain", *others, "verdict"]
    groups: dict[tuple[str, float], dict[str, list[Row]]] = {}
    for row in rows:
        groups.setdefault((row["name"], row["seconds"]), {}).setdefault(row["side"], []).append(row)
    lines = [pair_line(*key, sides, others) for key, sides in groups.items()]
    better = sum(line[-1] == "lower" for line in lines)
    return f"{markdown(head, lines)}\n\nOurs is lower in {better} of {len(lines)} lines."


def pair_line(name: str, seconds: float, sides: Mapping[str, list[Row]], others: Sequence[str]) -> list[str]:
    """The cells of a line."""
    own, theirs = (paired(sides.get(side, []), sides.get(other, [])) for side, other in turns())
    difference = mean(own, "negative_elbo") - mean(theirs, "negative_elbo")
    used = [mean(side, "cpu_seconds") for side in (own, theirs)]
    unequal = not 1 / FAIR <= used[0] / used[1] <= FAIR
    verdict = "–" if math.isnan(difference) else "lower" if difference < 0 else "higher"
    return [
        name, f"{seconds:g}", spread(own, "negative_elbo"), spread(theirs, "negative_elbo"), number(difference),
        *(share(mean(side, "explained_variance")) for side in (own, theirs)),
        *(number(mean(side, "steps")) for side in (own, theirs)),
        spread(own, "own_negative_elbo"), *(number(value) for value in used),
        *(spread(sides.get(side, []), "negative_elbo") for side in others),
        f"{verdict}, unequal" if unequal and not math.isnan(difference) else verdict,
    ]  # fmt: skip


def turns() -> tuple[tuple[str, str], tuple[str, str]]:
    """Each side of a pair with the other."""
    return (SIDES[0], SIDES[1]), (SIDES[1], SIDES[0])


def paired(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """The rows whose seeds the other side has too; all of them where it has none."""
    seeds = {row["seed"] for row in others}
    return [row for row in rows if row["seed"] in seeds] if seeds else list(rows)


def default_table(rows: Sequence[Row]) -> str:
    """A line per set: ends in time, forecast, and explained variance beside principal components."""
    head = [
        "set",
        "whole command, s",
        "training, s",
        "forecast, s",
        "steps",
        "explained",
        "active units",
        "PCA",
        "verdict",
    ]
    lines = [default_line(row) for row in rows]
    good = sum(line[-1] == "good" for line in lines)
    return f"{markdown(head, lines)}\n\n{good} of {len(lines)} are good."


def default_line(row: Row) -> list[str]:
    """The cells of a line."""
    forecast, wall, trained = row["forecast_seconds"], row["wall_seconds"], row["train_seconds"]
    faults = []
    if wall > LIMIT:
        faults.append(f"over {LIMIT} s")
    if forecast is not None and abs(forecast / trained - 1) > 0.25:
        faults.append("forecast off by more than a quarter")
    if not row["explained_variance"] >= row["pca_explained"] - ALLOWED:
        faults.append("explains too little")
    return [
        row["name"], f"{wall:.1f}", f"{trained:.1f}", "–" if forecast is None else f"{forecast:.1f}", number(row["steps"]),
        share(row["explained_variance"]), str(row["active_units"]), share(row["pca_explained"]),
        ", ".join(faults) or "good",
    ]  # fmt: skip


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def mean(rows: Sequence[Row], name: str) -> float:
    """Of a figure over rows; NaN without any."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return statistics.fmean(values) if values else math.nan


def spread(rows: Sequence[Row], name: str) -> str:
    """Mean ± standard deviation over seeds."""
    values = [row[name] for row in rows if row.get(name) is not None]
    with contextlib.suppress(statistics.StatisticsError):
        return f"{number(statistics.fmean(values))} ± {number(statistics.stdev(values))}"
    return number(values[0]) if values else "–"


def number(value: float) -> str:
    """Four digits or all before the point, with a real minus."""
    if math.isnan(value):
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f}".replace("-", "−")


def share(value: float) -> str:
    """Three digits after the point, with a real minus."""
    return "–" if math.isnan(value) else f"{value:,.3f}".replace("-", "−")


if __name__ == "__main__":
    main()
