"""Objects of Python as a source: what is in them arrives as it is, with its labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from vaekit import DataError, load_data
from vaekit.data.dataset import Data

GREY = np.random.default_rng(3).integers(0, 256, (48, 9, 8), dtype=np.uint8)
RGB = np.random.default_rng(4).integers(0, 256, (48, 9, 8, 3), dtype=np.uint8)
UNIT = torch.from_numpy(np.random.default_rng(5).random((48, 3, 9, 8), dtype=np.float32))
ROWS = np.random.default_rng(6).normal(size=(48, 5))
Y = np.arange(48) % 3


def pairs(data: Data) -> set[tuple[bytes, str | None]]:
    """Each image with the name of its class."""
    found = set()
    for split in data.splits.values():
        labels = [None] * len(split) if split.labels is None else split.labels.tolist()
        for image, label in zip(split.images, labels, strict=True):
            name = None if label is None or data.class_names is None else data.class_names[label]
            found.add((image.numpy().tobytes(), name))
    return found


def expected(images: Any, labels: Sequence[Any] | None) -> set[tuple[bytes, str | None]]:
    """From the definition: (C, H, W) or (D,) in the type that is kept."""
    arrays = [np.asarray(image) for image in images]
    names = [None] * len(arrays) if labels is None else [str(label) for label in labels]
    return {(np.ascontiguousarray(a).tobytes(), n) for a, n in zip(arrays, names, strict=True)}


class Items(Dataset):  # type: ignore[type-arg]
    """A torch data set with numbers and a length, and nothing else."""

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Stream(IterableDataset):  # type: ignore[type-arg]
    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


class Feature:
    names = ["ant", "bee", "cat"]


class HubSet(Items):
    """What a data set of Hugging Face looks like from outside."""

    column_names = ["image", "label"]
    features = {"image": object(), "label": Feature()}


class Frame:
    """What a DataFrame looks like from outside."""

    def __init__(self, **columns: Any) -> None:
        self.own = {name: np.asarray(column) for name, column in columns.items()}
        self.columns = list(columns)

    def __len__(self) -> int:
        return len(next(iter(self.own.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.own[name]

    def to_numpy(self) -> np.ndarray:
        return np.stack(list(self.own.values()), 1)


def picture(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array)


G1 = GREY[:, None]
C1 = np.moveaxis(RGB, -1, 1)
TABLE = {f"c{i}": ROWS[:, i] for i in range(5)}
LETTERS = [Feature.names[k] for k in Y]

OBJECTS: dict[str, tuple[Any, dict[str, Any], Any, Any]] = {
    "list of arrays": (list(GREY), {}, G1, None),
    "list of tensors": (list(UNIT), {}, UNIT, None),
    "list of colour arrays": (list(RGB), {}, C1, None),
    "list of grey pictures": ([picture(a) for a in GREY], {}, G1, None),
    "list of colour pictures": ([picture(a) for a in RGB], {}, C1, None),
    "tuple of pictures": (tuple(picture(a) for a in GREY), {}, G1, None),
    "list with labels=": (list(GREY), {"labels": Y}, G1, Y),
    "list of pairs": (list(zip(GREY, Y, strict=True)), {}, G1, Y),
    "list of pairs with pictures": ([(picture(a), k) for a, k in zip(RGB, LETTERS, strict=True)], {}, C1, LETTERS),
    "list of lists": (GREY.tolist(), {}, G1, None),
    "list of rows": ([row.tolist() for row in ROWS], {"pixels": "real"}, ROWS, None),
    "object array": (np.array([*GREY, None], dtype=object)[:-1], {}, G1, None),
    "pair": ((GREY, Y), {}, G1, Y),
    "pair of tensors": ((UNIT, torch.from_numpy(Y)), {}, UNIT, Y),
    "pair of list and list": ((list(GREY), Y.tolist()), {}, G1, Y),
    "pair with one-hot": ((GREY, np.eye(3)[Y]), {}, G1, Y),
    "dict": ({"images": GREY, "labels": Y}, {}, G1, Y),
    "dict of lists of pictures": ({"image": [picture(a) for a in RGB], "label": Y.tolist()}, {}, C1, Y),
    "list of dicts": ([{"image": a, "label": int(k)} for a, k in zip(GREY, Y, strict=True)], {}, G1, Y),
    "data set": (Items([(a, int(k)) for a, k in zip(UNIT, Y, strict=True)]), {}, UNIT, Y),
    "data set without labels": (Items(list(UNIT)), {}, UNIT, None),
    "data set of pictures": (Items([(picture(a), int(k)) for a, k in zip(RGB, Y, strict=True)]), {}, C1, Y),
    "subset": (Subset(Items([(a, int(k)) for a, k in zip(UNIT, Y, strict=True)]), range(5, 40)), {}, UNIT[5:40], Y[5:40]),
    "tensor data set": (TensorDataset(UNIT, torch.from_numpy(Y)), {}, UNIT, Y),
    "tensor data set of images": (TensorDataset(UNIT), {}, UNIT, None),
    "stream": (Stream([(a, int(k)) for a, k in zip(UNIT, Y, strict=True)]), {}, UNIT, Y),
    "loader": (DataLoader(TensorDataset(UNIT, torch.from_numpy(Y)), batch_size=7), {}, UNIT, Y),
    "shuffled loader": (DataLoader(TensorDataset(UNIT, torch.from_numpy(Y)), 7, shuffle=True), {}, UNIT, Y),
    "loader of dicts": (DataLoader(Items([{"image": a, "label": int(k)} for a, k in zip(UNIT, Y, strict=True)]), 5), {}, UNIT, Y),
    "loader without batches": (DataLoader(TensorDataset(UNIT), batch_size=None), {}, UNIT, None),
    "Hugging Face": (HubSet([{"image": picture(a), "label": int(k)} for a, k in zip(RGB, Y, strict=True)]), {}, C1, LETTERS),
    "table": (Frame(**TABLE), {"pixels": "real"}, ROWS, None),
    "table with labels=": (Frame(**TABLE, kind=LETTERS), {"pixels": "real", "labels": "kind"}, ROWS, LETTERS),
    "table with labels_key=": (Frame(**TABLE, kind=LETTERS), {"pixels": "real", "labels_key": "kind"}, ROWS, LETTERS),
    "table with labels beside": (Frame(**TABLE), {"pixels": "real", "labels": LETTERS}, ROWS, LETTERS),
    "generator": ((a for a in GREY), {}, G1, None),
}  # fmt: skip


@pytest.mark.parametrize("name", OBJECTS)
def test_what_is_in_it_arrives(name: str) -> None:
    data, options, images, labels = OBJECTS[name]
    loaded = load_data(data, **options)
    assert pairs(loaded) == expected(images, labels)
    assert sum(map(len, loaded.splits.values())) == len(images)


TRAIN, TEST = (GREY[:36], Y[:36]), (GREY[36:], Y[36:])


@pytest.mark.parametrize("data", [
    (TRAIN, TEST), [*map(tuple, [])] or {"train": TRAIN, "test": TEST}, (TRAIN[0], TRAIN[1], TEST[0], TEST[1]),
    (TRAIN[0], TEST[0], TRAIN[1], TEST[1]), {"train": Items(list(zip(*TRAIN, strict=True))), "test": Items(list(zip(*TEST, strict=True)))},
    (TensorDataset(*map(torch.from_numpy, TRAIN)), TensorDataset(*map(torch.from_numpy, TEST))),
    {"train": HubSet([{"image": picture(a), "label": int(k)} for a, k in zip(*TRAIN, strict=True)]),
     "test": HubSet([{"image": picture(a), "label": int(k)} for a, k in zip(*TEST, strict=True)])},
], ids=["keras", "dict of pairs", "four", "train_test_split", "dict of sets", "tensor sets", "hub"])  # fmt: skip
def test_splits_in_memory(data: Any) -> None:
    loaded = load_data(data)
    assert torch.equal(loaded.test.images[:, 0], torch.from_numpy(TEST[0]))
    assert loaded.test.labels is not None and loaded.test.labels.tolist() == TEST[1].tolist()
    assert len(loaded.train) + len(loaded.validation) == 36


def test_two_arrays_of_one_shape_are_train_and_test() -> None:
    loaded = load_data((GREY[:36], GREY[36:]))
    assert torch.equal(loaded.test.images[:, 0], torch.from_numpy(GREY[36:]))


def test_files_by_name(tmp_path: Path) -> None:
    for index, array in enumerate(GREY):
        Image.fromarray(array).save(tmp_path / f"{index}.png")
    paths = [tmp_path / f"{index}.png" for index in range(len(GREY))]
    assert pairs(load_data(list(zip(paths, Y, strict=True)))) == expected(G1, Y)
    assert pairs(load_data([{"bytes": path.read_bytes(), "path": None} for path in paths])) == expected(
        G1, None
    )


def test_pictures_of_different_sizes_want_a_size() -> None:
    some = [picture(a) for a in GREY[:-1]] + [picture(GREY[-1][:8])]
    with pytest.raises(DataError, match=r"different sizes.*image_size="):
        load_data(some)
    assert load_data(some, image_size=8).shape == (1, 8, 8)


@pytest.mark.parametrize(("data", "options", "words"), [
    ([], {}, "a list without images"),
    ([GREY[0], GREY[1][:4]], {}, "image 1 is of shape (4, 8), image 0 of (9, 8)"),
    ([1.0, 2.0, 3.0], {}, "single numbers are no images"),
    ([object()] * 12, {}, "item 0 of the list cannot be read"),
    ([{"a": 1}] * 12, {}, "no image under a"),
    (Items([GREY[0], None]), {}, "cannot be read"),
    ([picture(GREY[0]), GREY[1]], {}, "give one kind"),
    (3.5, {}, "data is a float; give"), (None, {}, "data is a NoneType; give"), (b"x", {}, "data is a bytes; give"),
    (object(), {}, "data is an object; give"), ({}, {}, "Arrays there: none"),
    (TensorDataset(UNIT, torch.from_numpy(Y)), {"labels": Y}, "labels of their own"),
    ({"images": GREY, "labels": Y}, {"labels": Y}, "labels of their own"),
    ((TRAIN, TEST), {"labels": Y}, "labels of their own"),
    ([(GREY[0], 1), (GREY[1],)], {}, "1 labels for 2 images"),
    (Frame(**TABLE, kind=LETTERS), {}, "columns that are no numbers: kind"),
    (Frame(**TABLE, kind=LETTERS), {"labels_key": "species"}, "no column species"),
    (Frame(a=[1.0, np.nan, 2.0]), {}, "column a is nan in row 1"),
    (Frame(a=[]), {}, "a table of 0 rows"),
    (np.ma.array(ROWS, mask=ROWS > 2), {"pixels": "real"}, "masked; fill them"),
    (np.array([1 + 2j] * 12), {}, "complex128 cannot be images"),
    (np.zeros(12, [("a", float)]), {}, "cannot be images"),
])  # fmt: skip
def test_what_cannot_be_taken(data: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(data, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value) and caught.value.__cause__ is None


def test_what_is_not_used_of_items_is_said() -> None:
    triples = [(a, int(k), "extra") for a, k in zip(GREY, Y, strict=True)]
    assert any("first two are used, of 3" in note for note in load_data(triples).notes)
    masks = [(a, a) for a in GREY]
    assert any("no label" in note for note in load_data(masks).notes)
    more = [{"image": a, "label": 1, "size": 3} for a in GREY]
    assert any("not used: size" in note for note in load_data(more).notes)


def test_an_endless_stream_ends_at_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from vaekit.data.formats import given_items

    monkeypatch.setattr(given_items, "machine_memory", lambda: 10_000)

    def endless() -> Iterator[np.ndarray]:
        while True:
            yield GREY[0]

    with pytest.raises(DataError, match=r"save them as one \.npy"):
        load_data(endless())


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA", "RGB", "RGBA", "CMYK", "I;16", "F", "YCbCr", "HSV"])
def test_pictures_of_all_modes_are_as_their_files(mode: str, tmp_path: Path) -> None:
    """Against the same pictures in a folder, where the mode can be stored."""
    source = [Image.fromarray(a) for a in RGB[:12]]
    if mode == "F":
        pictures = [Image.fromarray(a.astype(np.float32) / 255) for a in GREY[:12]]
    elif mode == "I;16":
        pictures = [Image.fromarray(a.astype(np.uint16) * 257) for a in GREY[:12]]
    else:
        pictures = [image.convert(mode) for image in source]
    memory = load_data(pictures)
    ending = "tif" if mode in ("F", "CMYK", "YCbCr") else "png"
    for index, image in enumerate(pictures):
        (image.convert("RGB") if mode == "HSV" else image).save(tmp_path / f"{index}.{ending}")
    files = load_data(tmp_path)
    assert pairs(memory) == pairs(files) and memory.shape == files.shape


def test_pandas_and_hub_sets_themselves() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=list("abcde"))
    for labels in (
        pandas.Series(LETTERS),
        pandas.Categorical(LETTERS),
        pandas.Series(LETTERS, dtype="string"),
    ):
        assert pairs(load_data(frame, labels=labels, pixels="real")) == expected(ROWS, LETTERS)
    assert pairs(load_data(frame.assign(kind=LETTERS), labels="kind", pixels="real")) == expected(
        ROWS, LETTERS
    )
    hot = pandas.get_dummies(pandas.Series(LETTERS))
    assert pairs(load_data(GREY, labels=hot)) == expected(G1, LETTERS)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_matrix"])
def test_sparse_tables_are_read_by_their_values(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    counts = np.where(ROWS > 0, ROWS, 0)
    assert pairs(load_data(getattr(sparse, kind)(counts), pixels="real")) == expected(counts, None)
