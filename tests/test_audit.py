"""The audit fails for a known weakness, and for nothing else."""

from __future__ import annotations

import json

import pytest

from audit import verdict

WHOLE = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not on PyPI"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([WHOLE, WHOLE, UNKNOWN], 0, "in 2 pinned"),
        ([WHOLE, WEAK], 1, "b 2: CVE-1, mended in 2.1"),
        ([WEAK, UNKNOWN, UNKNOWN], 1, "CVE-1"),
        ([WHOLE, UNKNOWN, UNKNOWN], 0, "skipped: the index knows nothing of 2 of 3"),
    ],
)
def test_an_audit(packages: list[dict], status: int, said: str) -> None:
    found = verdict(json.dumps({"dependencies": packages, "fixes": []}))
    assert found[0] == status and said in found[1]


@pytest.mark.parametrize("text", ["", "Traceback", "[]", "{}"])
def test_without_an_index_it_is_skipped(text: str) -> None:
    assert verdict(text) == (0, "The audit is skipped: the index cannot be reached.")
