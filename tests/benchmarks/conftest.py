"""Benchmarks are scripts beside each other: their folder is where they import from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def pytest_ignore_collect() -> bool | None:
    """Leaves these tests out where benchmarks are not shipped."""
    return None if FOLDER.is_dir() else True


@pytest.fixture(autouse=True)
def _beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


sys.path.append(str(FOLDER))  # for the imports at the head of the tests
