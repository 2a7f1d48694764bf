"""The pulse of what is measured: how many images are done, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vaekit.core import choose, counted
from vaekit.runtime.launch import launched
from vaekit.runtime.screens import Dark, Screen, Standing, choose_screen
from vaekit.runtime.stopwatch import Stopwatch, duration

ProgressCallback = Callable[[str, int, int], object]
"""Called with what is being measured, how many images are done, and of how many."""

FORETOLD = 10.0  # seconds from which it is said beforehand how long a measure takes


def report(tell: ProgressCallback | None, what: str, done: int, total: int) -> None:
    """Tells of the progress, if somebody listens."""
    if tell is not None:
        tell(what, done, total)


class Pulse:
    """Shows on a screen how long each measure will take, once its first images say so, how far it is, and its time left.

    Args:
        screen: where.
        clock: gives seconds.
    """

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen, self._clock, self._last = screen, clock, clock()
        self._watches: dict[str, Stopwatch] = {}
        self._said: set[str] = set()

    def __call__(self, what: str, done: int, total: int) -> None:
        watch = self._watches.get(what)
        if watch is None or done < watch.done or total != watch.total:  # the same measure, on other images
            watch = self._watches[what] = Stopwatch(total, clock=self._clock, began=self._last)
        watch.advance(done)
        self._last = self._clock()
        if watch.steady and what not in self._said and watch.left is not None:
            self._said.add(what)
            if (seconds := watch.elapsed + watch.left) >= FORETOLD:
                self._screen.keep(f"about {duration(seconds)} for {what} ({counted(total, 'image')})")
        self._screen.show(Standing(what, done, total, "images", left=watch.left, bar=what))

    @property
    def seen(self) -> bool:
        """Returns whether anybody sees it."""
        return not isinstance(self._screen, Dark)

    def say(self, line: str) -> None:
        """Keeps a line on the screen."""
        self._screen.keep(line)
        self._last = self._clock()


def progress_word(progress: str | bool | None) -> str:
    """`auto` for True and `none` for False and None; words as they are."""
    return progress if isinstance(progress, str) else "auto" if progress else "none"


def screen_for(progress: str | bool | None) -> Screen:
    """`auto` or True suits where standard error goes; `none` or False, and all processes but the first, show nothing.

    Raises:
        SettingError: neither of these.
    """
    progress = progress_word(progress)
    choose(progress, ["auto", "none"], "progress")
    return Dark() if progress == "none" or not launched().leads else choose_screen()


@contextmanager
def pulse(progress: str | bool | None, tell: ProgressCallback | None = None) -> Iterator[ProgressCallback]:
    """Gives whom to tell of the progress of what is measured within the block.

    Args:
        progress: "auto" or True, "none" or False.
        tell: called instead, if given.

    Raises:
        SettingError: as in `screen_for`.
    """
    screen = screen_for(progress)
    if tell is not None:
        yield tell
        return
    try:
        yield Pulse(screen)
    finally:
        screen.close("")
