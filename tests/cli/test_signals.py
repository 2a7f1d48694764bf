"""Signals while something is trained."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from vaekit.cli.signals import status_after, stopping


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """SIGINT as Python takes it: a shell starts what is in its background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_first_signal_asks_the_second_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stopping() as reason:
        assert reason() is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert reason() == "SIGTERM"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_before_anything_is_trained_a_signal_does_what_it_always_does(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """As while data are loaded: there is nothing to save, and nobody would ask."""
    with stopping() as reason:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert reason() is None
    assert "saving" not in capfd.readouterr().err


def test_exit_status() -> None:
    assert (status_after("SIGINT"), status_after("SIGTERM"), status_after("enough")) == (130, 143, 130)
