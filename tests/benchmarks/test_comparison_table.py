"""The tables of docs/comparison.md, against a comparison's file written by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import comparison_table
import pytest


def numbers() -> dict[str, Any]:
    def run(**figures: float) -> dict[str, Any]:
        return {"figures": {"processor_seconds": 8.0, "parameters": 5, **figures}, "notes": {}}

    return {
        "wish": {"seeds": [0, 1], "budget": 8.0, "epochs": None, "steps": None},
        "images": 500,
        "features": "pca64",
        "withheld": "",
        "binarised": False,
        "training_images": {"fd": 0.25, "blend_midpoint_fd": 7.5},
        "runs": {
            "vae": {"0": run(fd=4.0, reconstruction_mse=0.5), "1": run(fd=6.0, reconstruction_mse=0.5)},
            "gan": {"0": run(fd=2.0), "1": {"failed": "it burst"}},
        },
        "claims": [
            {"section": "§8", "claim": "One.", "verdict": "holds", "because": ["a", "b"], "missing": ""},
            {"section": "§8", "claim": "Two.", "verdict": None, "because": [], "missing": "not compared: ae"},
        ],
    }


def test_its_parts_replace_those_between_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, document = tmp_path / "comparison.json", tmp_path / "page.md"
    file.write_text(json.dumps(numbers()), encoding="utf-8")
    marks = {name: comparison_table.MARK.format(name) for name in ("figures", "claims")}
    old = [f"{mark}\nstale\n{mark}" for mark in marks.values()]
    document.write_text("before\n" + "\nbetween\n".join(old) + "\nafter\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["comparison_table.py", str(file), "--into", str(document)])
    for _ in range(2):
        comparison_table.main()
        text = document.read_text(encoding="utf-8")
        lines = text.splitlines()
        assert "stale" not in text and text.startswith("before\n") and text.endswith("\nafter\n")
        assert lines.index("between") > max(i for i, line in enumerate(lines) if line == marks["figures"])
        assert "| | vae | gan | training images |" in lines
        assert "| Fréchet distance (squared feature units) | 5 ± 1.4 | **2** | 0.25 |" in lines
        assert "| blends: Fréchet distance of test images (squared feature units) | | | 7.5 |" in [
            line.replace("|  |  |", "| | |") for line in lines
        ]
        assert "**Of 2 claims of the lesson** 1 hold, 1 were not judged:" in lines
        assert "| §8 | One. | **holds** | a; b |" in lines
        assert "| §8 | Two. | **not judged** | not compared: ae |" in lines
    document.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="two lines"):
        comparison_table.main()
