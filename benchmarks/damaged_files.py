"""Thousands of damaged .vk files: each must be named in a line, or restored outside its damage, with no wrong pixel.

    python benchmarks/damaged_files.py RUN [--count 5000] [--first 0] [--images 60]

RUN is a run of binary pixels. A third of the files have the model inside, the others are read with the run. The damage is that of
tests/damaged_vk.py; a number stands for the same file each time. Prints how many were whole, restored in part, or refused, by the
kind of damage, and every file that gave a traceback, a wrong pixel without a word, or took more than 10 s.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import vaekit
from damaged_vk import KINDS, damaged  # pyright: ignore[reportMissingImports]
from vaekit.coding import portion
from vaekit.core import VaekitError
from vaekit.runs.load import Run

LONGEST = 10  # seconds of processor time
OUTCOMES = ("whole", "part", "refused", "traceback", "wrong", "slow")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--images", type=int, default=60)
    options = parser.parse_args()
    portion.may_lose = lambda levels, size: (
        False
    )  # noise is for LZMA; here the model's streams are to be damaged
    run, counts = vaekit.load_run(options.run), Counter()
    began, before = time.monotonic(), peak()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files, images = whole_files(run, place, options.images)
        for seed in range(options.first, options.first + options.count):
            inside = seed // len(KINDS) % 3 == 0
            kind, content = damaged(seed, *files[inside])
            outcome = outcome_of(content, images, place, None if inside else run)
            counts[kind, outcome] += 1
            if (seed + 1) % 500 == 0:
                print(f"{seed + 1:,} files", flush=True)
            if outcome not in ("whole", "part", "refused"):
                print(f"file {seed} ({kind}): {outcome}", flush=True)
    print(
        f"{options.count:,} damaged files in {time.monotonic() - began:.0f} s; peak of memory {peak() - before:,.0f} MB above the start"
    )
    print(f"{'':14}" + "".join(f"{name:>11}" for name in OUTCOMES))
    for kind in [*KINDS, "all"]:
        row = [
            sum(n for (k, o), n in counts.items() if o == name and kind in (k, "all")) for name in OUTCOMES
        ]
        print(f"{kind:14}" + "".join(f"{number:11,}" for number in row))


def peak() -> float:
    """The most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def whole_files(run: Run, place: Path, count: int) -> tuple[dict[bool, tuple[bytes, bytes]], np.ndarray]:
    """Two files with the model inside and two without, and the images of the first of each."""
    draw = np.random.default_rng(0)
    shape, found = run.model.shape[1:], {}
    for name in "ab":
        np.savez(
            place / f"{name}.npz",
            images=draw.integers(0, 256, (count, *shape)).astype(np.uint8),
            labels=np.arange(count) % 7,
        )
    for inside in (True, False):
        for name in "ab":
            vaekit.compress(
                run, place / f"{name}.npz", out=place / f"{name}.vk", with_model=inside, part=13, beside=0, progress="none"
            )  # fmt: skip
        found[inside] = tuple((place / f"{name}.vk").read_bytes() for name in "ab")
    vaekit.decompress(place / "a.vk", out=place / "back.npz", model=run, progress="none")
    return found, np.load(place / "back.npz")["images"]


def outcome_of(content: bytes, whole: np.ndarray, place: Path, run: Run | None) -> str:
    """What became of a file: one of OUTCOMES."""
    path, out = place / "x.vk", place / "x.npz"
    path.write_bytes(content)
    out.unlink(missing_ok=True)
    began = time.process_time()
    try:
        found = vaekit.decompress(path, out=out, model=run, progress="none")
    except VaekitError as error:
        return "traceback" if "\n" in str(error) or out.exists() else "refused"
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        return "traceback"
    if time.process_time() - began > LONGEST:
        return "slow"
    with np.load(out) as arrays:
        images = arrays["images"]
        numbers = arrays["numbers"] if "numbers" in arrays else np.arange(len(images))
    right = len(images) == found.images and np.array_equal(images, whole[numbers])
    if not right or not (found.lost or len(images) == len(whole)):
        return "wrong"
    return "part" if found.lost else "whole"


if __name__ == "__main__":
    main()
