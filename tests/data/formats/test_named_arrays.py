"""Arrays with names: which are images, labels and splits; every name that is not used is said."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaekit import DataError, load_data
from vaekit.data.dataset import Data
from vaekit.data.formats import named_arrays
from vaekit.data.formats.array_names import choose, role

RANDOM = np.random.default_rng(0)


def greys(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8), dtype=np.uint8)


TRAIN, VALID, TEST = greys(40, 1), greys(12, 2), greys(16, 3)
Y, YV, YT = np.arange(40) % 3, np.arange(12) % 3, np.arange(16) % 3


def stored(data: Data, split: str) -> list[np.ndarray]:
    return [image.numpy() for image in data.splits[split].images]


@pytest.mark.parametrize(("name", "expected"), [
    ("images", (None, "images")), ("X", (None, "images")), ("arr_0", (None, "images")), ("arr_1", (None, None)),
    ("imgs", (None, "images")), ("data", (None, "images")), ("target", (None, "labels")), ("y", (None, "labels")),
    ("x_train", ("train", "images")), ("X_test", ("test", "images")), ("trainX", ("train", "images")),
    ("Xtr", ("train", "images")), ("Yte", ("test", "labels")), ("xtrain", ("train", "images")),
    ("val_images", ("validation", "images")), ("test_labels", ("test", "labels")), ("images/train", ("train", "images")),
    ("training_data", ("train", "images")), ("dev-labels", ("validation", "labels")), ("train", ("train", "images")),
    ("TRAIN.IMAGES", ("train", "images")), ("image_labels", (None, "labels")), ("x_mean", (None, None)),
    ("latents_values", (None, None)), ("metadata", (None, None)), ("train_test", (None, None)),
    ("y_train", ("train", "labels")), ("train_y", ("train", "labels")), ("trainImages", ("train", "images")),
    ("validation_targets", ("validation", "labels")),
])  # fmt: skip
def test_roles_of_names(name: str, expected: tuple[str | None, str | None]) -> None:
    assert role(name)[:2] == expected


SETS: dict[str, tuple[dict[str, Any], dict[str, int], bool]] = {
    "keras": (
        {"x_train": TRAIN, "y_train": Y, "x_test": TEST, "y_test": YT},
        {"train": 40, "test": 16}, True,
    ),
    "medmnist": (
        {
            "train_images": TRAIN, "val_images": VALID, "test_images": TEST,
            "train_labels": Y[:, None], "val_labels": YV[:, None], "test_labels": YT[:, None],
        },
        {"train": 40, "validation": 12, "test": 16}, True,
    ),
    "bare": ({"train": TRAIN, "test": TEST}, {"train": 40, "test": 16}, False),
    "camel": ({"trainX": TRAIN, "trainY": Y, "testX": TEST, "testY": YT}, {"train": 40, "test": 16}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("door", ["npz", "compressed", "dict"])
def test_splits_of_their_own(tmp_path: Path, name: str, door: str) -> None:
    arrays, counts, labelled = SETS[name]
    if door == "dict":
        data = load_data(arrays)
    else:
        save = np.savez if door == "npz" else np.savez_compressed
        save(tmp_path / "a.npz", **arrays)
        data = load_data(tmp_path / "a.npz")
    own = {"train": TRAIN, "validation": VALID, "test": TEST}
    labels = {"train": Y, "validation": YV, "test": YT}
    for split, count in counts.items():
        if split == "train" and "validation" not in counts:
            continue
        assert [a[0].tolist() for a in stored(data, split)] == own[split].tolist()
        assert len(data.splits[split]) == count
        if labelled:
            found = data.splits[split].labels
            assert found is not None and found.tolist() == labels[split].tolist()
    assert len(data.train) + (0 if "validation" in counts else len(data.validation)) == counts["train"]
    assert data.class_names == (["0", "1", "2"] if labelled else None)
    assert not [note for note in data.notes if "not used" in note]


@pytest.mark.parametrize(("arrays", "taken", "unused"), [
    ({"X": TRAIN, "y": Y}, TRAIN, []),
    ({"data": TRAIN, "target": Y}, TRAIN, []),
    ({"arr_0": TRAIN}, TRAIN, []),
    ({"arr_0": TRAIN, "arr_1": Y}, TRAIN, ["arr_1"]),
    ({"imgs": TRAIN, "latents_classes": np.zeros((40, 6)), "latents_values": np.zeros((40, 6))}, TRAIN,
     ["latents_classes", "latents_values"]),
    ({"whatever": TRAIN, "year": Y}, TRAIN, ["year"]),
    ({"images": TRAIN, "target": Y, "mean": np.zeros(3)}, TRAIN, ["mean"]),
])  # fmt: skip
def test_any_sensible_key(
    tmp_path: Path, arrays: dict[str, Any], taken: np.ndarray, unused: list[str]
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    data = load_data(tmp_path / "a.npz")
    found = {i.numpy().tobytes() for split in data.splits.values() for i in split.images}
    assert found == {image.tobytes() for image in taken}
    line = [note for note in data.notes if note.startswith("arrays not used")]
    assert bool(line) == bool(unused) and all(name in line[0] for name in unused)
    assert (data.class_names is not None) == any(name in arrays for name in ("y", "target"))


def test_images_key_of_one_split_leaves_the_others_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **SETS["keras"][0])
    data = load_data(tmp_path / "a.npz", images_key="x_train")
    assert data.class_names == ["0", "1", "2"] and len(data.test) == 16
    pixels = load_data({"images": TRAIN, "pics": TEST, "y": YT}, images_key="pics")
    assert sum(map(len, pixels.splits.values())) == 16
    assert any("arrays not used: images" in note for note in pixels.notes)


def test_objects_that_nobody_asks_for_are_not_opened(tmp_path: Path) -> None:
    """dSprites has a dict pickled in `metadata`."""
    np.savez(tmp_path / "a.npz", imgs=TRAIN, metadata=np.array({"a": 1}, dtype=object))
    data = load_data(tmp_path / "a.npz")
    assert any("metadata" in note for note in data.notes)


def test_classes_of_all_splits_are_numbered_together() -> None:
    data = load_data({"x_train": TRAIN, "y_train": ["b", "c"] * 20, "x_test": TEST, "y_test": ["a", "c"] * 8})
    assert data.class_names == ["a", "b", "c"]
    assert data.test.labels is not None and data.test.labels.tolist() == [0, 2] * 8
    some = load_data({"x_train": TRAIN, "y_train": Y * 10 + 2, "x_test": TEST, "y_test": YT * 0 + 12})
    assert some.class_names == ["2", "12", "22"]
    assert some.test.labels is not None and set(some.test.labels.tolist()) == {1}


@pytest.mark.parametrize(("arrays", "words"), [
    ({"x_val": VALID, "x_test": TEST}, "no training images"),
    ({"x_train": TRAIN, "x_test": TEST[:, :4]}, "the test images are 1x4x8, the others 1x8x8"),
    ({"x_train": TRAIN, "x_test": TEST / 255}, "different types"),
    ({"x_train": TRAIN, "y_train": Y[:-1]}, "labels of shape (39,) for 40 images"),
    ({"one": TRAIN, "two": TEST}, "images_key=. Arrays there: one, two"),
    ({"images": TRAIN, "labels": np.array([None] * 40)}, "the label of image 0 is missing"),
])  # fmt: skip
def test_what_does_not_fit_together(arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(arrays)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_labels_of_objects_in_a_file_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=TRAIN, labels=np.array(["a", None] * 20, dtype=object))
    with pytest.raises(DataError, match="the array 'labels' holds Python objects"):
        load_data(tmp_path / "a.npz")


def test_a_small_file_that_unpacks_to_more_than_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((1000, 32, 32), np.uint8))
    monkeypatch.setattr(named_arrays, "machine_memory", lambda: 10_000)
    with pytest.raises(DataError, match="more than this machine has"):
        load_data(tmp_path / "a.npz")


def test_an_npy_called_npz_and_damage(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", TRAIN)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(DataError, match=r"rename it to \.npy"):
        load_data(tmp_path / "a.npz")
    np.savez_compressed(tmp_path / "b.npz", images=greys(400))
    content = bytearray((tmp_path / "b.npz").read_bytes())
    content[2000:2060] = bytes(60)
    (tmp_path / "b.npz").write_bytes(bytes(content))
    with pytest.raises(DataError, match="save it again"):
        load_data(tmp_path / "b.npz")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("readme.txt", "no array")
    with pytest.raises(DataError, match="no array named"):
        load_data(tmp_path / "c.npz")


def test_choose_prefers_surer_names() -> None:
    chosen = choose({"data": 4, "images": 4, "labels": 1, "y": 1})
    assert (chosen.images, chosen.labels, chosen.unused) == (
        {"train": "images"},
        {"train": "labels"},
        ["data", "y"],
    )


def test_test_images_alone_are_one_set() -> None:
    data = load_data({"x_test": TRAIN})
    assert sum(map(len, data.splits.values())) == 40 and any(
        "only test images" in note for note in data.notes
    )
    assert torch.equal(data.train.images, load_data(TRAIN).train.images)
