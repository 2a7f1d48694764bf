"""What damaged inputs are given to, and what must come of it.

Each input gives a result, or one line that says what is wrong with it. A traceback, a warning of another library,
a line that would move the cursor, a result that cannot be one: each is a crash. So is a damaged weight, preview or
state whose result differs from that of the whole file without a word, where the file has a checksum (`SEALED`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import shutil
import socket
import tempfile
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
import torch

import vaekit
from fuzz.mutations import mutate
from vaekit.core import VaekitError, VaekitWarning
from vaekit.data import Data
from vaekit.explorer.material import Material
from vaekit.runs.load import load_run

CORPUS = Path(__file__).parent / "corpus"
SEALED = True  # run files have checksums
LONGEST = 700  # characters of a line


class Crash(AssertionError):
    """An input that was not dealt with as it must be."""


@contextlib.contextmanager
def dealt_with() -> Iterator[list[str]]:
    """Lets errors for people pass where they are one line, and nothing else; the lines, with those of warnings."""
    lines: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield lines
        except VaekitError as error:
            lines.append(str(error))
    for one in caught:
        if not issubclass(one.category, VaekitWarning):
            raise Crash(f"{one.category.__name__} of {one.filename}:{one.lineno}: {one.message}")
        lines.append(str(one.message))
    for line in lines:
        check_line(line)


def check_line(line: str) -> None:
    """Raises Crash for a line that is empty, several, very long, or would be obeyed by a terminal."""
    obeyed = any(category(one) in ("Cc", "Zl", "Zp") or "\u202a" <= one <= "\u202e" for one in line)
    if not line.strip() or obeyed or len(line) > LONGEST:
        raise Crash(f"not one line: {line[:2000]!r}")


class Target(ABC):
    """Something that reads what others have written.

    Args:
        folder: an empty one, for the target alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = self.collected()

    @abstractmethod
    def collected(self) -> dict[str, bytes]:
        """Name -> content of the whole inputs."""

    @abstractmethod
    def drive(self, name: str, content: bytes) -> None:
        """Reads an input.

        Raises:
            Crash: or anything else, where it is not dealt with.
        """

    def case(self, seed: int, number: int) -> tuple[str, bytes]:
        """The input of a number: always the same under one seed."""
        rng = random.Random(f"{seed}/{type(self).__name__}/{number}")
        name = rng.choice(sorted(self.inputs))
        others = [
            self.inputs[other] for other in sorted(self.inputs) if Path(other).suffix == Path(name).suffix
        ]
        return name, mutate(rng, self.inputs[name], others)

    def close(self) -> None:  # noqa: B027
        """Ends what it holds."""


def corpus(kind: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((CORPUS / kind).iterdir())}


def check_data(data: Data) -> None:
    """Raises Crash for data that cannot be some."""
    for split in data.splits.values():
        if not len(split):
            continue
        images = split.images
        if images.dtype != torch.uint8 and not bool(torch.isfinite(images).all()):
            raise Crash(f"{data.source}: values that are not finite")
        if split.labels is not None and not 0 <= int(split.labels.min()) <= int(split.labels.max()) < 10**6:
            raise Crash(f"{data.source}: labels from {split.labels.min()} to {split.labels.max()}")
    for note in data.notes:  # a terminal gets them without what it would obey
        if len(note) > LONGEST:
            raise Crash(f"not one line: {note[:2000]!r}")


class Images(Target):
    """A folder of twelve whole images and a damaged one."""

    def collected(self) -> dict[str, bytes]:
        good = CORPUS / "images" / "grey.png"
        self.source = self.folder / "images"
        self.source.mkdir()
        for number in range(12):
            content = bytearray(good.read_bytes())
            (self.source / f"whole-{number:02}.png").write_bytes(content + bytes([number]))  # after the end
        return corpus("images")

    def drive(self, name: str, content: bytes) -> None:
        path = self.source / f"damaged{Path(name).suffix}"
        path.write_bytes(content)
        try:
            with dealt_with():
                data = vaekit.load_data(self.source, image_size=8, validation=0.2)
                check_data(data)
                if sum(len(split) for split in data.splits.values()) not in (12, 13):
                    raise Crash("of thirteen images neither twelve nor all are there")
        finally:
            path.unlink()


class Files(Target):
    """A data file: an array, arrays, an archive."""

    def collected(self) -> dict[str, bytes]:
        return corpus("arrays") | corpus("archives")

    def drive(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.write_bytes(content)
        with dealt_with():
            check_data(vaekit.load_data(path))


class RunFiles(Target):
    """A file of a trained run, for all that looks at one."""

    def collected(self) -> dict[str, bytes]:
        self.run = trained(self.folder)
        names = ("config.json", "metrics.jsonl", "summary.json", "model.safetensors", "previews.npz")
        self.whole = self.seen(self.run)
        return {name: (self.run / name).read_bytes() for name in names}

    def seen(self, folder: Path) -> dict[str, np.ndarray | bytes]:
        """What people get to see of a run."""
        run = load_run(folder)
        material = Material(run, None)
        files = material.files()
        about = json.loads(files["about.json"]())
        return {
            "samples": vaekit.sample(run, 4, seed=1).images.numpy(),
            "pictures": files["pictures-0.png"]() if "pictures-0.png" in files else b"",
            "previews": run.previews.images.numpy(),
            "settings": json.dumps(about["settings"]).encode(),
        }

    def drive(self, name: str, content: bytes) -> None:
        path, found = self.run / name, None
        path.write_bytes(content)
        try:
            with dealt_with() as lines:
                found = self.seen(self.run)
        finally:
            path.write_bytes(self.inputs[name])
        sealed = name in ("config.json", "model.safetensors", "previews.npz")
        if SEALED and sealed and found is not None and not lines:  # those of warnings are there only now
            self.compare(found)

    def compare(self, found: dict[str, Any]) -> None:
        for key, value in found.items():
            if not np.array_equal(value, self.whole[key]):
                raise Crash(f"other {key} without a word")


class States(Target):
    """A resumable state: the only one, or the newer of two."""

    def collected(self) -> dict[str, bytes]:
        self.run = trained(self.folder, stop_after=7)
        self.states = sorted((self.run / "checkpoints").iterdir())
        self.again = self.folder / "again"
        self.weights = self.resumed()
        return {"alone": self.states[-1].read_bytes(), "newer": self.states[-1].read_bytes()}

    def resumed(self, name: str = "", content: bytes | None = None) -> bytes:
        """Weights of the run after it was resumed."""
        shutil.rmtree(self.again, ignore_errors=True)
        shutil.copytree(self.run, self.again)
        if content is not None:
            states = sorted((self.again / "checkpoints").iterdir())
            states[-1].write_bytes(content)
            if name == "alone":
                for state in states[:-1]:
                    state.unlink()
        vaekit.resume(self.again, progress="none")
        return b"".join(one.numpy().tobytes() for one in load_run(self.again).model.state_dict().values())

    def drive(self, name: str, content: bytes) -> None:
        with dealt_with() as lines:
            weights = self.resumed(name, content)
            if SEALED and weights != self.weights:
                raise Crash(f"other weights, and only this is said: {lines}")


def trained(folder: Path, stop_after: int | None = None) -> Path:
    """A small run of an array; interrupted after so many steps."""
    rng = np.random.default_rng(0)
    np.save(folder / "data.npy", rng.integers(0, 256, (40, 8, 8), np.uint8))
    asked = iter(range(10**6))

    def should_stop() -> str | None:
        return "enough" if stop_after is not None and next(asked) >= stop_after else None

    sizes = {"latent_dim": 2, "width": 8, "depth": 1, "batch_size": 8, "epochs": 4, "checkpoint_seconds": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vaekit.train(
            "vae", folder / "data.npy", out=folder / "run", progress="none", device="cpu",
            should_stop=should_stop, **sizes,
        )  # fmt: skip
    return folder / "run"


class Requests(Target):
    """Bytes to the explorer's server, over a socket."""

    def collected(self) -> dict[str, bytes]:
        from vaekit.explorer.serve import server_of
        from vaekit.explorer.server import create_app

        self.errors = Errors()
        for name in ("", "asyncio", "uvicorn.error"):
            logging.getLogger(name).addHandler(self.errors)
        run = trained(self.folder)
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listening.getsockname()[1]
        self.server = server_of(create_app(Material(load_run(run), None)))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self.thread.start()
        self.driven = 0
        return {
            name: content.replace(b"PORT", b"%d" % self.port) for name, content in corpus("requests").items()
        }

    def drive(self, name: str, content: bytes) -> None:
        self.check(self.answer(content, 0.05), content)
        self.driven += 1
        if self.driven % 25 == 0:
            found = self.answer(
                b"GET /data/about.json HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n", 5
            )
            if not found.startswith(b"HTTP/1.1 200"):
                raise Crash(f"a good request gets {found[:200]!r}")
        if self.errors.lines:
            raise Crash(self.errors.lines.pop())

    def check(self, found: bytes, content: bytes) -> None:
        head, _, body = found.partition(b"\r\n\r\n")
        if not found:
            return  # it waits for the rest
        status = head[9:12]
        if status[:1] not in b"1245" or (status[:1] == b"5" and status != b"503"):
            raise Crash(f"{found[:300]!r}")
        if status[:1] == b"4" and b"application/json" in head and b"content-length: 0" not in head:
            with contextlib.suppress(ValueError):  # cut short, or another answer follows
                check_line(json.loads(body)["error"])

    def answer(self, content: bytes, patience: float) -> bytes:
        """What comes until the server closes or says nothing for a while."""
        parts = []
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, timeout=5) as talk, contextlib.suppress(OSError):
            talk.sendall(content)
            talk.settimeout(patience)
            while part := talk.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)
        for name in ("", "asyncio", "uvicorn.error"):
            logging.getLogger(name).removeHandler(self.errors)


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


TARGETS: dict[str, type[Target]] = {
    "images": Images, "files": Files, "runs": RunFiles, "states": States, "requests": Requests,
}  # fmt: skip


@contextlib.contextmanager
def opened(name: str) -> Iterator[Target]:
    """A target in a folder of its own, with a cache of its own."""
    before = os.environ.get("VAEKIT_CACHE")
    with tempfile.TemporaryDirectory(prefix="vaekit-fuzz-") as folder:
        os.environ["VAEKIT_CACHE"] = str(Path(folder) / "cache")
        (Path(folder) / "target").mkdir()
        try:
            target = TARGETS[name](Path(folder) / "target")
            yield target
            target.close()
        finally:
            os.environ.pop("VAEKIT_CACHE")
            if before is not None:
                os.environ["VAEKIT_CACHE"] = before
