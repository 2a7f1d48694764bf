"""Imports go to lower floors, and within a floor without cycles (docs/design.md). Imports for type checkers count."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import vaekit

SOURCE = Path(vaekit.__file__).parent
FLOORS = {  # a module, or a package with all that is in it -> floor
    "vaekit": 0, "core": 0, "plain_files": 0, "printable": 0, "synonyms": 0, "wording": 0, "config": 0, "metrics": 0,
    "runtime": 1, "data": 1, "distributions": 1, "images": 1,
    "networks": 2,
    "models": 3, "objectives": 3,
    "inference": 4, "runs": 4, "training": 4,
    "coding": 5, "evaluation": 5, "plots": 5, "reports": 5,
    "cli": 6, "comparison": 6, "explorer": 6, "reproduction": 6, "testing": 6, "estimators": 6, "hub": 6, "demonstration": 6, "__main__": 6,
}  # fmt: skip
TRAINING = {
    "vaekit.training.fit",
    "vaekit.training.resume",
    "vaekit.training.trainer",
}  # not for those who look at runs and use them
MOST_AT_THE_TOP = 9
EXTENSION_POINT = {"base", "__init__"}  # file names that say the same in every folder


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCE.rglob("*.py")}


def head(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def floor(module: str) -> int:
    assert head(module) in FLOORS, f"{module} stands on no floor: give it one in FLOORS"
    return FLOORS[head(module)]


def imports(path: Path) -> set[str]:
    """Modules of vaekit that a module imports anywhere, in functions and for type checkers too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return found & MODULES.keys()


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"vaekit"}))  # which shows the names of all
def test_imports_go_down(module: str) -> None:
    up = [other for other in imports(MODULES[module]) if floor(other) > floor(module)]
    assert not up, f"{module} imports from a higher floor: {up}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if FLOORS.get(head(m)) == 5))
def test_looking_never_imports_training(module: str) -> None:
    assert not imports(MODULES[module]) & TRAINING


def test_no_cycles() -> None:
    """Modules that import nothing left, or that nothing left imports, are in no cycle."""
    left = {
        module: imports(path) - {module, "vaekit"} for module, path in MODULES.items() if module != "vaekit"
    }
    while free := [m for m in left if not left[m] & left.keys() or not any(m in left[o] for o in left)]:
        del left[free[0]]
    assert not left, f"modules that import each other: {sorted(left)}"


def test_the_top_has_only_what_belongs_to_no_room() -> None:
    top = [path.name for path in SOURCE.glob("*.py")]
    assert len(top) <= MOST_AT_THE_TOP, top


def test_no_two_files_of_one_name() -> None:
    """But for a command and what it calls."""
    names = Counter(path.stem for path in MODULES.values() if "commands" not in path.parts)
    twice = {name for name, count in names.items() if count > 1}
    assert twice <= EXTENSION_POINT, twice


def test_reading_imports_finds_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport os\nfrom vaekit.config import options as s\nfrom vaekit import __version__\n"
        "from vaekit.core import choose\nif TYPE_CHECKING:\n    from vaekit.data.dataset import Data\n"
        "def f():\n    from vaekit.runs.load import load_run\n",
        encoding="utf-8",
    )
    wanted = {"vaekit", "vaekit.config.options", "vaekit.core", "vaekit.data.dataset", "vaekit.runs.load"}
    assert imports(path) == wanted
