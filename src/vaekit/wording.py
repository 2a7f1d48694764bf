"""Words for examples: what is written of images is said of rows where the data are rows of features.

Messages and the meanings of numbers are written once, of images, the usual case. Whoever shows them to people lets
`worded` say them: within `speaking_of(shape)` of rows, (D,), they are of rows and their values. The command line
listens (`listening`) to the shape of what was loaded last; from Python, only what shows one run or figure does so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

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


TOUCHED = re.compile("image|pixel", re.IGNORECASE)  # names without these are safe


@dataclass(frozen=True)
class _Speech:
    """The kind of example that is spoken of, and names that stay as they are: files, columns, classes."""

    rows: bool = False
    names: tuple[str, ...] = ()


class _Heard:
    """Holds what the command line of this process heard of last; None where none listens."""

    speech: _Speech | None = None


_SPOKEN: ContextVar[_Speech | None] = ContextVar("spoken", default=None)


def of_rows(text: str, names: Iterable[str] = ()) -> str:
    """A text about images, said of rows of features.

    Args:
        names: what stays as it is wherever it stands: of files, columns, classes.
    """
    kept = sorted({name for name in names if TOUCHED.search(name)}, key=len, reverse=True)
    if not kept:
        return WORD.sub(_as_written, PHRASE.sub(lambda found: PICTURES[found[0]], text))
    parts = re.split(f"({'|'.join(map(re.escape, kept))})", text)
    return "".join(part if place % 2 else of_rows(part) for place, part in enumerate(parts))


def names_of(data: Any) -> list[str]:
    """Names that a data set, or the record of one, brings with it: of its source and file, of classes and columns."""
    return [data.source, data.path or "", *(data.class_names or ()), *(data.columns or ())]


def _as_written(found: re.Match[str]) -> str:
    given, article = found["word"], (found["an"] or "").replace("n ", " ")
    word = WORDS[given.lower()]
    return article + (word.capitalize() if given[0].isupper() else word)


def worded(text: str) -> str:
    """A text as it is said of what is spoken of: images, unless it is rows."""
    speech = _SPOKEN.get() or _Heard.speech
    return of_rows(text, speech.names) if speech is not None and speech.rows else text


def speak_of(shape: Sequence[int], names: Iterable[str] = ()) -> None:
    """Notes the shape of the examples that were loaded, and names that stay, where the command line listens."""
    if (before := _Heard.speech) is not None:
        _Heard.speech = _Speech(len(shape) == 1, (*before.names, *names))


@contextmanager
def speaking_of(shape: Sequence[int]) -> Iterator[None]:
    """Within the block texts of this thread are of examples of this shape."""
    token = _SPOKEN.set(_Speech(len(shape) == 1))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


@contextmanager
def listening(words: Iterable[str] = ()) -> Iterator[None]:
    """Within the block texts are of what was loaded last; of images at first.

    Args:
        words: of the command line; what they name stays as it is typed.
    """
    before, _Heard.speech = _Heard.speech, _Speech(names=tuple(words))
    try:
        yield
    finally:
        _Heard.speech = before
