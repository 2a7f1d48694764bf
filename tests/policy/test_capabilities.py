"""Who looks at a model asks what it can do, never which class it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import vaekit

SOURCE = Path(vaekit.__file__).parent
LOOKING = [
    path
    for room in ("plots", "explorer", "cli", "reports", "images")
    for path in (SOURCE / room).rglob("*.py")
]
CONCRETE = {"AE", "VAE", "VQVAE", "GAN", "CodePrior", "Mixture", "LatentModel", "Autoencoder", "CodeDensity"}


@pytest.mark.parametrize("path", LOOKING, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_class_of_a_model_is_named(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert not (named | imported) & CONCRETE
