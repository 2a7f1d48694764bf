"""The recipes that come with vaekit, by name. Imports no torch."""

from __future__ import annotations

from pathlib import Path

import vaekit

SUFFIX = ".json"


def recipe_folder() -> Path:
    """Returns the folder of the recipes that come with vaekit: in the package, or beside it in a clone."""
    package = Path(vaekit.__file__).parent
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parents[1] / "recipes"


def shipped() -> dict[str, Path]:
    """Files of the recipes that come with vaekit, by name."""
    return {path.stem: path for path in sorted(recipe_folder().glob(f"*{SUFFIX}"))}
