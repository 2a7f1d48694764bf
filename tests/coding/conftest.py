"""Small runs whose pictures can be coded, and a coder that needs none."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from discs import pictures
from vaekit.coding.portion import Coded
from vaekit.core import DataError

SMALL = {"width": 16, "depth": 1, "latent_dim": 3, "device": "cpu", "progress": "none"}


class Stand:
    """A coder of pictures that is none: deflate, and the class added to each level."""

    name, lossless, shape, classes = "stand-in", True, (1, 4, 4), 3

    def code(self, levels: np.ndarray, labels: np.ndarray | None) -> Coded:
        assert labels is not None
        moved = levels + labels.astype(np.uint8)[:, None, None, None]
        content = zlib.compress(moved.tobytes(), 9)
        return Coded(content, np.full(len(levels), 8 * len(content) / len(levels)), 7.0)

    def restore(self, content: bytes, count: int, labels: np.ndarray | None) -> np.ndarray:
        assert labels is not None
        found = np.frombuffer(zlib.decompress(content), np.uint8)
        if len(found) != 16 * count:
            raise DataError("of another size")
        return found.reshape(count, *self.shape) - labels.astype(np.uint8)[:, None, None, None]

    def known(self) -> bytes:
        return b"stand"


@pytest.fixture(scope="session")
def binary_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of digits as dynamic black and white."""
    out = tmp_path_factory.mktemp("runs") / "binary"
    vaekit.train("vae", "digits", out=out, binarize="dynamic", epochs=2, **SMALL)
    return out


@pytest.fixture(scope="session")
def odd_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of grey pictures of 37 x 53 pixels, with masses."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "photos").mkdir()
    for number, picture in enumerate(pictures(20)):
        Image.fromarray(picture).save(folder / "photos" / f"{number}.png")
    vaekit.train(
        "vae",
        folder / "photos",
        out=folder / "run",
        likelihood="categorical",
        epochs=1,
        **SMALL | {"width": 8},
    )
    return folder / "run"


@pytest.fixture
def by_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small models are worse than LZMA; here they code all the same."""
    monkeypatch.setattr("vaekit.coding.portion.may_lose", lambda levels, size: False)


@pytest.fixture
def stand() -> Stand:
    """A coder that needs no run."""
    return Stand()
