"""Commands that write, killed at a few moments each. `benchmarks/kills.py` does it two hundred times, and with training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kills.py"
NAMES = ["evaluate", "prior --replace", "export", "sample into a folder"]
PROGRAM = """
import json, os, sys
sys.path.append(os.path.dirname(sys.argv[1]))
import kills
print(json.dumps(kills.kill_all(kills.Path(sys.argv[2]), 8, int(sys.argv[3]), json.loads(sys.argv[4]))))
"""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="kills forks of a warm process")
@pytest.mark.skipif(not SCRIPT.is_file(), reason="benchmarks are not shipped")
def test_killed_at_any_moment_nothing_is_lost_and_nothing_left(tmp_path: Path) -> None:
    """Two moments of each; drawn from a seed that is the same every time, though the moments are not quite."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    words = [sys.executable, "-c", PROGRAM, str(SCRIPT), str(tmp_path), "0", json.dumps(NAMES)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["by_command"] == dict.fromkeys(NAMES, 2)
    assert found["failures"] == []
