"""A file with its model inside, or that needs none, is restored where torch cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from discs import pictures

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from vaekit.cli.main import main
status = main(sys.argv[1:])
assert not {"torch", "safetensors"} & sys.modules.keys()
sys.exit(status)
"""


def terminal_without_torch(*words: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process that has no torch."""
    return subprocess.run([sys.executable, "-c", BLOCKED, *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def coded(binary_run: Path, tmp_path: Path, by_the_model: None) -> tuple[Path, np.ndarray]:
    """A file by the model, which is inside, and what it must come back as."""
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "some.npz", images=images)
    vaekit.compress(
        binary_run, tmp_path / "some.npz", out=tmp_path / "x.vk", with_model=True, beside=0, progress="none"
    )
    vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "with.npz", progress="none")
    return tmp_path / "x.vk", np.load(tmp_path / "with.npz")["images"]


def test_the_model_inside_decodes(coded: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, images = coded
    done = terminal_without_torch("decompress", path, "--out", tmp_path / "back.npz", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 40
    np.testing.assert_array_equal(np.load(tmp_path / "back.npz")["images"], images)


def test_a_run_is_refused_in_a_line(binary_run: Path, coded: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    done = terminal_without_torch("decompress", coded[0], "--out", tmp_path / "b.npz", "--model", binary_run)
    assert done.returncode == 2 and "needs torch, which cannot be imported here" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "b.npz").exists()


def test_a_sheet_and_files_become_a_folder(odd_run: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(pictures(6)):
        Image.fromarray(picture).save(tmp_path / "in" / f"{number}.png")
    Image.fromarray(np.tile(pictures(1)[0], (2, 2))).save(tmp_path / "in" / "large.png")
    found = vaekit.compress(odd_run, tmp_path / "in", out=tmp_path / "x.vk", beside=0, progress="none")
    assert found.sums is not None and found.sums.coders == {"sheet": 6} and found.sums.files
    done = terminal_without_torch("decompress", tmp_path / "x.vk", "--out", tmp_path / "back")
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "in").iterdir():
        np.testing.assert_array_equal(
            np.asarray(Image.open(tmp_path / "back" / path.name)), np.asarray(Image.open(path))
        )
