"""Labels in tables beside images, in folders and in archives."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit import DataError, load_data
from vaekit.data.dataset import Data

GREY = np.random.default_rng(0).integers(0, 256, (30, 9, 8), dtype=np.uint8)
KINDS = [("cat", "dog", "ant")[i % 3] for i in range(30)]


def pictures(folder: Path, name: Callable[[int], str] = "{}.png".format) -> Path:
    for index, array in enumerate(GREY):
        path = folder / name(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
    return folder


def found(data: Data) -> dict[bytes, str | None]:
    names = data.class_names or []
    return {
        image.numpy().tobytes(): None if split.labels is None else names[int(split.labels[i])]
        for split in data.splits.values()
        for i, image in enumerate(split.images)
    }


EXPECTED = {array.tobytes(): kind for array, kind in zip(GREY, KINDS, strict=True)}


def lines(header: str, row: str) -> str:
    return "\n".join([header, *(row.format(i=i, k=k) for i, k in enumerate(KINDS))]) + "\n"


TABLES = {
    "hugging face": ("metadata.csv", lines("file_name,label", "{i}.png,{k}")),
    "more columns": ("metadata.csv", lines("width,file_name,label,text", '9,{i}.png,{k},"a, ""b"""')),
    "jsonl": ("metadata.jsonl", "".join(json.dumps({"file_name": f"{i}.png", "label": k}) + "\n" for i, k in enumerate(KINDS))),
    "byte order mark": ("metadata.csv", "\ufeff" + lines("file_name,label", "{i}.png,{k}")),
    "semicolons": ("labels.csv", lines("filename;class", "{i}.png;{k}")),
    "tabs": ("labels.tsv", lines("image\tcategory", "{i}.png\t{k}")),
    "kaggle": ("labels.csv", lines("id,label", "{i},{k}")),
    "capitals": ("metadata.csv", lines("File_Name,Label", "{i}.png,{k}")),
    "dots": ("metadata.csv", lines("file_name,label", "./{i}.png,{k}")),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables(tmp_path: Path, name: str) -> None:
    file, text = TABLES[name]
    (pictures(tmp_path / "a") / file).write_text(text, encoding="utf-8")
    data = load_data(tmp_path / "a")
    assert found(data) == EXPECTED and data.class_names == ["ant", "cat", "dog"]
    assert any(note.startswith(f"30 labels from {file}") for note in data.notes)
    assert not [note for note in data.notes if "skipped" in note]


def test_tables_of_splits_and_subfolders(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a", lambda i: f"{'train' if i < 20 else 'test'}/{i}.png")
    for part in ("train", "test"):
        rows = [f"{i}.png,{k}" for i, k in enumerate(KINDS) if (i < 20) == (part == "train")]
        (folder / part / "metadata.csv").write_text("file_name,label\n" + "\n".join(rows), encoding="utf-8")
    data = load_data(folder)
    assert found(data) == EXPECTED and len(data.test) == 10
    other = pictures(tmp_path / "b", lambda i: f"images/{i}.png")
    (other / "metadata.csv").write_text(lines("file_name,label", "images/{i}.png,{k}"), encoding="utf-8")
    assert found(load_data(other)) == EXPECTED


def test_a_column_of_ones_own(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a")
    (folder / "metadata.csv").write_text(
        lines("file_name,species,year", "{i}.png,{k},1999"), encoding="utf-8"
    )
    silent = load_data(folder)
    assert silent.class_names is None and any(
        "labels_key= names one (species, year)" in note for note in silent.notes
    )
    assert found(load_data(folder, labels_key="species")) == EXPECTED
    with pytest.raises(DataError, match="Columns: file_name, species, year"):
        load_data(folder, labels_key="genus")


def test_lines_and_images_without_the_other_are_counted(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a")
    rows = [f"{i}.png,{k}" for i, k in enumerate(KINDS) if i != 4] + ["gone.png,cat"]
    (folder / "metadata.csv").write_text("file_name,label\n" + "\n".join(rows), encoding="utf-8")
    data = load_data(folder)
    assert any("29 labels" in note and "1 of its lines name no image" in note for note in data.notes)
    assert any("1 images have no line there" in note for note in data.notes)


@pytest.mark.parametrize(("text", "words"), [
    ("file_name,label\n0.png,a\n0.png,b\n", "gives 0.png two labels, a and b"), ("\x00\xff", "cannot be read"),
])  # fmt: skip
def test_tables_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    folder = pictures(tmp_path / "a")
    (folder / "metadata.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=words):
        load_data(folder)


def test_a_label_file_for_each_image(tmp_path: Path) -> None:
    """As WebDataset has it."""
    folder = pictures(tmp_path / "a", "{:06d}.png".format)
    for index, kind in enumerate(KINDS):
        (folder / f"{index:06d}.cls").write_text(f"{kind}\n", encoding="utf-8")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    assert found(load_data(tmp_path / "a.tar")) == EXPECTED
