"""Damage to files: bits, bytes, cuts, splices, numbers; and damage within a format that keeps its frame whole.

A format with a checksum of its own (PNG, zip) would refuse all blind damage at its door; so half of the time a
part is taken out, damaged, and framed again as a hostile writer would.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

DEEP = "a list in a list in a list"  # stands for twenty thousand of them
BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
INTEGERS = (0, 1, 2, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
NUMBERS = [
    b"0",
    b"-1",
    b"1",
    b"1e999",
    b"-0.0",
    b"NaN",
    b"9" * 25,
    b"65536",
    b"4294967296",
    b"0.5",
    b"null",
    b'"7"',
]
LEAVES = (
    None, True, False, 0, -1, 1, 7.5, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, "", "x", "\x1b[31m\n\a", "é" * 300,
    "../../x", [], {}, [[]], {"a": 1}, ["a", None], [1, 8, 8], [0, 8, 8], [-1, -8, 8], "vae", "gan", "binary", "real",
)  # fmt: skip
TOKENS = (
    b"\n",
    b"\r\n",
    b"\x00",
    b"{",
    b"}",
    b"[" * 3000,
    b'"',
    b"\xff\xfe",
    b"\x1b[2J",
    b"%00",
    b"../",
    b" " * 500,
)


def mutate(rng: random.Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """A damaged copy.

    Args:
        content: of the file.
        others: contents to splice with.
    """
    frame = framed(content)
    if frame is not None and rng.random() < 0.5:
        try:
            content = frame(rng, content)
        except (
            ValueError,
            KeyError,
            IndexError,
            struct.error,
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
        ):
            content = blind(rng, content, others)
        if rng.random() < 0.7:
            return content
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = blind(rng, content, others)
    return content


def place(rng: random.Random, size: int) -> int:
    """An offset: often one near the beginning or the end, where headers and directories are."""
    near = rng.random()
    if near < 0.4:
        return rng.randrange(min(size, 64) or 1)
    if near < 0.6:
        return max(0, size - 1 - rng.randrange(min(size, 96) or 1))
    return rng.randrange(size or 1)


def blind(rng: random.Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Damage without regard to the format."""
    data, at = bytearray(content), place(rng, len(content))
    length = min(int(rng.expovariate(1 / 20)) + 1, 400)
    kind = rng.randrange(10)
    if kind <= 1:
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = place(rng, len(data))
            data[at : at + 1] = bytes(byte ^ (1 << rng.randrange(8)) for byte in data[at : at + 1])
    elif kind == 2:
        data[at : at + 1] = bytes([rng.choice(BYTES)])
    elif kind == 3:
        size = rng.choice((2, 4, 8))
        number = rng.choice(INTEGERS) % 256**size
        data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
    elif kind == 4:
        del data[at:]
    elif kind == 5:
        del data[at : at + length]
    elif kind == 6:
        data[at:at] = data[at : at + length] * rng.choice((1, 1, 2, 50))
    elif kind == 7:
        data[at:at] = rng.choice((rng.randbytes(length), rng.choice(TOKENS)))
    elif kind == 8 and others:
        other = rng.choice(others)
        data[at:] = other[place(rng, len(other)) :]
    else:
        found = list(re.finditer(rb"-?\d+(\.\d+)?", content))
        if found:
            one = rng.choice(found)
            data[one.start() : one.end()] = rng.choice(NUMBERS)
    return bytes(data)


def framed(content: bytes) -> Callable[[random.Random, bytes], bytes] | None:
    """Returns what damages the inside of a format; None for one that it does not know."""
    if content.startswith(b"\x89PNG"):
        return png
    if content.startswith(b"PK\x03\x04"):
        return archive
    if content.startswith(b"\x93NUMPY"):
        return numpy_header
    if content.startswith(b"\x1f\x8b"):
        return gzipped
    if content.startswith((b"{", b"[")):
        return json_lines
    if content[8:9] == b"{" and len(content) > 8 + struct.unpack("<Q", content[:8])[0]:
        return safetensors
    return None


def png(rng: random.Random, content: bytes) -> bytes:
    """Damages one chunk, or moves, drops or doubles it; its checksum is right."""
    chunks, at = [], 8
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += size + 12
    number = rng.randrange(len(chunks))
    kind, inner = chunks[number]
    deed = rng.randrange(5)
    if deed == 0:
        chunks[number] = (kind, blind(rng, zlib.decompress(inner)) if kind == b"IDAT" else blind(rng, inner))
        if kind == b"IDAT":
            chunks[number] = (kind, zlib.compress(chunks[number][1]))
    elif deed == 1:
        chunks.insert(rng.randrange(len(chunks)), chunks[number])
    elif deed == 2:
        del chunks[number]
    elif deed == 3:
        chunks.insert(
            1, (rng.choice((b"eXIf", b"tRNS", b"PLTE", b"iCCP", b"zTXt", b"acTL")), rng.randbytes(20))
        )
    else:
        chunks[number] = (kind, blind(rng, inner))
    body = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return content[:8] + b"".join(body)


def archive(rng: random.Random, content: bytes) -> bytes:
    """Damages one member of a zip file, or its name; the checksums are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        members = [(info.filename, before.read(info)) for info in before.infolist()]
    number = rng.randrange(len(members))
    name, inner = members[number]
    deed = rng.randrange(6)
    if deed <= 2:
        members[number] = (name, mutate(rng, inner, [one for _, one in members]))
    elif deed == 3:
        members[number] = (blind(rng, name.encode()).decode("latin-1").replace("\x00", ""), inner)
    elif deed == 4:
        members.pop(number)
    else:
        members.insert(0, (rng.choice(("../x.npy", "/x.png", "labels.npy", "a/b/c.png", "x" * 300)), inner))
    out = io.BytesIO()
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", packing) as after:
        warnings.simplefilter("ignore")  # two members of one name are damage too
        for name, inner in members:
            after.writestr(zipfile.ZipInfo(name), inner)
    return out.getvalue()


def gzipped(rng: random.Random, content: bytes) -> bytes:
    """Damages what is compressed."""
    return gzip.compress(mutate(rng, gzip.decompress(content)), mtime=0)


DESCRIPTIONS = (
    b"'|O'", b"'<f8'", b"'>f4'", b"'|S3'", b"'<U4'", b"'<c8'", b"'|V8'", b"'<M8[s]'", b"'<i8'", b"'<u8'", b"'<f2'", b"'|b1'",
    b"[('a', '<f4'), ('b', '|u1')]", b"'<f16'", b"'|u1'",
)  # fmt: skip
SHAPES = (
    b"()", b"(0,)", b"(40,)", b"(-1, 8, 8)", b"(40, 8, -8)", b"(99999999999, 8, 8)", b"(9223372036854775807, 8)", b"(1,)*70",
    b"(40, 64)", b"(20, 2, 8, 8)", b"(0, 8, 8)", b"(40, 0, 8)", b"(1, 1, 40, 8, 8)", b"(40, 8, 8, 1)", b"(10, 4, 8, 8)",
    b"(2560, 1)", b"(1, 2560)", b"(40L, 8L, 8L)", b"40", b"None",
)  # fmt: skip


def numpy_header(rng: random.Random, content: bytes) -> bytes:
    """Another type or shape in the header of an .npy file, whose length is right."""
    size = int.from_bytes(content[8:10], "little")
    header, data = content[10 : 10 + size], content[10 + size :]
    deed = rng.randrange(4)
    if deed == 0:
        header = re.sub(rb"'descr': [^,]+,", b"'descr': " + rng.choice(DESCRIPTIONS) + b",", header)
    elif deed == 1:
        header = re.sub(rb"'shape': \([^)]*\)", b"'shape': " + rng.choice(SHAPES), header)
    elif deed == 2:
        header = re.sub(rb"(True|False)", rng.choice((b"True", b"False", b"None", b"1")), header)
    else:
        header = blind(rng, header)
    return content[:8] + (len(header) % 65536).to_bytes(2, "little") + header + data


def safetensors(rng: random.Random, content: bytes) -> bytes:
    """Damages the header of a safetensors file as JSON; its length is right."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json_lines(rng, content[8 : 8 + size])
    return struct.pack("<Q", len(header)) + header + content[8 + size :]


def json_lines(rng: random.Random, content: bytes) -> bytes:
    """Damages one value of a JSON file, or of a line of one; JSON inside of a string too."""
    try:
        return written(changed(rng, json.loads(content)))
    except ValueError:
        lines = content.splitlines()
        number = rng.randrange(len(lines))
        lines[number] = written(changed(rng, json.loads(lines[number])))
        return b"\n".join(lines) + b"\n"


def written(value: Any) -> bytes:
    """JSON of a value; what Python cannot nest is written by hand."""
    return json.dumps(value).replace(json.dumps(DEEP), "[" * 20_000 + "]" * 20_000).encode()


def changed(rng: random.Random, value: Any) -> Any:
    """A JSON value with one of its parts replaced, dropped, doubled or buried."""
    deeper = rng.random() < 0.85
    if isinstance(value, dict) and value and deeper:
        key = rng.choice(list(value))
        found = dict(value)
        deed = rng.random()
        if deed < 0.1:
            del found[key]
        elif deed < 0.15:
            found[key + "x"] = found.pop(key)
        else:
            found[key] = changed(rng, value[key])
        return found
    if isinstance(value, list) and value and deeper:
        number = rng.randrange(len(value))
        found = list(value)
        deed = rng.random()
        if deed < 0.1:
            del found[number]
        elif deed < 0.2:
            found += [found[number]] * rng.choice((1, 3, 500))
        else:
            found[number] = changed(rng, value[number])
        return found
    if isinstance(value, str) and value.startswith(("{", "[")) and deeper:
        try:
            return json.dumps(changed(rng, json.loads(value)))
        except ValueError:
            pass
    if isinstance(value, int | float) and rng.random() < 0.4:
        return rng.choice((value + 1, -value, value * 10**6, value * 1.5, str(value), [value]))
    if rng.random() < 0.02:
        return DEEP
    return rng.choice(LEAVES)
