"""Bits per sample that an image file says to have, for formats whose decoder may give fewer."""

from __future__ import annotations

HEAD = 65536  # bytes, in which they stand
JPEG_XL = b"\xff\x0a"  # begins its codestream
SIDES = (9, 13, 18, 30)  # bits of a side, by a selector


def stored_bits(head: bytes) -> int:
    """Bits per sample of a JPEG 2000, AVIF, HEIC or JPEG XL file; 8 where they are not found.

    ISO/IEC 15444-1 A.5.1 (SIZ), 23008-12 6.5.6 (pixi), 18181-1 D.2 and D.3 (headers of JPEG XL).

    Args:
        head: the first bytes of the file, up to HEAD.
    """
    if head[4:8] == b"ftyp":
        start = head.find(b"pixi")  # version, flags, number of channels, bits of each
        return head[start + 9] if 0 <= start < len(head) - 9 else 8
    if head[:2] == JPEG_XL or head[4:8] == b"JXL ":
        return _of_jpeg_xl(head)
    if head[:4] == b"\xff\x4f\xff\x51" or head[4:8] == b"jP  ":
        start = head.find(b"\xff\x51")  # 38 bytes, then bits less 1, and a bit for the sign
        return (head[start + 40] & 127) + 1 if 0 <= start < len(head) - 40 else 8
    return 8


class _Bits:
    """Bits from low to high."""

    def __init__(self, content: bytes) -> None:
        self.value, self.left = int.from_bytes(content, "little"), 8 * len(content)

    def take(self, count: int) -> int:
        """The next number of so many bits.

        Raises:
            ValueError: there are no more.
        """
        if count > self.left:
            raise ValueError("cut short")
        found = self.value & (1 << count) - 1
        self.value, self.left = self.value >> count, self.left - count
        return found


def _of_jpeg_xl(head: bytes) -> int:
    """Bits per sample of a JPEG XL file; 8 where a preview or an animation stand before them."""
    start = 0 if head[:2] == JPEG_XL else head.find(JPEG_XL, max(head.find(b"jxlc"), head.find(b"jxlp"), 12))
    if start < 0:
        return 8
    try:
        return _bit_depth(_Bits(head[start + 2 : start + 40]))
    except ValueError:
        return 8


def _bit_depth(bits: _Bits) -> int:
    _skip_size(bits)
    if bits.take(1):  # all by default
        return 8
    if bits.take(1):  # fields that most files do not have
        bits.take(3)  # orientation
        if bits.take(1):
            _skip_size(bits)
        if bits.take(1) or bits.take(1):
            return 8
    if bits.take(1):  # floats
        return (32, 16, 24, 0)[choice] if (choice := bits.take(2)) < 3 else 1 + bits.take(6)
    return (8, 10, 12)[choice] if (choice := bits.take(2)) < 3 else 1 + bits.take(6)


def _skip_size(bits: _Bits) -> None:
    """Height, a ratio, and the width where there is none."""
    small = bits.take(1)
    for side in range(2):
        if side == 1 and bits.take(3):
            return
        bits.take(5 if small else SIDES[bits.take(2)])
