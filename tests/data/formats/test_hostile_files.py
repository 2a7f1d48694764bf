"""Whatever a file holds: what is in it, or one line that names it. No list of exceptions, sizes bounded beforehand."""

from __future__ import annotations

import gzip
import io
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import DataError, load_data
from vaekit.data.formats.idx import read_idx
from vaekit.data.formats.picture_files import SUFFIXES, Bad, Plan, decode, probe
from vaekit.data.formats.readers import READERS
from vaekit.images import opening

Image = pytest.importorskip("PIL.Image")

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)


def npy(array: np.ndarray = IMAGES) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(save: Callable[..., None] = np.savez, **arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    save(content, **(arrays or {"images": IMAGES}))
    return content.getvalue()


def header(text: str) -> bytes:
    """An .npy file with a header of one's own, and 100 bytes of values."""
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + bytes(100)


def shaped(shape: str, kind: str = "|u1") -> bytes:
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}")


def flagged(content: bytes, at: int, value: int) -> bytes:
    """An archive whose members' entries, of the file and of its directory, have another number."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", at), (b"PK\x01\x02", at + 2)):
        start = changed.find(mark)
        changed[start + offset : start + offset + 2] = struct.pack("<H", value)
    return bytes(changed)


def middle(content: bytes) -> bytes:
    """60 bytes in its middle are another's."""
    half = len(content) // 2
    return content[:half] + bytes(range(60)) + content[half + 60 :]


def zeros(count: int) -> bytes:
    """An archive that unpacks to a thousand times its size."""
    content = io.BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w") as member,
    ):
        np.lib.format.write_array_header_1_0(
            member, {"descr": "|u1", "fortran_order": False, "shape": (count, 1024, 1024)}
        )
        for _ in range(count):
            member.write(bytes(2**20))
    return content.getvalue()


FILES: dict[str, bytes | Callable[[], bytes]] = {
    "damaged compressed.npz": lambda: middle(npz(np.savez_compressed)),
    "damaged.npz": lambda: middle(npz()),
    "an npy.npz": npy,
    "an npz.npy": npz,
    "terabytes.npy": shaped("(1000000, 2000, 2000)"),
    "terabytes of floats.npy": shaped("(99999999999, 8, 8)", "<f8"),
    "more than numbers count.npy": shaped("(99999999999999999999, 99999999999999999999)"),
    "below nothing.npy": shaped("(-1, 8, 8)"),
    "a dimension of words.npy": shaped("('a', 8)"),
    "one damaged byte.npy": shaped("(1, 8, 8)").replace(b"'shape'", b"'shap\xff'"),
    "an open bracket.npy": shaped("(1, 8, 8").replace(b"}", b"("),
    "brackets.npy": header("[" * 110),
    "a program.npy": header("__import__('os').system('true')"),
    "objects.npy": lambda: npy(np.array([{}, []], dtype=object)),
    "records.npy": lambda: npy(np.zeros(60, [("a", "u1"), ("b", "f4")])),
    "dates.npy": lambda: npy(np.zeros((60, 8), "datetime64[s]")),
    "nothing.npy": b"",
    "nothing.npz": b"",
    "half.npy": lambda: npy()[:1000],
    "half.npz": lambda: npz()[:1000],
    "format 9.npy": b"\x93NUMPY\x09\x00" + bytes(200),
    "encrypted.npz": lambda: flagged(npz(), 6, 1),
    "method 99.npz": lambda: flagged(npz(), 8, 99),
    "version 200.npz": lambda: flagged(npz(), 4, 200),
    "zeros.npz": lambda: zeros(300),
    "terabytes.npz": lambda: npz_of("images.npy", shaped("(1000000, 2000, 2000)")),
    "labels of objects.npz": lambda: npz(images=IMAGES, labels=np.array([{}] * 60, dtype=object)),
}  # fmt: skip


def npz_of(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_arrays_that_is_none(name: str, tmp_path: Path) -> None:
    content = FILES[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content())
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        load_data(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    line = str(caught.value)
    assert line.startswith(str(path)) and "\n" not in line and len(line) < len(str(path)) + 300, line
    assert peak < 50_000_000  # whatever a header claims


def test_the_command_says_it_in_one_line(terminal, tmp_path: Path) -> None:
    Path("tok.npy").write_bytes(FILES["one damaged byte.npy"])  # type: ignore[arg-type]
    outcome = terminal("data", "tok.npy")
    assert (outcome.status, outcome.out, len(outcome.errors)) == (2, "", 1)


def test_compressed_sets_that_are_dense_are_read(tmp_path: Path) -> None:
    """dSprites unpacks to 113 times its size; what is small may unpack to anything."""
    images = np.zeros((6000, 32, 32), np.uint8)
    images[:, 0, :2] = np.arange(12_000).reshape(-1, 2) % 251
    np.savez_compressed(tmp_path / "black.npz", images=images)
    assert images.nbytes > 100 * (tmp_path / "black.npz").stat().st_size
    assert load_data(tmp_path / "black.npz").shape == (1, 32, 32)


@pytest.mark.parametrize("kind", [".npy", ".npz", "packed.npz"])
def test_mutated_files_of_arrays(kind: str, tmp_path: Path) -> None:
    """The same 150 each time; each gives data of the right size, or one line."""
    rng = np.random.default_rng(1)
    whole = {".npy": npy(), ".npz": npz(), "packed.npz": npz(np.savez_compressed)}[kind]
    path, refused, lines = tmp_path / f"x{kind}", 0, []
    for _ in range(150):
        content = bytearray(whole)
        start = int(rng.integers(0, 200 if rng.random() < 0.5 else len(whole)))
        for at in range(start, min(start + int(rng.integers(1, 9)), len(whole))):
            content[at] = rng.integers(0, 256)
        path.write_bytes(content[: len(content) if rng.random() < 0.8 else start])
        try:
            load_data(path)
        except DataError as error:
            refused += 1
            lines.append(str(error))
    assert refused > 20 and not any("\n" in line for line in lines)


TENSORS: dict[str, Callable[[], torch.Tensor]] = {
    "float8": lambda: torch.zeros(60, 8, 8).to(torch.float8_e4m3fn),
    "sparse": lambda: torch.zeros(60, 8).to_sparse(),
    "sparse rows": lambda: torch.zeros(60, 8).to_sparse_csr(),
    "meta": lambda: torch.zeros(60, 8, device="meta"),
    "quantised": lambda: torch.quantize_per_tensor(torch.zeros(60, 8), 0.1, 0, torch.qint8),
    "complex": lambda: torch.zeros(60, 8, dtype=torch.complex64),
    "conjugated": lambda: torch.zeros(60, 8, dtype=torch.complex64).conj(),
    "nested": lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor_that_numpy_cannot_take(kind: str) -> None:
    with pytest.raises(DataError, match="array"):
        load_data(TENSORS[kind]())


@pytest.mark.parametrize("labels", [[[1], [2, 3]] * 30, [object()] * 60, {"a": 1}, "cat", [2.5] * 60])
def test_labels_that_are_none(labels: object) -> None:
    with pytest.raises(DataError, match="label"):
        load_data(IMAGES, labels=labels)


def test_a_negative_view_is_an_image() -> None:
    images = torch.rand(60, 8, 8)
    data = load_data(torch._neg_view(-images))
    assert sum(float(split.images.double().sum()) for split in data.splits.values()) == pytest.approx(
        float(images.double().sum())
    )


def test_a_packed_idx_file_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.data.formats.idx.UNPACKED", 10_000)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + bytes(20_000_000)))
    with pytest.raises(DataError, match="unpacks to more than"):
        read_idx(path, 3)


# Images ------------------------------------------------------------------------------------------

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n{} loop\n"
PLAN = Plan((8, 8), "crop", 1)


def picture(kind: str, size: tuple[int, int] = (8, 8), mode: str = "L", **options: object) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size).save(content, kind, **options)
    return content.getvalue()


FOREIGN = {
    "EPS": EPS,
    "FITS": b"SIMPLE  =                    T".ljust(80) + b" " * 2800,
    "PSD": b"8BPS\x00\x01" + bytes(60),
    "SGI": lambda: picture("SGI"),
    "XBM": lambda: picture("XBM", mode="1"),
    "ICNS": lambda: picture("ICNS", (16, 16), "RGBA"),
    "DDS": lambda: picture("DDS", mode="RGBA"),
    "PDF": lambda: picture("PDF"),
    "text": b"holiday",
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
def test_formats_that_are_none_of_ours_reach_no_decoder(kind: str, tmp_path: Path, monkeypatch) -> None:
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *words: pytest.fail("ran Ghostscript"))
    content = FOREIGN[kind]
    content = content if isinstance(content, bytes) else content()
    for number, pixels in enumerate(IMAGES):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "holiday.png").write_bytes(content)
    header = probe(tmp_path / "holiday.png")
    assert isinstance(header, Bad) and header.reason == "not an image"
    assert isinstance(probe(Path("upload"), content), Bad)
    data = load_data(tmp_path)
    assert sum(map(len, data.splits.values())) == 60
    assert any("holiday.png (not an image)" in note for note in data.notes)


def test_every_ending_has_its_format_and_no_other_is_read() -> None:
    """Beside those of Pillow's own table: .jfif and .jpe are JPEG, .dib is BMP's."""
    Image.init()
    formats = {Image.registered_extensions()[suffix] for suffix in SUFFIXES - READERS.keys()}
    assert formats <= set(opening.FORMATS) <= formats | {"MPO", "DIB"}
    assert not {"EPS", "PSD", "FITS", "WMF"} & set(opening.FORMATS)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (lambda: picture("PNG", (10_000, 8_500), "1"), "more than 80,000,000 pixels"),
        (lambda: picture("PNG", (8_000, 5_500), "RGBA", compress_level=1), "more than 40,000,000 pixels"),
        (lambda: picture("JPEG2000", (6_000, 5_000)), "more than 25,000,000 pixels"),
    ],
)
def test_more_pixels_than_one_image_may_have(content: Callable[[], bytes], line: str) -> None:
    header = probe(Path("image"), content())
    assert isinstance(header, Bad) and line in header.reason


def test_a_jpeg_that_goes_over_its_pixels_again_and_again() -> None:
    """Each scan of a progressive JPEG takes the time of a picture; those of a usual one are ten."""
    usual = picture("JPEG", (2000, 1500), "RGB", progressive=True)
    assert usual.count(b"\xff\xda") == 10
    last = usual.rfind(b"\xff\xda")
    many = usual[:-2] + usual[last:-2] * 1000 + usual[-2:]
    assert not isinstance(probe(Path("image"), usual), Bad)
    began = time.process_time()
    header = probe(Path("image"), many)
    assert isinstance(header, Bad) and "1,010 scans" in header.reason
    assert time.process_time() - began < 1


def test_of_many_frames_only_the_first_is_read() -> None:
    frames = [Image.new("L", (64, 64), shade) for shade in range(250)]
    content = io.BytesIO()
    frames[7].save(content, "GIF", save_all=True, append_images=frames * 4)
    began = time.process_time()
    header = probe(Path("image"), content.getvalue())
    assert not isinstance(header, Bad) and header.frames > 1
    decoded = decode(header, PLAN, content.getvalue())
    assert not isinstance(decoded, Bad) and (decoded.pixels == 7).all()
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "PPM", "TGA", "PCX", "ICO", "WEBP", "JPEG2000"]
)
def test_mutated_images(kind: str) -> None:
    rng = np.random.default_rng(2)
    content = io.BytesIO()
    noise = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(content, kind)
    whole = content.getvalue()
    for _ in range(60):
        changed = bytearray(whole)
        for at in rng.integers(
            0, len(whole) if rng.random() < 0.5 else min(100, len(whole)), int(rng.integers(1, 6))
        ):
            changed[at] = rng.integers(0, 256)
        header = probe(Path("image"), bytes(changed))
        if not isinstance(header, Bad):
            decoded = decode(header, PLAN, bytes(changed))
            assert isinstance(decoded, Bad) or decoded.pixels.shape == (1, 8, 8)
