"""Writes a .vk file part by part: it appears whole or not at all, and one that was interrupted is resumed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from vaekit.coding import blocks
from vaekit.coding.container import Entry, index_payload
from vaekit.coding.packing import packed_json
from vaekit.core import RunError, reach
from vaekit.runs.files import sync_folder, writing
from vaekit.runs.lock import HELD, lock_handle

UNFINISHED = ".unfinished"  # after the name of a file that is being written


def unfinished(out: Path) -> Path:
    """The file that grows beside its place."""
    return out.with_name(out.name + UNFINISHED)


class Growing:
    """A file that is being written.

    Attributes:
        entries: the parts that are there.

    Args:
        out: where it goes once it is whole.
        file: its bytes until then, open for reading and writing, and locked.
        head: what the file says of itself.
        identity: all that decides its content: one that was begun under another is begun anew.
        model: the model inside, or None.
    """

    def __init__(
        self, out: Path, file: BinaryIO, head: Mapping[str, Any], identity: str, model: bytes | None
    ) -> None:
        self.entries: list[Entry] = []
        self._out, self._file, self._identity = out, file, identity.encode("utf-8", "surrogatepass")
        start = self._start(head)
        if model is not None:
            start += blocks.frame(blocks.MODEL, 0, self._name, model)
        self.resumed = self._begin(start)

    @property
    def done(self) -> int:
        """Returns how many examples are in finished parts."""
        return self.entries[-1].first + self.entries[-1].count if self.entries else 0

    def payloads(self) -> Iterator[bytes]:
        """The parts that are there."""
        with writing(self._out):
            end = self._file.tell()
            for entry in self.entries:
                assert entry.block is not None
                yield blocks.payload_of(self._file, entry.block)
            self._file.seek(end)

    def add(self, payload: bytes, count: int) -> None:
        """The next part, durable once this returns.

        Raises:
            RunError: it cannot be written; the parts before are whole.
        """
        number = len(self.entries)
        content = blocks.frame(blocks.PART, number, self._name, payload)
        with writing(self._out):
            reach(f"part {number}: before writing")
            self._file.write(content[: len(content) // 2])
            self._file.flush()
            reach(f"part {number}: half written")
            self._file.write(content[len(content) // 2 :])
            self._file.flush()
            os.fsync(self._file.fileno())
            end = self._file.tell()
            block = blocks.block_at(self._file, end - len(content), end)
            self._file.seek(end)
        assert block is not None
        self.entries.append(Entry(number, block, self.done, count))
        reach(f"part {number}: written")

    def leave_out_model(self, head: Mapping[str, Any]) -> None:
        """Moves all parts to where the model is, which none of them needs; if that is interrupted, the file is begun anew.

        Args:
            head: what the file says of itself then.
        """
        with writing(self._out):
            start, entries = self._start(head), self.entries
            self.entries, at = [], len(start)
            self._file.seek(0)
            self._file.write(start)  # shorter than what was there, as all after it lies farther back
            for entry in entries:
                assert entry.block is not None
                payload = blocks.payload_of(self._file, entry.block)
                self._file.seek(at)
                at += self._file.write(blocks.frame(blocks.PART, entry.number, self._name, payload))
                block = replace(entry.block, file=self._name, offset=at - len(payload))
                self.entries.append(replace(entry, block=block))
            self._file.seek(at)
            self._file.truncate()

    def finish(self) -> int:
        """Puts the whole file into its place; gives its size, bytes.

        Raises:
            RunError: it cannot be written; the parts are whole.
        """
        with writing(self._out):
            offset = self._file.tell()
            payload = index_payload(self._head, self.entries)
            self._file.write(blocks.frame(blocks.INDEX, 0, self._name, payload))
            self._file.write(blocks.TAIL.pack(offset, blocks.END))
            self._file.flush()
            os.fsync(self._file.fileno())
            size = self._file.tell()
            reach("file: before renaming")
            if os.name == "nt":  # where an open file cannot be renamed
                self._file.close()
            os.replace(unfinished(self._out), self._out)
            sync_folder(self._out.parent)
        return size

    def _start(self, head: Mapping[str, Any]) -> bytes:
        """The first bytes, under the name that head and identity give the file."""
        self._head = dict(head)
        packed = packed_json(self._head)
        self._name = hashlib.blake2b(packed + self._identity, digest_size=8).digest()
        return blocks.MAGIC + blocks.frame(blocks.HEAD, 0, self._name, packed)

    def _begin(self, start: bytes) -> bool:
        """Keeps the whole parts of a file that was begun as this one, or begins; gives whether there were any."""
        with writing(self._out):
            size = os.fstat(self._file.fileno()).st_size
            self._file.seek(0)
            end = len(start)
            if self._file.read(end) != start:
                self._file.seek(0)
                self._file.truncate()
                try:
                    self._file.write(start)
                    self._file.flush()
                except OSError:
                    os.ftruncate(self._file.fileno(), 0)  # a part of a head is worth nothing
                    raise
                return False
            while (block := blocks.block_at(self._file, end, size)) and self._follows(block):
                first, count = examples_of(blocks.payload_of(self._file, block))
                if first != self.done:
                    break
                self.entries.append(Entry(block.number, block, first, count))
                end = block.end
            self._file.truncate(end)
            self._file.seek(end)
        return bool(self.entries)

    def _follows(self, block: blocks.Block) -> bool:
        whole = block.kind == blocks.PART and (block.number, block.file) == (len(self.entries), self._name)
        if not whole:
            return False
        try:
            blocks.payload_of(self._file, block)
        except ValueError:
            return False
        return True


def examples_of(payload: bytes) -> tuple[int, int]:
    """Number of the first example of a part, and how many it has: its first twelve bytes."""
    return int.from_bytes(payload[:8], "little"), int.from_bytes(payload[8:12], "little")


@contextmanager
def growing(
    out: Path, head: Mapping[str, Any], identity: str, model: bytes | None = None
) -> Iterator[Growing]:
    """A file to be written part by part within the block; what was begun before is resumed if it is of the same content.

    Raises:
        RunError: it cannot be written, or another process is writing it.
    """
    place = unfinished(out)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(place, out)
    found = None
    try:
        found = Growing(out, file, head, identity, model)
        yield found
    finally:
        with suppress(OSError, ValueError):  # closed already
            if not os.fstat(file.fileno()).st_size or (found is not None and not found.entries):
                place.unlink(missing_ok=True)
        with suppress(OSError):  # what could not be written was said; closing would try once more
            file.close()


def _locked(place: Path, out: Path) -> BinaryIO:
    """The file that grows, which no other process writes; of one that went to its place meanwhile, a new one."""
    while True:
        with writing(out):
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            file = os.fdopen(os.open(place, flags, 0o666), "r+b")
        try:
            lock_handle(file.fileno())
        except OSError as error:
            if error.errno in HELD:
                file.close()
                raise RunError(
                    f"{place}: another process is writing this file; stop it first, or let it end."
                ) from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), place.stat()):
                return file
        file.close()
