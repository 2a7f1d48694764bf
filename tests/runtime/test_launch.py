"""Which process this is, from the environment alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vaekit.runtime.launch import Process, launched


def test_alone_a_process_leads() -> None:
    assert launched() == Process(rank=0, world=1)
    assert launched().leads


@pytest.mark.parametrize(("rank", "leads"), [(0, True), (1, False), (3, False)])
def test_of_several_the_first_leads(rank: int, leads: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert launched() == Process(rank, 4)
    assert launched().leads == leads


def test_asking_needs_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; from vaekit.runtime.launch import launched; launched()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
