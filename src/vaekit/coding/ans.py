"""Range asymmetric numeral systems, many lanes at once over one stack of words.

A lane's head is an integer x with 2**31 <= x < 2**63. Pushing a symbol whose interval is [start, start + freq) out of
2**bits makes it (x // freq) * 2**bits + x % freq + start; a head that would pass 2**63 first leaves its lowest 32 bits on
the stack, which all lanes share (Duda 2013, arXiv:1311.2540; interleaved: Giesen 2014, arXiv:1402.3392). Popping undoes
pushing exactly, in the opposite order: it is a stack. All in unsigned 64-bit integers, hence the same everywhere.

Lanes are made out of words of the stack and given back to it, so that a lane more costs about 5 bits of the file, not 32.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vaekit.core import DataError

LOW, WORD = 31, 32  # bits: heads are at least 2**LOW; what leaves a head is one word
MOST_BITS = 31  # of an interval's precision: a head has at least one unit of each interval
MOST_LANES = 4096
LENGTH_BITS = 5  # of a head's length in a file: 32 to 63 bits
FACTOR, SHIFT = 2654435761, 1013904223  # of `scramble`: 2**32 over the golden ratio, a prime; any odd number

_WORD, _LEAST = np.uint64(WORD), np.uint64(1 << LOW)


def random_words(first: int, count: int) -> np.ndarray:
    """Words of a fixed sequence, (count,) uint32: SplitMix64 (Steele et al. 2014), the low half of each.

    They stand for information that nobody sends: what bits-back takes before there is anything on the stack.
    """
    z = np.arange(first + 1, first + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).astype(np.uint32)  # cut to the low half


class Lanes:
    """Heads of L lanes and their stack of words.

    All methods work on the first n lanes, with n the length of their arrays.

    Args:
        count: lanes that begin empty, at 2**31: 31 bits each that carry nothing. 0, and `widen` later, where there are words.
        words: what the stack begins with, the top last, uint32.
        supply: whether an empty stack is filled with `random_words`, as in encoding with bits back. Otherwise a stack that
            ends is a damaged one.

    Attributes:
        heads: (L,) uint64.
        supplied: number of words that were supplied.
        lowest: the least number of words the stack has had since this was set.
    """

    def __init__(self, count: int = 0, words: Iterable[int] | np.ndarray = (), supply: bool = False) -> None:
        given = np.asarray(words if isinstance(words, np.ndarray) else list(words), dtype=np.uint32)
        self.heads = np.full(count, _LEAST, dtype=np.uint64)
        self.supply, self.supplied = supply, 0
        self._stack, self._size = given.copy(), len(given)
        self.lowest = len(given)

    def __len__(self) -> int:
        return len(self.heads)

    @property
    def words(self) -> np.ndarray:
        """The stack, the top last, uint32."""
        return self._stack[: self._size]

    @property
    def bits(self) -> float:
        """Returns the information held above what lanes hold when they are empty, in bits, to the nearest bit or so."""
        return WORD * self._size + float(np.log2(self.heads.astype(np.float64)).sum()) - LOW * len(self)

    def push(self, start: np.ndarray, freq: np.ndarray, bits: int) -> None:
        """Pushes one symbol onto each of the first n lanes.

        Args:
            start, freq: (n,) uint64, freq at least 1 and start + freq at most 2**bits.
            bits: precision, at most MOST_BITS.
        """
        self.push_all(start[None], freq[None], bits)

    def push_all(self, starts: np.ndarray, freqs: np.ndarray, bits: int) -> None:
        """Pushes rows of symbols, one after another: (T, n) uint64 each, as `push` takes them."""
        steps, n = starts.shape
        self._make_room(steps * n)
        heads, stack, size = self.heads[:n], self._stack, self._size
        limits, rests = freqs << np.uint64(63 - bits), np.uint64(1 << bits) - freqs
        over, quotient = np.empty(n, dtype=bool), np.empty(n, dtype=np.uint64)
        for start, freq, rest, limit in zip(starts, freqs, rests, limits, strict=True):
            np.greater_equal(heads, limit, out=over)
            full = over.nonzero()[0]
            if full.size:
                large = heads[full]
                stack[size : size + full.size] = large  # cut to the low word
                size += full.size
                heads[full] = large >> _WORD
            np.floor_divide(heads, freq, out=quotient)
            np.multiply(quotient, rest, out=quotient)  # q * M + (x - q * f) + start = x + q * (M - f) + start
            heads += quotient
            heads += start
        self._size = size

    def push_bits(self, values: np.ndarray, bits: int) -> None:
        """Pushes integers of `bits` bits that are all alike, (T, n) uint64, row after row."""
        self.push_all(values, np.ones_like(values), bits)

    def peek(self, bits: int, count: int | None = None) -> np.ndarray:
        """Returns where the next symbols of the first lanes lie within 2**bits, (n,) uint64."""
        return self.heads[:count] & np.uint64((1 << bits) - 1)

    def pop(self, start: np.ndarray, freq: np.ndarray, bits: int) -> None:
        """Takes off one symbol of each of the first n lanes, in whose interval `peek` lies.

        Raises:
            DataError: the stack has ended.
        """
        heads = self.heads[: len(freq)]
        inside = heads & np.uint64((1 << bits) - 1)
        inside -= start
        heads >>= np.uint64(bits)
        heads *= freq
        heads += inside
        empty = (heads < _LEAST).nonzero()[0]
        if empty.size:
            heads[empty] = (heads[empty] << _WORD) | self._take(empty.size)

    def pop_bits(self, bits: int, count: int | None = None) -> np.ndarray:
        """Takes off an integer of `bits` bits of each of the first lanes, (n,) uint64.

        Raises:
            DataError: the stack has ended.
        """
        slot = self.peek(bits, count)
        self.pop(slot, np.ones_like(slot), bits)
        return slot

    def scramble(self, bits: int, count: int) -> None:
        """Moves places within 2**bits about, m to (m * FACTOR + SHIFT) mod 2**bits, in the first lanes.

        A draw made of what was sent just before would follow it: the latents of the last image. After this it looks fair.
        """
        self._move(bits, count, FACTOR, SHIFT)

    def unscramble(self, bits: int, count: int) -> None:
        """Undoes `scramble`."""
        inverse = pow(FACTOR, -1, 1 << bits)
        self._move(bits, count, inverse, -SHIFT * inverse)

    def widen(self, count: int) -> None:
        """Makes lanes out of words of the stack until there are `count`."""
        missing = count - len(self)
        if missing > 0:
            self.heads = np.concatenate([self.heads, self._take(missing) | np.uint64(1 << WORD)])

    def narrow(self, count: int) -> None:
        """Undoes `widen`: lanes beyond `count` are words again.

        Raises:
            DataError: they are not as `widen` made them, which only a damaged stream is.
        """
        spare = self.heads[count:]
        if (spare >> _WORD != 1).any():
            raise DataError("the coded stream is damaged: a lane does not end as it began.")
        self._make_room(len(spare))
        self._stack[self._size : self._size + len(spare)] = spare
        self._size += len(spare)
        self.heads = self.heads[:count].copy()

    def to_bytes(self) -> bytes:
        """Returns heads and stack: 2 bytes with L, the heads, and 4 bytes for each word, the top last; little endian.

        Heads are one number: first the length of each less 32 bits, in 5 bits; then each without its highest bit.
        """
        packed, place = 0, 0
        heads = [int(head) for head in self.heads]
        for head in heads:
            packed |= (head.bit_length() - WORD) << place
            place += LENGTH_BITS
        for head in heads:
            length = head.bit_length() - 1
            packed |= (head - (1 << length)) << place
            place += length
        content = packed.to_bytes(-(-place // 8), "little")
        return len(heads).to_bytes(2, "little") + content + self.words.astype("<u4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Lanes:
        """Returns the lanes of `to_bytes`.

        Raises:
            DataError: bytes that `to_bytes` does not make.
        """
        count = int.from_bytes(data[:2], "little")
        after = 2 + -(-count * LENGTH_BITS // 8)
        if count > MOST_LANES or len(data) < after:
            raise DataError(f"the coded stream is damaged: {count} lanes in {len(data)} bytes.")
        packed = int.from_bytes(data[2:after], "little")
        lengths = [(packed >> LENGTH_BITS * i & 31) + LOW for i in range(count)]
        end = 2 + -(-(count * LENGTH_BITS + sum(lengths)) // 8)
        if len(data) < end or (len(data) - end) % 4:
            raise DataError(f"the coded stream is damaged: {len(data)} bytes do not end after a whole word.")
        packed = int.from_bytes(data[2:end], "little") >> LENGTH_BITS * count
        lanes = cls(0, np.frombuffer(data, dtype="<u4", offset=end))
        heads = []
        for length in lengths:
            heads.append(1 << length | packed & ((1 << length) - 1))
            packed >>= length
        lanes.heads = np.array(heads, dtype=np.uint64)
        return lanes

    def _take(self, count: int) -> np.ndarray:
        """Takes words off the stack, in the order in which they were put there: (count,) uint64."""
        missing = count - self._size
        if missing > 0:
            if not self.supply:
                raise DataError("the coded stream is damaged: it ends too early.")
            fresh = random_words(self.supplied, missing)[::-1]
            self._stack, self._size = np.concatenate([fresh, self.words]), count
            self.supplied += missing
        self._size -= count
        self.lowest = min(self.lowest, self._size)
        return self._stack[self._size : self._size + count].astype(np.uint64)

    def _move(self, bits: int, count: int, factor: int, shift: int) -> None:
        heads, mask = self.heads[:count], np.uint64((1 << bits) - 1)
        places = heads & mask
        heads -= places
        places *= np.uint64(factor % (1 << bits))
        places += np.uint64(shift % (1 << bits))
        places &= mask
        heads += places

    def _make_room(self, count: int) -> None:
        if self._size + count > len(self._stack):
            larger = np.empty(2 * (self._size + count), dtype=np.uint32)
            larger[: self._size] = self.words
            self._stack = larger
