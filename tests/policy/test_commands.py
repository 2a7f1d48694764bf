"""Every command is: parse, one public call, print. What it does, a Python function of its name does."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import vaekit
from vaekit.cli import commands
from vaekit.cli.main import COMMANDS

FOLDER = Path(commands.__file__).parent
LONGEST = 60  # lines of a command, and of a file with all that belongs to it
NAMES = {"data": "describe", "runs": "list_runs"}  # command -> function, where `vaekit.data` is a package
# Beside the public call a command may know the words of the command line, and what only names or words numbers.
MAY_IMPORT = ("vaekit.cli.", "vaekit.config.", "vaekit.metrics")


def module_of(command: str) -> Path:
    return FOLDER / f"{COMMANDS[command].run.partition(':')[0]}.py"


def function_of(command: str) -> ast.FunctionDef:
    name = COMMANDS[command].run.partition(":")[2]
    tree = ast.parse(module_of(command).read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def public_calls(tree: ast.AST) -> list[str]:
    """Names of the functions of the package itself that are called: `vaekit.NAME(...)`."""
    return [
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "vaekit"
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_public_function(command: str) -> None:
    name = NAMES.get(command, command)
    assert name in vaekit.PUBLIC
    function = getattr(vaekit, name)
    assert inspect.isfunction(function)
    doc = inspect.getdoc(function) or ""
    assert "Args:" in doc and "Raises:" in doc, f"vaekit.{name} says what it takes and raises"
    returned = inspect.signature(function).return_annotation
    assert returned not in (inspect.Signature.empty, "None")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_makes_one_public_call_of_its_own_name(command: str) -> None:
    function = function_of(command)
    assert public_calls(function) == [NAMES.get(command, command)]
    assert function.end_lineno is not None
    assert function.end_lineno - function.lineno < LONGEST


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_the_files_of_commands_are_thin_and_know_nothing_else_of_the_library(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < LONGEST
    imported = [
        node.module or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vaekit"
    ]
    assert not [module for module in imported if not module.startswith(MAY_IMPORT)]


def test_a_second_call_would_be_found() -> None:
    tree = ast.parse(
        "def f(o):\n    run = vaekit.load_run(o.run)\n    return vaekit.sample(run).images.mean()"
    )
    assert public_calls(tree) == ["load_run", "sample"] or public_calls(tree) == ["sample", "load_run"]
