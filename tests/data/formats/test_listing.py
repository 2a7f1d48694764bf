"""Files below a folder: each image once, and a line for whatever is left out."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from made_files import png
from vaekit.core import DataError
from vaekit.data import load_data
from vaekit.data.formats.listing import scan

IMAGE = png(np.zeros((8, 8), np.uint8))
posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and modes of POSIX")


def save(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(IMAGE)


@posix
@pytest.mark.parametrize(("links", "skipped"), [
    ({"a/tob": "../b", "b/toa": "../a"}, 2),
    ({"a/self": "."}, 1),
    ({"a/up": ".."}, 1),
    ({"a/out": "../.."}, 1),  # would bring in what lies beside the set
    ({"0": "a"}, 1),  # comes before the folder itself, which is nevertheless the one that counts
    ({"a/c": "../b", "b/d": "../e", "e/f": "../a"}, 3),
    ({"a/loop": "loop"}, 0),
])  # fmt: skip
def test_links_lead_to_no_image_twice(tmp_path: Path, links: dict[str, str], skipped: int) -> None:
    root = tmp_path / "root"
    save(root, *(f"{folder}/{i}.png" for folder in "abe" for i in range(4)))
    save(tmp_path, "beside/1.png")
    for link, target in links.items():
        (root / link).symlink_to(target)
    listed, notes = scan(root)
    assert list(listed) == [f"{folder}/{i}.png" for folder in "abe" for i in range(4)]
    assert len(notes) == 1
    if skipped:
        assert notes[0].startswith(f"{skipped} link") and "is in the set already" in notes[0]
    else:
        assert notes[0].startswith("1 broken link skipped")


@posix
def test_links_to_other_places_are_followed_once(tmp_path: Path) -> None:
    save(tmp_path, "store/x/1.png", "root/a/2.png")
    for name in ("first", "second"):
        (tmp_path / "root" / name).symlink_to(tmp_path / "store")
    (tmp_path / "root" / "b.png").symlink_to(tmp_path / "store" / "x" / "1.png")
    listed, notes = scan(tmp_path / "root")
    assert list(listed) == ["a/2.png", "b.png", "first/x/1.png"]
    assert notes == ["1 link skipped: what it leads to is in the set already (second)"]


@pytest.fixture
def short() -> Iterator[str]:
    """A folder whose path is short enough for that of a socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@posix
def test_each_kind_of_thing_has_its_line(short: str) -> None:
    root = Path(short)
    save(root, "a/1.png", "thumbs/1.png", ".thumbnails/1.png", "__MACOSX/a/._1.png", "x.png/2.png")
    (root / "a" / "away.png").symlink_to("annex/objects/1.png")
    (root / "away.dat").symlink_to("nowhere")
    os.mkfifo(root / "a" / "pipe.png")
    (root / "a" / "Thumbs.db").write_bytes(b"")
    (root / "a" / "read.me.txt").write_bytes(b"")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "talk.png"))
        listed, notes = scan(root)
    assert list(listed) == ["a/1.png", "x.png/2.png"]
    assert notes == [
        "1 system file skipped (hidden files, Thumbs.db and the like)",
        "1 file skipped: not images (.txt)",
        "2 folders skipped: of the system, or hidden (first .thumbnails)",
        "1 folder skipped: small copies, by the name (thumbs)",
        "2 broken links skipped: what they lead to is not there; fetch the files first (first away.dat)",
        "1 pipe skipped: no file (a/pipe.png)",
        "1 socket skipped: no file (talk.png)",
        "1 folder with the name of an image (x.png)",
    ]


@posix
def test_only_broken_links(tmp_path: Path) -> None:
    """As a clone of a repository whose large files were not fetched."""
    for i in range(12):
        (tmp_path / f"{i}.png").symlink_to(f".git/annex/objects/{i}")
    with pytest.raises(
        DataError, match=r"no images in this folder \(12 broken links skipped: .*fetch the files first"
    ):
        load_data(tmp_path)


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may do all")
def test_a_folder_that_may_be_listed_but_not_entered(tmp_path: Path) -> None:
    save(tmp_path, "b/1.png")
    (tmp_path / "b").chmod(0o444)
    try:
        with pytest.raises(
            DataError, match=r"b/1\.png: cannot be read \(Permission denied\); check the folder's"
        ):
            scan(tmp_path)
    finally:
        (tmp_path / "b").chmod(0o755)


def test_that_folder_for_the_superuser_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "b" / "1.png"))

    save(tmp_path, "b/1.png")
    monkeypatch.setattr("vaekit.data.formats.listing._add_file", refused)
    with pytest.raises(DataError, match=r"1\.png: cannot be read \(Permission denied\); check the folder's"):
        load_data(tmp_path)
