"""Honest sums of a file: bytes and what they are for, bits of each value, and the model's price, beside general coders."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import prod

import numpy as np

from vaekit.coding.classical import coded_sheet, to_sheet
from vaekit.coding.general_lossy import SCAN, pays_after, said_at, size_at
from vaekit.coding.jpeg_xl import KIND, has_jpeg_xl
from vaekit.coding.packing import packed
from vaekit.coding.portion import MODEL, Written
from vaekit.coding.surroundings import code_by_surroundings, suits
from vaekit.core import counted
from vaekit.runs.file_cost import General


@dataclass(frozen=True)
class Beside:
    """General coders on some of the same pictures.

    Attributes:
        images: number of pictures.
        values: C x H x W of each.
        ours: bytes that these pictures take in the file, by their own bits: no share of names, model or frame.
        sizes: coder -> bytes of all of them, each as a file of its own ("... files") or all as one block or sheet.
    """

    images: int
    values: int
    ours: float
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def best(self) -> tuple[str, int] | None:
        """Returns name and bytes of the smallest."""
        return min(self.sizes.items(), key=lambda item: item[1], default=None)

    def per_value(self, size: float) -> float:
        """Bits per value of so many bytes."""
        return 8 * size / max(self.images * self.values, 1)


@dataclass(frozen=True)
class Sums:
    """The purposes of a file's bytes.

    Attributes:
        images: examples in the file, of which `pictures` are coded as pictures of the run's form, others as files.
        values: C x H x W of a picture.
        size: bytes of the whole file.
        model: bytes of the model, inside the file or as it would be inside.
        inside: whether it is inside.
        pixels, facts, files: bytes of pictures, of names and labels, and of files that are kept as they are.
        initial_bits: bits that were there before the first picture of each part, all parts together.
        coders: name of a coder -> pictures of the parts that it coded.
        beside: general coders on some of the pictures, or None.
        error: mean squared error of a value in [0, 1], of a lossy file; None where nothing is lost.
        lossy: general coders that lose something too, on some of the pictures, or None.
    """

    images: int
    pictures: int
    values: int
    size: int
    model: int
    inside: bool
    pixels: int
    facts: int
    files: int
    initial_bits: float
    coders: dict[str, int] = field(default_factory=dict)
    beside: Beside | None = None
    error: float | None = None
    lossy: General | None = None

    @property
    def frame(self) -> int:
        """Returns bytes of head, index, checksums."""
        return self.size - self.pixels - self.facts - self.files - (self.model if self.inside else 0)

    @property
    def bits_per_value(self) -> float:
        """Returns bits of the pictures' own bytes (initial bits are in them) per value C x H x W."""
        return 8 * self.pixels / max(self.pictures * self.values, 1)

    @property
    def whole_bits_per_value(self) -> float:
        """Returns bits of the whole file but the files kept in it, model included where it is inside, per value; 0 where
        there are none but these."""
        return 8 * (self.size - self.files) / (self.pictures * self.values) if self.pictures else 0.0

    @property
    def pays_after(self) -> int | None:
        """Returns the number of images after which the model has paid for itself against the best general coder, by
        what both need for an image of this set, at the same error where something is lost; None where it never does."""
        if self.error is not None:
            best = self._best_at_this_error
            return None if best is None else pays_after(self.model, self.each, best[1])
        if (
            self.beside is None
            or self.beside.best is None
            or not self.beside.images
            or not self.coders.get("model")
        ):
            return None
        each = self.beside.images
        return pays_after(self.model, self.beside.ours / each, self.beside.best[1] / each)

    @property
    def each(self) -> float:
        """Returns the bytes of a picture, of its pixels alone."""
        return self.pixels / max(self.pictures, 1)

    @property
    def general(self) -> General | None:
        """Returns the coders beside this one, as they are kept with a run."""
        if self.beside is None:
            return self.lossy
        return General(self.beside.images, round(self.beside.ours, 1), dict(self.beside.sizes))

    @property
    def against(self) -> str | None:
        """Returns the name of the coder that the model is put against: the smallest, of lossy ones at this error."""
        if self.error is not None:
            return None if self._best_at_this_error is None else self._best_at_this_error[0]
        return None if self.beside is None or self.beside.best is None else self.beside.best[0]

    @property
    def _best_at_this_error(self) -> tuple[str, float] | None:
        """Returns name and bytes of a picture of the smallest of the files of other coders, as far as they reach this error."""
        points = {} if self.lossy is None or self.error is None else self.lossy.points
        sizes = {name: size_at(line, self.error or 0.0) for name, line in points.items() if name != SCAN}
        found = {name: size for name, size in sizes.items() if size is not None}
        return min(found.items(), key=lambda item: item[1], default=None)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        found: dict[str, object] = {
            "images": self.images, "pictures": self.pictures, "values_per_image": self.values, "bytes": self.size,
            "pixel_bytes": self.pixels, "fact_bytes": self.facts, "file_bytes": self.files, "frame_bytes": self.frame,
            "model_bytes": self.model, "model_inside": self.inside, "initial_bits": round(self.initial_bits, 1),
            "bits_per_value": self.bits_per_value, "whole_bits_per_value": self.whole_bits_per_value,
            "coders": dict(self.coders),
        }  # fmt: skip
        if self.error is not None:
            found["mean_squared_error"] = self.error
        if self.beside is not None:
            found["beside"] = {
                "images": self.beside.images, "ours": round(self.beside.ours, 1), **self.beside.sizes,
            }  # fmt: skip
            found["pays_after"] = self.pays_after
        if self.lossy is not None:
            points = {
                name: [{"bytes": point.size, "mean_squared_error": point.error} for point in line]
                for name, line in self.lossy.points.items()
            }
            found["beside"] = {"images": self.lossy.images, "points": points}
            found["pays_after"] = self.pays_after
        return found

    def lines(self) -> list[str]:
        """For people."""
        if not self.pictures:
            return [
                f"{self.size:,} bytes: files kept as they are {self.files:,}, names {self.facts:,}, frame {self.frame:,}"
            ]
        said = [
            f"{self.bits_per_value:.4f} bits per value (8 x {self.pixels:,} bytes of pixels / {self.pictures:,} pictures of "
            f"{self.values:,} values C x H x W), {self.initial_bits:,.0f} initial bits in them"
        ]
        inside = "inside" if self.inside else "not inside"
        whole = f"{self.whole_bits_per_value:.4f} bits per value in all"
        said.append(
            f"{self.size:,} bytes: pixels {self.pixels:,}, names and labels {self.facts:,}, files kept as they are "
            f"{self.files:,}, frame {self.frame:,}, model {self.model:,} ({inside}); {whole}"
        )
        if self.error is not None:
            said.append(
                f"lossy: {self.each:.1f} bytes per image at a mean squared error of {self.error:.5f} of values in [0, 1]"
            )
        others = {name: count for name, count in self.coders.items() if name != "model"}
        if others:
            named = ", ".join(f"{counted(count, 'picture')} by {name}" for name, count in others.items())
            said.append(f"the model would have needed more bytes: {named}")
        return said + self._beside_lines() + self._lossy_lines()

    def _lossy_lines(self) -> list[str]:
        if self.lossy is None or not self.lossy.points or self.error is None:
            return []
        listed = "; ".join(f"{name} {said_at(line, self.error)}" for name, line in self.lossy.points.items())
        said = [
            f"bytes of a picture with that error, between measured points, by {counted(self.lossy.images, 'picture')} of them: {listed}"
        ]
        return [*said, *self._paid()]

    def _paid(self) -> list[str]:
        """Says when the model has paid for itself, where there is another coder to put it against."""
        if self.against is None:
            return []
        pays = self.pays_after
        when = "never pays for itself" if pays is None else f"pays for itself after {counted(pays, 'image')}"
        return [f"a model of {self.model:,} bytes {when}, against {self.against}"]

    def _beside_lines(self) -> list[str]:
        beside = self.beside
        if beside is None:
            return []
        listed = ", ".join(f"{name} {beside.per_value(size):.4f}" for name, size in beside.sizes.items())
        said = [
            f"bits per value of {counted(beside.images, 'picture')} of them: here {beside.per_value(beside.ours):.4f}; {listed}"
        ]
        return [*said, *self._paid()]


def sums_of(
    written: Sequence[Written], shape: tuple[int, ...], size: int, model: int, inside: bool, beside: Beside | None,
    error: float | None, names: dict[int, str], lossy: General | None = None,
) -> Sums:  # fmt: skip
    """The sums of a file from those of its parts.

    Args:
        names: of the coders, by number.
    """
    coders: dict[str, int] = {}
    for part in written:
        if part.pictures:
            name = names.get(part.coder, str(part.coder))
            coders[name] = coders.get(name, 0) + part.pictures
    return Sums(
        images=sum(part.count for part in written),
        pictures=sum(part.pictures for part in written),
        values=prod(shape),
        size=size,
        model=model,
        inside=inside,
        pixels=sum(part.pixels for part in written),
        facts=sum(part.facts for part in written),
        files=sum(part.files for part in written),
        initial_bits=sum(part.initial_bits for part in written if part.coder == MODEL),
        coders=coders,
        beside=beside,
        error=error,
        lossy=lossy,
    )


def general_sizes(levels: np.ndarray, pixels: str) -> dict[str, int]:
    """Bytes of pictures by general coders: each as a file of its own, and all together.

    Args:
        levels: (n, *shape) uint8; binary ones 0 and 1, which gzip and LZMA get as single bits or as bytes, whichever
            is smaller.
        pixels: "binary" or "8-bit".
    """
    binary = pixels == "binary"

    def raw(rows: np.ndarray) -> list[bytes]:
        content = rows.tobytes()
        return [content, np.packbits(rows.reshape(-1)).tobytes()] if binary else [content]

    found = {
        "gzip files": sum(min(len(gzip.compress(c, 9)) for c in raw(row)) for row in levels),
        "lzma files": sum(min(len(packed(c, pixels=True)) for c in raw(row)) for row in levels),
        "gzip": min(len(gzip.compress(c, 9)) for c in raw(levels)),
        "lzma": min(len(packed(c, pixels=True)) for c in raw(levels)),
    }
    if suits(levels.shape):
        found["surroundings"] = len(code_by_surroundings(levels))
    for name, kind in (("PNG", "PNG"), ("WebP", "WEBP"), ("JPEG XL", KIND)):
        each = [_as_picture(row[None], kind, binary) for row in levels]
        if each and all(each):
            found[f"{name} files"] = sum(map(len, filter(None, each)))
        if (sheet := _as_picture(levels, kind, binary)) is not None:
            found[f"{name} sheet"] = len(sheet)
    return found


def _as_picture(levels: np.ndarray, kind: str, binary: bool) -> bytes | None:
    """One picture, or a sheet of several, as a file of a kind; binary ones as PNG of one bit. None where it cannot be had."""
    if kind == "WEBP":
        return coded_sheet(levels * np.uint8(255 if binary else 1), ("WEBP",))
    if kind == KIND and not has_jpeg_xl():
        return None
    if kind == "PNG" and not binary:
        return coded_sheet(levels, ("PNG",))
    if levels.ndim != 4 or levels.shape[1] not in (1, 3, 4) or find_spec("PIL") is None:
        return None
    from PIL import Image

    pixels = to_sheet(levels * np.uint8(255 if binary else 1))
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    if kind == KIND:
        picture.save(buffer, kind, lossless=True, effort=7)
    else:
        picture.convert("1").save(buffer, kind, optimize=True)
    return buffer.getvalue()
