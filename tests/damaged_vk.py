"""Damage to .vk files: bits, bytes, cuts, swapped and foreign parts, and hostile heads, indexes and parts under right
checksums, as somebody would write them who means harm."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable

from vaekit.coding import blocks
from vaekit.coding.packing import packed, packed_json, unpacked_json
from vaekit.coding.portion import SHAPE

NUMBERS = (0, 1, 2, 7, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
LEAVES = (
    None,
    True,
    -1,
    0,
    1,
    1.5,
    2**31,
    2**62,
    10**30,
    "",
    "x",
    "../../x",
    "/etc/x",
    "\x1b[31m",
    "é" * 300,
    [],
    {},
    [[]],
    ["a"],
    [1, 8, 8],
)


def pieces(content: bytes) -> list[tuple[bytes, int, bytes, bytes]]:
    """Kind, number, file and payload of each block of a whole file."""
    found, at = [], len(blocks.MAGIC)
    while content[at : at + 4] in blocks.KINDS:
        kind, number, length, name, _, _ = blocks.FRAME.unpack_from(content, at)
        start = at + blocks.FRAME.size
        found.append((kind, number, name, content[start : start + length]))
        at = start + length
    return found


def joined(parts: list[tuple[bytes, int, bytes, bytes]]) -> bytes:
    """A file of blocks, with right checksums and a right end."""
    content, index = blocks.MAGIC, 0
    for kind, number, name, payload in parts:
        index = len(content) if kind == blocks.INDEX else index
        content += blocks.frame(kind, number, name, payload)
    return content + blocks.TAIL.pack(index, blocks.END)


def bits(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """One to eight bits are turned."""
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 8))):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def stretch(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A stretch of bytes is overwritten, by noise or by one value."""
    start, length = draw.randrange(len(content)), draw.choice((1, 4, 64, 4096))
    length = min(length, len(content) - start)
    noise = draw.randbytes(length) if draw.random() < 0.5 else bytes([draw.choice((0, 255))]) * length
    return content[:start] + noise + content[start + length :]


def cut(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """The end is missing, or the beginning, or a stretch within."""
    start = draw.randrange(len(content))
    end = min(len(content), start + draw.choice((1, 17, 1000, 10**9)))
    return content[:start] + content[end:]


def doubled(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A stretch stands twice."""
    start = draw.randrange(len(content))
    end = min(len(content), start + draw.choice((1, 32, 1000)))
    return content[:end] + content[start:]


def swapped(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """Two blocks have changed places, bytes and all, or only their payloads."""
    parts = pieces(content)
    a, b = draw.sample(range(len(parts)), 2)
    if draw.random() < 0.5:
        parts[a], parts[b] = parts[b], parts[a]
    else:
        one, two = parts[a], parts[b]
        parts[a], parts[b] = (*one[:3], two[3]), (*two[:3], one[3])
    return joined(parts)


def foreign(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A part of another file of the same run stands in the place of one, under its number, or its own name too."""
    parts, theirs = pieces(content), [p for p in pieces(other) if p[0] == blocks.PART]
    places = [i for i, part in enumerate(parts) if part[0] == blocks.PART]
    place, new = draw.choice(places), draw.choice(theirs)
    name = parts[place][2] if draw.random() < 0.5 else new[2]
    parts[place] = (blocks.PART, parts[place][1], name, new[3])
    return joined(parts)


def hostile_text(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A value of the head, the index or of a part's facts is another one, under right checksums."""
    parts = pieces(content)
    texts = [part[0] != blocks.PART or SHAPE.unpack_from(part[3])[5] > 0 for part in parts]
    place = draw.choice([i for i, part in enumerate(parts) if texts[i] and part[0] != blocks.MODEL])
    kind, number, name, payload = parts[place]
    if kind == blocks.PART:
        head = list(SHAPE.unpack_from(payload))
        facts = payload[SHAPE.size : SHAPE.size + head[5]]
        changed = packed_json(changed_json(draw, unpacked_json(facts)))
        rest = payload[SHAPE.size + head[5] :]
        head[5] = len(changed)
        payload = SHAPE.pack(*head) + changed + rest
    else:
        payload = packed_json(changed_json(draw, unpacked_json(payload)))
    parts[place] = (kind, number, name, payload)
    return joined(parts)


def changed_json(draw: random.Random, value: object) -> object:
    """The same with one leaf, key or list changed."""
    text = json.loads(json.dumps(value))
    holder, steps = text, 0
    while isinstance(holder, dict | list) and holder and steps < 8:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key, steps = draw.choice(keys), steps + 1
        inner = holder[key]
        if not (isinstance(inner, dict | list) and inner) or draw.random() < 0.3:
            if draw.random() < 0.2:
                del holder[key]
            else:
                holder[key] = draw.choice(LEAVES)
            return text
        holder = inner
    return draw.choice(LEAVES)


def hostile_part(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A number of a part's own head is another one, or a section is noise, under right checksums."""
    parts = pieces(content)
    place = draw.choice([i for i, part in enumerate(parts) if part[0] == blocks.PART])
    kind, number, name, payload = parts[place]
    if draw.random() < 0.5:
        head = list(SHAPE.unpack_from(payload))
        which = draw.randrange(len(head))
        head[which] = draw.choice((0, 1, 2, 3, 200)) if which == 3 else draw.choice(NUMBERS)
        payload = SHAPE.pack(*head) + payload[SHAPE.size :]
    else:
        found = bytearray(payload)
        for _ in range(draw.choice((1, 3, 30))):
            found[draw.randrange(len(found))] = draw.randrange(256)
        payload = bytes(found)
    parts[place] = (kind, number, name, payload)
    return repaired(joined(parts))


def repaired(content: bytes) -> bytes:
    """The same with an index that fits its parts, as a hostile writer would leave it."""
    parts, at = pieces(content), len(blocks.MAGIC)
    rows, index = [], 0
    for place, (kind, _, _, payload) in enumerate(parts):
        if kind == blocks.PART and len(payload) >= SHAPE.size:
            first, count, *_ = SHAPE.unpack_from(payload)
            rows.append([at + blocks.FRAME.size, len(payload), zlib.crc32(payload), first, count])
        index = place if kind == blocks.INDEX else index
        at += blocks.FRAME.size + len(payload)
    kind, number, name, payload = parts[index]
    table = unpacked_json(payload)
    parts[index] = (kind, number, name, packed_json({"head": table["head"], "parts": rows}))
    return joined(parts)


def bomb(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A packed stream that unpacks to far more than it says, or says far more than there is."""
    parts = pieces(content)
    place = draw.randrange(len(parts))
    kind, number, name, payload = parts[place]
    stream = packed(bytes(2**22))
    size = struct.pack("<I", draw.choice((10, 2**22, 2**26, 2**32 - 1)))
    if kind == blocks.PART:
        head = list(SHAPE.unpack_from(payload))
        sections = [payload[SHAPE.size :][: head[5]], b"", b""]
        which = draw.randrange(3)
        sections[which] = {0: size, 1: b"", 2: b"\x01" + size}[which] + stream
        head[3], head[5:] = 1, [len(section) for section in sections]
        payload = SHAPE.pack(*head) + b"".join(sections)
    elif kind == blocks.MODEL:
        payload = struct.pack("<I", 4 + len(stream)) + size + stream + stream
    else:
        payload = size + stream
    parts[place] = (kind, number, name, payload)
    return repaired(joined(parts)) if kind == blocks.PART else joined(parts)


def noise(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """A file that only begins as one."""
    return blocks.MAGIC + (draw.randbytes(500) if draw.random() < 0.5 else b"PARTHEADINDX" * 2000)


KINDS: dict[str, Callable[[random.Random, bytes, bytes], bytes]] = {
    "bits": bits, "bytes": stretch, "cut": cut, "doubled": doubled, "swapped": swapped, "foreign part": foreign,
    "hostile text": hostile_text, "hostile part": hostile_part, "bomb": bomb, "noise": noise,
}  # fmt: skip


def damaged(seed: int, content: bytes, other: bytes) -> tuple[str, bytes]:
    """One of the damaged files that a number stands for: the kind of its damage, and its bytes.

    Args:
        content: of a whole file.
        other: of another file of the same run.
    """
    draw = random.Random(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    return kind, KINDS[kind](draw, content, other)
