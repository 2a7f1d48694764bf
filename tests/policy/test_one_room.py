"""Policies of the house: capabilities instead of classes, one room that asks a model, records instead of dicts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaekit
from vaekit.config.methods import METHODS, PRIORS

SOURCE = Path(vaekit.__file__).parent
CLASSES = {method.model_class().__name__ for method in (*METHODS.values(), *PRIORS.values())}
BASES = {"LatentModel", "Autoencoder", "CodeDensity"}  # what those who look at a model do not ask for either
LOOKING = ("plots/", "explorer/", "cli/", "reports/", "images/")
MAY_NAME = ("models/", "config/", "__init__.py", "estimators/__init__.py")  # the last two list public names
ASKS = {"infer", "encode", "encode_codes", "latents_for_prior", "reconstruct"}  # methods that encode images


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_no_concrete_model_class_is_named_above_the_models() -> None:
    found = [
        f"{name}: {word}"
        for name, tree in sources()
        if not name.startswith(MAY_NAME)
        for word in words_of(tree) & (CLASSES | BASES if name.startswith(LOOKING) else CLASSES)
    ]
    assert not found, f"ask for a protocol of vaekit.models.capabilities instead: {found}"


def words_of(tree: ast.Module) -> set[str]:
    """Names that a module uses or imports."""
    nodes = list(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return used | {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}


def loops_that_encode(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions with a loop or comprehension in which a model is asked for the codes of images."""
    loops = (ast.For, ast.ListComp, ast.GeneratorExp, ast.DictComp)
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for loop in (node for node in ast.walk(function) if isinstance(node, loops)):
            for call in (node for node in ast.walk(loop) if isinstance(node, ast.Call)):
                if (
                    isinstance(call.func, ast.Attribute)
                    and call.func.attr in ASKS
                    and of_a_model(call.func.value)
                ):
                    yield function.name, call.lineno


def of_a_model(value: ast.expr) -> bool:
    return ast.unparse(value).split(".")[-1] in ("model", "run", "grid_model")


def test_one_room_encodes_splits() -> None:
    found = {name for name, tree in sources() for _ in loops_that_encode(tree)}
    assert found == {"inference.py"}, f"ask vaekit.inference instead: {sorted(found - {'inference.py'})}"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("def f(model):\n    for x in xs:\n        model.encode(x)", 1),
        ("def f(model):\n    return [model.infer(x) for x in xs]", 1),
        ("def f(model):\n    return model.encode(x)", 0),
        ("def f():\n    return [text.encode() for text in texts]", 0),
    ],
)
def test_loops_are_found(code: str, count: int) -> None:
    assert len(list(loops_that_encode(ast.parse(code)))) == count
