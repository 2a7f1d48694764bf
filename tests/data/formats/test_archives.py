"""Archives of images: the same data as their unpacked folders, and nothing is written anywhere."""

from __future__ import annotations

import io
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from made_files import png
from vaekit import DataError, load_data
from vaekit.data import cache as cache_module
from vaekit.data.dataset import Data
from vaekit.data.formats import archives, picture_sets

RGB = np.random.default_rng(0).integers(0, 256, (36, 10, 9, 3), dtype=np.uint8)
LAYOUTS = {
    "flat": lambda i: f"{i}.png",
    "classes": lambda i: f"{'abc'[i % 3]}/{i}.png",
    "wrapped": lambda i: f"top/inner/{'abc'[i % 3]}/{i}.png",
    "splits": lambda i: f"{('train', 'test')[i > 23]}/{'abc'[i % 3]}/{i}.png",
}


def unpacked(folder: Path, layout: str) -> Path:
    for index, array in enumerate(RGB):
        path = folder / LAYOUTS[layout](index)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
    return folder


def packed(folder: Path, path: Path) -> Path:
    """The folder as an archive of the kind that the ending says."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.relative_to(folder))
    else:
        mode = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w")
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            for file in files:
                archive.add(file, str(file.relative_to(folder)))
    return path


def labelled(data: Data) -> dict[str, set[tuple[bytes, str | None]]]:
    found = {}
    for name, split in data.splits.items():
        labels = [None] * len(split) if split.labels is None else split.labels.tolist()
        names = data.class_names or []
        found[name] = {
            (image.numpy().tobytes(), None if k is None else names[k])
            for image, k in zip(split.images, labels, strict=True)
        }
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"])
def test_an_archive_is_its_folder(tmp_path: Path, layout: str, ending: str) -> None:
    folder = unpacked(tmp_path / "folder", layout)
    archive = packed(folder, tmp_path / f"a.{ending}")
    before = sorted(tmp_path.iterdir())
    ours, theirs = load_data(archive), load_data(folder)
    assert labelled(ours) == labelled(theirs)
    assert ours.class_names == theirs.class_names and ours.path == str(archive.resolve())
    assert sorted(path for path in tmp_path.iterdir() if path.name != "own-cache") == [
        path for path in before if path.name != "own-cache"
    ]
    assert load_data(**ours.options).fingerprint == ours.fingerprint


def test_names_that_lead_outside_are_only_names(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(RGB[0]).save(content, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for index, array in enumerate(RGB):
            content = io.BytesIO()
            Image.fromarray(array).save(content, "PNG")
            archive.writestr(f"../../{index}.png" if index % 2 else f"/abs/{index}.png", content.getvalue())
    data = load_data(tmp_path / "a.zip")
    assert sum(map(len, data.splits.values())) == 36
    assert sorted(path.name for path in tmp_path.parent.glob("*.png")) == []


def test_links_hidden_and_large_files_are_skipped_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpacked(tmp_path / "folder", "flat")
    path = packed(folder, tmp_path / "a.tar")
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, size in (("large.png", 5000), (".hidden.png", 10), ("notes.txt", 10)):
            info = tarfile.TarInfo(name)
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(size)))
    monkeypatch.setattr(archives, "MOST", 2000)
    data = load_data(path)
    assert sum(map(len, data.splits.values())) == 36
    assert data.notes[:4] == [
        "1 system files skipped (hidden files, Thumbs.db and the like)", "1 links and devices skipped",
        "1 files of more than 0 MB skipped", "1 file skipped: not images (.txt)",
    ]  # fmt: skip


def test_damaged_members_are_skipped_and_named(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "folder", "flat")
    (folder / "3.png").write_bytes(b"no picture")
    data = load_data(packed(folder, tmp_path / "a.zip"))
    assert sum(map(len, data.splits.values())) == 35
    assert any("1 unreadable image skipped, first 3.png (not an image)" in note for note in data.notes)


@pytest.mark.parametrize(("name", "content", "words"), [
    ("a.zip", b"PK\x03\x04 cut", "cannot be read as an archive"), ("a.tar.gz", b"\x1f\x8b\x08 cut", "cannot be read"),
    ("a.tar", b"", "cannot be read as an archive"), ("a.zip", b"", "cannot be read as an archive"),
])  # fmt: skip
def test_what_is_no_archive(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_data(tmp_path / name)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_an_archive_without_images_says_what_is_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DataError, match=r"no images in this archive \(1 file skipped: not images \(.txt\)\)"):
        load_data(tmp_path / "a.zip")


def test_a_compressed_tar_is_read_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("zeros.bin")
        info.size = 4_000_000
        archive.addfile(info, io.BytesIO(bytes(info.size)))
        info = tarfile.TarInfo("b.png")
        archive.addfile(info)
    assert (tmp_path / "a.tar.gz").stat().st_size < 10_000
    monkeypatch.setattr(archives, "machine_memory", lambda: 400_000)
    with pytest.raises(DataError, match="unpack it into a folder"):
        load_data(tmp_path / "a.tar.gz")


def test_what_does_not_fit_into_memory_goes_through_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    path = packed(unpacked(tmp_path / "folder", "classes"), tmp_path / "a.zip")
    resident = load_data(path)
    monkeypatch.setattr(picture_sets, "RESIDENT", 100)
    mapped = load_data(path)
    assert labelled(mapped) == labelled(resident) and mapped.fingerprint == resident.fingerprint
    assert len(list((own_cache / "archives").iterdir())) == 1


@pytest.mark.parametrize("pixels", ["auto", "unit", "real"])
def test_the_depth_of_pictures_is_kept_as_in_a_folder(tmp_path: Path, pixels: str) -> None:
    """12 bits in files of 16: an archive and a list of files give what their folder gives, and without white= refuse."""
    values = np.random.default_rng(1).integers(0, 4096, (24, 9, 8), dtype=np.uint16)
    folder = tmp_path / "deep"
    folder.mkdir()
    for index, array in enumerate(values):
        Image.fromarray(array).save(folder / f"{index:02}.png")
    options = {"pixels": pixels, "white": None if pixels == "real" else 4095.0}
    whole = load_data(folder, **options)
    archive = load_data(packed(folder, tmp_path / "deep.zip"), **options)
    several = load_data(sorted(folder.iterdir()), **options)
    for other in (archive, several):
        assert other.pixels == whole.pixels and not any("has no effect" in note for note in other.notes)
        for split in ("train", "validation", "test"):
            ours, theirs = getattr(whole, split).images, getattr(other, split).images
            assert ours.dtype == theirs.dtype and len(ours) == len(theirs)
            assert sorted(map(bytes, ours.numpy())) == sorted(map(bytes, theirs.numpy()))


def test_an_archive_too_large_for_memory_is_listed_in_the_cache(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (picture_sets, cache_module):
        monkeypatch.setattr(place, "RESIDENT", 1000)
    path = packed(unpacked(tmp_path / "pictures", "flat"), tmp_path / "pictures.zip")
    load_data(path)
    (entry,) = [entry for entry in vaekit.cache().entries if entry.kind == "archive"]
    assert entry.images == len(RGB) and not entry.problem
    assert vaekit.cache(empty=True).emptied and not vaekit.cache().entries
    assert not (own_cache / "archives").exists()


def test_members_of_one_name_and_a_missing_end_are_said(tmp_path: Path) -> None:
    """A tar or zip that was added to holds the old member too; a tar that was cut off between members looks whole."""
    pictures = [png(np.full((8, 8), value, np.uint8)) for value in range(20, 44)]
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, content in enumerate(pictures):
            archive.writestr(f"{number // 2}.png", content)
    data = load_data(tmp_path / "twice.zip", validation=0)
    assert "12 files skipped: a later one in the archive has the same name" in data.notes
    found = {int(image.max()) for split in data.splits.values() for image in split.images}
    assert found == set(range(21, 44, 2))  # the later of each two
    with tarfile.open(tmp_path / "whole.tar", "w") as archive:
        for number, content in enumerate(pictures):
            info = tarfile.TarInfo(f"{number}.png")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    content = (tmp_path / "whole.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(content[: 12 * 1024])
    said = "the archive lacks the mark of its end: what came after may be cut off"
    assert said in load_data(tmp_path / "cut.tar").notes
    assert said not in load_data(tmp_path / "whole.tar").notes
