"""Text that people may be shown, whatever it was: without what a terminal obeys, and of bounded length."""

from __future__ import annotations

import re
from contextlib import suppress

# Control characters, those that turn or break a line of text unseen, and what no encoding can write; of the bytes of a
# name that is no UTF-8 (surrogates up to U+DCFF) those that old terminals obey.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udc9f\udd00-\udfff]"
)


def printable(text: str, keep: str = "") -> str:
    """Text without characters that a terminal would obey rather than show: ESC becomes the four characters `\\x1b`.

    Names of files, classes and runs come from anywhere; whatever is printed goes through here.

    Args:
        keep: characters that stay, line breaks say.
    """
    with suppress(UnicodeEncodeError):  # bytes that only the locale took apart are put together
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    if character in "\n\r\t":
        return repr(character)[1:-1]
    number = ord(character)
    if 0xDC80 <= number <= 0xDC9F:  # a byte of a name that is no UTF-8
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


LONGEST_LINE = 600  # characters of a line of an error: a value may be a whole file's content


def bounded(text: str) -> str:
    """Text whose lines have no more than LONGEST_LINE characters each; of longer ones the middle is left out."""
    head, tail = LONGEST_LINE * 2 // 3, LONGEST_LINE // 3 - 3
    lines = (
        line if len(line) <= LONGEST_LINE else f"{line[:head]} … {line[-tail:]}" for line in text.split("\n")
    )
    return "\n".join(lines)


def a_kind(thing: object) -> str:
    """`a Tensor`, `an int`: the kind of a thing, in a sentence."""
    name = type(thing).__name__
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"
