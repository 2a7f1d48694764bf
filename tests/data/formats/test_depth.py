"""Pixels of every depth, orientation and kind of transparency, against arrays that the files were written from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from made_files import chunk, exif, png, stored_as, tiff
from vaekit.core import DataError
from vaekit.data import load_data
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.given_files import read_images

HEIGHT, WIDTH = 16, 24
UPRIGHT = np.kron(np.arange(6).reshape(2, 3) * 42, np.ones((8, 8))).astype(np.uint8)


def by_pillow(array: np.ndarray, kind: str, orientation: int, **options: object) -> bytes:
    tag, file = Image.Exif(), io.BytesIO()
    tag[0x0112] = orientation
    Image.fromarray(array).save(file, kind, exif=tag, **options)
    return file.getvalue()


def floats(array: np.ndarray, kind: str) -> np.ndarray:
    return (array / 255).astype(kind)


WRITERS = {
    "png": lambda a, o: png(a, before=chunk(b"eXIf", exif(o))),
    "png, late": lambda a, o: png(a, after=chunk(b"eXIf", exif(o))),
    "png, 16-bit colour": lambda a, o: png(deep(a), before=chunk(b"eXIf", exif(o))),
    "png, 16-bit, late": lambda a, o: png(a.astype(np.uint16) * 257, after=chunk(b"eXIf", exif(o))),
    "jpeg": lambda a, o: by_pillow(a, "JPEG", o, quality=100),
    "webp": lambda a, o: by_pillow(colours(a), "WEBP", o, lossless=True),
    "avif": lambda a, o: by_pillow(colours(a), "AVIF", o, quality=100, subsampling="4:4:4"),
    "tiff": lambda a, o: tiff(a, orientation=o),
    "tiff, lzw": lambda a, o: tiff(a, "lzw", orientation=o),
    "tiff, colour": lambda a, o: tiff(colours(a), orientation=o),
    "tiff, 16-bit": lambda a, o: tiff(a.astype(np.uint16) * 257, "lzw", orientation=o),
    "tiff, 16-bit colour": lambda a, o: tiff(deep(a), "deflate", orientation=o),
    "tiff, float": lambda a, o: tiff(floats(a, "f4"), orientation=o),
    "tiff, double": lambda a, o: tiff(floats(a, "f8"), "lzw", orientation=o),
}


def colours(array: np.ndarray) -> np.ndarray:
    return np.repeat(array[:, :, None], 3, axis=2)


def deep(array: np.ndarray) -> np.ndarray:
    return colours(array).astype(np.uint16) * 257


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_decoder_turns_once(tmp_path: Path, kind: str, orientation: int) -> None:
    if kind == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / "x.bin"
    path.write_bytes(WRITERS[kind](stored_as(UPRIGHT, orientation), orientation))
    header = files.probe(path)
    assert isinstance(header, files.Header), header
    assert header.size == (HEIGHT, WIDTH)
    found = files.decode(header, files.Plan(header.size, "crop", 1))
    assert isinstance(found, files.Decoded), found
    close = 4 if kind in ("jpeg", "avif") else 0
    assert np.abs(found.pixels[0].astype(int) - UPRIGHT).max() <= close


@pytest.mark.parametrize("kind", ["png, late", "tiff, lzw", "tiff, 16-bit colour"])
def test_a_note_says_how_many_were_turned(tmp_path: Path, kind: str) -> None:
    for i in range(12):
        turn = (1, 6, 3)[i % 3]
        array = stored_as(UPRIGHT + np.uint8(i), turn)
        (tmp_path / f"{i}.{kind[:3]}").write_bytes(WRITERS[kind](array, turn))
    data = load_data(tmp_path)
    assert data.shape[1:] == (HEIGHT, WIDTH)
    assert [note for note in data.notes if "turned" in note] == [
        "8 images turned upright as the EXIF orientation says"
    ]


def values_of(kind: str, bands: int, seed: int = 0) -> np.ndarray:
    """Values from 0 to the top of a type, both ends included."""
    random = np.random.default_rng(seed)
    shape = (HEIGHT, WIDTH) if bands == 1 else (HEIGHT, WIDTH, bands)
    share = random.random(shape)
    share.flat[:8], share.flat[8:16] = 0, 1
    top = 1 if kind[0] == "f" else np.iinfo(kind).max
    return (share * top).astype(kind)


TOPS = {
    "u1": 255,
    "u2": 65535,
    "u4": 2**32 - 1,
    "i2": 32767,
    "i4": 2**31 - 1,
    "f2": 1,
    "f4": 1,
    "f8": 1,
}


@pytest.mark.parametrize("kind", TOPS)
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize(
    ("compression", "order"),
    [("none", "<"), ("none", ">"), ("lzw", ">"), ("deflate", "<"), ("zstd", ">"), ("lzma", "<")],
)
def test_tiff_of_any_depth(tmp_path: Path, kind: str, bands: int, compression: str, order: str) -> None:
    values = values_of(kind, bands)
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(values, compression, order=order, planar=bands == 3 and order == ">"))
    unit = np.moveaxis(np.atleast_3d(values).astype(np.float64) / TOPS[kind], 2, 0)
    header = files.probe(path)
    assert isinstance(header, files.Header), header
    full = files.decode(header, files.Plan(header.size, "crop", bands, "unit"))
    eight = files.decode(header, files.Plan(header.size, "crop", bands))
    assert isinstance(full, files.Decoded) and isinstance(eight, files.Decoded), (full, eight)
    np.testing.assert_allclose(full.pixels, unit, atol=1e-7)
    assert np.array_equal(eight.pixels, np.rint(unit * 255))  # rounded, not cut


@pytest.mark.parametrize("bits", [1, 3, 4, 10, 12, 14, 20])
@pytest.mark.parametrize(
    ("bands", "compression", "order"), [(1, "none", ">"), (3, "zstd", "<"), (3, "deflate", ">")]
)
def test_tiff_of_samples_that_begin_within_a_byte(
    tmp_path: Path, bits: int, bands: int, compression: str, order: str
) -> None:
    values = (values_of("f8", bands) * (2**bits - 1)).astype("u4")
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(values, compression, order=order, bits=bits))
    header = files.probe(path)
    assert isinstance(header, files.Header), header
    found = files.decode(header, files.Plan(header.size, "crop", bands, "unit"))
    assert isinstance(found, files.Decoded), found
    unit = np.moveaxis(np.atleast_3d(values) / (2**bits - 1), 2, 0)
    np.testing.assert_allclose(found.pixels, unit, atol=1e-6)


def test_a_compression_that_is_damaged_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(tiff(values_of("f8", 3), "zstd"))
    content[20:60] = b"\xff" * 40
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    header = files.probe(path)
    assert isinstance(header, files.Header)
    found = files.decode(header, files.Plan(header.size, "crop", 3, "unit"))
    assert isinstance(found, files.Bad) and "damaged TIFF" in found.reason
    monkeypatch.setattr("vaekit.data.formats.tiff_samples._has", lambda compression: False)
    found = files.decode(header, files.Plan(header.size, "crop", 3, "unit"))
    assert isinstance(found, files.Bad) and "save it uncompressed" in found.reason


@pytest.mark.parametrize("bands", [2, 4])
def test_bytes_multiplied_by_alpha_are_rounded_once(tmp_path: Path, bands: int) -> None:
    stored = values_of("u1", bands)
    stored[:, :, :-1] = np.minimum(stored[:, :, :-1], stored[:, :, -1:])
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(stored, alpha=1))
    header = files.probe(path)
    assert isinstance(header, files.Header)
    found = files.decode(header, files.Plan(header.size, "crop", bands))
    assert isinstance(found, files.Decoded), found
    cover = stored[:, :, -1:].astype(np.float64)
    colours = np.rint(
        np.divide(
            stored[:, :, :-1] * 255.0, cover, out=np.zeros_like(stored[:, :, :-1], float), where=cover > 0
        )
    )
    assert np.array_equal(found.pixels[:-1], np.moveaxis(colours, 2, 0))


def jpeg_2000(values: np.ndarray) -> bytes:
    """By Pillow, which writes grey of 16 bits, or colours of 8, without loss."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG2000", irreversible=False)
    return file.getvalue()


def test_jpeg_2000_of_grey_by_the_bits_that_it_has(tmp_path: Path) -> None:
    """Pillow gives those of 10 in 16, so that 1023 would be 65472 of 65535."""
    pytest.importorskip("imagecodecs", reason="writes such files")
    import imagecodecs  # pyright: ignore[reportMissingImports]

    values = (values_of("f8", 1) * 1023).astype("u2")
    path = tmp_path / "x.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(values, level=0, bitspersample=10, reversible=True))
    header = files.probe(path)
    assert isinstance(header, files.Header) and header.depth is not None and header.depth.top == 1023
    found = files.decode(header, files.Plan(header.size, "crop", 1, "real"))
    assert isinstance(found, files.Decoded) and np.array_equal(found.pixels[0], values)


def test_jpeg_2000_of_16_bits(tmp_path: Path) -> None:
    values = values_of("u2", 1)
    path = tmp_path / "x.jp2"
    path.write_bytes(jpeg_2000(values))
    header = files.probe(path)
    assert isinstance(header, files.Header) and header.depth is not None
    found = files.decode(header, files.Plan(header.size, "crop", 1, "real"))
    assert isinstance(found, files.Decoded) and np.array_equal(found.pixels[0], values)


@pytest.mark.parametrize("kind", ["jpeg2k", "avif"])
@pytest.mark.parametrize("installed", [True, False])
def test_colours_of_more_than_8_bits_are_read_whole_or_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, installed: bool
) -> None:
    codecs = pytest.importorskip("imagecodecs", reason="writes such files")
    for i in range(12):
        values = (values_of("f8", 3, i) * 1023).astype("u2")
        level, name = (0, "x.jp2") if kind == "jpeg2k" else (100, "x.avif")
        more = {"reversible": True} if kind == "jpeg2k" else {}
        content = getattr(codecs, f"{kind}_encode")(values, level=level, bitspersample=10, **more)
        (tmp_path / f"{i}{name[1:]}").write_bytes(content)
    if not installed:
        monkeypatch.setattr("vaekit.data.formats.deep_codecs.find_spec", lambda name: None)
    data = load_data(tmp_path, pixels="unit", validation=0)
    said = [note for note in data.notes if "cut to 8" in note]
    assert len(said) == (not installed)
    if installed:
        number = int((data.train.names or [""])[0].partition(".")[0])
        wanted = np.moveaxis((values_of("f8", 3, number) * 1023).astype("u2") / 1023, 2, 0)
        np.testing.assert_allclose(data.train.images[0].numpy(), wanted, atol=1e-6)
    else:
        assert "imagecodecs" in said[0]


@pytest.mark.parametrize("kind", ["u1", "u2", "f4", "f8"])
def test_where_0_is_white(tmp_path: Path, kind: str) -> None:
    for i in range(12):
        (tmp_path / f"{i}.tif").write_bytes(tiff(values_of(kind, 1, i), photometric=0))
    data = load_data(tmp_path, pixels="unit", validation=0)
    assert data.train.names is not None
    for name, image in zip(data.train.names, data.train.images.numpy(), strict=True):
        stored = values_of(kind, 1, int(name[:-4])) / TOPS[kind]
        np.testing.assert_allclose(image[0], 1 - stored, atol=1e-6)
    said = [note for note in data.notes if "0 is white: inverted" in note]
    assert len(said) == (kind != "u1")  # Pillow's own matter, as a palette is


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("interlaced", [False, True])
def test_png_of_16_bits(tmp_path: Path, bands: int, interlaced: bool) -> None:
    values = values_of("u2", bands)
    path = tmp_path / "x.png"
    path.write_bytes(png(values, interlaced=interlaced))
    header = files.probe(path)
    assert isinstance(header, files.Header) and header.alpha == (bands in (2, 4)), header
    found = files.decode(header, files.Plan(header.size, "crop", bands, "unit"))
    assert isinstance(found, files.Decoded), found
    expected = np.atleast_3d(values) / 65535
    if bands in (2, 4):  # what is wholly transparent has no colour
        found.pixels[:-1, values[:, :, -1] == 0] = 0
        expected[values[:, :, -1] == 0, :-1] = 0
    np.testing.assert_allclose(found.pixels, np.moveaxis(expected, 2, 0), atol=1e-6)


@pytest.mark.parametrize("bands", [1, 3])
def test_a_transparent_value_of_16_bits(tmp_path: Path, bands: int) -> None:
    """tRNS names one value of 16 bits, not of 8: neighbours with the same high byte stay."""
    values = np.full((HEIGHT, WIDTH, bands), 0x1234, np.uint16)
    values[:8] += 1
    key = chunk(b"tRNS", (0x1234).to_bytes(2, "big") * bands)
    path = tmp_path / "x.png"
    path.write_bytes(png(values if bands > 1 else values[:, :, 0], before=key))
    header = files.probe(path)
    assert isinstance(header, files.Header) and header.alpha
    found = files.decode(header, files.Plan(header.size, "crop", bands, "unit"))
    assert isinstance(found, files.Decoded) and found.clear
    np.testing.assert_allclose(found.pixels[:, :8], 0x1235 / 65535, atol=1e-6)
    assert (found.pixels[:, 8:] == 1).all()


@pytest.mark.parametrize("kind", ["u2", "f8"])
@pytest.mark.parametrize("alpha", [1, 2])
def test_tiff_with_alpha_on_white(tmp_path: Path, kind: str, alpha: int) -> None:
    top = TOPS[kind]
    colour = np.array([0.75, 0.5, 0.25]) * top
    values = np.zeros((HEIGHT, WIDTH, 4), kind)
    cover = np.linspace(0, 1, WIDTH)[None, :, None]
    values[:, :, :3] = colour * (cover if alpha == 1 else 1)
    values[:, :, 3:] = cover * top
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(values, alpha=alpha))
    header = files.probe(path)
    assert isinstance(header, files.Header)
    found = files.decode(header, files.Plan(header.size, "crop", 3, "unit"))
    assert isinstance(found, files.Decoded) and found.clear, found
    expected = np.moveaxis(colour / top * cover + (1 - cover), 2, 0)
    np.testing.assert_allclose(found.pixels, np.broadcast_to(expected, found.pixels.shape), atol=1e-4)


def fill(root: Path, kind: str, top: float, write: str = "tiff", count: int = 12) -> None:
    """Images with values from 0 to `top`."""
    for i in range(count):
        values = (values_of("f8", 1, i) * top).astype(kind)
        (root / f"{i}.{write[:3]}").write_bytes(tiff(values) if write == "tiff" else png(values))


@pytest.mark.parametrize(("kind", "high", "write", "white"), [
    ("u2", 255, "png", 255), ("u2", 4095, "tiff", 4095), ("u2", 4000, "png", 4095),
    ("u2", 8191, "tiff", 8191), ("u4", 65535, "tiff", 65535), ("i2", 1000, "tiff", 1023), ("f4", 0.1, "tiff", 0.1),
])  # fmt: skip
def test_a_set_of_another_scale_is_refused(
    tmp_path: Path, kind: str, high: float, write: str, white: float
) -> None:
    fill(tmp_path, kind, high, write)
    with pytest.raises(DataError, match=rf"values up to {high:g} only, .*: give white={white:g} "):
        load_data(tmp_path)
    data = load_data(tmp_path, white=high, pixels="8-bit")
    assert data.train.images.max() == 255
    for name, image in zip(data.train.names or [], data.train.images.numpy(), strict=True):
        stored = (values_of("f8", 1, int(name[:-4])) * high).astype(kind)
        assert np.abs(image[0] - stored / high * 255.0).max() <= 0.5001


def test_a_set_of_another_scale_in_which_0_is_white(tmp_path: Path) -> None:
    for i in range(12):
        values = (values_of("f8", 1, i) * 4095).astype("u2")
        (tmp_path / f"{i}.tif").write_bytes(tiff(values, photometric=0))
    with pytest.raises(DataError, match=r"values up to 4095 only, .*: give white=4095 "):
        load_data(tmp_path)
    data = load_data(tmp_path, white=4095)
    assert (data.train.images.min(), data.train.images.max()) == (0, 255)


def test_white_without_deep_images(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i}.png").write_bytes(png(values_of("u1", 1, i)))
    assert load_data(tmp_path, white=4095).notes == ["white= has no effect: no image has more than 8 bits"]


def test_signed_bytes_are_no_unsigned_ones(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i}.tif").write_bytes(tiff((values_of("f8", 1, i) * 200 - 100).astype("i1")))
    data = load_data(tmp_path, pixels="real", validation=0)
    assert (data.train.images.min(), data.train.images.max()) == (-100, 100)


@pytest.mark.parametrize(("top", "kind"), [(65535, "P5"), (4095, "P5"), (65535, "P6")])
def test_netpbm_says_its_white_itself(tmp_path: Path, top: int, kind: str) -> None:
    bands = 1 if kind == "P5" else 3
    for i in range(12):
        values = (values_of("f8", bands, i) * top).astype(">u2")
        head = f"{kind} {WIDTH} {HEIGHT} {top}\n".encode()
        (tmp_path / f"{i}.pnm").write_bytes(head + values.tobytes())
    data = load_data(tmp_path, validation=0)
    for name, image in zip(data.train.names or [], data.train.images.numpy(), strict=True):
        expected = (values_of("f8", bands, int(name[:-4])) * top).astype("u2") / top * 255
        assert np.abs(image - np.moveaxis(np.atleast_3d(expected), 2, 0)).max() <= 0.51
    assert "12 16-bit images converted to" in data.notes[0]


@pytest.mark.parametrize("damaged", ["exif", "nothing"])
def test_damaged_metadata_cost_no_picture(tmp_path: Path, damaged: str) -> None:
    for i in range(12):
        content = by_pillow(values_of("u1", 1, i), "JPEG", 1)
        (tmp_path / f"{i}.jpg").write_bytes(
            content.replace(b"MM\0*", b"\xff\xfe\0\0") if damaged == "exif" else content
        )
    assert load_data(tmp_path).notes == []


def test_white_of_floats(tmp_path: Path) -> None:
    fill(tmp_path, "f4", 255)
    with pytest.raises(DataError, match=r"values from 0 to 255, outside 0 to 1: give white=255\)\.$"):
        load_data(tmp_path)
    assert load_data(tmp_path, white=255).train.images.max() == 255


def test_depth_is_kept_where_the_pixels_are_continuous(tmp_path: Path) -> None:
    fill(tmp_path, "u2", 16383)
    data = load_data(tmp_path, pixels="unit", validation=0)
    assert data.pixels == "unit" and data.train.images.is_floating_point()
    levels = np.unique(data.train.images.numpy())
    assert len(levels) > 1000
    assert any("12 16-bit images kept in full depth (65535 is 1)" in note for note in data.notes)
    assert any("greatest value is 16383: white=16383 uses all of the scale" in note for note in data.notes)
    whole = load_data(tmp_path, pixels="unit", white=16383, validation=0)
    np.testing.assert_allclose(
        whole.train.images.numpy(), data.train.images.numpy() * (65535 / 16383), rtol=1e-5
    )
    assert whole.fingerprint != data.fingerprint
    real = load_data(tmp_path, pixels="real", validation=0)
    assert real.train.images.max() == 16383


def test_the_white_of_a_set_stays_with_it(tmp_path: Path) -> None:
    """What a run was trained with, its later data are read with, however dark they are."""
    bright, dark = tmp_path / "bright", tmp_path / "dark"
    for folder, high in ((bright, 65535), (dark, 4095)):
        folder.mkdir()
        fill(folder, "u2", high)
    data = load_data(bright)
    assert data.options["white"] == 65535
    assert load_data(**data.options).fingerprint == data.fingerprint
    with pytest.raises(DataError, match="white=4095"):
        load_data(dark)
    assert load_data(**data.options | {"data": str(dark)}).train.images.max() == 16
    assert load_data(dark, white=4095).options["white"] == 4095


def test_negative_values_are_real_ones(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i}.tif").write_bytes(tiff((values_of("f8", 1, i) * 2000 - 1000).astype("i2")))
    with pytest.raises(DataError, match=r"values from -1000 to 1000, outside 0 to 32767: give pixels='real'"):
        load_data(tmp_path)
    assert load_data(tmp_path, pixels="real").train.images.min() == -1000


@pytest.mark.parametrize(("content", "said"), [
    (tiff(np.zeros((16, 16, 5), np.uint8)), "5 bands; pictures have 1 or 3"),
    (tiff(np.zeros((16, 16, 7), np.float32)), "7 bands"),
    (tiff(np.zeros((16, 16), np.float64))[:300], "cut short"),
])  # fmt: skip
def test_what_is_wrong_with_a_tiff_is_said_truly(tmp_path: Path, content: bytes, said: str) -> None:
    for i in range(12):
        (tmp_path / f"{i}.tif").write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        load_data(tmp_path)
    assert ("check that the files are whole" in str(caught.value)) == (said == "cut short")


def test_grey_with_alpha_has_two_channels(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i}.png").write_bytes(png(values_of("u1", 2, i)))
    data = load_data(tmp_path, validation=0)
    assert data.shape == (2, HEIGHT, WIDTH)
    assert data.notes == ["12 images with transparency: kept as the last channel"]
    for name, image in zip(data.train.names or [], data.train.images.numpy(), strict=True):
        assert np.array_equal(image, np.moveaxis(values_of("u1", 2, int(name[:-4])), 2, 0))


def test_an_alpha_channel_that_is_opaque_is_no_transparency(tmp_path: Path) -> None:
    for i in range(12):
        values = values_of("u1", 4, i)
        values[:, :, 3] = 255
        (tmp_path / f"{i}.png").write_bytes(png(values))
    data = load_data(tmp_path)
    assert data.shape[0] == 3 and data.notes == []


def test_a_damaged_file_does_not_decide_the_form_of_a_set(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    for i in range(12):
        (root / f"{i}.png").write_bytes(png(values_of("u1", 1, i)))
    whole = load_data(root)
    cut = png(values_of("u1", 3))
    (root / "colour.png").write_bytes(cut[: len(cut) // 2])
    other = png(values_of("u1", 1)[:10])
    (root / "small.png").write_bytes(other[: len(other) // 2])
    mixed = load_data(root)
    assert mixed.shape == whole.shape and mixed.fingerprint == whole.fingerprint
    assert [note[:28] for note in mixed.notes] == ["2 unreadable images skipped,"]


@pytest.mark.parametrize(("kind", "bands"), [("u2", 1), ("u2", 3), ("f8", 3), ("u2", 4)])
def test_deep_pictures_shrink_to_their_means(tmp_path: Path, kind: str, bands: int) -> None:
    blocks = (np.random.default_rng(0).random((8, 8, bands)) * TOPS[kind]).astype(kind)
    if bands == 4:
        blocks[:, :, 3] = TOPS[kind]
        blocks[0, 0, 3] = 0
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(np.kron(blocks, np.ones((160, 200, 1), kind)), alpha=2 * (bands == 4)))
    header = files.probe(path)
    assert isinstance(header, files.Header)
    expected = np.moveaxis(blocks / TOPS[kind], 2, 0)
    found = files.decode(header, files.Plan((64, 64), "pad", bands, "unit"))
    assert isinstance(found, files.Decoded), found
    assert (found.pixels[:, :6] == 0).all()  # 64 x 51 of 64 x 64
    cropped = files.decode(header, files.Plan((32, 40), "crop", bands, "unit"))
    assert isinstance(cropped, files.Decoded)
    centres = cropped.pixels[:, 2::4, 2::5]
    if bands == 4:
        assert centres[3, 0, 0] < 0.01
        centres[:, 0, 0] = expected[:, 0, 0] = 0
    np.testing.assert_allclose(centres, expected, atol=0.02)  # Lanczos overshoots


def test_files_shown_to_a_run_keep_their_depth(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    values = (values_of("f8", 1) * 4095).astype("u2")
    path.write_bytes(tiff(values))
    kept, _, _ = read_images([path], (1, HEIGHT, WIDTH), "crop", "unit", 4095)
    np.testing.assert_allclose(kept[0, 0].numpy(), values / 4095, atol=1e-6)
    bytes_, _, notes = read_images([path], (1, HEIGHT, WIDTH), "crop", white=4095)
    assert np.array_equal(bytes_[0, 0].numpy(), np.rint(values / 4095 * 255))
    assert notes == ["1 16-bit image converted to grey (divided by 16.05882353)"]
