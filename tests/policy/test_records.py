"""A run's JSON is read in `runs/` and nowhere else: everyone has its records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BY_KEY = re.compile(
    r"""\b(config|summary)(\[["']|\.get\()|\bmetrics\[-?\d+\]\[|"(config|summary)\.json"|"metrics\.jsonl\""""
)
ELSEWHERE = {
    "benchmarks/fingerprints.py"  # compares versions that differ in everything else, through their files
}
PLACES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("src/vaekit", "benchmarks", "docs", "recipes", "README.md")
    for path in ([ROOT / folder] if (ROOT / folder).is_file() else (ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".md") and "src/vaekit/runs/" not in path.as_posix()
)


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ELSEWHERE])
def test_nobody_reads_a_runs_json_by_key(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    found = [line.strip() for line in text.splitlines() if BY_KEY.search(line)]
    assert not found, f"{place}: take the records of vaekit.runs.records"


@pytest.mark.parametrize(
    "line",
    [
        'run.config["data"]',
        "run.config['data']",
        'history.summary["test"]',
        'summary.get("test")',
        'metrics[-1]["split"]',
        'folder / "summary.json"',
    ],
)
def test_reading_by_key_is_seen(line: str) -> None:
    assert BY_KEY.search(line)
