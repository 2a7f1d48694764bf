"""The parts of a .vk file, coded and written one after another, and what they took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from vaekit.coding.general_lossy import general_points
from vaekit.coding.growing import Growing
from vaekit.coding.originals import Originals
from vaekit.coding.portion import MODEL, Coder, Group, Written, write_part, written_of
from vaekit.coding.sums import Beside, general_sizes
from vaekit.core import warn_of
from vaekit.runs.file_cost import General
from vaekit.runtime.heap import trim_heap
from vaekit.runtime.pulse import ProgressCallback, report

# What coders that lose something are measured on at most: they take each picture at many qualities, with the file done.
MOST_VALUES, LEAST_PICTURES = 1000 * 64 * 64, 10


class Work:
    """Codes the examples of a source part by part.

    Attributes:
        parts: what each took.
        names, bits: of each example that was coded here.
        earlier: how many had been coded before.

    Args:
        size: examples of a part.
        beside: pictures to keep for a comparison; of a lossy coder fewer of large ones.
    """

    def __init__(
        self, coder: Coder, source: Originals, size: int, beside: int, told: ProgressCallback | None,
        should_stop: Callable[[], str | None] | None,
    ) -> None:  # fmt: skip
        self.parts: list[Written] = []
        self.earlier = self._done = 0
        self._names: list[str] = []
        # One array for all: small ones that stay, made between large ones that go, would keep memory from being given back.
        self._bits = np.zeros(source.total)
        self._coder, self._source, self._size = coder, source, size
        self._told, self._should_stop = told, should_stop
        if not coder.lossless:
            beside = min(beside, max(LEAST_PICTURES, MOST_VALUES // prod(coder.shape)))
        self._every = max(1, -(-source.total // max(beside, 1))) if beside else 0
        self._kept: list[np.ndarray] = []
        self._kept_bits = 0.0
        self._squares, self._values = 0.0, 0

    @property
    def bits(self) -> np.ndarray:
        """Returns the information of each example, (n,)."""
        return self._bits[self.earlier : self._done]

    @property
    def names(self) -> list[str]:
        """Returns the name of each example, or its number."""
        return self._names or [str(number) for number in range(self.earlier, self._done)]

    @property
    def took_model(self) -> bool:
        """Returns whether any part needs the model."""
        return any(part.pictures and part.coder == MODEL for part in self.parts)

    @property
    def error(self) -> float | None:
        """Returns the mean squared error of a value in [0, 1] where something is lost and pictures were coded here."""
        return None if self._coder.lossless or not self._values else self._squares / self._values

    def write(self, file: Growing) -> str | None:
        """Writes the parts that are not there yet; gives why it was stopped, or None."""
        self.parts += [written_of(payload) for payload in file.payloads()]
        self.earlier = self._done = file.done
        for group in self._source.groups(file.done, self._size):
            first = file.done
            payload, took = write_part(group, first, self._coder)
            file.add(payload, len(group))
            self.parts.append(replace(took, bits=np.zeros(0)))
            self._note(group, first, took)
            del group, payload, took  # before the next one is read
            trim_heap()
            report(self._told, "compressing", file.done, self._source.total)
            reason = self._should_stop() if self._should_stop is not None else None
            if reason and file.done < self._source.total:
                return reason
        return None

    def _note(self, group: Group, first: int, took: Written) -> None:
        """Remembers the bits of examples, some pictures to compare with, and the error of lossy ones."""
        self._names += group.names or []
        self._done = first + len(group)
        self._bits[first : self._done] = took.bits
        if self._every and took.pictures:
            places = group.places
            chosen = np.flatnonzero((first + places) % self._every == 0)
            self._kept.append(group.levels[chosen])
            self._kept_bits += float(took.bits[places[chosen]].sum())
        if not self._coder.lossless and took.pictures:
            self._squares += took.squares
            self._values += group.levels.size

    def compared(self, pixels: str) -> Beside | None:
        """General coders on some of the pictures, where nothing is lost."""
        kept = self._chosen
        if not len(kept) or not self._coder.lossless:
            return None
        return Beside(len(kept), int(prod(kept.shape[1:])), self._kept_bits / 8, general_sizes(kept, pixels))

    def compared_lossy(self, pixels: str) -> General | None:
        """General coders that lose something on some of the pictures, where this one does; None after a reason to stop."""
        kept = self._chosen
        if not len(kept) or self._coder.lossless or kept.ndim != 4:
            return None
        levels = kept * np.uint8(255 if pixels == "binary" else 1)
        reasons: list[str] = []

        def stops() -> bool:
            reasons.extend(filter(None, [self._should_stop() if self._should_stop is not None else None]))
            return bool(reasons)

        points = general_points(
            levels, lambda name: report(self._told, f"measuring {name}", 0, len(kept)), stops
        )
        if reasons:
            again = "compress again to have them"
            warn_of([f"the file is whole, but other coders were not measured ({reasons[0]}): {again}"])
            return None
        return General(len(kept), points={name: tuple(line) for name, line in points.items()})

    @property
    def _chosen(self) -> np.ndarray:
        return np.concatenate(self._kept) if self._kept else np.zeros((0, 1), np.uint8)
