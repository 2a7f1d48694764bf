"""Memory goes back to the system where the C library can be asked to, and elsewhere nothing happens."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest

from vaekit.runtime import heap


def resident() -> int:
    """Bytes that this process has resident (Linux)."""
    with open("/proc/self/status", encoding="ascii") as status:
        return 1024 * int(status.read().split("VmRSS:")[1].split()[0])


@pytest.mark.skipif(sys.platform != "linux" or heap._trim() is None, reason="asks glibc")
def test_gaps_between_what_is_held_are_given_back() -> None:
    arrays = [
        np.ones(7_000) for _ in range(2_000)
    ]  # 112 MB in blocks that are too small for a place of their own
    kept = arrays[::100]
    before = resident()
    del arrays
    heap.trim_heap()
    assert before - resident() > 80e6 and all(array.all() for array in kept)


def test_where_it_cannot_be_asked_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: object) -> object:
        raise TypeError("no name")

    heap._trim.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert heap.trim_heap() is None and heap._trim() is None
    heap._trim.cache_clear()
