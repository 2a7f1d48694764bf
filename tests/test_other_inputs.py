"""Inputs of the kinds that people meet, none of which was in a list: the right value, or one line and exit 2."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import vaekit
from made_files import chunk, packed, png
from vaekit import DataError, RunError, SettingError, load_data, load_run
from vaekit.data.formats.arrangement import arrange
from vaekit.data.formats.array_names import choose
from vaekit.data.formats.picture_notes import without_options
from vaekit.plain_files import as_text, utf8
from vaekit.runs.files import read_json, write_json
from vaekit.runs.outputs import FORMULA

GREY = np.random.default_rng(0).integers(0, 256, (24, 12, 12), dtype=np.uint8)
BYTES = os.fsdecode(b"caf\xe9")  # a name in Latin-1, as archives of old machines have
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes and no such names on Windows")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "own-cache"))


def pictures(folder: Path, name: Callable[[int], str] = "{}.png".format, images: np.ndarray = GREY) -> Path:
    for index, image in enumerate(images):
        path = folder / name(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def of_png(bits: int, colour: int, pixels: np.ndarray, before: bytes = b"") -> bytes:
    """A PNG of one band with less than 8 bits."""
    import zlib

    head = np.array([pixels.shape[1], pixels.shape[0]], ">u4").tobytes() + bytes([bits, colour, 0, 0, 0])
    lines = b"".join(b"\0" + packed(row, bits) for row in pixels)
    body = chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + body


def splits(tree: dict[str, int]) -> tuple[dict[str, int], set[str | None], list[str]]:
    places, notes = arrange([f"{folder}/{i}.png" for folder, n in tree.items() for i in range(n)], "x")
    parts: dict[str, int] = {}
    for place in places.values():
        parts[place.part] = parts.get(place.part, 0) + 1
    return parts, {place.label for place in places.values()}, notes


def both(*folders: str, images: int = 6) -> dict[str, int]:
    return {f"{folder}/{kind}": images for folder in folders for kind in ("cats", "dogs")}


@pytest.mark.parametrize(("folders", "parts"), [
    (("training_set", "holdout"), {"train": 12, "test": 12}), (("train", "hold-out"), {"train": 12, "test": 12}),
    (("Train", "HeldOut"), {"train": 12, "test": 12}), (("trn", "vld", "tst"), {"train": 12, "validation": 12, "test": 12}),
    (("X_tr", "X_te"), {"train": 12, "test": 12}), (("tr-01", "val-01", "val-02"), {"train": 12, "validation": 24}),
    (("TRAIN_DATA", "TEST_DATA"), {"train": 12, "test": 12}), (("train 80%", "test 20%"), {"train": 12, "test": 12}),
    (("dev-clean", "train-clean-100"), {"train": 12, "validation": 12}),
    (("imgs_train", "imgs_val", "imgs_test"), {"train": 12, "validation": 12, "test": 12}),
])  # fmt: skip
def test_splits_by_other_words(folders: tuple[str, ...], parts: dict[str, int]) -> None:
    assert splits(both(*folders))[:2] == (parts, {"cats", "dogs"})


@pytest.mark.parametrize("tree", [
    dict.fromkeys(("tr", "te", "en"), 6), dict.fromkeys(("tr", "te"), 6), dict.fromkeys(("holdout", "cat", "dog"), 6),
])  # fmt: skip
def test_short_words_are_classes_where_nothing_else_is_one(tree: dict[str, int]) -> None:
    assert splits(tree)[:2] == ({"train": 6 * len(tree)}, {*tree})


def test_classes_that_all_have_the_same_folders_are_said() -> None:
    for tree in (
        both("fold1", "fold2"),
        both("entrenamiento", "prueba"),
        both("one/train", "one/test", "two/train", "two/test"),
    ):
        notes = splits(tree)[2]
        assert (
            sum("taken as classes, each of which has the folders cats, dogs" in note for note in notes) == 1
        )
    assert not [note for note in splits({"a/x": 6, "b/x": 6, "a/y": 6})[2] if "each of which" in note]


@pytest.mark.parametrize(("names", "images", "labels"), [
    (("training_set", "test_set"), {"train": "training_set", "test": "test_set"}, {}),
    (("train_set_x", "train_set_y", "test_set_x", "test_set_y"), {"train": "train_set_x", "test": "test_set_x"},
     {"train": "train_set_y", "test": "test_set_y"}),
    (("Xtrain", "Ytrain", "Xholdout", "Yholdout"), {"train": "Xtrain", "test": "Xholdout"}, {"train": "Ytrain", "test": "Yholdout"}),
    (("X_tr", "X_te", "y_tr", "y_te"), {"train": "X_tr", "test": "X_te"}, {"train": "y_tr", "test": "y_te"}),
    (("set",), {"train": "set"}, {}),
])  # fmt: skip
def test_names_of_arrays_by_other_words(
    names: tuple[str, ...], images: dict[str, str], labels: dict[str, str]
) -> None:
    found = choose(
        {name: 1 if "y" in name.lower().split("_")[0] or name.endswith("_y") else 3 for name in names}
    )
    assert (dict(found.images), dict(found.labels), found.unused) == (images, labels, [])


def test_small_copies_are_no_images(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a")
    for name in ("0@2x", "1_thumb", "2-thumbnail", "3.preview"):
        Image.fromarray(GREY[0, :6, :6]).save(folder / f"{name}.png")
    data = load_data(folder)
    assert sum(map(len, data.splits.values())) == 24
    assert any(note.startswith("4 images skipped: copies of others in another size") for note in data.notes)
    alone = load_data(pictures(tmp_path / "b", "{}@2x.png".format))
    assert sum(map(len, alone.splits.values())) == 24


KINDS = [("cat", "dog")[i % 2] for i in range(24)]


def lines(head: str, row: str) -> str:
    return "\n".join([head, *(row.format(i=i, k=k) for i, k in enumerate(KINDS))]) + "\n"


@pytest.mark.parametrize(("text", "said"), [
    (lines("file_name,label", "{i}.png,{k}").encode("utf-16"), "24 labels"),
    (lines("path,label", "/home/me/set/{i}.png,{k}"), "its paths are of another place"),
    (lines("path,label", "C:\\data\\{i}.png,{k}"), "its paths are of another place"),
    (lines("file_name,label", "{i}.PNG,{k}"), "its paths are of another place"),
    (lines("file_name,label", "{i}.png,{k}\n{i}.png,{k}"), "24 labels"),
    (lines("file_name,label,split", "{i}.png,{k},test"), "its column split is not used"),
    (lines("file_name,label,class", "{i}.png,{k},7"), "column class is not used; labels_key=class takes it"),
    (lines("file_name,label", ".\\{i}.png,{k}").replace("\n", "\r\n"), "24 labels"),
])  # fmt: skip
def test_tables_of_labels_from_elsewhere(tmp_path: Path, text: str | bytes, said: str) -> None:
    folder = pictures(tmp_path / "a")
    (folder / "metadata.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    data = load_data(folder)
    assert any(said in note for note in data.notes) and any("24 labels" in note for note in data.notes)
    found = {
        image.numpy().tobytes(): data.class_names[split.labels[i]]  # type: ignore[index]
        for split in data.splits.values()
        for i, image in enumerate(split.images)
    }
    assert found == {image.tobytes(): kind for image, kind in zip(GREY, KINDS, strict=True)}


def test_labels_that_some_images_lack_are_said(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a")
    text = "file_name,label\n" + "".join(f"{i}.png,{'cat' if i % 2 else ''}\n" for i in range(24))
    (folder / "metadata.csv").write_text(text, encoding="utf-8")
    data = load_data(folder)
    assert data.class_names is None
    assert "no labels in train: 12 images there have none" in data.notes
    assert any("12 of its lines have an empty label" in note for note in data.notes)
    rows = "\n".join(json.dumps({"file_name": f"{i}.png", "label": {"a": 1}}) for i in range(24))
    (folder / "metadata.csv").rename(folder / "metadata.jsonl")
    (folder / "metadata.jsonl").write_text(rows, encoding="utf-8")
    with pytest.raises(DataError, match="labels of several values in column label"):
        load_data(folder)


def test_a_second_array_in_a_file_is_said(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, GREY)
        np.save(file, GREY[:3])
    assert any(note.startswith("560 bytes behind the array") for note in load_data(tmp_path / "a.npy").notes)
    np.save(tmp_path / "b.npy", GREY)
    assert load_data(tmp_path / "b.npy").notes == []


def test_a_zip_by_another_name_and_what_is_no_tar(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.tar", "w") as archive:
        for index, image in enumerate(GREY):
            archive.writestr(f"{index}.png", png(image))
    assert sum(map(len, load_data(tmp_path / "a.tar").splits.values())) == 24
    (tmp_path / "b.tar.gz").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(50))
    with pytest.raises(DataError, match=r"no tar, nor one packed by gzip, bzip2 or xz\); save it as \.zip"):
        load_data(tmp_path / "b.tar.gz")


def test_one_hot_labels_of_a_loader_and_whole_numbers_as_pictures() -> None:
    images = torch.rand(24, 1, 8, 8)
    hot = torch.eye(3)[torch.arange(24) % 2]
    loaded = load_data(DataLoader(TensorDataset(images, hot), 5))
    assert loaded.class_names == ["0", "1", "2"] and not any("label" in note for note in loaded.notes)
    deep = [Image.fromarray(image.astype(np.int32)) for image in GREY]
    with pytest.raises(DataError, match="signed 32-bit images have values up to 255 only"):
        load_data(deep)
    data = load_data(deep, white=255)
    assert {image.numpy().tobytes() for s in data.splits.values() for image in s.images} == {
        i.tobytes() for i in GREY
    }


def test_grey_of_two_bits_in_a_png(tmp_path: Path) -> None:
    levels = np.arange(144).reshape(12, 12) % 4
    for index in range(12):
        (tmp_path / f"{index}.png").write_bytes(
            of_png(2, 0, np.roll(levels, index), chunk(b"gAMA", b"\0\0\xb1\x8f"))
        )
    data = load_data(tmp_path)
    assert sorted({int(value) for split in data.splits.values() for value in split.images.unique()}) == [
        0,
        85,
        170,
        255,
    ]


@POSIX
def test_pipes_and_links_as_sources_are_named(terminal, tmp_path: Path) -> None:
    for name in ("a", "a.npz", "a.csv", "a.zip", "a.png"):
        os.mkfifo(name)
        outcome = terminal("data", name)
        assert outcome.status == 2 and outcome.err.endswith("What is there is a pipe, no file.\n")
    os.symlink("nowhere", "link.npy")
    assert "a link that leads nowhere" in terminal("data", "link.npy").err
    folder = pictures(tmp_path / "b")
    os.mkfifo(folder / "metadata.csv")
    assert load_data(folder).notes == ["1 pipe skipped: no file (metadata.csv)"]


@POSIX
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "metrics.jsonl", "previews.npz"])
def test_pipes_and_devices_in_the_place_of_a_runs_files(vae_run: Path, name: str) -> None:
    for make in (os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir):
        (vae_run / name).unlink(missing_ok=True)
        make(vae_run / name)
        with pytest.raises(RunError, match=r"it is no plain file|Is a directory|has no config\.json"):
            load_run(vae_run)
        if name != "config.json":
            assert name in vaekit.check(vae_run).damaged
        os.rmdir(vae_run / name) if (vae_run / name).is_dir() else os.unlink(vae_run / name)


@POSIX
def test_names_of_any_bytes(terminal, vae_run: Path, tmp_path: Path) -> None:
    """Names of files keep their bytes as far as a file can say them; classes are text that every program can draw."""
    folder = pictures(tmp_path / "a", lambda i: f"{(BYTES, 'x')[i % 2]}/{BYTES}-{i}.png")
    data = load_data(folder)
    assert data.class_names == ["caf\\udce9", "x"]
    words = [
        "--data",
        folder,
        "--latent-dim",
        2,
        "--width",
        8,
        "--steps",
        3,
        "--device",
        "cpu",
        "--out",
        "r",
    ]
    assert terminal("train", "cvae", *words).status == 0
    assert terminal("sample", "r", "--label", "caf\\udce9", "--out", "s.csv").status == 0
    with open("s.csv", encoding="utf-8", newline="") as file:
        assert {row["label"] for row in csv.DictReader(file)} == {"caf\\udce9"}
    for out in ("c.csv", "c.npz"):
        assert terminal("encode", vae_run, "--data", folder, "--out", out).status == 0
    with np.load("c.npz") as arrays, open("c.csv", encoding="utf-8", newline="") as file:
        named = [row["name"] for row in csv.DictReader(file)]
        assert [as_text(str(name)) for name in arrays["names"]] == named
        assert f"{BYTES}/{BYTES}-0.png" in arrays["names"].tolist()
    figures = terminal("figures", "r", "--only", "latent_map", "--out", "figures")
    assert figures.status == 0 and "Glyph" not in figures.err


@POSIX
def test_pipes_as_other_files_and_as_results(terminal, vae_run: Path) -> None:
    os.mkfifo("p.json")
    os.mkfifo("p.npz")
    for words in (("train", "vae", "--data", "digits", "--config", "p.json"), ("cards", "p.json", "p.json"),
                  ("sample", vae_run, "--out", "p.npz"), ("encode", vae_run, "--out", "p.npz")):  # fmt: skip
        outcome = terminal(*words)
        assert outcome.status == 2 and len(outcome.errors) == 1, outcome.err
        assert "plain file" in outcome.err or "a pipe" in outcome.err
    with pytest.raises(RunError, match="no plain file"):
        vaekit.load("p.npz")
    with pytest.raises(SettingError, match="zero byte"):
        vaekit.sample(vae_run, out="a\0b.npz")


@POSIX
def test_through_a_link_no_run_is_removed(vae_run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(vae_run)
    with pytest.raises(RunError, match="is a link: remove the run itself"):
        vaekit.remove(tmp_path / "link")
    assert vaekit.check(vae_run).whole


def test_whole_numbers_beyond_64_bits(terminal, vae_run: Path) -> None:
    for words in (
        ("sample", vae_run, "--seed", 10**20),
        ("train", "vae", "--data", "digits", "--latent-dim", 10**20),
    ):
        outcome = terminal(*words)
        assert outcome.status == 2 and len(outcome.errors) == 1 and "must be below 2^63" in outcome.err
    with pytest.raises(SettingError, match=r"2\^63"):
        load_run(vae_run).model.sample(2, seed=10**20)


def test_json_has_any_text(tmp_path: Path) -> None:
    held = {"name": BYTES, "other": "é\n"}
    write_json(tmp_path / "a.json", held)
    assert read_json(tmp_path / "a.json") == held
    assert utf8(BYTES) == b"caf\\udce9"


def test_a_folder_with_the_name_of_a_home(terminal, tmp_path: Path) -> None:
    pictures(tmp_path / "~nobody-of-that-name")
    assert terminal("data", "./~nobody-of-that-name").status == 0
    assert "no such file or folder" in terminal("data", "~nobody-of-this-name").err


def test_opacity_for_a_run_without_it(vae_run: Path, tmp_path: Path) -> None:
    """A folder, as one file: laid onto white by Pillow."""
    rgba = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 4), dtype=np.uint8)
    folder = pictures(tmp_path / "a", images=rgba)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", vaekit.VaekitWarning)
        found = vaekit.reconstruct(load_run(vae_run), folder).originals
    data = load_run(vae_run).load_data(folder)
    white = Image.new("RGBA", (8, 8), "white")
    expected = [
        np.asarray(Image.alpha_composite(white, Image.fromarray(image)).convert("RGB").convert("L"))
        for image in rgba
    ]
    assert "4 images with transparency: laid onto white" in data.notes
    assert np.abs(data.test.images[:, 0].numpy().astype(int) - np.stack(expected)).max() <= 1
    assert (found[:, 0].numpy() * 255 - np.stack(expected)).max() <= 1


def test_advice_for_sets_is_not_given_to_models(terminal, vae_run: Path, tmp_path: Path) -> None:
    dark = np.random.default_rng(1).integers(0, 4096, (3, 8, 8)).astype(np.uint16)
    folder = pictures(tmp_path / "a", images=dark)
    np.save("deep.npy", dark)
    np.save("floats.npy", dark % 256 * 1.0)
    for words in (("encode", vae_run, "--data", folder), ("encode", vae_run, "--data", "deep.npy"),
                  ("score", vae_run, "--data", "floats.npy"), ("reconstruct", vae_run, folder, "--out", "r.npz")):  # fmt: skip
        said = terminal(*words).err
        assert said and "--pixels" not in said and "--white" not in said
    line = "scale them (divide by 255, say), or pixels='8-bit' if they are whole numbers 0..255, or pixels='real' if they are features; x"
    assert without_options(line) == "scale them (divide by 255, say); x"


def test_a_colour_picture_for_a_grey_run_is_said(terminal, vae_run: Path) -> None:
    Image.fromarray(np.stack([GREY[0, :8, :8]] * 3, -1)).save("a.png")
    outcome = terminal("reconstruct", vae_run, "a.png", "--out", "r.npz")
    assert outcome.status == 0 and "1 colour image converted to grey" in outcome.err


def test_no_code_is_nan(tmp_path: Path) -> None:
    """Rows so far from all training rows that float32 does not hold their squares."""
    rows = np.random.default_rng(0).normal(size=(80, 3))
    model = vaekit.VAE((3,), latent_dim=2, pixels="real", width=8)
    vaekit.fit(model, vaekit.ELBO(), load_data(rows, pixels="real"), steps=3, progress=False)
    rows[4, 1] = 1e30
    with pytest.raises(DataError, match=r"example 4 has a value more than 1e\+18 standard deviations"):
        model.embed(rows)
    assert np.isfinite(model.embed(np.delete(rows, 4, 0))).all()


@pytest.mark.parametrize(("cells", "count"), [
    (["name", "=cmd()", "@x", "+a", "-b", "'=c"], 4), (["-1.5", "+2", "-inf", "-nan", "-.5", "", "-", "a=b"], 0),
    (['=HYPERLINK("x", 1)', "ok"], 1),
])  # fmt: skip
def test_cells_that_a_spreadsheet_would_run_are_counted(cells: list[str], count: int) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([cells])
    assert len(FORMULA.findall(text.getvalue().encode())) == count


def test_a_table_with_formulas_leaves_as_it_came_and_it_is_said(terminal) -> None:
    rows: Any = np.random.default_rng(0).normal(size=(60, 2)).tolist()
    with open("t.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["=1+1", "b\n🐟", "kind"], *([*row, ("=x", "y/../z")[i % 2]] for i, row in enumerate(rows))]
        )
    words = [
        "--data",
        "t.csv",
        "--labels-key",
        "kind",
        "--latent-dim",
        2,
        "--width",
        8,
        "--steps",
        3,
        "--device",
        "cpu",
    ]
    assert terminal("train", "cvae", *words, "--out", "run").status == 0
    outcome = terminal("sample", "run", "--count", 4, "--label", "0", "--out", "s.csv")
    assert outcome.status == 0 and "5 cells of text with the beginning of a formula" in outcome.err
    with open("s.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["kind", "=1+1", "b\n🐟"] and {row["kind"] for row in found} == {"=x"}
