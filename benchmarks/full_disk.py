"""Is anything lost when the disk is full, wherever in the work of a command that happens?

    python benchmarks/full_disk.py [--tries 3] [--seed 0] [--only sample,export] [--folder DIR]

Each command that writes works on a small file system in memory (tmpfs: mounting needs root, on Linux), which has room for a part
of what it writes, drawn evenly from nothing to all of it; temporary files and the cache lie there too. It must say so in one
line and exit with 1 or 2, or end well; what was there before must be whole. Then there is more room: the same command (or `vaekit
resume`) must come to what it comes to alone, byte for byte, and leave nothing temporary. Prints a table and a line for each failure.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

import kills  # pyright: ignore[reportMissingImports]
from kills import SMALL, Writing, content, in_fork, left_over  # pyright: ignore[reportMissingImports]

from vaekit.cli.main import main as vaekit_main

LARGE = 2**30  # bytes of a file system with room for everything
PAGE = 4096
GOES_ON = ("evaluate",)  # which prints what it found, with a warning, though it cannot keep it
GRID = "--steps 4 --latent-dim 2 --batch-size 16 --device cpu"

MORE = {
    "sweep": Writing(f"sweep vae --data small.npz --grid beta=1,4 {GRID} --out grid", ("grid",)),
    "duplicates": Writing("duplicates run --split test --out pairs.csv", ("pairs.csv",)),
    "search": Writing("search run photos/0.png --out near.png", ("near.png",)),
    "interpolate": Writing("interpolate run photos/0.png photos/1.png --out way.png", ("way.png",)),
    "sample a table": Writing("sample run --count 400 --out s.csv", ("s.csv",)),
    "compress": Writing("compress lossless --data digits --out d.vk", ("d.vk",)),
    "log": Writing("train vae --data digits --out new --log tensorboard --latent-dim 2 --width 8 " + " ".join(SMALL), ("new",),
                   "resume new"),
}  # fmt: skip


class Filling(kills.Killing):
    """One command on a disk that is too small.

    Args:
        name: key of `kills.COMMANDS`.
        before: a folder that `kills.prepare` has filled.
        where: an empty folder, over which file systems are mounted.
    """

    def __init__(self, name: str, before: Path, where: Path) -> None:
        self.name, self.writing, self.before, self.where = name, kills.COMMANDS[name], before, where
        with mounted(where, LARGE):
            alone = self.fresh("alone")
            held = used(where)
            status, said = self.told(alone, self.writing.words)
            assert status == 0, f"{name} fails when it is left alone: {said}"
            grown = used(where) - held
            self.old, self.expected = content(before, self.writing.made), content(alone, self.writing.made)
            self.writes = max(grown, sum(map(len, self.expected.values())))  # to replace takes room too

    def told(self, folder: Path, words: str) -> tuple[int, str]:
        """Exit status of a command in a fork, and what it said."""
        said = Path(tempfile.gettempdir(), f"said-{os.getpid()}")
        with said.open("w", encoding="utf-8") as file:

            def action() -> int:
                os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
                os.chdir(folder)
                os.environ["VAEKIT_CACHE"] = str(folder / "cache")
                with redirect_stdout(file), redirect_stderr(file):
                    try:
                        status = vaekit_main(words.split())
                    except BaseException:  # whatever it is, it is to be shown
                        traceback.print_exc()
                        status = 99
                file.write(f"\nstatus {status}\n")
                file.flush()
                return 0

            in_fork(action)
        text = said.read_text(encoding="utf-8")
        said.unlink()
        lines = text.splitlines()
        return int(lines[-1].removeprefix("status ")) if lines and lines[-1].startswith(
            "status "
        ) else 99, text

    def within(self, room: int) -> tuple[str, list[str]]:
        """How it ended with so many bytes of room, and a line for whatever was lost."""
        with mounted(self.where, LARGE):
            folder = self.fresh("full")
            os.sync()
            resized(self.where, used(self.where) + room)
            status, said = self.told(folder, self.writing.words)
            where = f"{self.name}, room for {room:,} of {self.writes:,} bytes"
            errors = [line for line in said.splitlines() if line.startswith("vaekit: error: ")]
            lines = []
            if "Traceback" in said or status not in (0, 1, 2) or len(errors) != (status != 0):
                lines.append(f"{where}: status {status}, {' / '.join(said.splitlines()[-6:])}")
            lines += [f"{where}: {line}" for line in self.damage(folder)]
            resized(self.where, LARGE)
            same = status == 0 and content(folder, self.writing.made) == self.expected
            kept = status == 0 and (same or self.name not in GOES_ON)
            if not kept:
                ended, _ = in_fork(lambda: self.go_on(folder))
                lines += [] if ended else [f"{where}: fails again with more room"]
            found = content(folder, self.writing.made)
            lines += [
                f"{where}: {name} is another"
                for name in self.expected
                if found.get(name) != self.expected[name]
            ]
            lines += [f"{where}: {name} is left over" for name in left_over(folder)]
            lines += [f"{where}: {line}" for line in self.cached(folder)] if status else []
        return ("ended well" if kept else "said and not kept" if status == 0 else f"exit {status}"), lines


@contextmanager
def mounted(where: Path, size: int) -> Iterator[None]:
    """A file system of so many bytes in memory."""
    here = os.getcwd()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "vaekit", str(where)], check=True)
    try:
        yield
    finally:
        os.chdir(here)
        subprocess.run(["umount", str(where)], check=True)


def resized(where: Path, size: int) -> None:
    """The same with another size: the next that the system takes, which counts a few pages more than it says."""
    for slack in range(16):
        pages = -(-size // PAGE) + slack
        command = ["mount", "-o", f"remount,size={pages * PAGE}", str(where)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
    raise OSError(f"{where} cannot be given {size:,} bytes")


def used(where: Path) -> int:
    """Bytes that are taken."""
    found = os.statvfs(where)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def can_mount(where: Path) -> bool:
    """Returns whether this process may mount file systems."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "vaekit", str(where)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        return False
    subprocess.run(["umount", str(where)], check=True)
    return True


def fill_all(place: Path, tries: int, seed: int, names: list[str]) -> tuple[list[str], list[str]]:
    """Rows of a table, and failures."""
    warnings.simplefilter("ignore")
    kills.prepare(place / "before", names)
    rest(place / "before", names)
    (place / "disk").mkdir()
    rng, rows, failures = random.Random(seed), [], []
    for name in names:
        each = Filling(name, place / "before", place / "disk")
        counts: Counter[str] = Counter()
        for number in range(tries):
            room = 0 if number == 0 else int(rng.random() * each.writes)
            how, lines = each.within(room)
            counts[how] += 1
            failures += lines
            for line in lines:
                print(line, file=sys.stderr, flush=True)
        shown = ", ".join(f"{how}: {count}" for how, count in sorted(counts.items()))
        rows.append(
            f"| {name} | {each.writes:,} | {tries} | {shown} | {sum(name in line for line in failures)} |"
        )
        print(rows[-1], flush=True)
    return rows, failures


def rest(folder: Path, names: list[str]) -> None:
    """What only some of the commands need."""
    if "compress" in names:
        likelihood = "--likelihood logistic-mixture --latent-dim 2 --width 8"
        assert kills.quietly(f"train vae --data digits --out lossless {likelihood} {' '.join(SMALL)}") == 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=3, help="for each command; the first without any room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="names of commands, with commas between them")
    parser.add_argument("--folder", help="where the runs are made (default: a temporary folder)")
    options = parser.parse_args()
    kills.COMMANDS |= MORE
    names = options.only.split(",") if options.only else list(kills.COMMANDS)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        place, here = Path(folder).resolve(), os.getcwd()
        if not can_mount(place):
            raise SystemExit("mounting a file system in memory is not allowed here: it needs root, on Linux")
        _, failures = fill_all(place, options.tries, options.seed, names)
        os.chdir(here)
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
