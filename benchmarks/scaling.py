"""What does training cost as the set, the picture and the number of processes grow?

    python benchmarks/scaling.py [--parts images sides ranks] [--seconds 4] [--rounds 2] [--folder DIR]

`images`: MNIST's training images 1, 10 and 100 times over, each from one memory-mapped file. `sides`: the
default network on MNIST made 16 to 128 pixels wide. `ranks`: one process of two threads, and two under
torchrun of one thread each, train an epoch of MNIST with the same batch; their losses must agree within
rounding. What is compared takes turns; everything measured is a process of its own. Prints a table, and one
JSON object. Takes 10 GB under --folder: the file of 6,000,000 images, and the copies of its splits.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mapped_speed import speed, write

from vaekit.runs.records import read_metrics, read_summary

PARTS = ("images", "sides", "ranks")
TIMES = (1, 10, 100)
ONCE = 60_000  # training images of MNIST
SIDES = (16, 32, 64, 128)
PICTURES, BATCH = 2000, 32  # images of each side; a step of 128 pixels takes seconds on two cores
TRAIN = ["train", "vae", "--data", "mnist", "--epochs", "1"]
PLAIN = ["--checkpoint-seconds", "1e9", "--precision", "fp32"]
ROUNDING = 1e-4  # of a loss, relative: processes add in another order


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--times", nargs="+", type=int, default=TIMES)
    parser.add_argument("--seconds", type=float, default=4, help="of training, the first two not counted")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", help="where files are written (default: a temporary folder)")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, what = options.one
        print(json.dumps(one(kind, what, options.seconds)))
        return
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for part in options.parts:
            rows, figures = MEASURED[part](options, Path(folder))
            print(f"\n{part}\n" + "\n".join(f"  {row}" for row in rows), flush=True)
            result[part] = figures
    print("\n" + json.dumps(result))


def images(options: argparse.Namespace, folder: Path) -> tuple[list[str], dict[str, Any]]:
    files = {str(ONCE * times): folder / f"times-{times}.npy" for times in options.times}
    for count, path in files.items():
        write(path, int(count))
    measured = in_turns({count: ["file", str(path)] for count, path in files.items()}, options)
    return speeds(measured, "images"), measured


def sides(options: argparse.Namespace, folder: Path) -> tuple[list[str], dict[str, Any]]:
    measured = in_turns({str(side): ["side", str(side)] for side in SIDES}, options)
    rows = speeds(measured, "pixels wide")
    pixels = [
        f"{float(found['images_per_second']) * int(side) ** 2 / 1e6:.2f}" for side, found in measured.items()
    ]
    return [*rows, f"million pixels/s: {', '.join(pixels)}"], measured


def ranks(options: argparse.Namespace, folder: Path) -> tuple[list[str], dict[str, Any]]:
    seconds: dict[int, list[float]] = {1: [], 2: []}
    curves: dict[int, list[dict[str, float]]] = {}
    for turn in range(options.rounds):
        for count in sorted(seconds, reverse=bool(turn % 2)):
            run = folder / f"ranks-{count}-{turn}"
            train(run, count)
            summary = read_summary(run)
            assert summary is not None
            seconds[count].append(summary.train_seconds / summary.steps)
            curves[count] = curve(run)
    apart = [abs(b[k] - a[k]) / abs(a[k]) for a, b in zip(curves[1], curves[2], strict=True) for k in a]
    nats = max(abs(b["loss_nats"] - a["loss_nats"]) for a, b in zip(curves[1], curves[2], strict=True))
    ratio = statistics.median(b / a for a, b in zip(seconds[1], seconds[2], strict=True))
    milli = {count: round(1000 * statistics.median(values), 2) for count, values in seconds.items()}
    rows = [
        f"1 process, 2 threads:      {milli[1]:8.2f} ms per step, the test split at the end included",
        f"2 processes, 1 thread each:{milli[2]:8.2f} ms per step: {ratio:.2f} times as long",
        f"losses of {len(curves[1])} lines apart by at most {nats:.2g} nats, terms by {max(apart):.1g} of their value: "
        + ("within rounding" if max(apart) < ROUNDING else "MORE THAN ROUNDING"),
    ]  # fmt: skip
    figures = {
        "milliseconds_a_step": milli,
        "ratio": round(ratio, 3),
        "losses_apart_nats": nats,
        "terms_apart_relative": max(apart),
        "within_rounding": max(apart) < ROUNDING,
    }
    return rows, figures


MEASURED: dict[str, Callable[[argparse.Namespace, Path], tuple[list[str], dict[str, Any]]]] = {
    "images": images, "sides": sides, "ranks": ranks,
}  # fmt: skip


def in_turns(cases: Mapping[str, list[str]], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measures each case in a process of its own, up, down and up again, none twice in a row: the median
    speed, the rest at its worst."""
    found: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
    for turn in range(options.rounds):
        for case in sorted(cases, key=int, reverse=bool(turn % 2))[bool(turn) :]:
            words = [__file__, "--seconds", str(options.seconds), "--one", *cases[case]]
            done = subprocess.run([sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True)
            found[case].append(json.loads(done.stdout))
    return {case: summarised(rows) for case, rows in found.items()}


def summarised(rows: list[dict[str, float]]) -> dict[str, float]:
    return {
        "images_per_second": round(statistics.median(row["images_per_second"] for row in rows)),
        "first_step": round(max(row["first_step"] for row in rows), 1),
        "peak_memory_mb": max(row["peak_memory_mb"] for row in rows),
    }


def speeds(measured: Mapping[str, Mapping[str, float]], unit: str) -> list[str]:
    return [
        f"{int(case):9,} {unit}: {found['images_per_second']:8,.0f} images/s, first step after "
        f"{found['first_step']:5.1f} s, peak memory {found['peak_memory_mb']:6,.0f} MB"
        for case, found in measured.items()
    ]


def one(kind: str, what: str, seconds: float) -> dict[str, float]:
    """One case, in this process."""
    import torch
    from torch.nn.functional import interpolate

    import vaekit
    from vaekit.data import cache
    from vaekit.data.formats import arrays

    if kind == "file":
        os.environ["VAEKIT_CACHE"] = str(Path(what).parent / "cache")  # splits are copied there
        cache.RESIDENT = arrays.RESIDENT = 0  # mapped, however small
        return speed(what, seconds)
    digits = vaekit.load_data("mnist").train.take(torch.arange(PICTURES)).images.float()
    grown = interpolate(digits, size=(int(what), int(what)), mode="bilinear", antialias=True)
    return speed(grown.round().clamp(0, 255).byte().numpy(), seconds, batch_size=BATCH)


def train(run: Path, count: int) -> None:
    """`vaekit train` under so many processes, which share two threads."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    words = [*(launcher if count > 1 else []), "-m", "vaekit", *TRAIN, *PLAIN, "--out", str(run)]
    threads = {"OMP_NUM_THREADS": str(2 // count)}
    subprocess.run([sys.executable, *words], check=True, capture_output=True, env=os.environ | threads)


def curve(run: Path) -> list[dict[str, float]]:
    """Every loss term of metrics.jsonl."""
    return [
        {
            name: float(value)
            for name, value in line.values.items()
            if name.endswith("_nats") and not isinstance(value, list)
        }
        for line in read_metrics(run)
    ]


if __name__ == "__main__":
    main()
