"""The citation names this version; CI runs what contributors run."""

from __future__ import annotations

import re
from pathlib import Path

import vaekit

ROOT = Path(__file__).parents[2]


def test_the_citation_names_this_version() -> None:
    found = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert found and found[1] == vaekit.__version__


def test_ci_runs_the_one_script_that_exists() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"- run: (.+)", workflow) == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
