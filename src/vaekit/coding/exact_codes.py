"""Codes of a VQ-VAE as a stream of bytes, and pictures of codes: in exact arithmetic, by numpy alone.

A stream codes each grid place by place, under the frequencies that a prior gives to the codes of a place once those before
it are known. Many images go at once through the prior, but share a few lanes of the coder, since every lane
costs 31 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaekit.coding.ans import Lanes
from vaekit.coding.attention import FRACTION, Array, rounded
from vaekit.coding.code_masses import BITS, CodeMasses, masses_from
from vaekit.coding.exact import narrowed
from vaekit.coding.exact_prior import Cache, Codes
from vaekit.coding.integers import Program, canonical
from vaekit.coding.knots import sigmoid
from vaekit.coding.proof import checked
from vaekit.core import DataError, InputError, foreign

GROUP = 128  # images at once in the prior, whose keys and values take memory
LANES = 4
VALUES_AT_ONCE = 2**22  # frequencies in memory while encoding
BINARY = " of binary pixels"
MEANS = ("identity", "sigmoid", "identity" + BINARY, "sigmoid" + BINARY)
KNOWN = 8  # grids of the known answer
DAMAGED = "the coded stream is damaged: "


class ExactCodes:
    """Packs codes, unpacks them and draws their pictures.

    Args:
        shape: (C, H, W) of a picture.
        grid: (h, w).
        vectors: (K, D) int64, the vectors of codes times 2**12.
        decoder: from "z", (B, D h w) in torch's order, to "raw", (B, C H W), both times 2**12.
        mean: how the mean of a value comes from "raw", one of MEANS; binary pixels are 1 where it is 1/2 or more.
        masses: of codes.
    """

    name, lossless = "codes", False

    def __init__(
        self,
        shape: tuple[int, ...],
        grid: tuple[int, int],
        vectors: Codes,
        decoder: Program,
        mean: str,
        masses: CodeMasses,
    ) -> None:
        self.shape, self.grid, self.vectors = tuple(shape), grid, vectors
        self.decoder, self.mean, self.masses = decoder, mean, masses
        self.positions, self.size = grid[0] * grid[1], len(vectors)
        self.classes = 0  # that a reader has to know: a class is within the stream

    def pack(self, codes: Codes, y: Codes | None = None) -> bytes:
        """One stream of the codes of images, which stands alone.

        Args:
            codes: (B, n).
            y: (B,) classes of a conditional prior; None takes the one of each image under which it is shortest.
        """
        return self.packed(codes, y)[0]

    def packed(self, codes: Codes, y: Codes | None = None) -> tuple[bytes, Array]:
        """`pack`, and the bits of each image, (B,): -log2 of the frequencies that coded it."""
        y = self.best_classes(codes) if y is None else y
        lanes = Lanes(min(LANES, max(len(codes), 1)))
        bits = np.empty(len(codes))
        for first in reversed(range(0, len(codes), GROUP)):
            group = slice(first, first + GROUP)
            starts, freqs = self._intervals(codes[group], y[group])
            bits[group] = self._lengths(freqs)
            for place in reversed(range(self.positions + 1)):
                for block in reversed(list(blocks(starts.shape[1], len(lanes)))):
                    lanes.push(starts[place, block], freqs[place, block], BITS)
        return lanes.to_bytes(), bits

    def unpack(self, data: bytes, count: int) -> Codes:
        """The codes of a stream, (count, n).

        Raises:
            DataError: the stream is one of another number of images.
        """
        lanes = Lanes.from_bytes(data)
        if len(lanes) != min(LANES, max(count, 1)):
            raise DataError(f"{DAMAGED}it is not one of {count:,} images.")
        parts = [self._popped(lanes, min(GROUP, count - first)) for first in range(0, count, GROUP)]
        if len(lanes.words) or (lanes.heads != 1 << 31).any():
            raise DataError(f"{DAMAGED}something is left over after {count:,} images.")
        return np.concatenate([np.empty((0, self.positions), np.int64), *parts])

    def pictures(self, codes: Codes) -> NDArray[np.uint8]:
        """Pictures of codes, (B, n) -> (B, C, H, W): levels 0 to 255, of binary pixels 0 and 1.

        Raises:
            DataError: a code that there is not.
        """
        if codes.size and not 0 <= codes.min() <= codes.max() < self.size:
            raise DataError(f"codes must be from 0 to {self.size - 1}.")
        found = [np.empty((0, *self.shape), np.uint8)]
        for first in range(0, len(codes), GROUP):
            part = codes[first : first + GROUP]
            z = self.vectors[part].swapaxes(1, 2).reshape(len(part), -1)
            found.append(self._levels(self.decoder.run({"z": z})["raw"]).reshape(-1, *self.shape))
        return np.concatenate(found)

    def decode(self, data: bytes, count: int) -> NDArray[np.uint8]:
        """The pictures of a stream, (count, C, H, W).

        Raises:
            DataError: as in `unpack`.
        """
        return self.pictures(self.unpack(data, count))

    def restore(self, content: bytes, count: int, labels: Codes | None = None) -> NDArray[np.uint8]:
        """`decode`, by the name that all coders have; labels are not needed."""
        return self.decode(content, count)

    def bits(self, codes: Codes, y: Codes | None = None) -> Array:
        """Bits of each image in a stream, (B,)."""
        y = self.best_classes(codes) if y is None else y
        return self._lengths(self._intervals(codes, y)[1])

    def best_classes(self, codes: Codes) -> Codes:
        """The class of each image under which its codes are shortest, (B,)."""
        count = len(self.masses.classes)
        if count == 1:
            return np.zeros(len(codes), np.int64)
        bits = [self.bits(codes, np.full(len(codes), k)) for k in range(count)]
        return np.argmin(bits, axis=0).astype(np.int64)

    def known(self) -> bytes:
        """A digest of the pictures of eight fixed grids: a machine that finds another one cannot be used."""
        numbers = np.arange(KNOWN * self.positions, dtype=np.int64).reshape(KNOWN, -1)
        codes = numbers * 2654435761 % 2**32 * self.size >> 32
        content = (
            self.pictures(codes).tobytes() + self.masses.all(codes, codes[:, 0] * 0).astype("<i8").tobytes()
        )
        return hashlib.sha256(content).digest()

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """A description, JSON-able, and arrays of integers as narrow as they can be, for `from_arrays`."""
        described = {
            "coder": self.name,
            "shape": list(self.shape),
            "grid": list(self.grid),
            "mean": self.mean,
            "decoder": self.decoder.description(),
        }
        described["masses"], masses = self.masses.to_arrays()
        arrays = {"vectors": self.vectors}
        arrays |= {f"decoder.{name}": array for name, array in self.decoder.arrays.items()}
        arrays |= {f"masses.{name}": array for name, array in masses.items()}
        return described, {name: narrowed(array) for name, array in arrays.items()}

    @classmethod
    def from_arrays(
        cls, described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], where: str = "the file"
    ) -> ExactCodes:
        """Puts together what `to_arrays` took apart. Both may come from anyone: it is proved again that sums are exact.

        Args:
            where: begins the line of an error.

        Raises:
            DataError: it is damaged, or its sums could pass 2**53.
        """
        with foreign(where, DataError, lambda _: "its model of codes is damaged."):
            parts: dict[str, dict[str, NDArray[Any]]] = {"decoder": {}, "masses": {}, "vectors": {}}
            for name, array in arrays.items():
                part, _, rest = name.partition(".")
                parts[part][rest] = array
            shape, grid = ([int(size) for size in described[name]] for name in ("shape", "grid"))
            decoder = checked(described["decoder"], parts["decoder"], where)
            vectors = parts["vectors"][""].astype(np.int64)
            try:
                masses = masses_from(described["masses"], parts["masses"])
            except InputError as error:
                raise DataError(f"{where}: {error}") from None
            model = cls((*shape,), (grid[0], grid[1]), vectors, decoder, str(described["mean"]), masses)
            model.check()
        return model

    def check(self) -> None:
        """Raises ValueError where the parts do not fit each other."""
        if min(*self.shape, *self.grid) < 1 or len(self.shape) != 3 or self.vectors.ndim != 2:
            raise ValueError("sizes")
        inputs = self.decoder.inputs["z"]
        if inputs[0] != self.positions * self.vectors.shape[1] or set(self.decoder.inputs) != {"z"}:
            raise ValueError("inputs of the decoder")
        if not inputs[1] <= self.vectors.min() <= self.vectors.max() <= inputs[2]:
            raise ValueError("vectors of codes")
        if self.decoder.widths != {"raw": prod(self.shape)} or self.mean not in MEANS:
            raise ValueError("outputs of the decoder")
        if self.masses.sizes != (self.positions, self.size):
            raise ValueError("frequencies of codes")

    def hash(self) -> str:
        """SHA-256 of description and arrays."""
        described, arrays = self.to_arrays()
        digest = hashlib.sha256(canonical(described))
        for name in sorted(arrays):
            digest.update(f"{name} {arrays[name].shape}".encode() + arrays[name].astype("<i8").tobytes())
        return digest.hexdigest()

    def _lengths(self, freqs: NDArray[np.uint64]) -> Array:
        return BITS * (self.positions + 1) - np.log2(freqs.astype(np.float64)).sum(0)

    def _levels(self, raw: NDArray[Any]) -> NDArray[np.uint8]:
        mean = sigmoid()(raw) if self.mean.startswith("sigmoid") else raw.astype(np.float64)
        top = 1 if self.mean.endswith(BINARY) else 255
        return np.clip(rounded(top * mean, FRACTION), 0, top).astype(np.uint8)

    def _intervals(self, codes: Codes, y: Codes) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Starts and frequencies of an image's class and codes, (1 + n, B) each."""
        starts = np.empty((1 + self.positions, len(codes)), np.uint64)
        freqs = np.empty_like(starts)
        starts[0], freqs[0] = (
            (np.cumsum(self.masses.classes) - self.masses.classes)[y],
            self.masses.classes[y],
        )
        size = max(1, VALUES_AT_ONCE // (self.positions * self.size))
        for first in range(0, len(codes), size):
            part = codes[first : first + size]
            masses = self.masses.all(part, y[first : first + size])
            ends = masses.cumsum(-1)
            found = np.take_along_axis(masses, part[..., None], -1)[..., 0]
            freqs[1:, first : first + size] = found.T
            starts[1:, first : first + size] = (
                np.take_along_axis(ends, part[..., None], -1)[..., 0] - found
            ).T
        return starts, freqs

    def _popped(self, lanes: Lanes, count: int) -> Codes:
        """The codes of the next group of images, (count, n)."""
        y = popped(lanes, np.broadcast_to(self.masses.classes, (count, len(self.masses.classes))))
        codes, cache = np.zeros((count, self.positions), np.int64), Cache()
        for place in range(self.positions):
            codes[:, place] = popped(lanes, self.masses.next(codes, y, cache))
        return codes


def blocks(count: int, lanes: int) -> Iterator[slice]:
    """Images that are coded at once, one a lane."""
    return (slice(first, first + lanes) for first in range(0, count, lanes))


def popped(lanes: Lanes, masses: NDArray[Any]) -> Codes:
    """Takes one symbol of each image off the lanes: frequencies (B, K) of sum 2**24 -> (B,)."""
    ends = masses.cumsum(-1)
    found = np.empty(len(masses), np.int64)
    for block in blocks(len(masses), len(lanes)):
        slots = lanes.peek(BITS, len(masses[block])).astype(np.int64)
        found[block] = symbols = (ends[block] <= slots[:, None]).sum(-1)
        freqs = np.take_along_axis(masses[block], symbols[:, None], -1)[:, 0]
        starts = np.take_along_axis(ends[block], symbols[:, None], -1)[:, 0] - freqs
        lanes.pop(starts.astype(np.uint64), freqs.astype(np.uint64), BITS)
    return found
