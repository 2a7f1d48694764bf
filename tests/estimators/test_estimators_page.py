"""The Python of docs/estimators.md runs as it stands there, and gives the shapes that it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"
BLOCK = re.compile(r"<!-- runs -->\n```python\n(.*?)```", re.DOTALL)


def test_blocks_run_one_after_another() -> None:
    names: dict[str, Any] = {}
    shapes = 0
    for code in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        for node in ast.parse(code).body:
            line = ast.get_source_segment(code, node) or ""
            if not isinstance(node, ast.Expr):
                exec(line, names)
                continue
            found = eval(line, names)
            said = re.match(r"\s*# (\(\d+, \d+\))", code.splitlines()[node.lineno - 1].partition(line)[2])
            if said is not None:
                assert str(found.shape) == said[1], line
                shapes += 1
    assert shapes == 4
