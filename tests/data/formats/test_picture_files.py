from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit.core import DataError
from vaekit.data import load_data

HEIGHT, WIDTH = 12, 10


def grey(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)


def colour(seed: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)


def fill(root: Path, kind: str = "L", count: int = 12) -> None:
    """Plain images beside the odd one, so that there is something to split."""
    for i in range(count):
        Image.fromarray(grey(100 + i) if kind == "L" else colour(100 + i, len(kind))).save(
            root / f"plain{i}.png"
        )


def mode_of(path: Path) -> str:
    with Image.open(path) as image:
        return image.mode


def pixels(root: Path, name: str, **options: object) -> tuple[np.ndarray, list[str]]:
    """One image of a folder as (H, W, C), and all notes."""
    data = load_data(root, **options)  # type: ignore[arg-type]
    for split in data.splits.values():
        assert split.names is not None
        if name in split.names:
            return split.images[split.names.index(name)].permute(1, 2, 0).numpy(), data.notes
    raise AssertionError(f"{name} was not loaded: {data.notes}")


def test_grey_images_have_one_channel(tmp_path):
    fill(tmp_path)
    found, notes = pixels(tmp_path, "plain3.png")
    assert np.array_equal(found[:, :, 0], grey(103))
    assert found.shape == (HEIGHT, WIDTH, 1)
    assert notes == []


def test_colour_among_grey_makes_all_rgb(tmp_path):
    fill(tmp_path)
    Image.fromarray(colour(0)).save(tmp_path / "odd.png")
    found, notes = pixels(tmp_path, "odd.png")
    assert np.array_equal(found, colour(0))
    assert np.array_equal(pixels(tmp_path, "plain3.png")[0], np.repeat(grey(103)[:, :, None], 3, axis=2))
    assert notes == ["12 grey images converted to RGB"]


def test_palette(tmp_path):
    fill(tmp_path, "RGB")
    rng = np.random.default_rng(0)
    palette, indices = (
        rng.integers(0, 256, (5, 3), dtype=np.uint8),
        rng.integers(0, 5, (HEIGHT, WIDTH), np.uint8),
    )
    image = Image.fromarray(indices).convert("P")
    image.putpalette(palette.tobytes())
    image.putdata(indices.ravel().tolist())
    image.save(tmp_path / "odd.png")
    assert mode_of(tmp_path / "odd.png") == "P"
    found, notes = pixels(tmp_path, "odd.png")
    assert np.array_equal(found, palette[indices])
    assert notes == ["1 palette image converted to RGB"]


def test_grey_palette_stays_grey(tmp_path):
    fill(tmp_path)
    indices = np.random.default_rng(0).integers(0, 4, (HEIGHT, WIDTH), dtype=np.uint8)
    levels = np.array([7, 90, 200, 31], np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putpalette(np.repeat(levels[:, None], 3, axis=1).tobytes())
    image.putdata(indices.ravel().tolist())
    image.save(tmp_path / "odd.png")
    found, notes = pixels(tmp_path, "odd.png")
    assert np.array_equal(found[:, :, 0], levels[indices])
    assert notes == ["1 palette image converted to grey"]


def test_cmyk(tmp_path):
    fill(tmp_path, "RGB")
    inks = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    inks[:, :, 0] = 255  # full cyan absorbs red
    inks[:, :, 3] = 51  # and a fifth of black dims the rest
    Image.fromarray(inks, "CMYK").save(tmp_path / "odd.tif")
    found, notes = pixels(tmp_path, "odd.tif")
    assert np.abs(found.astype(int) - [0, 204, 204]).max() <= 1
    assert notes == ["1 CMYK image converted to RGB"]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit(tmp_path, ending):
    fill(tmp_path)
    values = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"odd.{ending}")
    found, notes = pixels(tmp_path, f"odd.{ending}")
    assert np.array_equal(found[:, :, 0], np.rint(values / 257))
    assert notes == ["1 16-bit image converted to grey (divided by 257); pixels='unit' keeps their depth"]


def test_float(tmp_path):
    fill(tmp_path)
    values = np.random.default_rng(0).random((HEIGHT, WIDTH), dtype=np.float32)
    Image.fromarray(values).save(tmp_path / "odd.tif")
    Image.fromarray(values * 300).save(tmp_path / "worse.tif")
    found, notes = pixels(tmp_path, "odd.tif")
    assert np.array_equal(found[:, :, 0], np.rint(values.astype(np.float64) * 255))
    assert any(note.startswith("1 float image converted to grey") for note in notes)
    assert any(
        "worse.tif (values from " in note and "outside 0 to 1: give white=511)" in note for note in notes
    )


def test_1_bit(tmp_path):
    fill(tmp_path)
    bits = np.random.default_rng(0).integers(0, 2, (HEIGHT, WIDTH)).astype(bool)
    Image.fromarray(bits).save(tmp_path / "odd.png")
    assert mode_of(tmp_path / "odd.png") == "1"
    found, notes = pixels(tmp_path, "odd.png")
    assert np.array_equal(found[:, :, 0], bits * 255)
    assert notes == ["1 1-bit image converted to grey"]


def test_only_1_bit_images_are_binary_data(tmp_path):
    for i in range(12):
        Image.fromarray(grey(i) > 127).save(tmp_path / f"{i}.png")
    data = load_data(tmp_path)
    assert data.pixels == "binary"


def test_transparency_is_laid_onto_white(tmp_path):
    fill(tmp_path, "RGB")
    rgba = colour(0, 4)
    Image.fromarray(rgba).save(tmp_path / "odd.png")
    found, notes = pixels(tmp_path, "odd.png")
    share = rgba[:, :, 3:] / 255
    assert np.abs(found - (rgba[:, :, :3] * share + 255 * (1 - share))).max() <= 1
    assert notes == ["1 image with transparency: laid onto white"]


def test_transparency_of_grey_and_of_palette_images(tmp_path):
    fill(tmp_path)
    values = np.stack([grey(0), np.where(grey(1) > 127, 255, 0).astype(np.uint8)], axis=2)
    Image.fromarray(values, "LA").save(tmp_path / "odd.png")
    indices = np.random.default_rng(0).integers(0, 2, (HEIGHT, WIDTH), dtype=np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putpalette(bytes([9, 9, 9, 80, 80, 80]))
    image.putdata(indices.ravel().tolist())
    image.save(tmp_path / "hole.png", transparency=0)
    found, notes = pixels(tmp_path, "odd.png")
    assert np.array_equal(found[:, :, 0], np.where(values[:, :, 1] == 255, values[:, :, 0], 255))
    assert np.array_equal(pixels(tmp_path, "hole.png")[0][:, :, 0], np.where(indices == 0, 255, 80))
    assert "2 images with transparency: laid onto white" in notes


@pytest.mark.parametrize("one_is_opaque", [False, True])
def test_alpha_is_kept_only_where_all_images_use_it(tmp_path, one_is_opaque):
    fill(tmp_path, "RGBA")
    if one_is_opaque:
        Image.fromarray(colour(0)).convert("RGBA").save(tmp_path / "odd.png")
    found, notes = pixels(tmp_path, "plain3.png")
    rgba = colour(103, 4)
    share = rgba[:, :, 3:] / 255
    white = rgba[:, :, :3] * share + 255 * (1 - share)
    assert found.shape[2] == (3 if one_is_opaque else 4)
    assert np.abs(found.astype(float) - (white if one_is_opaque else rgba)).max() <= 1
    assert len(notes) == 1


@pytest.mark.parametrize("ending", ["JPG", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation, ending):
    """What a viewer shows for each value, from the TIFF 6.0 definition of the tag: 'the 0th row is
    the visual ..., the 0th column the visual ...'."""
    upright = np.kron(np.arange(0, 250, 42).reshape(2, 3), np.ones((8, 8))).astype(
        np.uint8
    )  # six even blocks
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    for i in range(12):
        Image.fromarray(upright + np.uint8(i)).save(tmp_path / f"plain{i}.png")
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"odd.{ending}", exif=exif, quality=100)
    found, notes = pixels(tmp_path, f"odd.{ending}", validation=0)
    assert np.abs(found[:, :, 0].astype(int) - upright).max() <= (3 if ending == "JPG" else 0)
    assert bool(notes) == (orientation > 1)


def test_several_frames(tmp_path):
    fill(tmp_path)
    frames = [Image.fromarray(grey(i)) for i in range(3)]
    frames[0].save(tmp_path / "odd.tif", save_all=True, append_images=frames[1:])
    found, notes = pixels(tmp_path, "odd.tif")
    assert np.array_equal(found[:, :, 0], grey(0))
    assert notes == ["1 image with several frames: only the first is used"]


@pytest.mark.parametrize("ending", ["png", "JPG", "jpeg", "bmp", "gif", "webp", "tiff", "ppm", "pcx", "tga"])
def test_common_formats(tmp_path, ending):
    even = np.full((HEIGHT, WIDTH, 3), [40, 40, 40], np.uint8)
    fill(tmp_path, "RGB")
    Image.fromarray(even).save(tmp_path / f"odd.{ending}")
    assert np.abs(pixels(tmp_path, f"odd.{ending}")[0].astype(int) - 40).max() <= 2


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "text"])
def test_damaged_images_are_passed_over_and_said(tmp_path, damage):
    fill(tmp_path)
    content = (tmp_path / "plain0.png").read_bytes()
    changed = {
        "cut": content[: len(content) // 2], "noise": bytes(range(200)), "empty": b"", "text": b"<html></html>",
    }[damage]  # fmt: skip
    (tmp_path / "odd one.png").write_bytes(changed)
    data = load_data(tmp_path)
    assert sum(map(len, data.splits.values())) == 12
    (note,) = data.notes
    assert note.startswith("1 unreadable image skipped, first odd one.png (")


def test_sizes_are_brought_together(tmp_path):
    for i in range(12):
        shape = (40, 20) if i % 2 else (30, 30)
        Image.fromarray(np.full(shape, 100 + i, np.uint8)).save(tmp_path / f"{i}.png")
    with pytest.raises(DataError, match=r"6 of \d+x\d+ .*6 of \d+x\d+.*image_size="):
        load_data(tmp_path)
    found, _ = pixels(tmp_path, "3.png", image_size="20")
    assert found.shape == (20, 20, 1)
    assert (found == 103).all()
    padded, _ = pixels(tmp_path, "3.png", image_size="20", fit="pad")
    assert (padded[:, 5:15] == 103).all()
    assert (padded[:, :5] == 0).all()
    assert (padded[:, 15:] == 0).all()


def test_large_photos_shrink_to_their_means(tmp_path):
    """A JPEG read at a fraction of its size still shows its blocks in their places."""
    blocks = np.random.default_rng(0).integers(30, 220, (8, 8), dtype=np.uint8)
    for i in range(12):
        photo = np.kron(np.roll(blocks, i, axis=0), np.ones((100, 100), np.uint8))
        Image.fromarray(photo).save(tmp_path / f"{i}.jpg", quality=95)
    found, _ = pixels(tmp_path, "5.jpg", image_size=64)
    centres = found[4::8, 4::8, 0].astype(int)
    assert np.abs(centres - np.roll(blocks, 5, axis=0)).max() <= 6


@pytest.mark.parametrize(("content", "said"), [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "git lfs pull fetches the image"),
    (b"<!DOCTYPE html><html>404", "a web page"),
    (b'<?xml version="1.0"?><svg/>', "XML or SVG"),
    (b"hello", "not an image"),
])  # fmt: skip
def test_what_lies_in_the_place_of_an_image(tmp_path: Path, content: bytes, said: str) -> None:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_data(tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_another_colour_space_than_srgb_is_said(tmp_path: Path) -> None:
    """A profile of ICC has the space of its numbers at byte 16, and its name somewhere in words."""
    random = np.random.default_rng(0)
    cases = [
        ("p3", b"RGB ", "Display P3", 1),
        ("srgb", b"RGB ", "sRGB IEC61966-2.1", 0),
        ("grey", b"GRAY", "Dot Gain", 0),
    ]
    for name, space, called, count in cases:
        folder = tmp_path / name
        folder.mkdir()
        profile = bytes(16) + space + bytes(108) + called.encode("utf-16-be")
        for number in range(12):
            pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png", icc_profile=profile)
        notes = [note for note in load_data(folder).notes if "colour profile" in note]
        assert len(notes) == count, name
    assert "the numbers are taken as they are" in load_data(tmp_path / "p3").notes[0]
