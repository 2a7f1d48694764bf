"""Reads a .vk file, whole or damaged: its head, its model, and each part by itself. `vaekit.coding.growing` writes it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from vaekit.coding import blocks
from vaekit.coding.blocks import Block
from vaekit.coding.packing import packed_json, unpacked_json
from vaekit.core import DataError, SettingError, foreign, reason

VERSION = 1
MOST_PARTS = 2**24


@dataclass(frozen=True)
class Entry:
    """A part as the index has it.

    Attributes:
        number: from 0.
        block: where it lies; None where nothing is left of it.
        first, count: its examples: the number of the first in the whole set, and how many; count is -1 where only the
            part itself would say.
    """

    number: int
    block: Block | None
    first: int
    count: int


@dataclass(frozen=True)
class Lost:
    """Examples that could not be restored.

    Attributes:
        part: number of the part; None where not even that is known.
        first, count: as in `Entry`.
        why: in words.
    """

    part: int | None
    first: int
    count: int
    why: str

    def __str__(self) -> str:
        named = "a part" if self.part is None else f"part {self.part}"
        if self.count < 0:
            return f"{named}: {self.why}"
        last = self.first + self.count - 1
        images = f"image {self.first:,}" if self.count == 1 else f"images {self.first:,} to {last:,}"
        return f"{named} ({images}): {self.why}"


def index_payload(head: Mapping[str, Any], entries: list[Entry]) -> bytes:
    """The last block: the head once more, and of each part place, length, checksum and examples."""
    rows = [
        [e.block.offset, e.block.length, e.block.crc, e.first, e.count]
        for e in entries
        if e.block is not None
    ]
    return packed_json({"head": head, "parts": rows})


class Container:
    """A .vk file that is open for reading.

    Attributes:
        path: of the file.
        head: what the file says of itself.
        notes: what is damaged beside the parts.

    Raises:
        DataError: it cannot be opened, is none, or neither its head nor its index is left.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file
        self._size = os.fstat(file.fileno()).st_size
        self.notes: list[str] = []
        file.seek(0)
        if file.read(len(blocks.MAGIC)) != blocks.MAGIC:
            self.notes.append("its first eight bytes are damaged")
        self._found: list[Block] | None = None
        self._head = blocks.block_at(file, len(blocks.MAGIC), self._size)
        head = self._read_head()
        table = self._read_index()
        if head is None and table is None:
            raise DataError(
                f"{path}: no .vk file, or neither its head nor its index is left; nothing of it can be restored."
            )
        self.head: dict[str, Any] = head if head is not None else table["head"]  # type: ignore[index]
        if head is None:
            self.notes.append("its head is damaged; the copy in the index is used")
        self._check_head()
        self._rows: list[list[int]] | None = None if table is None else table["parts"]

    def entries(self) -> list[Entry]:
        """Every part, in order; where there is no index, those that are found, and what must have lain between."""
        if self._rows is not None:
            return [self._entry(number, row) for number, row in enumerate(self._rows)]
        found = {block.number: block for block in self._all() if block.kind == blocks.PART}
        return [Entry(number, found.get(number), -1, -1) for number in range(max(found, default=-1) + 1)]

    def payload(self, entry: Entry) -> bytes:
        """The bytes of a part.

        Raises:
            DataError: they are not those that were written.
        """
        if entry.block is None:
            raise DataError("nothing is left of it.")
        with foreign(str(self.path), say=reason):
            try:
                return blocks.payload_of(self._file, entry.block)
            except DataError:  # it may stand elsewhere, where something before it was lost or came in
                for block in self._all():
                    mine = (block.kind, block.number, block.crc) == (
                        blocks.PART,
                        entry.number,
                        entry.block.crc,
                    )
                    if mine and block.length == entry.block.length:
                        return blocks.payload_of(self._file, block)
                own = blocks.block_at(self._file, entry.block.offset - blocks.FRAME.size, self._size)
                if own is not None and own.crc != entry.block.crc:
                    raise DataError("another block stands in its place.") from None
                raise

    def model(self) -> bytes | None:
        """The model inside; None where the file says that there is none.

        Raises:
            DataError: it is damaged.
        """
        if not self.head["model"] or not self.head["model"].get("inside"):
            return None
        start = self._head.end if self._head is not None else -1
        block = blocks.block_at(self._file, start, self._size) if start > 0 else None
        if block is None or block.kind != blocks.MODEL:
            block = next((one for one in self._all() if one.kind == blocks.MODEL), None)
        if block is None:
            raise DataError("its frame is damaged.")
        return blocks.payload_of(self._file, block)

    def _read_head(self) -> dict[str, Any] | None:
        if self._head is None or self._head.kind != blocks.HEAD:
            self._head = next((one for one in self._all() if one.kind == blocks.HEAD), None)
        if self._head is None:
            return None
        with suppress(DataError):
            found = unpacked_json(blocks.payload_of(self._file, self._head))
            return found if isinstance(found, dict) else None
        return None

    def _read_index(self) -> dict[str, Any] | None:
        """The index, if it is whole: found by the last bytes, or else among all blocks."""
        try:
            self._file.seek(max(self._size - blocks.TAIL.size, 0))
            offset, end = blocks.TAIL.unpack(self._file.read(blocks.TAIL.size))
            if end != blocks.END:
                raise DataError("its end is cut")
            block = blocks.block_at(self._file, min(offset, self._size), self._size)
        except (DataError, struct.error):
            self.notes.append("its end is cut or damaged")
            block = None
        if block is None or block.kind != blocks.INDEX:
            block = next((one for one in self._all() if one.kind == blocks.INDEX), None)
        with suppress(DataError, KeyError, TypeError, ValueError):
            if block is not None:
                return self._checked(unpacked_json(blocks.payload_of(self._file, block)))
        self.notes.append("its index is damaged; parts are found by looking through the file")
        return None

    def _checked(self, table: dict[str, Any]) -> dict[str, Any]:
        rows = [[int(number) for number in row] for row in table["parts"]]
        if len(rows) > MOST_PARTS or not all(
            len(row) == 5 and 0 <= min(row) <= max(row) < 2**62 for row in rows
        ):
            raise ValueError("not the rows of an index")
        firsts = [0]
        for row in rows:
            if row[3] != firsts[-1]:
                raise ValueError("rows that do not follow one another")
            firsts.append(row[3] + row[4])
        if any(
            row[0] + row[1] > self._size for row in rows
        ):  # cut, or a part was exchanged for a shorter one
            there = {block.crc for block in self._all() if block.kind == blocks.PART}
            if not any(row[2] in there for row in rows):
                raise ValueError("rows of none of the parts that are there")
        if not isinstance(table["head"], dict):
            raise TypeError("no head")
        return {"head": table["head"], "parts": rows}

    def _check_head(self) -> None:
        """Raises DataError for a head that says what no vaekit wrote, or a newer one did."""
        version = self.head.get("version")
        if version != VERSION:
            raise DataError(
                f"{self.path} is of version {version!r:.20} of the format; this vaekit reads version {VERSION}."
            )
        with foreign(f"{self.path}: its head is not one of this format"):
            check_facts(self.head)

    def _entry(self, number: int, row: list[int]) -> Entry:
        offset, length, crc, first, count = row
        return Entry(number, Block(blocks.PART, number, length, b"", crc, offset), first, count)

    def _all(self) -> list[Block]:
        if self._found is None:
            own = self._head.file if getattr(self, "_head", None) is not None else None  # type: ignore[union-attr]
            found = list(blocks.all_blocks(self._file, self._size))
            own = own or next((block.file for block in found), None)
            self._found = [block for block in found if block.file == own]
        return self._found


def check_facts(head: Mapping[str, Any]) -> None:
    """Raises ValueError, TypeError or KeyError for a head whose facts have other types or sizes than the format says."""
    shape = head["shape"]
    if not isinstance(shape, list) or not 1 <= len(shape) <= 3 or not all(type(n) is int for n in shape):
        raise ValueError("its shape")
    size = 1
    for side in shape:
        size *= side
    if min(shape) < 1 or size > 2**26:
        raise ValueError("its shape")
    if not isinstance(head["source"], str):
        raise ValueError("its source")
    if head["pixels"] not in ("binary", "8-bit"):
        raise ValueError("its pixels")
    if type(head["images"]) is not int or not 0 <= head["images"] < 2**40:
        raise ValueError("its number of images")
    model, classes, splits = head["model"], head["classes"], head["splits"]
    if model is not None and not all(isinstance(model[name], str) for name in ("hash", "coder", "known")):
        raise ValueError("its model")
    named = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if classes is not None and not named:
        raise ValueError("its classes")
    if splits is not None:
        counts = [
            count for name, count in splits if isinstance(name, str) and type(count) is int and count > 0
        ]
        names = {name for name, _ in splits}
        if len(counts) != len(splits) or len(names) != len(splits) or sum(counts) != head["images"]:
            raise ValueError("its splits")


@contextmanager
def opened(path: str | Path) -> Iterator[Container]:
    """A .vk file for the length of the block.

    Raises:
        DataError: as in `Container`.
        SettingError: there is no such file.
    """
    place = Path(path)
    if not place.is_file():
        raise SettingError(f"file='{place}': no such file.", "file")
    with ExitStack() as stack:
        with foreign(f"{place} cannot be read"):
            file = stack.enter_context(place.open("rb"))
            found = Container(place, file)
        yield found
