"""Pictures into a file and back, to the last pixel: of every kind of source, by the model or without it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from discs import pictures
from vaekit.coding.classical import code_classically, may_lose, restore_classically
from vaekit.coding.coders import coder_of
from vaekit.coding.compress import Compressed
from vaekit.coding.growing import unfinished
from vaekit.coding.portion import MODEL, Group, read_part, write_part
from vaekit.coding.restoring import safe_name
from vaekit.coding.sums import Beside, Sums, general_sizes
from vaekit.core import DataError, RunError, SettingError
from vaekit.data.view import fixed_draw

QUIET: dict[str, Any] = {"progress": "none"}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """All grey digits in the order of their file, (1797, 8, 8) uint8, and their classes."""
    data = vaekit.load_data("digits", validation=0)
    names = [int(name) for split in data.splits.values() for name in split.names or []]
    order = np.argsort(names) if names else slice(None)
    images = torch.cat([split.images for split in data.splits.values() if len(split)]).numpy()[order, 0]
    labels = torch.cat(
        [split.labels for split in data.splits.values() if len(split) and split.labels is not None]
    ).numpy()
    return images, labels[order]


def drawn(images: np.ndarray) -> np.ndarray:
    """The binary view of grey images (N, H, W), 0 and 255, by the function that shows them to models."""
    return (fixed_draw(torch.from_numpy(images / 255.0).float()[:, None]).numpy()[:, 0] * 255).astype(
        np.uint8
    )


@pytest.fixture
def some(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Five hundred digits as an .npz, and their pixels and labels."""
    images, labels = digits()
    np.savez(tmp_path / "some.npz", images=images[:500], labels=labels[:500])
    return tmp_path / "some.npz", images[:500], labels[:500]


@pytest.mark.usefixtures("by_the_model")
def test_an_npz_comes_back_in_a_new_process_from_the_file_alone(
    binary_run: Path, some, tmp_path: Path
) -> None:
    path, images, labels = some
    found = vaekit.compress(
        binary_run, path, out=tmp_path / "x.vk", with_model=True, part=200, beside=0, **QUIET
    )
    assert found.sums is not None and found.sums.coders == {"model": 500} and found.sums.inside
    words = ["decompress", str(tmp_path / "x.vk"), "--out", str(tmp_path / "back.npz"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "vaekit", *words], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["images"] == 500
    back = np.load(tmp_path / "back.npz")
    assert set(back) == {"images", "labels"}
    np.testing.assert_array_equal(back["images"], drawn(images))
    np.testing.assert_array_equal(back["labels"], labels)
    assert np.array_equal(vaekit.load_data(tmp_path / "back.npz").train.images[:1].shape, (1, 1, 8, 8))


@pytest.mark.usefixtures("by_the_model")
def test_without_the_model_inside_the_run_is_asked_for(
    binary_run: Path, odd_run: Path, some, tmp_path: Path
) -> None:
    path, images, _ = some
    found = vaekit.compress(binary_run, path, out=tmp_path / "x.vk", beside=0, **QUIET)
    assert (
        found.sums is not None
        and not found.sums.inside
        and (tmp_path / "x.vk").stat().st_size == found.sums.size
    )
    with pytest.raises(
        RunError, match=r"need the model of the run binary \(SHA-256 \w{12}\), .* give model='RUN'"
    ):
        vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "back.npz", **QUIET)
    with pytest.raises(RunError, match="is not the run that it was made with"):
        vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "back.npz", model=odd_run, **QUIET)
    assert not (tmp_path / "back.npz").exists()
    vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "back.npz", model=binary_run, **QUIET)
    np.testing.assert_array_equal(np.load(tmp_path / "back.npz")["images"], drawn(images))


def test_a_part_in_which_the_model_loses_is_coded_by_another(binary_run: Path, tmp_path: Path) -> None:
    same = np.repeat(digits()[0][:1], 300, 0)
    np.save(tmp_path / "same.npy", same)
    found = vaekit.compress(binary_run, tmp_path / "same.npy", out=tmp_path / "x.vk", beside=0, **QUIET)
    assert found.sums is not None and "model" not in found.sums.coders and found.sums.pixels < 60
    vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "back.npz", **QUIET)  # which needs no model then
    np.testing.assert_array_equal(np.load(tmp_path / "back.npz")["images"], drawn(same))


def test_a_model_that_no_part_needs_is_left_out(binary_run: Path, tmp_path: Path) -> None:
    same = np.repeat(digits()[0][:3], 100, 0)
    np.savez(tmp_path / "same.npz", images=same, labels=np.arange(300) % 5)
    for with_model in (True, False):
        found = vaekit.compress(
            binary_run, tmp_path / "same.npz", out=tmp_path / f"{with_model}.vk", part=90, beside=0, with_model=with_model, **QUIET
        )  # fmt: skip
        assert (
            found.sums is not None and not found.sums.inside and found.sums.size == found.out.stat().st_size
        )
        assert any("left out" in note for note in found.notes) is with_model
        back = vaekit.decompress(found.out, out=tmp_path / "back.npz", **QUIET)
        assert not back.notes and not back.lost
        arrays = np.load(tmp_path / "back.npz")
        np.testing.assert_array_equal(arrays["images"], drawn(same))
        np.testing.assert_array_equal(arrays["labels"], np.arange(300) % 5)
        one = vaekit.decompress(found.out, out=tmp_path / "one.npz", part=3, **QUIET)
        assert one.images == 30
    sizes = [(tmp_path / f"{inside}.vk").stat().st_size for inside in (True, False)]
    assert abs(sizes[0] - sizes[1]) < 10  # the bits of weights that the head names


def mixed_folder(folder: Path) -> dict[str, np.ndarray | bytes]:
    """Pictures of many forms, and what must come back under each name: pixels where they are 37 x 53 and grey, bytes else."""
    grey = pictures(12, 5)
    wanted: dict[str, np.ndarray | bytes] = {}
    for number, picture in enumerate(grey):
        name = f"class {number % 3}/img{number}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name)
        wanted[name] = picture
    Image.fromarray(grey[0]).save(folder / "as.bmp")
    wanted["as.bmp"] = grey[0]
    colour = np.stack([grey[1], grey[2], grey[3]], -1)
    others = {
        "large.png": Image.fromarray(np.tile(grey[0], (2, 3))), "colour.png": Image.fromarray(colour),
        "clear.png": Image.fromarray(np.dstack([colour, grey[4]])), "deep.png": Image.fromarray(grey[5].astype(np.uint16) * 257),
        "photo.jpg": Image.fromarray(colour), "palette.gif": Image.fromarray(colour).convert("P"),
    }  # fmt: skip
    for name, picture in others.items():
        picture.save(folder / name)
        wanted[name] = (folder / name).read_bytes()
    frames = [Image.fromarray(g) for g in grey[:3]]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    (folder / "broken.png").write_bytes(wanted["large.png"][:100])  # type: ignore[index]
    for name in ("moving.gif", "broken.png"):
        wanted[name] = (folder / name).read_bytes()
    (folder / "notes.txt").write_text("no picture")
    if os.name != "nt":
        odd = os.fsdecode(b"caf\xe9\n.png")
        Image.fromarray(grey[6]).save(folder / odd)
        wanted[odd] = grey[6]
    return wanted


@pytest.mark.usefixtures("by_the_model")
def test_a_folder_comes_back_with_every_pixel_name_and_size(odd_run: Path, tmp_path: Path) -> None:
    wanted = mixed_folder(tmp_path / "in")
    found = vaekit.compress(odd_run, tmp_path / "in", out=tmp_path / "x.vk", part=7, **QUIET)
    assert found.sums is not None
    kept = sum(isinstance(value, bytes) for value in wanted.values())
    assert (found.sums.images, found.sums.pictures) == (len(wanted), len(wanted) - kept)
    assert any("kept as the files" in note for note in found.notes)
    back = vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "out", model=odd_run, **QUIET)
    assert (back.images, back.lost) == (len(wanted), [])
    for name, value in wanted.items():
        safe = safe_name(name)
        if isinstance(value, bytes):
            assert (tmp_path / "out" / safe).read_bytes() == value
        else:
            with Image.open((tmp_path / "out" / safe).with_suffix(".png")) as picture:
                assert picture.mode == "L"
                np.testing.assert_array_equal(np.asarray(picture), value)
    assert sum(path.is_file() for path in (tmp_path / "out").rglob("*")) == len(wanted)
    with pytest.raises(SettingError, match="of another size or kind"):
        vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "out.npz", model=odd_run, **QUIET)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in (tmp_path / "in").rglob("class*/*.png"):
            archive.write(path, path.relative_to(tmp_path / "in"))
    zipped = vaekit.compress(odd_run, tmp_path / "in.zip", out=tmp_path / "z.vk", beside=0, **QUIET)
    assert zipped.sums is not None and (zipped.sums.images, zipped.sums.files) == (12, 0)
    one = vaekit.compress(odd_run, tmp_path / "in" / "as.bmp", out=tmp_path / "one.vk", beside=0, **QUIET)
    assert one.total == 1 and one.names == ["as.bmp"]


@pytest.mark.usefixtures("by_the_model")
def test_one_part_is_restored_without_the_others(binary_run: Path, some, tmp_path: Path) -> None:
    path, images, labels = some
    vaekit.compress(binary_run, path, out=tmp_path / "x.vk", part=120, beside=0, **QUIET)
    content = bytearray((tmp_path / "x.vk").read_bytes())
    found = vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "p.npz", model=binary_run, part=3, **QUIET)
    assert (found.images, found.total) == (120, 120)
    back = np.load(tmp_path / "p.npz")
    np.testing.assert_array_equal(back["images"], drawn(images[360:480]))
    np.testing.assert_array_equal(back["numbers"], np.arange(360, 480))
    np.testing.assert_array_equal(back["labels"], labels[360:480])
    for part in (-1, 5):
        with pytest.raises(SettingError, match="has parts 0 to 4"):
            vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "q.npz", model=binary_run, part=part, **QUIET)
    assert content == (tmp_path / "x.vk").read_bytes()


@pytest.mark.usefixtures("by_the_model")
def test_a_stopped_call_is_resumed_to_the_same_bytes(binary_run: Path, some, tmp_path: Path) -> None:
    path, _, _ = some
    vaekit.compress(binary_run, path, out=tmp_path / "whole.vk", part=120, beside=0, **QUIET)
    told: list[tuple[str, int, int]] = []
    asked = iter([None, "SIGINT"])
    stopped = vaekit.compress(
        binary_run, path, out=tmp_path / "x.vk", part=120, beside=0, tell=lambda *said: told.append(said),
        should_stop=lambda: next(asked),
    )  # fmt: skip
    assert (stopped.stopped, stopped.done, stopped.sums) == ("SIGINT", 240, None)
    assert told == [("compressing", 120, 500), ("compressing", 240, 500)]
    assert unfinished(tmp_path / "x.vk").exists() and not (tmp_path / "x.vk").exists()
    found = vaekit.compress(binary_run, path, out=tmp_path / "x.vk", part=120, beside=0, **QUIET)
    assert found.sums is not None and found.sums.images == 500 and len(found.names) == 260
    assert (tmp_path / "x.vk").read_bytes() == (tmp_path / "whole.vk").read_bytes()
    asked = iter([None, "SIGTERM"])
    back = vaekit.decompress(
        tmp_path / "x.vk", out=tmp_path / "o", model=binary_run, should_stop=lambda: next(asked), **QUIET
    )
    assert back.stopped == "SIGTERM" and not (tmp_path / "o").exists()


@pytest.mark.usefixtures("by_the_model")
def test_a_conditional_run_needs_the_classes_and_gives_them_back(tmp_path: Path, some) -> None:
    path, images, labels = some
    small = {"width": 8, "depth": 1, "latent_dim": 2, "epochs": 1, "device": "cpu", "progress": "none"}
    vaekit.train("cvae", "digits", out=tmp_path / "run", binarize="dynamic", **small)
    vaekit.compress(tmp_path / "run", path, out=tmp_path / "x.vk", with_model=True, beside=0, **QUIET)
    vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "back.npz", **QUIET)
    back = np.load(tmp_path / "back.npz")
    np.testing.assert_array_equal(back["images"], drawn(images))
    np.testing.assert_array_equal(back["labels"], labels)
    for number in range(3):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        Image.fromarray(images[labels == number][0]).save(tmp_path / "in" / str(number) / "a.png")
    vaekit.compress(tmp_path / "run", tmp_path / "in", out=tmp_path / "f.vk", beside=0, **QUIET)
    vaekit.decompress(tmp_path / "f.vk", out=tmp_path / "out", model=tmp_path / "run", **QUIET)
    for number in range(3):
        with Image.open(tmp_path / "out" / str(number) / "a.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), drawn(images[labels == number][:1])[0])
    np.save(tmp_path / "bare.npy", images)
    with pytest.raises(DataError, match="label="):
        vaekit.compress(tmp_path / "run", tmp_path / "bare.npy", out=tmp_path / "b.vk", **QUIET)
    vaekit.compress(
        tmp_path / "run", tmp_path / "bare.npy", out=tmp_path / "b.vk", label="3", beside=0, **QUIET
    )


def test_runs_that_code_nothing_are_refused_in_one_line(vae_run: Path, ae_run: Path, tmp_path: Path) -> None:
    for run, line in ((vae_run, "likelihood"), (ae_run, "train method='vae'")):
        with pytest.raises(SettingError, match=line):
            vaekit.compress(run, "digits", out=tmp_path / "x.vk", **QUIET)
    assert not list(tmp_path.glob("x.vk*"))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"out": "x.zip"}, "choices: .vk"), ({"part": 0}, "part=0"), ({"beside": -1}, "beside=-1"), ({"sizes": "a.txt"}, "choices: .csv"),
        ({"split": "tset"}, "unknown split"), ({"label": "3"}, "was trained without labels"),
        ({"data": "nowhere"}, "no such file or folder"),
        ({"trade": float("nan")}, "trade=nan"), ({"lossy": True}, "needs the codes of a vqvae"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_settings_are_one_line(
    binary_run: Path, tmp_path: Path, options: dict[str, Any], line: str
) -> None:
    given = {"data": "digits", "out": "x.vk", "beside": 0} | options
    for name in ("out", "sizes"):
        if name in given:
            given[name] = tmp_path / given[name]
    with pytest.raises((SettingError, DataError), match=line):
        vaekit.compress(binary_run, given.pop("data"), **given, **QUIET)
    assert not list(tmp_path.glob("x.vk*"))


def test_images_of_another_shape_in_an_array_are_refused(binary_run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((20, 9, 9), np.uint8))
    with pytest.raises(DataError, match="images are 1x9x9"):
        vaekit.compress(binary_run, tmp_path / "x.npy", out=tmp_path / "x.vk", **QUIET)


@pytest.mark.usefixtures("by_the_model")
def test_the_sums_are_those_of_the_file(binary_run: Path, some, tmp_path: Path) -> None:
    path, images, labels = some
    images = images.copy()
    images[77] = 255 * (np.indices((8, 8)).sum(0) % 2)  # a chessboard among digits
    np.savez(path, images=images, labels=labels)
    found = vaekit.compress(
        binary_run, path, out=tmp_path / "x.vk", with_model=True, part=300, beside=250, sizes=tmp_path / "s.csv", **QUIET
    )  # fmt: skip
    sums = found.sums
    assert sums is not None and sums.size == (tmp_path / "x.vk").stat().st_size
    assert sums.size == sums.pixels + sums.facts + sums.files + sums.frame + sums.model
    assert 0 <= sums.initial_bits < 2 * 400  # of what names and labels do not pay for
    assert sums.bits_per_value == 8 * sums.pixels / (500 * 64)
    assert 8 * sums.pixels == pytest.approx(found.bits.sum() + sums.initial_bits, abs=2 * 500)
    assert found.oddest(1)[0][0] == "77"
    with (tmp_path / "s.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0]["name"] == "77" and len(rows) == 500
    assert sums.beside is not None and sums.beside.images == 250
    assert sums.beside.ours == pytest.approx(found.bits[::2].sum() / 8)
    json.dumps(found.as_dict())
    said = "\n".join(sums.lines())
    assert f"{sums.bits_per_value:.4f} bits per value" in said and "initial bits" in said and "lzma" in said


def test_bytes_that_are_kept_anyway_are_initial_bits(binary_run: Path) -> None:
    coder = coder_of(vaekit.load_run(binary_run))
    levels = drawn(digits()[0][:1])[:, None] // 255
    message = np.random.default_rng(0).bytes(100)
    bare, carrying = coder.code(levels, None), coder.code(levels, None, message)
    assert bare.initial_bits > 0 and carrying.initial_bits == 0
    assert len(carrying.content) - len(message) < len(bare.content)
    back, carried = coder.restore_with(carrying.content, 1, None)
    assert carried == message
    np.testing.assert_array_equal(back, levels)


def test_a_model_pays_for_itself_once_it_has_saved_its_size() -> None:
    def pays(model: int, ours: float, theirs: int) -> int | None:
        beside = Beside(100, 64, ours, {"lzma": theirs, "gzip": theirs + 5})
        return Sums(100, 100, 64, 0, model, False, 0, 0, 0, 0.0, {"model": 100}, beside).pays_after

    assert pays(1000, 900.0, 1400) == 200 and pays(1001, 900.0, 1400) == 201
    assert pays(1000, 1400.0, 1400) is None and pays(1000, 1500.0, 1400) is None


def test_general_coders_are_measured_as_files_and_together() -> None:
    levels = pictures(9)[:, None]
    sizes = general_sizes(levels, "8-bit")
    assert {"gzip files", "gzip", "lzma files", "lzma", "PNG files", "PNG sheet"} <= set(sizes)
    assert sizes["gzip"] < sizes["gzip files"] and sizes["PNG sheet"] < sizes["PNG files"]
    binary = general_sizes((levels > 128).astype(np.uint8), "binary")
    assert all(binary[name] < size for name, size in sizes.items())


@pytest.mark.parametrize("shape", [(1, 7, 5), (3, 7, 5), (4, 6, 6), (2, 7, 5), (11,)])
@pytest.mark.parametrize("top", [2, 256])
def test_general_coders_give_the_same_levels_back(shape: tuple[int, ...], top: int) -> None:
    draw = np.random.default_rng(0)
    smooth = np.cumsum(draw.integers(0, 3, (13, *shape)), -1) % top
    for levels in (smooth.astype(np.uint8), draw.integers(0, top, (1, *shape)).astype(np.uint8)):
        number, content = code_classically(levels)
        np.testing.assert_array_equal(restore_classically(number, content, levels.shape), levels)
        with pytest.raises(DataError):
            restore_classically(number, content, (99, *shape))
    with pytest.raises(DataError, match="coder of number 9"):
        restore_classically(9, b"", (1, 4))


def test_repeated_pictures_are_seen(binary_run: Path) -> None:
    draw = np.random.default_rng(0)
    unlike = draw.integers(0, 256, (50, 64)).astype(np.uint8)
    assert not may_lose(unlike, 1000) and may_lose(np.repeat(unlike[:30], 2, 0), 1000)
    assert may_lose(np.zeros((50, 64), np.uint8), 100)


def test_a_part_keeps_names_labels_and_files_in_their_places(stand) -> None:
    draw = np.random.default_rng(0)
    levels = draw.integers(0, 200, (3, 1, 4, 4)).astype(np.uint8)
    files = {1: b"GIF89a" * 100, 4: b""}
    group = Group(levels, ["a", "b/\udc80", "", "d", "é"], np.array([2, -1, 0, 1, -1]), files)
    payload, took = write_part(group, 70, stand)
    assert took.count == 5 and took.coder in (MODEL, 1, 3) and len(took.bits) == 5
    first, back = read_part(payload, (1, 4, 4), stand, 5)
    assert first == 70 and back.names == group.names and back.files == files
    np.testing.assert_array_equal(back.levels, levels)
    np.testing.assert_array_equal(back.labels, group.labels)
    with pytest.raises(DataError):
        read_part(payload, (1, 4, 4), stand, 6)
    with pytest.raises(DataError):
        read_part(payload, (1, 4, 3), stand)
    only = Group(np.empty((0, 1, 4, 4), np.uint8), None, None, {0: b"x"})
    assert read_part(write_part(only, 0, stand)[0], (1, 4, 4), None)[1].files == {0: b"x"}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.png", "a/b.png"), ("../../x.png", "_/_/x.png"), ("/etc/passwd", "etc/passwd"), ("a\\..\\b", "a/_/b"), ("C:\\x", "C_/x"),
        ("", "unnamed"), ("...", "_"), ("con.png", "_con.png"), ("a\n\x1b[31m", "a__[31m"), ("x" * 300 + ".png", "x" * 196 + ".png"),
        ("./a//b", "a/b"), ("tail. ", "_tail"),
    ],
)  # fmt: skip
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_hostile_name_never_leaves_the_folder(tmp_path: Path) -> None:
    from vaekit.coding.restoring import restored_into

    names = [
        "../a.png",
        "/tmp/h",
        "x",
        "x",
        "x/y.png",
        "a\0b",
        "..",
        "X",
        "\ud800.png",
        ".." + "/.." * 30 + "/etc/x",
    ]
    files = {place: str(place).encode() for place in range(len(names))}
    head = {"pixels": "8-bit", "classes": None, "images": len(names)}
    with restored_into(tmp_path / "deep" / "out", head) as place:
        place.add(0, Group(np.empty((0, 1, 2, 2), np.uint8), names, None, files))
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in found) == sorted(files.values())
    assert all((tmp_path / "deep" / "out").resolve() in path.resolve().parents for path in found)


def test_the_commands_say_what_they_did(terminal, binary_run: Path, some, tmp_path: Path) -> None:
    path, _, _ = some
    done = terminal(
        "compress", binary_run, "--data", path, "--out", tmp_path / "x.vk", "--with-model", "--part", 100
    )
    assert done.status == 0 and "bits per value" in done.out and "pays for itself" in done.out
    assert "black-and-white view" in done.err
    again = terminal("decompress", tmp_path / "x.vk", "--json")
    assert again.status == 0 and json.loads(again.out)["images"] == 500
    assert len(list((tmp_path / "x").rglob("*.png"))) == 500
    content = bytearray((tmp_path / "x.vk").read_bytes())
    place = content.find(b"PART", content.find(b"PART") + 4) + 50
    content[place] ^= 1
    (tmp_path / "x.vk").write_bytes(content)
    hurt = terminal("decompress", tmp_path / "x.vk", "--out", tmp_path / "h.npz")
    assert hurt.status == 1 and "lost: part 1 (images 100 to 199): its bytes are not those" in hurt.out
    refused = terminal("decompress", tmp_path / "x.vk", "--out", tmp_path / "h.png")
    assert refused.status == 2 and refused.err.count("\n") == 1


def test_a_record_of_nothing_has_no_oddest(tmp_path: Path) -> None:
    assert Compressed(tmp_path, "x", None).oddest(3) == []
