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

import vaekit
from vaekit import demonstration
from vaekit.cli.main import main as vaekit_main
from vaekit.runs.records import CONFIG, read_metrics

LARGE = 2**30  # bytes of a file system with room for everything
PAGE = 4096
BEGIN = ("demo", "log")  # make a run, which is resumed once there is one
PYTHON = "python "  # begins what is typed in Python: an expression with `vaekit`, `run` and `hub`, a folder's path and an address
GOES_ON = ("evaluate", "log")  # which come to their end with a warning, though not everything can be kept
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
    "demo": Writing("demo --out new", ("new",), "resume new & figures new & sample new --out new/samples.png"),
    "decompress": Writing("decompress given.vk --model lossless --out back", ("back",)),
    "decompress arrays": Writing("decompress given.vk --model lossless --out back.npz", ("back.npz",)),
    "save": Writing(PYTHON + "vaekit.save('run', 'model.safetensors')", ("model.safetensors",)),
    "save a folder": Writing(PYTHON + "vaekit.load('run').save_pretrained('model')", ("model",)),
    "push": Writing(PYTHON + "vaekit.push('run', 'me/digits')", ("run",)),
}  # fmt: skip


def done(words: str) -> int:
    """Runs a command line, or an expression of Python, of which an error is said as `vaekit` says it."""
    if not words.startswith(PYTHON):
        return vaekit_main(words.split())
    try:
        eval(words.removeprefix(PYTHON), {"vaekit": vaekit})
    except vaekit.VaekitError as error:
        print(f"vaekit: error: {error}")
        return 2
    return 0


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
            self.old, self.expected = made_by(before, self.writing), made_by(alone, self.writing)
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
                        status = done(words)
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

    def run(self, folder: Path, words: str) -> int:
        return max(self.told(folder, each)[0] for each in words.split(" & "))

    def go_on(self, folder: Path) -> int:
        begins = self.name in BEGIN and not (folder / self.writing.made[0] / CONFIG).exists()
        return self.run(folder, self.writing.words) if begins else super().go_on(folder)

    def damage(self, folder: Path) -> list[str]:
        if self.name != "save a folder":
            return super().damage(folder)
        model = folder / self.writing.made[0]
        if (model / CONFIG).exists():
            vaekit.load(model)
        return []

    def of_log(self, folder: Path) -> list[str]:
        """What the log of a run lacks or has twice, by TensorBoard's own reader."""
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        run = folder / self.writing.made[0]
        written = sum(len(line.values) + 1 for line in read_metrics(run))  # and the epoch
        found = EventAccumulator(str(run / "tensorboard"), {"scalars": 0, "histograms": 0, "images": 0})
        tags = found.Reload().Tags()
        events = sum(len(found.Scalars(tag)) for tag in tags["scalars"])
        events += sum(len(found.Histograms(tag)) for tag in tags["histograms"])
        at_end = {"samples", "reconstructions"}
        return (
            []
            if events == written and set(tags["images"]) == at_end
            else [f"{events} of {written} values in the log"]
        )

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
            same = status == 0 and made_by(folder, self.writing) == self.expected
            same = same and not (self.name == "log" and self.of_log(folder))
            kept = status == 0 and (same or self.name not in GOES_ON)
            if not kept:
                ended, _ = in_fork(lambda: self.go_on(folder))
                lines += [] if ended else [f"{where}: fails again with more room"]
            if self.name == "log":
                lines += [f"{where}: {line}" for line in self.of_log(folder)]
            found = made_by(folder, self.writing)
            lines += [
                f"{where}: {name} is another"
                for name in self.expected
                if found.get(name) != self.expected[name]
            ]
            lines += [f"{where}: {name} is left over" for name in left_over(folder)]
            lines += [f"{where}: {line}" for line in self.cached(folder)] if status else []
        return ("ended well" if kept else "said and not kept" if status == 0 else f"exit {status}"), lines


def made_by(folder: Path, writing: Writing) -> dict[str, bytes]:
    """What a command made, without its log, which has the time in it."""
    return {name: held for name, held in content(folder, writing.made).items() if "/tensorboard/" not in name}


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
    if any("compress" in name for name in names):
        likelihood = "--likelihood logistic-mixture --latent-dim 2 --width 8"
        assert kills.quietly(f"train vae --data digits --out lossless {likelihood} {' '.join(SMALL)}") == 0
        assert kills.quietly("compress lossless --data digits --split test --out given.vk --beside 0") == 0
    if "push" in names:
        begin_hub(folder)
    demonstration.DEMO |= {"steps": 4, "width": 8, "depth": 1, "device": "cpu"}  # as much is written, sooner


def begin_hub(folder: Path) -> None:
    """Lets a hub on loopback take the place of the real one, of which nothing is on the small disk."""
    from huggingface_hub import constants

    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from loopback import TOKEN, Hub  # pyright: ignore[reportMissingImports]

    constants.ENDPOINT, constants.HF_HUB_CACHE = Hub().url, str(folder / "hub")
    os.environ["HF_TOKEN"] = TOKEN


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
