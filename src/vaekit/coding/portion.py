"""One part of a .vk file: some consecutive examples, which are restored without any other part.

first (8)  count (4)  pictures (4)  coder (1)  0 0 0  CRC (4)  lengths of three sections (4 each)
facts: names, labels, which are files      pixels: of the pictures      files: as they were
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any, Protocol

import numpy as np

from vaekit.coding.classical import code_classically, may_lose, restore_classically
from vaekit.coding.packing import MOST_TEXT, packed, packed_json, unpacked, unpacked_json
from vaekit.core import DataError, foreign

SHAPE = struct.Struct("<QIIB3xIIII")
PLACE = struct.Struct("<QII")  # the first three of it
SIZE = struct.Struct("<I")
MODEL = 0  # number of the model among the coders; those of `classical` come after
MOST_VALUES = 2**27  # of the pictures of one part
MOST_FILES = 2**29  # bytes of the files of one part
MOST_FACTS = 2**15  # bytes of the facts of one example, and of the part itself


@dataclass(frozen=True)
class Coded:
    """Pictures as a model codes them.

    Attributes:
        content: the bytes, from which these pictures are restored without others.
        bits: information of each picture, (n,) float64: log2 of the masses that coded it, latents less what they gave back.
        initial_bits: bits that had to be there before the first picture, and are in `content`.
    """

    content: bytes
    bits: np.ndarray
    initial_bits: float = 0.0


class Coder(Protocol):
    """A model that codes pictures, in numpy and whole numbers alone.

    Attributes:
        name: of the way that it codes.
        lossless: whether what it restores is what it was given.
        shape: of a picture.
        classes: number of classes that it is conditioned on; 0 for none.
    """

    name: str
    lossless: bool
    shape: tuple[int, ...]
    classes: int

    def code(self, levels: np.ndarray, labels: np.ndarray | None) -> Coded:
        """Codes pictures (n, *shape) uint8, with their classes (n,) int64 where the model is conditioned on them."""
        ...

    def restore(self, content: bytes, count: int, labels: np.ndarray | None) -> np.ndarray:
        """The pictures, (count, *shape) uint8; DataError for bytes that `code` did not give."""
        ...

    def known(self) -> str:
        """A hash of what eight fixed latents decode to: another one here would restore other pictures."""
        ...


@dataclass(frozen=True)
class Group:
    """Consecutive examples of a source, pictures of the model's form apart from files as they are.

    Attributes:
        levels: (n, *shape) uint8, those that are pictures, in order.
        names: of all examples, or None.
        labels: class numbers of all examples, -1 for unknown ones, or None.
        files: place among the examples -> bytes of a file that no model codes.
    """

    levels: np.ndarray
    names: list[str] | None = None
    labels: np.ndarray | None = None
    files: dict[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.levels) + len(self.files)

    @property
    def places(self) -> np.ndarray:
        """Returns the place of each picture among the examples, (n,)."""
        return np.array([i for i in range(len(self)) if i not in self.files], np.int64)


@dataclass(frozen=True)
class Written:
    """The bytes that a part took.

    Attributes:
        count: examples.
        pictures: of which were coded as such.
        coder: number of what coded them.
        facts, pixels, files, frame: bytes of each.
        initial_bits: as in `Coded`.
        bits: of each example, (count,) float64: of files those of their share.
        squares: sum of the squared errors of values in [0, 1], where the model loses something.
    """

    count: int
    pictures: int
    coder: int
    facts: int
    pixels: int
    files: int
    frame: int
    initial_bits: float
    bits: np.ndarray
    squares: float = 0.0


def write_part(group: Group, first: int, coder: Coder | None) -> tuple[bytes, Written]:
    """A part as bytes, and what it took.

    Args:
        group: the examples.
        first: number of the first of them in the whole set.
        coder: codes the pictures; None takes the best general coder, as where the model needs more bytes than that.
    """
    facts, files = packed_json(facts_of(group)), files_section(list(group.files.values()))
    number, pixels, coded = coded_pictures(group, coder, facts)
    carried = facts if number == MODEL and len(group.levels) and carries(coder) else b""
    shown, squares = group.levels, 0.0
    if coder is not None and not coder.lossless and len(shown):
        shown = coder.restore(pixels, len(shown), labels_of(group.labels, group.places))
        top = 255 if group.levels.max() > 1 or shown.max() > 1 else 1
        squares = float((((shown.astype(float) - group.levels) / top) ** 2).sum())
    place = PLACE.pack(first, len(group), len(group.levels))
    apart = b"" if carried else facts
    head = SHAPE.pack(
        first,
        len(group),
        len(group.levels),
        number,
        checksum(place, shown),
        len(apart),
        len(pixels),
        len(files),
    )
    took = Written(
        len(group), len(group.levels), number, len(facts), len(pixels) - len(carried), len(files), len(head),
        coded.initial_bits, bits_of_all(group, coded.bits, len(files)), squares,
    )  # fmt: skip
    return head + apart + pixels + files, took


def bits_of_all(group: Group, bits: np.ndarray, files: int) -> np.ndarray:
    """Bits of every example: those of pictures, (n,), and of files their share of so many bytes."""
    every = np.zeros(len(group))
    every[group.places] = bits
    total = max(sum(map(len, group.files.values())), 1)
    for place, content in group.files.items():
        every[place] = 8 * files * len(content) / total
    return every


def carries(coder: Coder | None) -> bool:
    """Returns whether a coder takes the facts of a part for its initial bits."""
    return bool(getattr(coder, "carries", False))


def checksum(place: bytes, levels: np.ndarray) -> int:
    """CRC-32 of the numbers of a part's examples and of its pixels, so that pixels elsewhere are not taken for right."""
    return zlib.crc32(np.ascontiguousarray(levels).data, zlib.crc32(place))


def written_of(payload: bytes) -> Written:
    """The bytes that a part took, as far as it says itself: bits of its examples and initial bits are not known any more, and 0."""
    _, count, pictures, number, _, facts, pixels, files = SHAPE.unpack_from(payload)
    return Written(count, pictures, number, facts, pixels, files, SHAPE.size, 0.0, np.zeros(count))


def coder_number(payload: bytes) -> int:
    """Number of the coder of a part's pictures; -1 where it has none, or is cut."""
    if len(payload) < SHAPE.size:
        return -1
    _, _, pictures, number, *_ = SHAPE.unpack_from(payload)
    return number if pictures else -1


def coded_pictures(group: Group, coder: Coder | None, facts: bytes) -> tuple[int, bytes, Coded]:
    """Number of the coder that needs least, its bytes, in which the facts are too where it carries them, and the rest."""
    levels = group.levels
    if not len(levels):
        return MODEL, b"", Coded(b"", np.zeros(0))
    coded, own = None, 0
    if coder is not None:
        given = (facts,) if carries(coder) else ()
        coded = coder.code(levels, labels_of(group.labels, group.places), *given)
        own = len(coded.content) - sum(map(len, given))
        if not coder.lossless or not may_lose(levels, own):
            return MODEL, coded.content, coded
    number, content = code_classically(levels)
    if coded is not None and own <= len(content):
        return MODEL, coded.content, coded
    return number, content, Coded(content, np.full(len(levels), 8 * len(content) / len(levels)))


def labels_of(labels: np.ndarray | None, places: np.ndarray) -> np.ndarray | None:
    """Class numbers of the pictures alone."""
    return None if labels is None else labels[places]


def facts_of(group: Group) -> dict[str, Any]:
    """Names, labels and places of files, as JSON has them; what there is none of is left out."""
    facts: dict[str, Any] = {}
    if group.names is not None:
        facts["names"] = group.names
    if group.labels is not None:
        facts["labels"] = [int(label) for label in group.labels]
    if group.files:
        facts["files"] = list(group.files)
    return facts


def files_section(files: list[bytes]) -> bytes:
    """Files one after another, each with its length, packed where that is shorter: 0 and the bytes, or 1, size, stream."""
    if not files:
        return b""
    joined = b"".join(SIZE.pack(len(content)) + content for content in files)
    shorter = packed(joined)
    if len(shorter) + SIZE.size < len(joined):
        return b"\x01" + SIZE.pack(len(joined)) + shorter
    return b"\x00" + joined


def read_part(
    payload: bytes, shape: tuple[int, ...], coder: Coder | None, expected: int = -1
) -> tuple[int, Group]:
    """The examples of a part, and the number of the first of them.

    Args:
        payload: bytes that `write_part` gave.
        shape: of a picture.
        coder: restores what the model coded; None where the model is not to be had.
        expected: examples that it must have; -1 where nobody says.

    Raises:
        DataError: damaged, or pixels that are not those that were coded.
    """
    with foreign("it is damaged"):
        first, count, pictures, number, crc, *lengths = SHAPE.unpack_from(payload)
        if SHAPE.size + sum(lengths) != len(payload) or pictures > count or expected not in (-1, count):
            raise ValueError("its sizes do not fit together")
        if pictures * prod(shape) > MOST_VALUES:
            raise ValueError(f"{pictures:,} pictures are more than one part may have")
        ends = np.cumsum([SHAPE.size, *lengths]).tolist()
        facts, pixels, files = (payload[a:b] for a, b in pairwise(ends))
        levels = np.empty((pictures, *shape), np.uint8)
        carried = not facts  # by the stream of the model
        if carried:
            levels, facts = _carried(number, pixels, levels.shape, coder)
        names, labels, places = checked_facts(
            unpacked_json(facts, min(MOST_FACTS * (count + 1), MOST_TEXT)), count
        )
        if len(places) != count - pictures:
            raise ValueError("its files are not as many as it says")
        contents = dict(zip(places, read_files(files, len(places)), strict=True))
        if pictures and not carried:
            levels = _pictures(number, pixels, Group(levels, names, labels, contents), coder)
        if levels.shape != (pictures, *shape) or checksum(payload[: PLACE.size], levels) != crc:
            raise ValueError("the pixels are not those that were coded")
    return first, Group(levels, names, labels, contents)


def _carried(
    number: int, pixels: bytes, shape: tuple[int, ...], coder: Coder | None
) -> tuple[np.ndarray, bytes]:
    """Pictures and facts of a stream of the model that holds both."""
    if coder is None:
        raise DataError("it needs the model")
    if number != MODEL or not carries(coder):
        raise ValueError("its facts are missing")
    return coder.restore_with(pixels, shape[0], None)  # type: ignore[attr-defined]


def _pictures(number: int, pixels: bytes, group: Group, coder: Coder | None) -> np.ndarray:
    if number != MODEL:
        return restore_classically(number, pixels, group.levels.shape)
    if coder is None:
        raise DataError("it needs the model")
    labels = labels_of(group.labels, group.places)
    if coder.classes and (labels is None or labels.min() < 0 or labels.max() >= coder.classes):
        raise ValueError("its labels are no classes of the model")
    return coder.restore(pixels, len(group.levels), labels)


def checked_facts(facts: Any, count: int) -> tuple[list[str] | None, np.ndarray | None, list[int]]:
    """Names, labels and places of files.

    Raises:
        ValueError, TypeError: other types or numbers than a part has.
    """
    if not isinstance(facts, dict):
        raise TypeError("its facts are no JSON object")
    names, labels, places = facts.get("names"), facts.get("labels"), facts.get("files", [])
    for values in (names, labels):
        if values is not None and (not isinstance(values, list) or len(values) != count):
            raise ValueError("its facts are not of so many examples")
    if names is not None and not all(isinstance(name, str) for name in names):
        raise TypeError("its names are no texts")
    if not all(type(label) is int and -1 <= label < 2**31 for label in labels or []):
        raise TypeError("its labels are no class numbers")
    if not isinstance(places, list) or not all(type(place) is int and 0 <= place < count for place in places):
        raise TypeError("its files have no places")
    if places != sorted(set(places)):
        raise ValueError("its files are in no order")
    return names, None if labels is None else np.array(labels, np.int64), places


def read_files(section: bytes, count: int) -> list[bytes]:
    """The files of a part.

    Raises:
        ValueError: not as many, or sizes that do not fit.
        DataError: damaged.
    """
    if not count and not section:
        return []
    if section[:1] == b"\x01":
        (size,) = SIZE.unpack_from(section, 1)
        if size > MOST_FILES:
            raise ValueError(f"files of {size:,} bytes, more than one part may have")
        section = b"\x00" + unpacked(section[1 + SIZE.size :], size)
    if section[:1] != b"\x00":
        raise ValueError("its files are packed in an unknown way")
    files, place = [], 1
    for _ in range(count):
        (size,) = SIZE.unpack_from(section, place)
        place += SIZE.size
        if size > len(section) - place:
            raise ValueError("a file is cut")
        files.append(section[place : place + size])
        place += size
    if place != len(section):
        raise ValueError("bytes behind its files")
    return files
