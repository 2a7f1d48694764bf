from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.data import cache, load_data
from vaekit.data.formats import folder, picture_cache
from vaekit.data.formats.arrangement import arrange
from vaekit.data.formats.listing import natural, scan


def random_image(seed: int, height: int = 12, width: int = 10, channels: int = 1) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(root: Path, name: str, array: np.ndarray) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Classes with nested folders, odd names and files that are no images."""
    root = tmp_path / "häus tiere"
    for i in range(24):
        kind = ("Katze 2", "Katze 10", "hund")[i % 3]
        deeper = "im garten/" if i % 4 == 0 else ""
        save(root, f"{kind}/{deeper}größe {i}.{'PNG' if i % 2 else 'bmp'}", random_image(i))
    (root / "hund" / "._größe 1.PNG").write_bytes(b"\0\5\x16\7")
    (root / "hund" / "Thumbs.db").write_bytes(b"x")
    (root / ".cache").mkdir()
    save(root, ".cache/hidden.png", random_image(99))
    (root / "read me.txt").write_text("hello", encoding="utf-8")
    (root / "hund" / "liste.csv").write_text("a,b", encoding="utf-8")
    return root


def by_name(data) -> dict[str, tuple[np.ndarray, int | None]]:
    found = {}
    for split in data.splits.values():
        assert split.names is not None
        for i, name in enumerate(split.names):
            found[name] = (split.images[i].numpy(), None if split.labels is None else int(split.labels[i]))
    return found


def test_images_labels_and_names(pets):
    data = load_data(pets)
    assert data.class_names == ["hund", "Katze 2", "Katze 10"]
    found = by_name(data)
    assert len(found) == 24
    for i in range(24):
        kind = ("Katze 2", "Katze 10", "hund")[i % 3]
        name = f"{kind}/{'im garten/' if i % 4 == 0 else ''}größe {i}.{'PNG' if i % 2 else 'bmp'}"
        pixels, label = found[name]
        assert np.array_equal(pixels[0], random_image(i))
        assert label == data.class_names.index(kind)
    assert data.notes == [
        "2 system files skipped (hidden files, Thumbs.db and the like)",
        "2 files skipped: not images (.csv, .txt)",
        "1 folder skipped: of the system, or hidden (.cache)",
    ]


def test_the_cache_gives_the_same_and_is_not_decoded_again(pets, own_cache, monkeypatch):
    first = load_data(pets)
    monkeypatch.setattr(picture_cache, "_survey", lambda *a: pytest.fail("decoded again"))
    second = load_data(pets)
    assert second.fingerprint == first.fingerprint
    assert second.notes == first.notes
    for name, (pixels, label) in by_name(first).items():
        again = by_name(second)[name]
        assert np.array_equal(again[0], pixels)
        assert again[1] == label
    assert sorted(path.suffix for path in own_cache.rglob("*") if path.is_file()) == [".json", ".npy"]


@pytest.mark.parametrize("change", ["added", "removed", "content", "touched", "size", "fit"])
def test_the_cache_knows_when_something_changed(pets, own_cache, monkeypatch, change):
    before = load_data(pets)
    target = pets / "hund" / "größe 5.PNG"
    options: dict = {}
    if change == "added":
        save(pets, "hund/new.png", random_image(50))
    elif change == "removed":
        target.unlink()
    elif change == "content":
        save(pets, "hund/größe 5.PNG", random_image(51))
    elif change == "touched":
        os.utime(target, ns=(1, 10**18))
    elif change == "size":
        options = {"image_size": 9}
    else:
        load_data(pets, image_size=9)
        options = {"image_size": 9, "fit": "pad"}
    calls = []
    survey = picture_cache._survey
    monkeypatch.setattr(picture_cache, "_survey", lambda *a: calls.append(1) or survey(*a))
    after = load_data(pets, **options)
    assert calls == [1]
    if change in ("added", "removed", "content"):
        assert after.fingerprint != before.fingerprint
        assert len(list(own_cache.rglob("*.npy"))) == 1  # the old one is gone
    if change == "touched":
        assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize("damage", ["npy", "json", "missing"])
def test_a_damaged_cache_is_made_anew(pets, own_cache, damage):
    before = load_data(pets)
    npy, manifest = next(own_cache.rglob("*.npy")), next(own_cache.rglob("*.json"))
    if damage == "npy":
        npy.write_bytes(npy.read_bytes()[:-100])
    elif damage == "json":
        manifest.write_text('{"names": ', encoding="utf-8")
    else:
        npy.unlink()
    after = load_data(pets)
    assert after.fingerprint == before.fingerprint
    assert torch.equal(after.train.images, before.train.images)
    assert not any("the cache" in note for note in after.notes)


def test_a_cache_that_cannot_be_written_is_said(pets, tmp_path, monkeypatch):
    before = load_data(pets)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "file"))
    after = load_data(pets)
    assert torch.equal(after.train.images, before.train.images)
    assert [note for note in after.notes if "cannot be written" in note]


def test_two_processes_at_once(pets, own_cache):
    code = "import sys; from vaekit.data import load_data; print(load_data(sys.argv[1]).fingerprint)"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(pets)], stdout=subprocess.PIPE, text=True)
        for _ in "ab"
    ]
    prints = [process.communicate(timeout=120)[0].strip() for process in running]
    assert prints == [load_data(pets).fingerprint] * 2
    assert sorted(path.suffix for path in own_cache.rglob("*") if path.is_file()) == [".json", ".npy"]


def test_large_folders_stay_mapped(pets, monkeypatch):
    before = load_data(pets)
    for module in (cache, folder):
        monkeypatch.setattr(module, "RESIDENT", 100)
    after = load_data(pets)
    assert after.fingerprint == before.fingerprint
    for name, split in before.splits.items():
        assert torch.equal(split.images, after.splits[name].images)


def test_split_folders_are_the_splits(tmp_path):
    for part, count, seed in (("train", 20, 0), ("val", 4, 100), ("Test", 6, 200)):
        for i in range(count):
            save(tmp_path, f"{part}/{'ab'[i % 2]}/{part}{i}.png", random_image(seed + i))
    save(tmp_path, "extra/1.png", random_image(7))
    data = load_data(tmp_path)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 20,
        "validation": 4,
        "test": 6,
    }
    assert data.class_names == ["a", "b"]
    assert data.test.names is not None
    assert all(name.startswith("Test/") for name in data.test.names)
    assert any("1 image outside the folders Test, train, val skipped (extra)" in note for note in data.notes)
    assert any("own 4 validation images are kept" in note for note in data.notes)


def test_copies_across_split_folders_are_said(tmp_path):
    for i in range(12):
        save(tmp_path, f"train/{i}.png", random_image(i))
        save(tmp_path, f"test/{i}.png", random_image(i if i < 3 else 100 + i))
    assert "3 test images are exact copies of train images" in load_data(tmp_path).notes


@pytest.mark.parametrize(("names", "places", "said"), [
    (["1.png", "2.png"], [("train", None)] * 2, 0),
    (["a/1.png", "b/x/2.png"], [("train", "a"), ("train", "b")], 0),
    (["all/a/1.png", "all/b/2.png"], [("train", "a"), ("train", "b")], 0),
    (["all/1.png", "all/2.png"], [("train", None)] * 2, 0),
    (["1.png", "a/2.png", "b/3.png"], [("train", None)] * 3, 1),
    (["train/a/1.png", "train/b/2.png", "test/3.png"], [("train", "a"), ("train", "b"), ("test", None)], 1),
    (["train/img/1.png", "valid/img/2.png"], [("train", None), ("validation", None)], 0),
    (["d/train/1.png", "d/test/2.png"], [("train", None), ("test", None)], 0),
    (["validation/1.png", "Training/2.png"], [("validation", None), ("train", None)], 0),
    (["test/1.png", "cat/2.png"], [("train", "test"), ("train", "cat")], 1),
])  # fmt: skip
def test_arrange(names, places, said):
    found, notes = arrange(names, "x")
    assert [(found[name].part, found[name].label) for name in names] == places
    assert len(notes) == said


def test_scan_follows_links_but_not_in_circles(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    save(outside, "1.png", random_image(0))
    save(root, "a/2.png", random_image(1))
    try:
        (root / "linked").symlink_to(outside, target_is_directory=True)
        (root / "a" / "up").symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    listed, _ = scan(root)
    assert list(listed) == ["a/2.png", "linked/1.png"]


def test_natural_order():
    assert sorted(["b", "a10", "A2", "a1", "10", "9", ""], key=natural) == [
        "",
        "9",
        "10",
        "a1",
        "A2",
        "a10",
        "b",
    ]


def test_the_manifest_is_plain_json(pets, own_cache):
    data = load_data(pets)
    manifest = json.loads(next(own_cache.rglob("*.json")).read_text(encoding="utf-8"))
    assert set(manifest["names"]) == set(by_name(data))
