"""Ctrl-C and SIGTERM while something is trained: the first saves, the second stops at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

STATUS = {"SIGTERM": 143}  # exit status after an interrupt; else that after Ctrl-C
CTRL_C = 130


def status_after(reason: str) -> int:
    """Exit status of what was interrupted by a signal of this name."""
    return STATUS.get(reason, CTRL_C)


@contextmanager
def stopping() -> Iterator[Callable[[], str | None]]:
    """Within the block the first Ctrl-C or SIGTERM is noted, a second one interrupts at once.

    Gives a function that returns the name of the signal that has come, or None. Until it is asked for the first
    time, after the first step of training, there is nothing to save and signals do what they always do.
    """
    received: list[str] = []
    asked = False

    def reason() -> str | None:
        nonlocal asked
        asked = True
        return received[0] if received else None

    def receive(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        if not asked:
            signal.signal(number, before[number])
            signal.raise_signal(number)
            return
        received.append(signal.Signals(number).name)
        # not print: the signal may have come in the middle of one
        os.write(2, b"\nvaekit: saving; once more stops at once\n")

    before: dict[int, Any] = {
        number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield reason
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
