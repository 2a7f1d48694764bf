"""The shape of the code: short files, shorter functions."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median, quantiles

import vaekit

SOURCE = Path(vaekit.__file__).parent


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body without its docstring."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0  # type: ignore[operator]


def test_files_are_short() -> None:
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    assert median(lines.values()) <= 160
    assert max(lines.values()) <= 350, {name: count for name, count in lines.items() if count > 350}


def test_functions_are_short() -> None:
    found: dict[str, int] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.name}:{node.lineno} {node.name}"] = body_lines(node)
    assert median(found.values()) <= 6
    assert quantiles(found.values(), n=10)[-1] <= 18
    assert max(found.values()) <= 60, {name: count for name, count in found.items() if count > 60}
