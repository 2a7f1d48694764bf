"""The pulse of what is measured: who is told, and the time left."""

from __future__ import annotations

import io
import sys

import pytest

from toy import Hands
from vaekit.core import SettingError
from vaekit.runtime.pulse import Pulse, pulse, report
from vaekit.runtime.screens import Standing


class Noted:
    """A screen that notes what it is to show."""

    def __init__(self) -> None:
        self.shown: list[Standing] = []
        self.kept: list[str] = []
        self.closed = False

    def show(self, standing: Standing) -> None:
        self.shown.append(standing)

    def keep(self, line: str) -> None:
        self.kept.append(line)

    def close(self, line: str) -> None:
        self.closed = True


def test_each_measure_has_its_own_time_left() -> None:
    hands, noted = Hands(), Noted()
    tell = Pulse(noted, hands)
    for block in range(1, 4):
        hands.turn(1.0)
        tell("ELBO", 10 * block, 100)
    assert noted.shown[-1].left == pytest.approx(70 * 0.1)
    for block in range(1, 4):
        hands.turn(30.0)
        tell("bound with 5000 samples", 10 * block, 100)
    assert noted.shown[-1].left == pytest.approx(70 * 3.0)  # that of the first measure has no part in it
    assert noted.shown[-1].line == "bound with 5000 samples, images 30 of 100, 3 min 30 s left"
    hands.turn(2.0)
    tell("ELBO", 10, 40)  # on other images
    assert (noted.shown[-1].left, noted.shown[-1].bar) == (pytest.approx(30 * 0.2), "ELBO")


def test_what_takes_long_says_so_beforehand_and_once() -> None:
    """After three parts of it, which are three tenths here: 100 images at 3 s each, and others at a thousandth of that."""
    hands, noted = Hands(), Noted()
    tell = Pulse(noted, hands)
    for block in range(1, 11):
        hands.turn(0.03)
        tell("ELBO", 10 * block, 100)
    assert not noted.kept
    for block in range(1, 11):
        hands.turn(30.0)
        tell("bound with 5000 samples", 10 * block, 100)
        assert len(noted.kept) == (block >= 3)
    assert noted.kept == ["about 5 min for bound with 5000 samples (100 images)"]


def test_whoever_asks_to_be_told_is_told_and_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    noted = Noted()
    monkeypatch.setattr("vaekit.runtime.pulse.choose_screen", lambda: noted)
    with pulse("auto", lambda *line: told.append(line)) as tell:
        report(tell, "ELBO", 1, 2)
    assert (told, noted.shown) == ([("ELBO", 1, 2)], [])
    report(None, "ELBO", 2, 2)


def test_a_screen_is_closed_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Noted()
    monkeypatch.setattr("vaekit.runtime.pulse.choose_screen", lambda: noted)
    measuring = pulse("auto")
    measuring.__enter__()("ELBO", 1, 2)
    with pytest.raises(KeyboardInterrupt):
        measuring.gen.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert noted.closed and len(noted.shown) == 1


def test_none_and_other_processes_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Noted()
    monkeypatch.setattr("vaekit.runtime.pulse.choose_screen", lambda: noted)
    with pulse("none") as tell:
        tell("ELBO", 1, 2)
    monkeypatch.setenv("RANK", "1")
    with pulse("auto") as tell:
        tell("ELBO", 1, 2)
    assert not noted.shown
    with pytest.raises(SettingError, match="progress"), pulse("bar"):
        pass


def test_lines_of_a_long_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    from vaekit.runtime.screens import Lines

    hands, stream = Hands(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    tell = Pulse(Lines(hands), hands)
    for block in range(1, 11):
        hands.turn(8.0)
        tell("bound", 10 * block, 100)
    assert stream.getvalue().splitlines() == [
        "vaekit: bound, images 10 of 100, 1 min 12 s left",
        "vaekit: about 1 min 20 s for bound (100 images)",
        "vaekit: bound, images 70 of 100, 24 s left",
    ]
