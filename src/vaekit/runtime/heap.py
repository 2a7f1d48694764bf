"""Memory that is free again goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any


def trim_heap() -> None:
    """Gives free pages back, where the C library can be asked to (glibc); elsewhere does nothing.

    Work in rounds of large arrays of many sizes leaves gaps, which glibc keeps and which differ from round to round, so that a
    process grows although nothing more is held.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], Any] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # of another system, or another C library
        return None
