"""Words for examples: what is written of images is said of rows where the data are rows of features.

Messages and the meanings of numbers are written once, of images, the usual case. Whoever shows them to people lets
`worded` say them: within `speaking_of(shape)` of rows, (D,), they are of rows and their values. The command line
listens (`listening`) to the shape of what was loaded last; from Python, only what shows one run or figure does so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# Phrases whose meaning is that of pictures, and stays so.
PICTURES = {
    "not images": "no pictures",
    "needs images": "needs pictures",
    "image files": "picture files",
    "image file": "picture file",
    "taken as pixels": "taken as grey levels",
    "per pixel": "per value",
}
WORDS = {"image": "row", "images": "rows", "pixel": "value", "pixels": "values"}
PHRASE = re.compile("|".join(PICTURES))
# A word by itself: no part of a path, a flag, an argument, an address or what stands in quotes.
WORD = re.compile(
    r"(?P<an>\b[Aa]n )?(?<![\w./=\\'\"<`{:-])(?P<word>images?|pixels?)(?![\w/=\\\"`}-]|\.\w|'(?!s\b|\s)|\s=\s|</code)",
    re.IGNORECASE,
)


class _Speech:
    """The kind of example that is spoken of, in this process."""

    rows = False
    listens = False


def of_rows(text: str) -> str:
    """A text about images, said of rows of features."""
    text = PHRASE.sub(lambda found: PICTURES[found[0]], text)
    return WORD.sub(_as_written, text)


def _as_written(found: re.Match[str]) -> str:
    given, article = found["word"], (found["an"] or "").replace("n ", " ")
    word = WORDS[given.lower()]
    return article + (word.capitalize() if given[0].isupper() else word)


def worded(text: str) -> str:
    """A text as it is said of what is spoken of: images, unless it is rows."""
    return of_rows(text) if _Speech.rows else text


def speak_of(shape: Sequence[int]) -> None:
    """Notes the shape of the examples that were loaded, where the command line listens."""
    if _Speech.listens:
        _Speech.rows = len(shape) == 1


@contextmanager
def speaking_of(shape: Sequence[int]) -> Iterator[None]:
    """Within the block texts are of examples of this shape."""
    before, _Speech.rows = _Speech.rows, len(shape) == 1
    try:
        yield
    finally:
        _Speech.rows = before


@contextmanager
def listening() -> Iterator[None]:
    """Within the block texts are of what was loaded last; of images at first."""
    before = _Speech.rows, _Speech.listens
    _Speech.rows, _Speech.listens = False, True
    try:
        yield
    finally:
        _Speech.rows, _Speech.listens = before
