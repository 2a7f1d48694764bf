"""The coder against one written with Python's own integers, and against the information of what it codes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vaekit.coding.ans import MOST_LANES, Lanes, random_words
from vaekit.core import DataError


def symbols(seed: int, steps: int, lanes: int, bits: int, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of every size, (steps, lanes): the logarithms of their shares are even."""
    draw = np.random.default_rng(seed)
    freq = np.maximum(2 ** draw.uniform(0, bits, (steps, lanes)), least).astype(np.uint64)
    start = (draw.random((steps, lanes)) * ((1 << bits) - freq + 1)).astype(np.uint64)
    return start, freq


class ByHand:
    """The same coder, one lane after another, with integers that have no limit."""

    def __init__(self, lanes: int) -> None:
        self.heads, self.stack = [1 << 31] * lanes, []

    def push(self, start: np.ndarray, freq: np.ndarray, bits: int) -> None:
        for lane, f in enumerate(freq.tolist()):
            if self.heads[lane] >= f << (63 - bits):
                self.stack.append(self.heads[lane] % 2**32)
                self.heads[lane] //= 2**32
        for lane, (c, f) in enumerate(zip(start.tolist(), freq.tolist(), strict=True)):
            self.heads[lane] = (self.heads[lane] // f << bits) + self.heads[lane] % f + c


@pytest.mark.parametrize("bits", [1, 8, 16, 24, 31])
@pytest.mark.parametrize("lanes", [1, 2, 33])
def test_it_is_the_coder_by_hand_and_undoes_itself(bits: int, lanes: int) -> None:
    start, freq = symbols(lanes, 300, lanes, bits)
    coder, expected = Lanes(lanes), ByHand(lanes)
    for one in range(100):
        coder.push(start[one], freq[one], bits)
        expected.push(start[one], freq[one], bits)
    coder.push_all(start[100:], freq[100:], bits)
    for one in range(100, 300):
        expected.push(start[one], freq[one], bits)
    assert coder.heads.tolist() == expected.heads and coder.words.tolist() == expected.stack
    decoder = Lanes.from_bytes(coder.to_bytes())
    assert decoder.heads.tolist() == expected.heads and decoder.words.tolist() == expected.stack
    for one in reversed(range(300)):
        slot = decoder.peek(bits)
        assert ((start[one] <= slot) & (slot < start[one] + freq[one])).all()
        decoder.pop(start[one], freq[one], bits)
    assert (decoder.heads == 1 << 31).all() and not len(decoder.words)


def test_one_number_of_any_length_says_the_same_in_as_many_bits() -> None:
    """ANS with one integer that has no limit: what is lost by heads of 63 bits is below a thousandth of a bit each."""
    bits, steps = 16, 4000
    start, freq = symbols(5, steps, 1, bits, least=20)
    coder, whole = Lanes(1), 1 << 31
    coder.push_all(start, freq, bits)
    for c, f in zip(start[:, 0].tolist(), freq[:, 0].tolist(), strict=True):
        whole = (whole // f << bits) + whole % f + c
    information = float(np.log2(65536 / freq.astype(float)).sum())
    assert coder.bits == pytest.approx(whole.bit_length() - 31, abs=2)
    assert coder.bits == pytest.approx(information, rel=1e-4)


def test_rows_that_are_not_full_use_the_first_lanes() -> None:
    counts, coder = [7, 3, 1, 5, 7, 2] * 20, Lanes(7)
    rows = [symbols(i, 1, n, 20) for i, n in enumerate(counts)]
    for start, freq in rows:
        coder.push_all(start, freq, 20)
    before = coder.heads.copy()
    for start, freq in reversed(rows):
        slot = coder.peek(20, freq.shape[1])
        assert ((start[0] <= slot) & (slot < (start + freq)[0])).all()
        coder.pop(start[0], freq[0], 20)
    assert (coder.heads == 1 << 31).all() and (before != coder.heads).all()


def test_lanes_are_made_of_words_and_become_words_again() -> None:
    words = np.random.default_rng(0).integers(0, 2**32, 50).astype(np.uint32)
    coder = Lanes(words=words)
    coder.widen(3)
    start, freq = symbols(1, 40, 3, 24)
    coder.push_all(start, freq, 24)
    coder.widen(20)
    more = symbols(2, 40, 20, 24)
    coder.push_all(*more, 24)
    coder = Lanes.from_bytes(coder.to_bytes())
    for c, f in zip(more[0][::-1], more[1][::-1], strict=True):
        coder.pop(c, f, 24)
    coder.narrow(3)
    for c, f in zip(start[::-1], freq[::-1], strict=True):
        coder.pop(c, f, 24)
    coder.narrow(0)
    assert coder.words.tolist() == words.tolist() and len(coder) == 0


def test_a_stack_that_ends_is_supplied_with_words_that_come_back() -> None:
    coder = Lanes(words=[11, 12, 13], supply=True)
    coder.widen(2)
    taken = [coder.pop_bits(24) for _ in range(9)]
    assert coder.supplied > 3
    for values in reversed(taken):
        coder.push_bits(values[None], 24)
    coder.narrow(0)
    assert coder.words.tolist() == [*random_words(0, coder.supplied)[::-1].tolist(), 11, 12, 13]


def test_the_fixed_sequence_is_splitmix64() -> None:
    """The low halves of its outputs for seed 0, whose first is published; as many ones as zeros."""
    state, found = 0, []
    for _ in range(5):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        found.append((z ^ z >> 31) % 2**32)
    assert random_words(0, 5).tolist() == found and random_words(2, 3).tolist() == found[2:]
    assert found[0] == 0xE220A8397B1DCDAF % 2**32
    ones = np.unpackbits(random_words(0, 4000).view(np.uint8)).mean()
    assert abs(ones - 0.5) < 5 / math.sqrt(4 * 4000 * 32)


def test_places_are_scrambled_and_put_back() -> None:
    """What is small, or differs in its lowest bits alone, is spread over all places."""
    coder = Lanes(1000)
    coder.heads += np.arange(1000, dtype=np.uint64)
    before = coder.heads.copy()
    coder.scramble(28, 990)
    places = coder.peek(28, 990)
    assert len(np.unique(places)) == 990 and (coder.heads >> np.uint64(28) == before >> np.uint64(28)).all()
    assert np.histogram(places, 10, (0, 2**28))[0].min() > 60 and (coder.heads[990:] == before[990:]).all()
    coder.unscramble(28, 990)
    assert (coder.heads == before).all()


def test_files_of_heads_of_every_length() -> None:
    coder = Lanes(words=[1, 2**32 - 1])
    coder.heads = np.array([1 << 31, 2**63 - 1, 1 << 32, 12345678901234567], dtype=np.uint64)
    data = coder.to_bytes()
    assert len(data) == 2 + math.ceil((4 * 5 + 31 + 62 + 32 + 53) / 8) + 8
    again = Lanes.from_bytes(data)
    assert again.heads.tolist() == coder.heads.tolist() and again.words.tolist() == [1, 2**32 - 1]
    assert len(Lanes.from_bytes(Lanes().to_bytes())) == 0


def test_damaged_bytes_are_named() -> None:
    coder = Lanes(5)
    coder.push_all(*symbols(1, 90, 5, 24), 24)
    data = coder.to_bytes()
    broken = [b"\x01", data[:9], data[:-1], data[:-3], (MOST_LANES + 1).to_bytes(2, "little") + data[2:]]
    for content in broken:
        with pytest.raises(DataError, match="damaged"):
            Lanes.from_bytes(content)
    short = Lanes.from_bytes(data[:-8])
    with pytest.raises(DataError, match="ends too early"):
        [short.pop_bits(24) for _ in range(1000)]
    with pytest.raises(DataError, match="does not end as it began"):
        Lanes.from_bytes(data).narrow(0)
