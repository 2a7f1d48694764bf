"""Splits, classes and masks from names, as they are found in published sets."""

from __future__ import annotations

import pytest

from vaekit.core import DataError
from vaekit.data.formats.arrangement import arrange
from vaekit.data.formats.masks import without_masks
from vaekit.data.formats.split_names import split_name


def tree(counts: dict[str, int]) -> list[str]:
    """Names of images: so many in each folder."""
    return [f"{folder}/{i}.png" if folder else f"{i}.png" for folder, n in counts.items() for i in range(n)]


def found(counts: dict[str, int]) -> tuple[dict[str, int], set[str | None], list[str]]:
    """Images in each split, classes, and notes."""
    places, notes = arrange(tree(counts), "x")
    parts: dict[str, int] = {}
    for place in places.values():
        parts[place.part] = parts.get(place.part, 0) + 1
    return parts, {place.label for place in places.values()}, notes


@pytest.mark.parametrize(("folder", "part"), [
    *((name, "train") for name in (
        "train", "Train", "TRAIN", "training", "training_set", "Training Set", "train-set", "trainset", "seg_train", "train2017",
        "2017.train", "trainA", "TrainImages", "train_01", "my train data", "trainval", "train_val", "x(train)",
    )),
    *((name, "validation") for name in ("val", "valid", "validation", "dev", "val2017", "dev_set", "Validation-Images", "valset")),
    *((name, "test") for name in ("test", "testing", "test_set", "eval", "evaluation", "seg_test", "test2017", "testB", "TESTSET")),
    *((name, None) for name in (
        "trains", "strain", "contest", "latest", "developer", "medieval", "validity", "cat", "retrain", "interval", "attestation",
        "rain", "tests", "devil", "train_test",
    )),
])  # fmt: skip
def test_names_of_splits(folder: str, part: str | None) -> None:
    name = split_name(folder)
    assert (name.part if name else None) == part


ANIMALS = ("cats", "dogs")


def halves(*splits: str, images: int = 6) -> dict[str, int]:
    return {f"{split}/{animal}": images for split in splits for animal in ANIMALS}


@pytest.mark.parametrize(("splits", "parts"), [
    (("training_set", "test_set"), {"train": 12, "test": 12}),
    (("seg_train", "seg_test"), {"train": 12, "test": 12}),
    (("train2017", "val2017"), {"train": 12, "validation": 12}),
    (("train", "dev", "eval"), {"train": 12, "validation": 12, "test": 12}),
    (("Training", "Evaluation"), {"train": 12, "test": 12}),
    (("trainval", "test"), {"train": 12, "test": 12}),
    (("data/trainset", "data/testset"), {"train": 12, "test": 12}),
    (("train-1", "train-2", "test-1"), {"train": 24, "test": 12}),
])  # fmt: skip
def test_splits_as_people_write_them(splits: tuple[str, ...], parts: dict[str, int]) -> None:
    places, classes, _ = found(halves(*splits))
    assert places == parts
    assert classes == {*ANIMALS}


def test_unusual_names_are_said() -> None:
    assert found(halves("training_set", "test_set"))[2] == [
        "folders taken as splits: test_set (test), training_set (train)"
    ]
    assert found(halves("train", "val", "test"))[2] == []


def test_folders_beside_sure_splits_are_left_out_and_said() -> None:
    parts, classes, notes = found({**halves("seg_train", "seg_test"), "seg_pred": 9, "": 1})
    assert (parts, classes) == ({"train": 12, "test": 12}, {*ANIMALS})
    assert "10 images outside the folders seg_test, seg_train skipped (seg_pred)" in notes


@pytest.mark.parametrize(("counts", "classes"), [
    (dict.fromkeys(("airplane", "bus", "car", "train", "truck"), 12), 5),
    (dict.fromkeys(("airplane", "bus", "train"), 12), 3),
    (dict.fromkeys(("train_station", "test_tube", "beach", "forest"), 5), 4),
    (dict.fromkeys(("train_station", "beach", "forest"), 5), 3),
    (dict.fromkeys(("train_station", "bus_station"), 5), 2),
    (dict.fromkeys(("steam_train", "diesel_train", "electric_train"), 5), 3),
    (dict.fromkeys(("positive_test", "negative_test"), 5), 2),
    (dict.fromkeys(("valid", "invalid"), 5), 2),
    (dict.fromkeys(("a/airplane", "a/bus", "a/car", "a/train"), 4), 4),
    (dict.fromkeys(("test", "cat", "dog"), 4), 3),
    (dict.fromkeys(("val", "cat"), 4), 2),
    (dict.fromkeys(("masks", "no_masks"), 4), 2),
    (dict.fromkeys(("with_mask", "without_mask"), 4), 2),
    (dict.fromkeys(("label", "paper"), 4), 2),
])  # fmt: skip
def test_names_that_are_classes(counts: dict[str, int], classes: int) -> None:
    parts, labels, _ = found(counts)
    assert parts == {"train": sum(counts.values())}
    assert len(labels) == classes and None not in labels


@pytest.mark.parametrize("counts", [
    {"val": 12, "noise": 12, "train": 12}, {"train": 12, "": 40}, {"val": 5, "test": 5, "images": 40},
    {"train": 9, "test_images": 9, "more": 9},
    {"train": 12, "bus": 12}, {"train": 50, "test": 80, "unlabeled": 1000},
])  # fmt: skip
def test_what_nobody_can_say_is_refused(counts: dict[str, int]) -> None:
    with pytest.raises(
        DataError,
        match=r"may be splits or classes, .* beside them .*: move these away or into a folder train, or",
    ):
        found(counts)


def test_few_images_beside_splits_are_left_out() -> None:
    parts, _, notes = found({"train": 50, "val": 10, "extra": 5})
    assert parts == {"train": 50, "validation": 10}
    assert notes == ["5 images outside the folders train, val skipped (extra)"]


def test_classes_with_splits_of_their_own() -> None:
    counts = {f"{animal}/{split}": 6 for animal in ANIMALS for split in ("train", "test")}
    parts, classes, notes = found(counts)
    assert (parts, classes) == ({"train": 12, "test": 12}, {*ANIMALS})
    assert notes == ["folders of splits within those of classes: taken as splits with these classes"]


def test_splits_below_a_folder_with_something_beside_it() -> None:
    counts = {**{f"data/{name}": n for name, n in halves("train", "test", images=20).items()}, "samples": 4}
    parts, classes, notes = found(counts)
    assert (parts, classes) == ({"train": 40, "test": 40}, {*ANIMALS})
    assert notes == ["4 images outside the folder data, which has the splits, skipped"]


def test_a_class_that_only_the_test_has() -> None:
    """As sets of faults have it: training on good ones alone."""
    parts, classes, notes = found(
        {"train/good": 20, "test/good": 5, "test/scratch": 5, "ground_truth/scratch": 5}
    )
    assert (parts, classes) == ({"train": 20, "test": 10}, {"good", "scratch"})
    assert len(notes) == 1 and "masks" in notes[0]


@pytest.mark.parametrize("folders", [("",), ANIMALS])
def test_splits_in_the_names_of_files(folders: tuple[str, ...]) -> None:
    names = [
        f"{folder}/{split}_{i}.png".lstrip("/")
        for folder in folders
        for split in ("train", "test")
        for i in range(6)
    ]
    places, notes = arrange(names, "x")
    assert {name: place.part for name, place in places.items()} == {
        name: "train" if "train" in name else "test" for name in names
    }
    assert {place.label for place in places.values()} == ({*ANIMALS} if len(folders) > 1 else {None})
    assert notes == ["the names of the files say their splits"]
    more = arrange([*names, f"{folders[0]}/other.png".lstrip("/")], "x")
    assert {place.part for place in more[0].values()} == {"train"} and more[1] == []


def test_classes_in_the_names_of_splits() -> None:
    parts, classes, _ = found(
        {f"{split}{side}": 6 for split in ("train", "test") for side in ("A", "B", "_cats")}
    )
    assert (parts, classes) == ({"train": 18, "test": 18}, {"A", "B", "cats"})
    assert found({"train": 6, "train_extra": 6, "test": 6})[:2] == ({"train": 12, "test": 6}, {None})


@pytest.mark.parametrize("strays", [1, 3])
def test_strays_beside_classes(strays: int) -> None:
    parts, classes, notes = found({**dict.fromkeys(ANIMALS, 12), "": strays})
    assert (parts, classes) == ({"train": 24}, {*ANIMALS})
    assert len(notes) == 1 and notes[0].startswith(f"train: {strays} image") and "0.png" in notes[0]


def test_many_images_beside_folders_are_no_strays() -> None:
    parts, classes, notes = found({"a": 4, "b": 4, "": 20})
    assert (parts, classes) == ({"train": 28}, {None})
    assert notes == ["train: images lie beside subfolders, so the subfolders are not taken as classes"]


@pytest.mark.parametrize("folders", [
    ("images", "masks"), ("train/images", "train/masks", "test/images", "test/masks"),
    ("imgs", "labels"), ("img", "annotations"), ("JPEGImages", "SegmentationClass"), ("train/images", "train/labels"),
    ("train_images", "train_masks"), ("train", "train_masks", "test", "test_masks"), ("train", "train_labels", "val", "val_labels"),
    ("images/train", "masks/train", "images/test", "masks/test"), ("bottle/photos", "bottle/ground_truth"),
    ("cats/image", "cats/mask", "dogs/image", "dogs/mask"), ("pictures", "masks"), ("things", "masks"),
    ("images/all", "annotations/trimaps"), ("leftImg8bit/train", "gtFine/train"),
])  # fmt: skip
def test_masks_are_no_class(folders: tuple[str, ...]) -> None:
    names = tree(dict.fromkeys(folders, 6))
    kept, notes = without_masks({name: tuple(name.split("/")) for name in names})
    masks = {"masks", "labels", "annotations", "SegmentationClass", "train_masks", "test_masks", "train_labels", "val_labels",
             "ground_truth", "mask", "gtFine"}  # fmt: skip
    assert set(kept) == {name for name in names if not masks & set(name.split("/"))}
    assert len(notes) == 1 and f"{len(names) - len(kept)} images in the folders" in notes[0]
    places, _ = arrange(names, "x")
    assert {place.label for place in places.values()} in ({None}, {*ANIMALS})


def test_masks_beside_their_images() -> None:
    names = [f"{kind}/{kind} ({i}){end}.png" for kind in ("benign", "malignant") for i in range(3)
             for end in ("", "_mask", "_mask_1")]  # fmt: skip
    places, notes = arrange(names, "x")
    assert len(places) == 6 and {place.label for place in places.values()} == {"benign", "malignant"}
    assert notes == ["12 images skipped: masks of others, by the names (first benign/benign (0)_mask.png)"]


def test_a_set_of_masks_alone_is_a_set() -> None:
    assert found({"masks": 12})[0] == {"train": 12}
    assert len(arrange([f"{i}_mask.png" for i in range(9)], "x")[0]) == 9
