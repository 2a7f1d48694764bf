"""The fixed draw of a grey picture, in Python's own whole numbers: an independent answer for the page and for torch."""

from __future__ import annotations


def mixed(n: int) -> int:
    """The finaliser of MurmurHash3, of 32 bits."""
    n = ((n ^ (n >> 16)) * 0x85EBCA6B) % 2**32
    n = ((n ^ (n >> 13)) * 0xC2B2AE35) % 2**32
    return n ^ (n >> 16)


def fixed_draw(levels: list[int]) -> list[int]:
    """The draw of a picture of levels 0 to 255, in Python's own whole numbers."""
    key = mixed(sum(level * (mixed(k) | 1) for k, level in enumerate(levels, 1)) % 2**32)
    return [
        int(mixed((key + k * 0x9E3779B9) % 2**32) * 255 < level * 2**32) for k, level in enumerate(levels, 1)
    ]
