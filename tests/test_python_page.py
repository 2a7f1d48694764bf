"""The program of docs/python.md, run as it stands there, and what it says of its own results."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "page"}
    with contextlib.chdir(tmp_path_factory.mktemp("page")):  # it writes a file
        for code in re.findall(r"<!-- runs -->\n```python\n(.*?)```", PAGE, re.DOTALL):
            exec(compile(code, "docs/python.md", "exec"), found)
    return found


def test_answers_are_of_the_kind_that_was_given(program: dict[str, Any]) -> None:
    for name, shape in {
        "codes": (5, 4),
        "again": (5, 1, 8, 8),
        "means": (5, 4),
        "pictures": (5, 1, 8, 8),
    }.items():
        assert isinstance(program[name], np.ndarray) and program[name].shape == shape
    np.testing.assert_allclose(program["codes"], program["means"], atol=1e-6)
    np.testing.assert_allclose(program["again"], program["pictures"], atol=1e-5)


def test_the_loop_learns_what_fit_learns(program: dict[str, Any]) -> None:
    """Both bounds of the same test images after two epochs from the same weights."""
    losses = program["losses"]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert program["bound"] == pytest.approx(program["history"].test.negative_elbo_nats, rel=0.05)


def test_the_callback_stops_at_the_first_validation(program: dict[str, Any]) -> None:
    assert program["stopped"].interrupted == "stopped"
    assert len(program["seen"]) == len(program["stopped"].metrics) >= 2
