"""Errors of the parsers of others, as one line: numpy, zipfile, json, Pillow, safetensors, torch, whatever they call.

No list of exceptions is ever complete: a damaged byte reaches `tokenize` through numpy, Rust panics through safetensors,
recursion through json. So all of them are taken, and only what is no fault of the file passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vaekit.core import DataError, InputError, VaekitError

LONGEST = 160  # characters of another's message


@contextmanager
def foreign(
    where: str, kind: type[InputError] = DataError, say: Callable[[BaseException], str] | None = None
) -> Iterator[None]:
    """Within the block, whatever is raised becomes `WHERE: REASON` of one line; vaekit's own errors pass.

    Args:
        where: begins the line: the file, and what cannot be done with it.
        kind: of the error that is raised.
        say: gives the rest of the line; None takes `reason` and a full stop.

    Raises:
        InputError: of that kind, whatever the parser raised.
    """
    try:
        yield
    except (VaekitError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of Rust is no Exception
        rest = f"{reason(error).removesuffix('.')}." if say is None else say(error)
        raise kind(f"{where}: {rest}") from None  # its own is in __context__


def reason(error: BaseException) -> str:
    """Says what went wrong, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    line = " ".join(str(error).split())
    return (
        line
        if len(line) <= LONGEST and line
        else (line[: LONGEST - 3] + "..." if line else type(error).__name__)
    )
