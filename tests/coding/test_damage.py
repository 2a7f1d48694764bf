"""Damaged files: each is named in a line or restored outside the damage, and no pixel is ever wrong without a word.

benchmarks/damaged_files.py does the same with thousands of files.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import vaekit
from damaged_vk import KINDS, damaged
from vaekit.core import VaekitError
from vaekit.runs.load import Run

COUNT = 150  # damaged files
LONGEST = 20  # seconds of processor time that one file may take


class Files(NamedTuple):
    """Whole files to be damaged."""

    inside: bytes
    other_inside: bytes
    without: bytes
    other_without: bytes
    images: np.ndarray
    run: Run


def check(content: bytes, whole: np.ndarray, place: Path, run: Run | None = None) -> str:
    """What becomes of a file: "whole", "part", or "refused".

    Args:
        content: of the file.
        whole: images of the file that was damaged, (N, H, W).
        place: of the file.
        run: the run that it was made with, where the model is not inside.

    Raises:
        AssertionError: images that are not those of the file, or fewer than it says.
    """
    place.write_bytes(content)
    out = place.with_suffix(".npz")
    out.unlink(missing_ok=True)
    began, said, found = time.process_time(), "", None
    try:
        found = vaekit.decompress(place, out=out, model=run, progress="none")
    except VaekitError as error:
        said = str(error)
    assert time.process_time() - began < LONGEST
    if found is None:
        assert said and "\n" not in said and not out.exists()
        return "refused"
    with np.load(out) as arrays:
        images = arrays["images"]
        numbers = arrays["numbers"] if "numbers" in arrays else np.arange(len(images))
    assert len(images) == found.images
    np.testing.assert_array_equal(images, whole[numbers])
    assert found.lost or len(images) == len(whole), "examples are missing and nobody says so"
    return "part" if found.lost else "whole"


@pytest.fixture
def two_files(binary_run: Path, tmp_path: Path, by_the_model: None, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Two files of a run with the model inside, two without, the images of the first of each, and the run.

    Those with the model have the facts of their parts in its streams, the others beside them.
    """
    draw = np.random.default_rng(0)
    found: dict[bool, tuple[bytes, bytes]] = {}
    run = vaekit.load_run(binary_run)
    for name in "ab":
        images = draw.integers(0, 256, (60, 8, 8)).astype(np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=images, labels=np.arange(60) % 7)
    for inside in (True, False):
        monkeypatch.setattr("vaekit.coding.coders.BitsBack.carries", inside)
        for name in "ab":
            out = tmp_path / f"{name}{inside}.vk"
            vaekit.compress(
                run, tmp_path / f"{name}.npz", out=out, with_model=inside, part=13, beside=0, progress="none"
            )
        found[inside] = tuple((tmp_path / f"{name}{inside}.vk").read_bytes() for name in "ab")  # type: ignore[assignment]
    monkeypatch.undo()
    monkeypatch.setattr("vaekit.coding.portion.may_lose", lambda levels, size: False)
    vaekit.decompress(tmp_path / "aTrue.vk", out=tmp_path / "back.npz", progress="none")
    return Files(*found[True], *found[False], np.load(tmp_path / "back.npz")["images"], run)


def test_no_damaged_file_gives_wrong_pixels_or_more_than_a_line(two_files: Files, tmp_path: Path) -> None:
    files = two_files
    assert check(files.inside, files.images, tmp_path / "x.vk") == "whole"
    assert check(files.without, files.images, tmp_path / "x.vk", files.run) == "whole"
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for seed in range(COUNT):
        if seed // len(KINDS) % 3:
            kind, hurt = damaged(seed, files.without, files.other_without)
            outcome = check(hurt, files.images, tmp_path / "x.vk", files.run)
        else:
            kind, hurt = damaged(seed, files.inside, files.other_inside)
            outcome = check(hurt, files.images, tmp_path / "x.vk")
        found[kind].add(outcome)
    assert all("part" in found[kind] for kind in ("bits", "bytes", "cut", "foreign part", "hostile part"))
    assert "whole" in found["swapped"] and found["noise"] == {"refused"}


def test_every_byte_of_the_frame_matters_or_is_mended(two_files: Files, tmp_path: Path) -> None:
    """Of each region of the file one byte is turned: the head, the model, a part, the index, the end."""
    content, outcomes = two_files.inside, {}
    places = {"magic": 3, "head": 60, "end": len(content) - 3, "model": content.find(b"MODL") + 5000}
    places["index"] = int.from_bytes(content[-16:-8], "little") + 40
    places |= {"part": content.find(b"PART") + 90, "frame": content.find(b"PART") + 9}
    for name, place in places.items():
        hurt = bytearray(content)
        hurt[place] ^= 16
        outcomes[name] = check(bytes(hurt), two_files.images, tmp_path / "x.vk")
    assert outcomes == {
        "magic": "whole", "head": "whole", "end": "whole", "index": "whole", "model": "refused", "part": "part", "frame": "whole",
    }  # fmt: skip


def test_where_the_model_inside_is_damaged_the_run_stands_in(two_files: Files, tmp_path: Path) -> None:
    hurt = bytearray(two_files.inside)
    hurt[hurt.find(b"MODL") + 5000] ^= 1
    (tmp_path / "x.vk").write_bytes(hurt)
    with pytest.raises(VaekitError, match=r"the model inside is damaged .*; give the run as model='RUN'"):
        vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "x.npz", progress="none")
    found = vaekit.decompress(
        tmp_path / "x.vk", out=tmp_path / "x.npz", model=two_files.run.path, progress="none"
    )
    assert found.images == 60
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["images"], two_files.images)


def test_a_cut_file_gives_what_is_before_the_cut(two_files: Files, tmp_path: Path) -> None:
    content = two_files.inside
    parts = [i for i in range(len(content)) if content.startswith(b"PART", i)]
    (tmp_path / "x.vk").write_bytes(content[: parts[3] + 20])
    found = vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "x.npz", progress="none")
    assert found.images == 39 and [str(lost) for lost in found.lost] == [
        "a part (images 39 to 59): nothing is left of it"
    ]
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["images"], two_files.images[:39])
