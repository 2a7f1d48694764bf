"""Damages inputs for some minutes and keeps those that are not dealt with.

    python tests/fuzz/run.py --minutes 1 [--seed 7] [--targets images,states] [--out build/fuzz] [--cases N]

Every target has a process of its own with bounded memory. A case that takes longer than 10 s ends it, and another
one goes on behind that case. The seed is printed: the same one makes the same cases. Ends with 1 if there was a crash.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

LONGEST = 10  # seconds for one case
MEMORY = 2 * 2**30  # bytes more than the process has when it begins
KEPT = 3  # inputs kept of one kind of crash


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of all targets together")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--targets", default="images,files,runs,states,requests")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder for crashes")
    parser.add_argument("--cases", type=int, default=10**9, help="at most so many of each target")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.targets.split(",")
    if options.worker:
        work(names[0], options.seed, options.first, options.cases, 60 * options.minutes, options.out)
        return 0
    print(f"seed {options.seed}", flush=True)
    crashes = [
        drive(
            name, options.seed, options.first, options.cases, 60 * options.minutes / len(names), options.out
        )
        for name in names
    ]
    return int(any(crashes))


def drive(name: str, seed: int, first: int, cases: int, seconds: float, out: Path) -> int:
    """Runs a target until its time is over or its cases are done; the number of crashes."""
    out.mkdir(parents=True, exist_ok=True)
    progress = out / f"{name}.progress"
    end, last, crashes = time.monotonic() + seconds, first + cases, 0
    done, megabytes = 0, 0
    while first < last and time.monotonic() < end:
        progress.write_text("{}", encoding="utf-8")
        words = [
            "--worker",
            "--targets",
            name,
            "--seed",
            seed,
            "--first",
            first,
            "--cases",
            last - first,
            "--out",
            out,
        ]
        words += ["--minutes", max(end - time.monotonic(), 1) / 60]
        ended = subprocess.run(
            [sys.executable, __file__, *map(str, words)], stderr=subprocess.PIPE, text=True, check=False
        )
        found = json.loads(progress.read_text(encoding="utf-8"))
        if not found:
            print(ended.stderr)
            raise SystemExit(f"{name} could not begin")
        crashes += found["crashes"]
        done, megabytes = done + found["number"] + 1 - first, max(megabytes, found["megabytes"])
        first = found["number"] + 1
        if ended.returncode:
            crashes += 1
            print(f"{name} {found['number']} ended its process: {ended.stderr.splitlines()[:1]}", flush=True)
            (out / f"{name}-{seed}-{found['number']}.stuck.txt").write_text(ended.stderr, encoding="utf-8")
    print(f"{name}: {done:,} cases, {crashes} crashes, peak {megabytes:,} MB", flush=True)
    return crashes


def work(name: str, seed: int, first: int, cases: int, seconds: float, out: Path) -> None:
    """Does cases of a target until the time is over, within its memory."""
    from fuzz.targets import opened

    kinds: dict[str, int] = {}
    crashes, end = 0, time.monotonic() + seconds
    with opened(name) as target, open(out / f"{name}.progress", "w", encoding="utf-8") as progress:
        bound_memory()
        for number in range(first, first + cases):
            progress.seek(0)
            json.dump({"number": number, "crashes": crashes, "megabytes": peak()}, progress)
            progress.truncate()
            progress.flush()
            if number > first and time.monotonic() > end:
                break
            faulthandler.dump_traceback_later(LONGEST, exit=True)
            kind, content = target.case(seed, number)
            try:
                target.drive(kind, content)
            except Exception as error:
                crashes += 1
                keep(out / f"{name}-{seed}-{number}", kind, content, error, kinds)
        faulthandler.cancel_dump_traceback_later()
        progress.seek(0)
        json.dump({"number": number, "crashes": crashes, "megabytes": peak()}, progress)
        progress.truncate()


def keep(place: Path, kind: str, content: bytes, error: Exception, kinds: dict[str, int]) -> None:
    """Writes an input and its traceback, of the first of each kind of crash."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in frames
        if "vaekit" in frame.filename
    ]
    sort = f"{type(error).__name__} {ours[-1:]} {frames[-1].name}"
    kinds[sort] = kinds.get(sort, 0) + 1
    if kinds[sort] <= KEPT:
        place.with_name(f"{place.name}-{kind}").write_bytes(content)
        text = "".join(traceback.format_exception(error))
        place.with_name(f"{place.name}-{kind}.txt").write_text(text, encoding="utf-8", errors="replace")
        print(f"{place.name} {kind}: {sort}: {str(error)[:150]!r}", flush=True)


def bound_memory() -> None:
    """Bounds what this process may ask for, where the system can."""
    try:
        import resource

        size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))


def peak() -> int:
    """Returns the most memory that this process has had, in MB."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    raise SystemExit(main())
