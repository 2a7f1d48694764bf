"""Image files whose values are known, for `decoders.py`."""

from __future__ import annotations

import io
import itertools
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs  # pyright: ignore[reportMissingImports]
import numpy as np
import tifffile  # pyright: ignore[reportMissingImports]
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from made_files import chunk, exif, png, stored_as  # pyright: ignore[reportMissingImports]

HEIGHT, WIDTH = 20, 28
LEVEL = 1 / 255
JPEG_LEVELS = 2.5 * LEVEL  # two decoders may differ by so much


@dataclass(frozen=True)
class Case:
    """A file and the values that it stands for.

    Attributes:
        upright: (H, W, bands) in [0, 1], with 0 for black, colours not multiplied by alpha.
        top: greatest value of the type or number of bits.
        codec: of imagecodecs.
        close: by how much a lossy format may differ; 0 for none.
    """

    format: str
    name: str
    content: bytes
    upright: np.ndarray
    top: float
    codec: str = ""
    orientation: int = 1
    alpha: bool = False
    inverted: bool = False
    associated: bool = False
    planar: bool = False
    floats: bool = False
    tiled: bool = False
    close: float = 0.0

    def file(self) -> io.BytesIO:
        """The content as a file."""
        return io.BytesIO(self.content)


def cases(tiffs: int, seed: int) -> Iterator[Case]:
    """All files: PNG, JPEG, WebP, AVIF, JPEG 2000, PNM, BMP and GIF, and so many TIFF."""
    numbers = np.random.default_rng(seed)
    yield from of_png(numbers)
    yield from of_jpeg(numbers)
    yield from of_webp(numbers)
    yield from of_avif(numbers)
    yield from of_jpeg_2000(numbers)
    yield from of_plain(numbers)
    yield from of_tiff(tiffs, seed)


def values_of(
    numbers: np.random.Generator, bands: int, top: float, kind: str, smooth: bool = False
) -> np.ndarray:
    """(H, W, bands); both ends are there, and some full and no transparency."""
    share = numbers.random((HEIGHT, WIDTH, bands))
    if smooth:
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        waves = [(1 + np.sin(rows / (5 + b) + columns / (7 - b) + b)) / 2 for b in range(bands)]
        share = np.stack(waves, 2)
    share[:2, :3] = 0
    share[2:4, :3] = 1
    return (share * top).round().astype(kind) if kind[0] != "f" else share.astype(kind)


def squeezed(values: np.ndarray) -> np.ndarray:
    """Without the last axis where it is one."""
    return np.ascontiguousarray(values[:, :, 0] if values.shape[2] == 1 else values)


def of_png(numbers: np.random.Generator) -> Iterator[Case]:
    """8 and 16 bits, grey and colour, with and without alpha, all orientations, eXIf before and after, interlaced."""
    for bits, bands, turn in itertools.product((8, 16), (1, 2, 3, 4), range(1, 9)):
        top = 2**bits - 1
        upright = values_of(numbers, bands, top, f"u{bits // 8}")
        late, interlaced = turn % 2 == 0, turn % 3 == 0
        tag = {"after" if late else "before": chunk(b"eXIf", exif(turn))} if turn > 1 else {}
        content = png(squeezed(stored_as(upright, turn)), interlaced=interlaced, **tag)
        name = f"{bits}-bit, {bands} bands, orientation {turn}{', late' * late}{', interlaced' * interlaced}"
        yield Case("PNG", name, content, upright / top, top, "png", turn, bands in (2, 4))


def of_jpeg(numbers: np.random.Generator) -> Iterator[Case]:
    """Grey and colour, all orientations."""
    for bands, turn in itertools.product((1, 3), range(1, 9)):
        upright = values_of(numbers, bands, 255, "u1", smooth=True)
        content = by_pillow(stored_as(upright, turn), "JPEG", turn, quality=100, subsampling=0)
        known = stored_as(
            imagecodecs.jpeg_decode(content).reshape(HEIGHT if turn < 5 else WIDTH, -1, bands),
            {6: 8, 8: 6}.get(turn, turn),
        )
        yield Case(
            "JPEG",
            f"{bands} bands, orientation {turn}",
            content,
            known / 255,
            255,
            "jpeg",
            turn,
            close=JPEG_LEVELS,
        )


def by_pillow(array: np.ndarray, kind: str, turn: int, **options: object) -> bytes:
    """A file by Pillow, with an orientation."""
    tag, file = Image.Exif(), io.BytesIO()
    tag[0x0112] = turn
    Image.fromarray(squeezed(array)).save(file, kind, exif=tag, **options)
    return file.getvalue()


def of_webp(numbers: np.random.Generator) -> Iterator[Case]:
    """Lossless, with and without alpha, all orientations."""
    for bands, turn in itertools.product((3, 4), range(1, 9)):
        upright = values_of(numbers, bands, 255, "u1")
        content = by_pillow(stored_as(upright, turn), "WEBP", turn, lossless=True, exact=True)
        yield Case(
            "WebP",
            f"{bands} bands, orientation {turn}",
            content,
            upright / 255,
            255,
            "webp",
            turn,
            bands == 4,
        )


def of_avif(numbers: np.random.Generator) -> Iterator[Case]:
    """8 bits in all orientations (lossy), 10 and 12 bits without loss."""
    for bands, turn in itertools.product((3, 4), range(1, 9)):
        upright = values_of(numbers, bands, 255, "u1", smooth=True)
        content = by_pillow(stored_as(upright, turn), "AVIF", turn, quality=100, subsampling="4:4:4")
        yield Case(
            "AVIF",
            f"8-bit, {bands} bands, orientation {turn}",
            content,
            upright / 255,
            255,
            "avif",
            turn,
            bands == 4,
            close=4 * LEVEL,
        )
    for bits, bands in itertools.product((10, 12), (1, 2, 3, 4)):
        top = 2**bits - 1
        upright = values_of(numbers, bands, top, "u2")
        content = imagecodecs.avif_encode(squeezed(upright), level=100, bitspersample=bits)
        yield Case(
            "AVIF",
            f"{bits}-bit, {bands} bands",
            bytes(content),
            upright / top,
            top,
            "avif",
            alpha=bands in (2, 4),
        )


def of_jpeg_2000(numbers: np.random.Generator) -> Iterator[Case]:
    """8 to 16 bits without loss; the format has no orientation."""
    for bits, bands in itertools.product((8, 10, 12, 16), (1, 2, 3, 4)):
        top = 2**bits - 1
        upright = values_of(numbers, bands, top, "u1" if bits == 8 else "u2")
        content = imagecodecs.jpeg2k_encode(
            squeezed(upright), level=0, bitspersample=bits, codecformat="jp2", reversible=True
        )
        yield Case(
            "JPEG 2000",
            f"{bits}-bit, {bands} bands",
            bytes(content),
            upright / top,
            top,
            "jpeg2k",
            alpha=bands in (2, 4),
        )


def of_plain(numbers: np.random.Generator) -> Iterator[Case]:
    """PGM and PPM with any greatest value, BMP, GIF."""
    for top, bands in itertools.product((255, 1023, 4095, 65535), (1, 3)):
        upright = values_of(numbers, bands, top, "u1" if top == 255 else "u2")
        kind = b"P6" if bands == 3 else b"P5"
        head = b"%s\n# a line\n%d %d\n%d\n" % (kind, WIDTH, HEIGHT, top)
        stored = upright if top == 255 else upright.astype(">u2")
        yield Case("PNM", f"to {top}, {bands} bands", head + stored.tobytes(), upright / top, top, "none")
    for kind, bands in (("BMP", 1), ("BMP", 3), ("GIF", 1)):
        upright = values_of(numbers, bands, 255, "u1")
        file = io.BytesIO()
        Image.fromarray(squeezed(upright)).save(file, kind)
        yield Case(kind, f"{bands} bands", file.getvalue(), upright / 255, 255, kind.lower())


KINDS = {
    "u1": 255, "u2": 2**16 - 1, "u4": 2**32 - 1, "i1": 127, "i2": 2**15 - 1, "f2": 1, "f4": 1, "f8": 1,
}  # fmt: skip
PACKED = {"4-bit": 15, "10-bit": 1023, "12-bit": 4095, "14-bit": 16383}


def of_tiff(count: int, seed: int) -> Iterator[Case]:
    """So many of all combinations, drawn without putting back."""
    every = list(itertools.product(
        [*KINDS, *PACKED], (1, 2, 3, 4), ("none", "lzw", "deflate", "packbits", "zstd", "lzma"), (False, True), (False, True),
        (False, True), "<>", (0, 1), ("unassalpha", "assocalpha"), range(1, 9),
    ))  # fmt: skip
    random.Random(seed).shuffle(every)
    made, numbers = 0, np.random.default_rng(seed)
    for one in every:
        case = tiff_of(numbers, *one)
        if case is not None:
            yield case
            made += 1
        if made == count:
            return


def tiff_of(
    numbers: np.random.Generator, kind: str, bands: int, compression: str, predicted: bool, planar: bool, tiled: bool,
    order: str, photometric: int, extra: str, turn: int,
) -> Case | None:  # fmt: skip
    """One TIFF; None for a combination that there is not, or that tifffile does not write."""
    packed, alpha = kind in PACKED, bands in (2, 4)
    bits = int(kind.partition("-")[0]) if packed else None
    inverted = photometric == 0 and bands == 1
    meant = extra == "assocalpha" and alpha
    if packed and (
        predicted or alpha or order == ">" or (bits == 4 and bands == 1)
    ):  # tifffile swaps bytes of these
        return None
    if predicted and (compression in ("none", "packbits") or (kind == "f2" and planar)):
        return None
    if (planar and bands < 3) or (photometric == 0 and bands > 1) or (meant and kind[0] in "i"):
        return None
    top = PACKED[kind] if packed else KINDS[kind]
    stored_kind = ("u1" if top < 256 else "u2") if packed else kind
    upright = values_of(numbers, bands, top, stored_kind)
    written = upright
    if meant:
        part = upright[:, :, -1:].astype(np.float64) / top
        product = upright[:, :, :-1] * part
        written = np.concatenate(
            [(product if kind[0] == "f" else product.round()).astype(stored_kind), upright[:, :, -1:]], 2
        )
    stored = squeezed(stored_as(written, turn))
    file = io.BytesIO()
    try:
        tifffile.imwrite(
            file, np.moveaxis(stored, 2, 0) if planar else stored, byteorder=order, bitspersample=bits,
            compression=None if compression == "none" else compression,
            predictor=(3 if kind[0] == "f" else 2) if predicted else None, tile=(16, 16) if tiled else None,
            photometric=("miniswhite" if inverted else "minisblack") if bands < 3 else "rgb",
            planarconfig="separate" if planar else "contig" if bands > 1 else None,
            extrasamples=[extra] if alpha else None, extratags=[(274, 3, 1, turn, True)], metadata=None,
        )  # fmt: skip
    except Exception:  # of any kind
        return None
    if meant:  # what can be had back
        written = written.astype(np.float64)
        part = written[:, :, -1:] / top
        upright = np.concatenate([written[:, :, :-1] / np.where(part > 0, part, 1), written[:, :, -1:]], 2)
    values = upright.astype(np.float64) / top
    name = f"{kind}, {bands} bands{f', {extra}' * alpha}, {compression}{', predictor' * predicted}{', planes' * planar}" \
        f"{', tiles' * tiled}, {order}{', 0 is white' * inverted}, orientation {turn}"  # fmt: skip
    if meant:
        values[:, :, :-1] = np.minimum(values[:, :, :-1], 1) if kind[0] != "f" else values[:, :, :-1]
    shown = 1 - values if inverted else values
    return Case(
        "TIFF",
        name,
        file.getvalue(),
        shown,
        float(top),
        "tiff",
        turn,
        alpha,
        inverted,
        meant,
        planar,
        kind[0] == "f",
        tiled,
    )
