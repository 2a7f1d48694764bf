"""Writes the whole inputs that are damaged: tiny files of every kind that is read.

python tests/fuzz/make_corpus.py
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, features

FOLDER = Path(__file__).parent / "corpus"
MOST = 200_000  # bytes of all


def pictures() -> Iterator[tuple[str, bytes]]:
    """Name and content of image files: formats, depths, palettes, transparency, orientation, frames."""
    rng = np.random.default_rng(1)
    grey = Image.fromarray(rng.integers(0, 256, (9, 8), np.uint8))
    colour = Image.fromarray(rng.integers(0, 256, (9, 8, 3), np.uint8))
    clear = Image.fromarray(rng.integers(0, 256, (9, 8, 4), np.uint8))
    deep = Image.fromarray(rng.integers(0, 65536, (9, 8), np.uint16))
    real = Image.fromarray(rng.random((9, 8), np.float32))
    palette, bits = colour.quantize(16), grey.convert("1")
    exif = Image.Exif()
    exif[0x0112] = 6
    yield from saved("grey.png", grey)
    yield from saved("colour.png", colour)
    yield from saved("clear.png", clear, exif=exif)
    yield from saved("deep.png", deep)
    yield from saved("palette.png", palette, transparency=3)
    yield from saved("bits.png", bits)
    yield from saved("grey.jpg", grey)
    yield from saved("turned.jpg", colour, exif=exif, quality=90)
    yield from saved("progressive.jpg", colour, progressive=True)
    yield from saved("frames.gif", palette, save_all=True, append_images=[palette, palette])
    yield from saved("one.gif", palette, transparency=2)
    yield from saved("lossy.webp", colour)
    yield from saved("clear.webp", clear, lossless=True)
    yield from saved("deep.tif", deep)
    yield from saved("real.tif", real)
    yield from saved("lzw.tif", colour, compression="tiff_lzw")
    yield from saved("deflate.tif", grey, compression="tiff_adobe_deflate")
    yield from saved("pages.tif", grey, save_all=True, append_images=[grey])
    yield from saved("grey.bmp", grey)
    yield from saved("colour.bmp", colour)
    yield from saved("grey.pgm", grey)
    yield from saved("colour.ppm", colour)
    yield from saved("bits.pbm", bits)
    yield from saved("colour.pcx", colour)
    yield from saved("clear.tga", clear, compression="tga_rle")
    yield from saved("colour.ico", colour.resize((16, 16)))
    yield "text.pgm", b"P2\n# a comment\n4 2\n255\n0 1 2 3\n4 5 6 255\n"
    if features.check("jpg_2000"):
        yield from saved("colour.jp2", colour)
    if features.check("avif"):
        yield from saved("colour.avif", colour)


def saved(name: str, image: Image.Image, **options: object) -> Iterator[tuple[str, bytes]]:
    content = io.BytesIO()
    image.save(content, Image.registered_extensions()[Path(name).suffix], **options)
    yield name, content.getvalue()


def arrays() -> Iterator[tuple[str, bytes]]:
    """Name and content of .npy and .npz files."""
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (20, 8, 8), np.uint8)
    labels, words = np.arange(20) % 3, np.array(["cat", "dog"] * 10)
    yield "bytes.npy", npy(images)
    yield "real.npy", npy(rng.normal(size=(20, 6)).astype(np.float32))
    yield "unit.npy", npy(rng.random((12, 4, 4, 3)))
    yield "turned.npy", npy(np.asfortranarray(images))
    yield "bits.npy", npy(images[:, None] > 128)
    yield "labelled.npz", npz(np.savez, images=images, labels=labels)
    yield "words.npz", npz(np.savez_compressed, images=images, labels=words)
    yield "splits.npz", npz(np.savez, x_train=images, y_train=labels, x_test=images[:5], y_test=labels[:5])


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def npz(save, **arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    save(content, **arrays)
    return content.getvalue()


def archives() -> Iterator[tuple[str, bytes]]:
    """Name and content of archives of images in folders of classes."""
    rng = np.random.default_rng(3)
    members = []
    for number in range(12):
        content = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(content, "PNG")
        members.append((f"{'ab'[number % 2]}/{number:02}.png", content.getvalue()))
    for name, kind in (("stored.zip", zipfile.ZIP_STORED), ("deflated.zip", zipfile.ZIP_DEFLATED)):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", kind) as file:
            for member, inner in members:
                file.writestr(zipfile.ZipInfo(member), inner)
        yield name, content.getvalue()
    for name, mode in (("plain.tar", "w"), ("packed.tar.gz", "w:gz"), ("packed.tar.xz", "w:xz")):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode=mode) as file:  # type: ignore[call-overload]
            for member, inner in members:
                info = tarfile.TarInfo(member)
                info.size = len(inner)
                file.addfile(info, io.BytesIO(inner))
        yield name, content.getvalue()


def requests() -> Iterator[tuple[str, bytes]]:
    """Name and content of HTTP requests to the explorer; PORT stands for its port."""
    rng = np.random.default_rng(4)
    png = dict(pictures())["grey.png"]
    latents = rng.normal(size=(3, 2)).astype("<f4").tobytes()
    image = rng.integers(0, 256, 64, np.uint8).tobytes()
    yield "page", request("GET", "/", b"")
    yield "about", request("GET", "/data/about.json", b"", "accept: */*\r\naccept-encoding: gzip\r\n")
    yield "codes", request("GET", "/data/codes-0.bin", b"", "range: bytes=0-5\r\n")
    yield "script", request("GET", "/main.js", b"", "if-none-match: x\r\n")
    yield "decode", request("POST", "/api/decode", latents, "origin: http://127.0.0.1:PORT\r\n")
    yield "grid", request("POST", "/api/decode?y=", latents * 60)
    yield "encode", request("POST", "/api/encode", image)
    yield "image", request("POST", "/api/image", png, "expect: 100-continue\r\n")
    yield "sample", request("POST", "/api/sample?seed=12", b"")
    yield (
        "chunks",
        (
            b"POST /api/encode HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\ntransfer-encoding: chunked\r\n\r\n"
            b"20\r\n" + image[:32] + b"\r\n20;a=b\r\n" + image[32:] + b"\r\n0\r\nx: y\r\n\r\n"
        ),
    )
    yield (
        "several",
        request("GET", "/", b"") + request("POST", "/api/encode", image) + request("GET", "/none", b""),
    )
    yield "options", request("OPTIONS", "/api/decode", b"", "access-control-request-method: POST\r\n")
    yield (
        "upgrade",
        request(
            "GET", "/", b"", "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        ),
    )


def request(method: str, path: str, body: bytes, more: str = "") -> bytes:
    length = f"content-length: {len(body)}\r\n" if method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n{more}{length}\r\n".encode() + body


def main() -> None:
    kinds = {"images": pictures, "arrays": arrays, "archives": archives, "requests": requests}
    for kind, files in kinds.items():
        (FOLDER / kind).mkdir(parents=True, exist_ok=True)
        for name, content in files():
            (FOLDER / kind / name).write_bytes(content)
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    assert size <= MOST, size
    print(f"{size:,} bytes in {FOLDER}")


if __name__ == "__main__":
    main()
