"""Benchmarks are scripts beside each other: their folder is where they import from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def pytest_ignore_collect() -> bool | None:
    """Leaves these tests out where benchmarks are not shipped."""
    return None if FOLDER.is_dir() else True


@pytest.fixture
def baseline_file() -> Path:
    """The plain baseline, which is not a part of the project."""
    path = Path(os.environ.get("VAEKIT_DATA", "nowhere")).parent / "baselines" / "plain_vae.py"
    if not path.is_file():
        pytest.skip("needs VAEKIT_DATA, and the plain baseline beside it")
    return path


sys.path.append(str(FOLDER))  # for the imports at the head of the tests
