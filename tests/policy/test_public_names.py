"""The public names are those that can be imported, and importing them needs no torch before use."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import vaekit
from vaekit.core import VaekitError


@pytest.mark.parametrize("name", vaekit.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"from vaekit import {name}", namespace)
    module, _, attribute = vaekit.PUBLIC.get(name, "vaekit:__version__").partition(":")
    origin = importlib.import_module(module)
    assert namespace[name] is (getattr(origin, attribute) if attribute else origin)


def test_dir_lists_them() -> None:
    assert set(vaekit.__all__) <= set(dir(vaekit))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'VEA'"):
        vaekit.VEA  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(vaekit.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    modules = {
        name: place.replace(":", ".") for name, place in seen.items() if ":" not in vaekit.PUBLIC[name]
    }
    assert seen | modules == vaekit.PUBLIC


def test_every_error_is_public() -> None:
    errors = {k for k, v in vars(vaekit.core).items() if inspect.isclass(v) and issubclass(v, VaekitError)}
    assert errors <= set(vaekit.__all__)


LIGHT = {
    "import": "import vaekit; dir(vaekit); vaekit.METHODS; vaekit.VaekitError",
    "--help": "main(['--help'])",
    "--version": "main(['--version'])",
    "train --help": "main(['train', '--help'])",
    "train vae --help": "main(['train', 'vae', '--help'])",
    "sample --help": "main(['sample', '--help'])",
    "misspelt method": "main(['train', 'vea', '--data', 'digits'])",
    "misspelt option": "main(['train', 'vae', '--data', 'digits', '--bta', '4'])",
    "misspelt command": "main(['trian', 'vae'])",
}


@pytest.mark.parametrize("case", LIGHT)
def test_needs_no_torch(case: str) -> None:
    """In a process of its own; torch alone takes more than a second to import."""
    code = f"import sys\nfrom vaekit.cli.main import main\n{LIGHT[case]}\n"
    heavy = "heavy = {'torch', 'numpy', 'matplotlib', 'sklearn', 'PIL'} & sys.modules.keys()\nsys.exit(str(heavy) if heavy else 0)"
    done = subprocess.run(
        [sys.executable, "-c", code + heavy], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
