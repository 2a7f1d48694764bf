"""Is anything lost when a command that writes is killed, at whatever moment?

    python benchmarks/kills.py [--kills 200] [--seed 0] [--folder DIR]

Every command that writes is run once alone, and then killed (SIGKILL) at moments drawn evenly over the time that it took,
as a fork of a process that has everything loaded. After each kill what was there before must be whole, the same command
(or `vaekit resume`) must come to what the command left alone came to, byte for byte (but for the seconds in a summary),
and nothing temporary may be left. Prints one JSON object: kills, by command, and a line for each failure.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import vaekit
from vaekit.cli.main import main as vaekit_main
from vaekit.config.methods import METHODS
from vaekit.runs.records import CONFIG

SMALL = ["--device", "cpu", "--epochs", "1"]
CODES = "--width 8 --depth 1 --heads 2 --device cpu --epochs 1"
CODED = "--width 8 --depth 1 --codes 8 --code-dim 2 --downsample 2"
SIZES = {"vqvae": CODED} | {name: "--latent-dim 2 --width 8" for name in METHODS if name != "vqvae"}


@dataclass(frozen=True)
class Writing:
    """A command that writes.

    Attributes:
        words: of it, within a folder that holds `run`, a finished one with a prior, `vq` without one, `photos`, and
            `small.npz`, a few pictures of two classes.
        again: what is typed after a kill, if not the same.
        made: files and folders that it makes or changes.
    """

    words: str
    made: tuple[str, ...]
    again: str = ""


COMMANDS: dict[str, Writing] = {
    **{
        f"train {method}": Writing(
            f"train {method} --data digits --out new --checkpoint-seconds 0 {sizes} {' '.join(SMALL)}", ("new",), "resume new"
        )
        for method, sizes in SIZES.items()
    },
    "resume": Writing("resume run --epochs 2", ("run",), "resume run --epochs 2"),
    "prior": Writing(f"prior vq {CODES}", ("vq/prior",), f"prior vq --replace {CODES}"),
    "prior --replace": Writing("prior run --replace --components 3 " + " ".join(SMALL), ("run/prior",)),
    "compare": Writing(
        "compare --methods vae vqvae gan --data small.npz --seeds 1 --steps 4 --latent-dim 2 --batch-size 16 --device cpu "
        "--out table",
        ("table",),
    ),
    "reproduce": Writing("reproduce digits_vae --quick --device cpu --out again", ("again",)),
    "evaluate": Writing("evaluate run --samples 5 --images 50 --skip-quality --device cpu", ("run/summary.json", "run/report.html")),
    "evaluate --card": Writing("evaluate run --samples 5 --images 50 --skip-quality --device cpu --card card.json", ("card.json",)),
    "sample into a folder": Writing("sample run --count 200 --out pictures", ("pictures",)),
    "sample": Writing("sample run --out samples.png", ("samples.png",)),
    "reconstruct": Writing("reconstruct run --out rebuilt.npz", ("rebuilt.npz",)),
    "reconstruct a picture": Writing("reconstruct run --out rebuilt.png", ("rebuilt.png",)),
    "encode arrays": Writing("encode run --out codes.npz", ("codes.npz",)),
    "encode": Writing("encode run --out codes.csv", ("codes.csv",)),
    "score": Writing("score run --split test --scores reconstruction_error --by reconstruction_error --out s.csv", ("s.csv", "s.png")),
    "figures": Writing("figures run --only samples,training", ("run/figures", "run/report.html")),
    "export": Writing("export run --format web --out page", ("page",)),
    "export --format onnx": Writing("export run --out networks", ("networks",)),
    "features": Writing("features --data digits --kind pca --out f.safetensors", ("f.safetensors",)),
    "cache": Writing("data photos", ("cache",)),
    "cache --empty": Writing("cache --empty", ("cache",)),
}  # fmt: skip


def quietly(words: str) -> int:
    """Runs a command line without a word."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return vaekit_main(words.split())


def prepare(folder: Path, names: Collection[str]) -> None:
    """The runs and pictures that some of the commands are about."""
    rng = np.random.default_rng(0)
    from PIL import Image

    (folder / "photos").mkdir(parents=True)
    for number in range(300):
        pixels = rng.integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.png")
    np.savez(
        folder / "small.npz",
        images=rng.integers(0, 256, (60, 8, 8), dtype=np.uint8),
        labels=np.arange(60) % 2,
    )
    os.chdir(folder)
    os.environ["VAEKIT_CACHE"] = str(folder / "cache")
    if "cache --empty" in names:
        assert quietly("data photos") == 0
        shutil.copytree(folder / "cache", folder / "full")
        shutil.rmtree(folder / "cache")
    assert quietly(f"train vae --data digits --out run {SIZES['vae']} {' '.join(SMALL)}") == 0
    assert quietly(f"prior run --components 2 {' '.join(SMALL)}") == 0
    if "prior" in names:
        assert quietly(f"train vqvae --data digits --out vq {CODED} {' '.join(SMALL)}") == 0


def content(folder: Path, made: tuple[str, ...]) -> dict[str, bytes]:
    """What was made, file by file; figures without seconds, and no states, of which the last two stay."""
    found = {}
    for path in sorted(path for name in made for path in files_of(folder / name)):
        name = path.relative_to(folder).as_posix()
        if "checkpoints/" in name or name.endswith((".html", CONFIG)) or name.startswith("cache/"):
            continue
        found[name] = path.read_bytes()
        if path.suffix == ".json":
            found[name] = json.dumps(without_seconds(json.loads(found[name]))).encode()
    return found


def files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]


def without_seconds(values: Mapping[str, object]) -> dict[str, object]:
    return {
        name: without_seconds(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if "seconds" not in name and name not in ("data", "time")  # the folder of a prior's run; by the clock
    }


def in_fork(action: Callable[[], object], killed_after: float | None = None) -> tuple[bool, float]:
    """Runs an action in a fork, killed after some seconds; whether it came to its end, and after how many."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = int(action() != 0)
        finally:
            os._exit(status)
    if killed_after is not None:
        time.sleep(killed_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return status == 0, time.monotonic() - began


def left_over(folder: Path) -> list[str]:
    """What is there that has no name of its own."""
    return [path.name for path in folder.rglob("*") if path.name.endswith((".tmp", ".old", ".new"))]


class Killing:
    """One command, killed again and again.

    Args:
        name: key of COMMANDS.
        before: a folder that `prepare` has filled.
        where: for the folders in which it is killed.
    """

    def __init__(self, name: str, before: Path, where: Path) -> None:
        self.name, self.writing, self.before, self.where = name, COMMANDS[name], before, where
        alone = self.fresh("alone")
        ended, self.seconds = in_fork(lambda: self.run(alone, self.writing.words))
        assert ended, f"{name} fails when it is left alone"
        self.old, self.expected = content(before, self.writing.made), content(alone, self.writing.made)

    def fresh(self, name: str) -> Path:
        found = Path(shutil.copytree(self.before, self.where / f"{self.name.replace(' ', '-')}-{name}"))
        if self.name == "cache --empty":
            (found / "full").rename(found / "cache")
        return found

    def run(self, folder: Path, words: str) -> int:
        os.chdir(folder)
        os.environ["VAEKIT_CACHE"] = str(folder / "cache")
        return quietly(words)

    def once(self, number: int, after: float) -> list[str]:
        """Kills it after some seconds; lines on what was lost."""
        folder = self.fresh(str(number))
        where = f"{self.name}, killed after {after:.3f} s of {self.seconds:.3f}"
        in_fork(lambda: self.run(folder, self.writing.words), after)
        lines = [f"{where}: {line}" for line in self.damage(folder)]
        ended, _ = in_fork(lambda: self.go_on(folder))
        if not ended:
            return [*lines, f"{where}: the next start fails"]
        found = content(folder, self.writing.made)
        lines += [
            f"{where}: {name} is another" for name in self.expected if found.get(name) != self.expected[name]
        ]
        lines += [f"{where}: {name} is left over" for name in left_over(folder)]
        lines += [f"{where}: {line}" for line in self.cached(folder)]
        shutil.rmtree(folder)
        return lines

    def cached(self, folder: Path) -> list[str]:
        """What the cache must not hold at the end, or must."""
        if not self.name.startswith("cache"):
            return []
        os.environ["VAEKIT_CACHE"] = str(folder / "cache")
        entries = [one for one in vaekit.cache(check=True).entries if "its folder is gone" not in one.problem]
        lines = [f"{one.what}: {one.problem}" for one in entries if one.problem]
        full = self.name == "cache"
        return lines + ([] if bool(entries) == full else [f"the cache holds {len(entries)} sets"])

    def damage(self, folder: Path) -> list[str]:
        """What is neither as it was before nor as it is at the end, of a command that trains nothing; else damaged files."""
        runs = [path.parent for path in folder.rglob(CONFIG) if not {"prior", "cache"} & set(path.parts)]
        runs = [run for run in runs if ".tmp" not in str(run.relative_to(folder))]
        lines = [
            f"{run.relative_to(folder)}/{name} is damaged"
            for run in runs
            for name in vaekit.check(run).damaged
            if name != "prior"
            and not (self.name == "resume" and name.startswith("prior/"))  # it is of other weights then
        ]
        if self.name.startswith(("train", "resume", "prior", "compare", "reproduce", "sweep", "log", "demo")):
            return lines
        found = {
            name: held for name, held in content(folder, self.writing.made).items() if ".tmp" not in name
        }
        return lines + [
            f"{name} is half written"
            for name in found
            if found[name] not in (self.old.get(name), self.expected.get(name))
        ]

    def go_on(self, folder: Path) -> int:
        """Types what is typed after a kill."""
        begun = (folder / self.writing.made[0] / CONFIG).exists()
        trains = self.name.startswith("train")
        done = (
            not trains
            and self.writing.words.split()[-1] in ("pictures", "page", "networks")
            and (folder / self.writing.made[0]).exists()
        )
        if done:  # a whole folder is not written again
            return 0
        return self.run(
            folder, self.writing.again if self.writing.again and (begun or not trains) else self.writing.words
        )


def kill_all(folder: Path, kills: int, seed: int, names: list[str] | None = None) -> dict[str, object]:
    """Kills commands in turn; what was lost."""
    warnings.simplefilter("ignore")
    prepare(folder / "before", names or COMMANDS)
    rng, counts, failures = random.Random(seed), dict.fromkeys(names or COMMANDS, 0), []
    each = {name: Killing(name, folder / "before", folder) for name in counts}
    for number in range(kills):
        name = list(counts)[number % len(counts)]
        counts[name] += 1
        found = each[name].once(number, rng.random() * each[name].seconds)
        failures += found
        lines = found + ([f"{number + 1} of {kills}"] if number % 10 == 9 else [])
        sys.stderr.writelines(f"{line}\n" for line in lines)
    return {"kills": kills, "by_command": counts, "failures": failures}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where the runs are made (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        here = os.getcwd()
        found = kill_all(Path(folder).resolve(), options.kills, options.seed)
        os.chdir(here)
    print(json.dumps(found, indent=1))
    raise SystemExit(bool(found["failures"]))


if __name__ == "__main__":
    main()
