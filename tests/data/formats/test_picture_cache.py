"""The cache of decoded images knows what decided them, tries failures again, and cleans up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL
import pytest
import torch

from made_files import png
from vaekit.data import Data, load_data
from vaekit.data.cache import clean_parts, written
from vaekit.data.formats import picture_cache
from vaekit.data.formats import picture_files as files


def picture(seed: int, bands: int = 1) -> bytes:
    shape = (12, 10) if bands == 1 else (12, 10, bands)
    return png(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), filters=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for i in range(24):
        (folder / f"{i}.png").write_bytes(picture(i))
    return folder


def total(data: Data) -> int:
    return sum(map(len, data.splits.values()))


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time a set is decoded."""
    calls, survey = [], picture_cache._survey
    monkeypatch.setattr(picture_cache, "_survey", lambda *a: calls.append(1) or survey(*a))
    return calls


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error"),
                                   OSError(24, "Too many open files"), MemoryError()])  # fmt: skip
def test_a_failure_that_passes_is_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    read = Path.read_bytes

    def failing(path: Path) -> bytes:
        if path.name == "3.png":
            raise error
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing)
        first = load_data(root)
        assert total(first) == 23 and any("1 unreadable image skipped, first 3.png" in n for n in first.notes)
        assert load_data(root).notes == first.notes  # said again, as long as it is so
    mended = load_data(root)
    assert total(mended) == 24 and mended.notes == []


def test_a_file_that_stays_damaged_costs_no_second_decoding(root: Path, surveys: list[int]) -> None:
    (root / "bad.png").write_bytes(picture(0)[:60])
    first, second = load_data(root), load_data(root)
    assert surveys == [1] and first.notes == second.notes and total(second) == 24
    assert first.notes[0].startswith("1 unreadable image skipped, first bad.png (")


def test_a_replaced_file_of_the_same_size_and_time(root: Path) -> None:
    before = load_data(root)
    path = root / "3.png"
    status, content = path.stat(), picture(100)
    content = content.replace(b"IEND", b"IEND")
    flat = png(np.full((12, 10), 7, np.uint8), filters=False)
    path.write_bytes(flat)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    load_data(root)
    other = png(np.full((12, 10), 9, np.uint8), filters=False)
    assert len(other) == len(flat)
    beside = root.parent / "new"
    beside.write_bytes(other)
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(path)  # as rsync and cp -p do
    after = load_data(root)
    names = [name for split in after.splits.values() for name in split.names or []]
    images = torch.cat([split.images for split in after.splits.values()])
    assert (images[names.index("3.png")] == 9).all()
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize("other", ["Pillow", "ours", "pixels"])
def test_what_decodes_is_in_the_key(
    root: Path, surveys: list[int], monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    load_data(root)
    load_data(root, pixels="8-bit")
    assert surveys == [1]
    if other == "Pillow":
        monkeypatch.setattr(PIL, "__version__", "99.0")
    elif other == "ours":
        monkeypatch.setattr(picture_cache, "FORMAT", 99)
    load_data(root, **({"pixels": "unit"} if other == "pixels" else {}))
    assert surveys == [1, 1]


def test_without_a_home_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    expected = load_data(root)
    for name in ("VAEKIT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    data = load_data(root)
    assert data.fingerprint == expected.fingerprint
    assert data.notes == [
        "no cache (no home folder for it: name a folder in $VAEKIT_CACHE): decoded again each time"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_what_a_killed_process_left_is_removed(root: Path, own_cache: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from vaekit.data import load_data\n"
        "from vaekit.data.formats import picture_cache\n"
        "add = picture_cache.Seen.add\n"
        "def dying(self, decoded, header):\n"
        "    if header.path.name == '9.png': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    add(self, decoded, header)\n"
        "picture_cache.Seen.add = dying\n"
        "load_data(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert len(list(own_cache.rglob("*.tmp"))) == 1
    assert total(load_data(root)) == 24
    assert sorted(path.suffix for path in own_cache.rglob("*") if path.is_file()) == [".json", ".npy"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks there")
def test_what_a_living_process_writes_stays(tmp_path: Path) -> None:
    (tmp_path / "folders" / "x").mkdir(parents=True)
    ours = "0123456789abcdef" * 2
    (tmp_path / "folders" / "x" / f"{ours}.npy.12345678.tmp").write_bytes(b"half")
    (tmp_path / "folders" / "x" / "thesis.npy.12345678.tmp").write_bytes(b"of somebody else")
    with written(tmp_path / "folders" / "x" / f"{ours}.json") as file:
        file.write(b"new")
        clean_parts(tmp_path)
    left = sorted(path.name for path in (tmp_path / "folders" / "x").iterdir())
    assert left == [f"{ours}.json", "thesis.npy.12345678.tmp"]


def test_a_set_that_is_refused_leaves_nothing(root: Path, own_cache: Path) -> None:
    for i in range(24):
        (root / f"{i}.png").write_bytes(png(np.full((12, 10), i, np.uint16)))
    with pytest.raises(ValueError, match="white=255"):
        load_data(root)
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


def test_a_damaged_colour_file_costs_a_second_decoding_only(root: Path, surveys: list[int]) -> None:
    (root / "bad.png").write_bytes(picture(0, 3)[:200])
    data = load_data(root)
    assert data.shape[0] == 1 and surveys == [1]
    assert files.probe(root / "bad.png") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="a time of change is kept by POSIX")
def test_a_file_that_was_written_over_in_place(root: Path) -> None:
    """Of the same size, inode and time of modification: the time of change differs."""
    path = root / "3.png"
    path.write_bytes(png(np.full((12, 10), 7, np.uint8), filters=False))
    status = path.stat()
    load_data(root)
    path.write_bytes(png(np.full((12, 10), 9, np.uint8), filters=False))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    after = load_data(root)
    names = [name for split in after.splits.values() for name in split.names or []]
    images = torch.cat([split.images for split in after.splits.values()])
    assert (images[names.index("3.png")] == 9).all()
