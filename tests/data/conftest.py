"""What the tests of the data layer share: a cache of their own, MNIST where it is, small files."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps the user's cache and data out of the tests."""
    cache = tmp_path / "own-cache"
    monkeypatch.setenv("VAEKIT_CACHE", str(cache))
    monkeypatch.delenv("VAEKIT_DATA", raising=False)
    return cache


MNIST_ROOT = os.environ.get("VAEKIT_DATA")


@pytest.fixture
def mnist_root() -> str:
    """Folder with mnist/*.gz."""
    if not MNIST_ROOT or not any(Path(MNIST_ROOT, "mnist").glob("train-images-idx3-ubyte*")):
        pytest.skip("VAEKIT_DATA names no folder with mnist/")
    return MNIST_ROOT


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file, written from its definition."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_idx(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small set of the four MNIST files and gives its folder."""

    def write(name: str = "mnist", train: int = 48, test: int = 12, compressed: bool = True) -> Path:
        folder = tmp_path / "idx" / name
        folder.mkdir(parents=True)
        for prefix, count, seed in (("train", train, 0), ("t10k", test, 1)):
            random = np.random.default_rng(seed)
            images = random.integers(0, 256, (count, 28, 28))
            for kind, array in (("images-idx3", images), ("labels-idx1", np.arange(count) % 10)):
                content = idx_bytes(array)
                path = folder / f"{prefix}-{kind}-ubyte"
                if compressed:
                    path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
                else:
                    path.write_bytes(content)
        return folder

    return write


@pytest.fixture
def grey() -> np.ndarray:
    """60 different images of 9x8 pixels, (N, H, W) uint8."""
    return np.random.default_rng(3).integers(0, 256, (60, 9, 8), dtype=np.uint8)
