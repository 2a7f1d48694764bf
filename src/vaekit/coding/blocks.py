"""The frame of a .vk file: blocks with checksums, which can be found again where a part of the file is damaged.

    MAGIC  HEAD  [MODL]  PART ... PART  INDX  offset of INDX (8)  END

docs/format.md has every byte.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import SEEK_END
from typing import BinaryIO

from vaekit.core import DataError

MAGIC = b"\x89VK1\r\n\x1a\n"
END = b"VKEND\r\n\n"
HEAD, MODEL, PART, INDEX = b"HEAD", b"MODL", b"PART", b"INDX"
KINDS = (HEAD, MODEL, PART, INDEX)
FRAME = struct.Struct(
    "<4sIQ8sII"
)  # kind, number, length of the payload, file, CRC of the payload, CRC of these 28 bytes
NAMES = re.compile(b"|".join(KINDS))
TAIL = struct.Struct("<Q8s")
STEP = 2**16  # bytes that are looked through at a time


@dataclass(frozen=True)
class Block:
    """One block of a file.

    Attributes:
        kind: of KINDS.
        number: of a part, from 0; 0 for others.
        length: of the payload, bytes.
        file: eight bytes that tell the blocks of one file from those of another.
        crc: of the payload.
        offset: of the payload in the file.
    """

    kind: bytes
    number: int
    length: int
    file: bytes
    crc: int
    offset: int

    @property
    def end(self) -> int:
        """Returns where the next one begins."""
        return self.offset + self.length


def frame(kind: bytes, number: int, file: bytes, payload: bytes) -> bytes:
    """A block as bytes."""
    head = FRAME.pack(kind, number, len(payload), file, zlib.crc32(payload), 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(head)) + payload


def block_at(file: BinaryIO, offset: int, size: int) -> Block | None:
    """The block whose frame begins at an offset; None where there is none, or none that lies within the file.

    Args:
        size: of the file, bytes.
    """
    file.seek(offset)
    return _parsed(file.read(FRAME.size), offset, size)


def _parsed(head: bytes, offset: int, size: int) -> Block | None:
    """The block of a frame that stands at an offset, as `block_at`."""
    if len(head) < FRAME.size:
        return None
    kind, number, length, name, crc, own = FRAME.unpack(head)
    if own != zlib.crc32(head[:-4]) or kind not in KINDS or length > size - offset - FRAME.size:
        return None
    return Block(kind, number, length, name, crc, offset + FRAME.size)


def payload_of(file: BinaryIO, block: Block) -> bytes:
    """The payload of a block.

    Raises:
        DataError: it is not what was written.
    """
    if block.end > file.seek(0, SEEK_END):  # before as many bytes are allocated as it names
        raise DataError("the file is cut within it.")
    file.seek(block.offset)
    content = file.read(block.length)
    if zlib.crc32(content) != block.crc:
        raise DataError("its bytes are not those that were written (CRC-32).")
    return content


def all_blocks(file: BinaryIO, size: int) -> Iterator[Block]:
    """Every block whose frame is whole, in the order of the file; what lies between is skipped, in one pass."""
    offset = len(MAGIC)
    while offset + FRAME.size <= size:
        block = block_at(file, offset, size) or _next_block(file, offset + 1, size)
        if block is None:
            return
        yield block
        offset = block.end


def _next_block(file: BinaryIO, offset: int, size: int) -> Block | None:
    """The first block at an offset or after it."""
    while offset + FRAME.size <= size:
        file.seek(offset)
        content = file.read(STEP + FRAME.size - 1)
        for found in NAMES.finditer(content):
            place = found.start()
            block = _parsed(content[place : place + FRAME.size], offset + place, size)
            if block is not None:
                return block
        offset += STEP
    return None
