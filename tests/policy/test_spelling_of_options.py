"""Library errors name arguments (`image_size=64`); only the command line spells flags (`--image-size 64`)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import vaekit

SOURCE = Path(vaekit.__file__).parent
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*(?![a-z-]*:)")  # with a colon: a property of CSS
COMMAND_LINES = {  # these write command lines, and no messages
    "reports/run.py",  # the one that trains a run again
    "testing/command_checks.py",  # those that are checked
}


def texts(path: Path) -> list[str]:
    """String literals of a module, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


LIBRARY = sorted(
    str(path.relative_to(SOURCE))
    for path in SOURCE.rglob("*.py")
    if "cli" not in path.relative_to(SOURCE).parts
)


@pytest.mark.parametrize("name", [name for name in LIBRARY if name not in COMMAND_LINES])
def test_no_flags_outside_the_command_line(name: str) -> None:
    found = [text for text in texts(SOURCE / name) if FLAG.search(text)]
    assert not found


def test_a_flag_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('"""--doc"""\nx = f"take --image-size {3}"\n', encoding="utf-8")
    assert [text for text in texts(path) if FLAG.search(text)] == ["take --image-size "]
