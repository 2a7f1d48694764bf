"""The result of a command, and lines for people beside it."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vaekit.cli.spelling import as_typed
from vaekit.core import SettingError, printable
from vaekit.runtime.launch import launched
from vaekit.wording import worded


@dataclass(frozen=True)
class Result:
    """The result of a command.

    Attributes:
        values: for --json.
        text: for people: a line, a list of lines, or anything that rich draws.
        status: exit status.
    """

    values: dict[str, Any]
    text: Any
    status: int = 0


def say(line: str) -> None:
    """A line for people on standard error, beside the result."""
    if launched().leads:
        aside(f"vaekit: {as_typed(line)}")


def agreed(question: str, yes: bool) -> bool:
    """Returns whether somebody says yes to a question, at the terminal or beforehand; an empty answer is a no.

    Raises:
        SettingError: nobody said anything beforehand, and nobody can be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise SettingError("nobody can be asked here; yes=True removes without.", "yes")
    try:
        return input(f"vaekit: {printable(question)} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> list[str]:
    """Rows as lines, each column as wide as its widest word, two spaces between them.

    Args:
        right: numbers of the columns whose words stand at the right.
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            f"{word:>{width}}" if place in right else f"{word:{width}}"
            for place, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def aside(line: str) -> None:
    """A line on standard error, and nothing that a terminal would obey; where nobody reads any more, the work goes on."""
    with suppress(OSError, ValueError):
        print(worded(printable(line)), file=sys.stderr, flush=True)


def show(text: Any) -> None:
    """A line, a list of lines, or anything that rich can draw, on standard output, and nothing that a terminal would obey.

    Line breaks within a line are shown as such: a name that has one does not begin a line of its own.
    """
    from rich.console import Console

    lines = [text] if isinstance(text, str) else text
    if isinstance(lines, list):
        text = worded("\n".join(map(printable, lines)))
    Console(highlight=False, soft_wrap=True, emoji=False, markup=False).print(_Printable(text))


@dataclass(frozen=True)
class _Printable:
    """Something that rich draws, with its control characters made visible; those of its own, for colours, come after."""

    drawn: Any

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.segment import Segment

        for segment in console.render(self.drawn, options):
            yield Segment(printable(segment.text, keep="\n"), segment.style, segment.control)
