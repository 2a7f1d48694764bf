"""The API reference is whole: every public name explains its arguments, what it returns and raises, and has an example that runs."""

from __future__ import annotations

import ast
import contextlib
import copy
import doctest
import inspect
import io
import re
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaekit
from reference_page import entries, explained, methods
from vaekit.core import SettingError

NAMES = [name for name in vaekit.PUBLIC if callable(getattr(vaekit, name))]
RUNS: dict[str, dict[str, Any]] = {
    "first": {},
    "second": {"seed": 1},
    "binary": {"binarize": "static", "likelihood": "bernoulli"},
}
UNRUN = {
    "demo",
    "Demo",
    "explore",
    "push",
    "Pushed",
}  # a demonstration takes a minute, the explorer ends with Ctrl-C, a hub is elsewhere


def parameters(thing: Any) -> list[str]:
    """Names of the arguments that a caller gives."""
    try:
        return [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]
    except ValueError:  # an exception without a constructor of its own
        return []


def raised(thing: Any) -> set[str]:
    """Errors that its own body raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing))))
    found = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    calls = [node.func for node in found if isinstance(node, ast.Call)]
    return {node.id for node in calls if isinstance(node, ast.Name) and node.id in vaekit.PUBLIC}


def faults_of(thing: Any, loose: bool) -> list[str]:
    """What is missing: of a method (`loose`) its arguments may be explained within its sentences too, `x: (B, D)`."""
    found = explained(thing)
    listed = {
        n for part in ("Args", "Attributes", "Options") for e in entries(found.get(part, "")) for n in e.names
    }
    text = " ".join(found.values())
    in_prose = {name for name in parameters(thing) if re.search(rf"\b{name}: |`{name}`", text)}
    missing = set(parameters(thing)) - listed - (in_prose if loose else set())
    wrong = [f"argument {name}" for name in sorted(missing)]
    if not found[""]:
        wrong.append("no sentence")
    if not inspect.isclass(thing):
        wrong += [f"Raises {n}" for n in sorted(raised(thing)) if n not in found.get("Raises", "")]
    return wrong


def faults(name: str) -> list[str]:
    """What the reference lacks of a public name."""
    thing = getattr(vaekit, name)
    wrong, found = faults_of(thing, loose=False), explained(thing)
    if ">>>" not in found.get("Example", ""):
        wrong.append("Example")
    if inspect.isclass(thing):
        for key, value in methods(thing).items():
            plain = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            wrong += [f"{key}: {what}" for what in faults_of(plain, loose=True)]
    else:
        if inspect.signature(thing).return_annotation not in (None, "None") and "Returns" not in found:
            wrong.append("Returns")
        if "Raises" not in found:
            wrong.append("Raises")
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_is_explained(name: str) -> None:
    assert not faults(name)


def test_a_fault_is_found() -> None:
    def half(x: int, y: int) -> int:
        """Adds.

        Args:
            x: a number.
        """
        if x:
            raise OSError(x)
        raise SettingError("no")

    assert faults_of(half, loose=False) == ["argument y", "Raises SettingError"]
    assert faults_of(half, loose=True) == ["argument y", "Raises SettingError"]


@pytest.fixture(scope="module")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What examples find: the names that NAMESPACE describes, and runs/ and photos/ in the present folder."""
    folder = tmp_path_factory.mktemp("examples")
    with contextlib.chdir(folder):
        small: dict[str, Any] = {"latent_dim": 3, "width": 16, "steps": 6, "progress": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", vaekit.VaekitWarning)
            for name, options in RUNS.items():
                vaekit.train("vae", "digits", out=f"runs/{name}", **{**small, **options})
        for kind in ("sea", "sky"):
            Path("photos", kind).mkdir(parents=True)
            for number in range(20):
                values = np.random.default_rng([number, len(kind), ord(kind[1])]).integers(
                    0, 256, (16, 16, 3)
                )
                Image.fromarray(values.astype(np.uint8)).save(f"photos/{kind}/{number:03}.png")
        data, run = vaekit.load_data("digits"), vaekit.load_run("runs/first")
    names = {"vaekit": vaekit, "data": data, "run": run, "images": data.test.images[:8]}
    return {"folder": folder, "names": names}


@pytest.mark.parametrize("name", NAMES)
def test_its_example_runs(name: str, namespace: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(namespace["folder"])
    monkeypatch.setenv("VAEKIT_CACHE", str(namespace["folder"] / "cache"))
    names = {**namespace["names"], "model": copy.deepcopy(namespace["names"]["run"].model)}
    text = explained(getattr(vaekit, name)).get("Example", "")
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert (name in UNRUN) == any(each.options.get(doctest.SKIP) for each in example.examples)
    said = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", vaekit.VaekitWarning)
        failed = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.write).failed
    assert not failed, said.getvalue()
