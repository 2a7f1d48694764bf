"""Coding with bits back: an image costs what the ELBO says, not more.

z is not chosen but drawn, by decoding it from bits that are on the stack already; a decoder, which knows the image in the
end, puts these bits back. The net cost of an image is then -log p(x|z) - log p(z) + log q(z|x) (Townsend et al. 2019,
eq. 2-4). What draws take before there is anything on the stack are the initial bits, and only these are lost.

All lanes share one stack. The first image goes alone; then as many at once as the bits that are there can pay for, each
in a lane of its own, up to `Masses.lanes`. So the initial bits are those of one image, whatever the number of lanes.

A stream is: its rounds (their number, then for each run of equal rounds the images of a round and how many rounds), the number
of bytes of the message, the number of words supplied, all as `varint`s, and the lanes (`Lanes.to_bytes`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from vaekit.coding.ans import WORD, Lanes, random_words
from vaekit.coding.exact import ExactModel
from vaekit.coding.latent_steps import Known, Scheme, one_layer
from vaekit.core import DataError

NUMBERS_AT_ONCE = 2**23  # of a decoder, at most, for all images at once: 64 MiB
MARGIN = 40  # bits that a lane may want beyond what draws took in the round before
MESSAGE_WORDS = 1 << 40  # the place in the fixed sequence of the words that a message is mixed with


@dataclass(frozen=True)
class Encoded:
    """A stream.

    Attributes:
        content: what must be kept.
        bits: that each image cost by its masses, (n,) float64.
        initial_bits: that draws took and nobody gets back.
    """

    content: bytes
    bits: np.ndarray
    initial_bits: int


def encode(
    model: ExactModel | Scheme,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    message: bytes = b"",
    most: int | None = None,
) -> Encoded:
    """Codes images.

    Args:
        images: (n, *shape) or (n, V) levels: 0 to 255, or 0 and 1 of binary pixels.
        labels: (n,), for a conditional model; they are not in the stream.
        message: bytes that must be kept anyway. They serve as initial bits, and `decode` gives them back.
        most: images at once; None takes what suits the likelihood (`Masses.lanes`).

    Raises:
        DataError: images of another size or other levels than the model's.
    """
    scheme = model if isinstance(model, Scheme) else one_layer(model)
    rows = images.reshape(len(images), math.prod(images.shape[1:]))
    if rows.shape[1] != scheme.values:
        raise DataError(f"images have {rows.shape[1]} values, the model's {scheme.values}.")
    lanes = Lanes(words=_mixed(message), supply=True)
    bits, sizes = np.zeros(len(rows)), []
    most = max(1, min(most or scheme.lanes, NUMBERS_AT_ONCE // scheme.numbers))
    left, need, size = len(rows), scheme.drawn + MARGIN, 0
    while left:
        size = min(left, most, max(size, WORD * len(lanes.words) // need, 1))
        part = slice(left - size, left)
        before, supplied = len(lanes.words), lanes.supplied
        lanes.widen(size)
        lanes.lowest = len(lanes.words)
        bits[part] = scheme.encode(lanes, known(model, rows[part], labels, part))
        need = WORD * (before - lanes.lowest + lanes.supplied - supplied) // size + MARGIN
        sizes.append(size)
        left -= size
    head = [number for run in _runs(sizes) for number in run]
    numbers = [len(head) // 2, *head, len(message), lanes.supplied]
    content = b"".join(map(varint, numbers)) + lanes.to_bytes()
    return Encoded(content, bits, WORD * lanes.supplied)


def decode(
    model: ExactModel | Scheme, content: bytes, count: int, labels: np.ndarray | None = None
) -> tuple[np.ndarray, bytes]:
    """Restores what `encode` coded.

    Args:
        count: of images.
        labels: (count,), for a conditional model.

    Returns:
        Levels, (count, V) uint8, and the message.

    Raises:
        DataError: the stream is damaged.
    """
    scheme = model if isinstance(model, Scheme) else one_layer(model)
    sizes, length, supplied, lanes = _read(content, count, max(1, NUMBERS_AT_ONCE // scheme.numbers))
    wide = [0, *np.maximum.accumulate(sizes).tolist()]
    if len(lanes) != wide[-1]:
        raise DataError("the coded stream is damaged: its lanes do not fit its rounds.")
    images, first = np.empty((count, scheme.values), dtype=np.uint8), 0
    for number in reversed(range(len(sizes))):
        part = slice(first, first + sizes[number])
        images[part] = scheme.decode(lanes, known(model, None, labels, part), sizes[number])
        lanes.narrow(wide[number])
        first = part.stop
    words, expected = lanes.words, -(-length // 4)
    if len(words) != supplied + expected or (words[:supplied] != random_words(0, supplied)[::-1]).any():
        raise DataError("the coded stream is damaged: it does not end as it began.")
    return images, _unmixed(words[supplied:], length)


def known(
    model: ExactModel | Scheme, rows: np.ndarray | None, labels: np.ndarray | None, part: slice
) -> Known:
    """Returns what all steps may be given of a part of the images."""
    found = {} if rows is None else {"x": rows}
    if labels is not None and isinstance(model, ExactModel) and model.classes:
        found["y"] = model.one_hot(labels[part])
    return found


def varint(number: int) -> bytes:
    """Returns a number in groups of 7 bits, the lowest first; all but the last have the bit 128."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _read(content: bytes, count: int, most: int) -> tuple[list[int], int, int, Lanes]:
    """Returns rounds, bytes of the message, words supplied, and the lanes."""
    numbers, sizes, left = _Varints(content), [], count
    for _ in range(next(numbers)):
        size, repeats = next(numbers), next(numbers)
        left -= size * repeats
        if not 0 < size <= most or repeats < 1 or left < 0:
            break
        sizes += [size] * repeats
    if left:
        raise DataError("the coded stream is damaged: its rounds do not fit the number of images.")
    length, supplied = next(numbers), next(numbers)
    return sizes, length, supplied, Lanes.from_bytes(content[numbers.place :])


class _Varints(Iterator[int]):
    """Reads numbers as `varint` writes them."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def __next__(self) -> int:
        number = 0
        for group in range(6):
            byte = self.content[self.place] if self.place < len(self.content) else 128
            self.place += 1
            number |= (byte & 127) << 7 * group
            if byte < 128:
                return number
        raise DataError("the coded stream is damaged: a number does not end.")


def _runs(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Gives (size, repeats) of runs of equal sizes."""
    for size, run in groupby(sizes):
        yield size, len(list(run))


def _mixed(message: bytes) -> np.ndarray:
    """Returns words of a message that look like random ones, so that draws from them are fair."""
    words = np.frombuffer(message + bytes(-len(message) % 4), dtype="<u4")
    return words.astype(np.uint32) ^ random_words(MESSAGE_WORDS, len(words))


def _unmixed(words: np.ndarray, length: int) -> bytes:
    return (words ^ random_words(MESSAGE_WORDS, len(words))).astype("<u4").tobytes()[:length]
