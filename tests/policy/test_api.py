"""The public Python names: what vanishes, is renamed or gets another default has its line in CHANGELOG.md.

api.txt has every public name with its parameters and their defaults. `python tests/policy/test_api.py` writes it again after a
change that is meant, and refuses while something that people may use is gone without a line under Changed or Removed.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reference_page import methods
from vaekit.config.methods import METHODS

FROZEN = Path(__file__).with_name("api.txt")
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
ROOMS = ("vaekit", "vaekit.plots", "vaekit.estimators", "vaekit.testing")

Names = dict[str, ast.arguments | None]
"""Public name -> its parameters; None of what is not called."""


def line_of(name: str, thing: Any) -> str:
    """`name(a, *, b=1)`, a default that cannot be typed as `...`; `name` alone of what is not called."""
    try:
        given = inspect.signature(thing)
    except (TypeError, ValueError):  # a table, a number; an exception without a constructor of its own
        return name
    parts = []
    for part in given.parameters.values():
        typed = isinstance(part.default, None | bool | int | float | str | tuple)
        default = part.default if part.default is part.empty or typed else ...
        parts.append(part.replace(annotation=part.empty, default=default))
    shown = str(given.replace(parameters=parts, return_annotation=given.empty))
    return name + re.sub(r"\((self|cls)(, )?", "(", shown, count=1).replace("=Ellipsis", "=...")


def lines_of_class(name: str, kind: type) -> Iterator[str]:
    """Its public methods, properties and fields."""
    fields = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    yield from (f"{name}.{field}" for field in fields if not field.startswith("_"))
    for key, member in methods(kind).items():
        called = getattr(member, "__func__", member)
        yield f"{name}.{key}" if isinstance(member, property) else line_of(f"{name}.{key}", called)


def is_record(thing: Any) -> bool:
    """Whether it is an answer, which vaekit makes and people read."""
    made_by_people = ("config", "data", "objectives")
    return dataclasses.is_dataclass(thing) and thing.__module__.split(".")[1] not in made_by_people


def lines_of_method(name: str) -> str:
    """The options of `vaekit.train(name, ...)`."""
    options = [flag for flags in METHODS[name].flags().values() for flag in flags if not flag.decided]
    given = [f.name if f.default is dataclasses.MISSING else f"{f.name}={f.default!r}" for f in options]
    return f"vaekit.train.{name.replace('-', '_')}(*, {', '.join(given)})"


def current() -> str:
    """What api.txt has."""
    lines = []
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            thing = getattr(module, name)
            lines.append(f"{room}.{name}" if is_record(thing) else line_of(f"{room}.{name}", thing))
            if inspect.isclass(thing):
                lines += lines_of_class(f"{room}.{name}", thing)
    lines += map(lines_of_method, METHODS)
    return "\n".join(sorted(dict.fromkeys(lines))) + "\n"


def read(listing: str) -> Names:
    """The names of a listing with their parameters."""
    found: Names = {}
    for line in listing.splitlines():
        name, bracket, rest = line.partition("(")
        made = ast.parse(f"def f({rest}: pass").body[0] if bracket else None
        found[name] = made.args if isinstance(made, ast.FunctionDef) else None
    return found


def parameters(given: ast.arguments) -> dict[str, str | None]:
    """Name -> default as it is typed; None of what must be given."""
    placed = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(placed) - len(given.defaults)) + [*given.defaults, *given.kw_defaults]
    named = [part.arg for part in (*placed, *given.kwonlyargs)]
    return {
        name: None if value is None else ast.unparse(value)
        for name, value in zip(named, defaults, strict=True)
    }


def broken(before: Names, now: Names) -> list[tuple[str, str]]:
    """Names and parameters on which a program may rely and that are no longer as they were: (name, parameter or "")."""
    found = [(name, "") for name in before if name not in now]
    for name, was in before.items():
        is_now = now.get(name)
        if was is None or is_now is None:
            found += [(name, "")] * (was is not None and name in now)
            continue
        old, new = parameters(was), parameters(is_now)
        found += [(name, part) for part, default in old.items() if lost(part, default, new)]
        found += [(name, part) for part, default in new.items() if part not in old and default is None]
        places = [part.arg for part in (*was.posonlyargs, *was.args)]
        places_now = [part.arg for part in (*is_now.posonlyargs, *is_now.args)]
        moved = [part for k, part in enumerate(places) if part in new and places_now[k : k + 1] != [part]]
        found += [(name, part) for part in moved if (name, part) not in found]
        stars = [("*", was.vararg, is_now.vararg), ("**", was.kwarg, is_now.kwarg)]
        found += [(name, there.arg) for _, there, still in stars if there is not None and still is None]
    return found


def lost(part: str, default: str | None, new: dict[str, str | None]) -> bool:
    """Whether a parameter is gone, or has another default; one that had none may get one."""
    return part not in new or (default is not None and new[part] != default)


def untold(found: list[tuple[str, str]], changelog: str) -> list[str]:
    """Those of which no item under Changed or Removed of the newest version has the name and the parameter in backticks."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    told = []
    for section in re.split(r"^### ", newest, flags=re.MULTILINE):
        if section.startswith(("Changed", "Removed")):
            for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]:
                told.append(set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", item)))))
    missing = []
    for name, part in found:
        words = {*name.split(".")[1:], part} - {"", "plots", "estimators", "testing"}
        if not any(words <= item for item in told):
            missing.append(f"{name}({part})" if part else name)
    return missing


def test_nothing_vanishes_without_a_line() -> None:
    """Neither a name nor a parameter, and no default is another one."""
    found = broken(read(FROZEN.read_text(encoding="utf-8")), read(current()))
    assert not untold(found, CHANGELOG.read_text(encoding="utf-8"))


def test_the_listing_is_that_of_today() -> None:
    assert current() == FROZEN.read_text(encoding="utf-8"), "python tests/policy/test_api.py"


MADE = "vaekit.fit(model, data, *, epochs=10, out=None, **more)\nvaekit.Run\nvaekit.Run.path\nvaekit.load(x, y=(1, 'a b'))\n"


@pytest.mark.parametrize(
    ("line", "becomes", "missing"),
    [
        ("vaekit.Run.path\n", "", ["vaekit.Run.path"]),  # vanished
        ("vaekit.load(", "vaekit.read(", ["vaekit.load"]),  # renamed
        ("epochs=10", "epochs=20", ["vaekit.fit(epochs)"]),
        ("epochs=10", "epochs=10.0", ["vaekit.fit(epochs)"]),  # another type
        ("epochs=10", "epochs", ["vaekit.fit(epochs)"]),  # must be given
        ("epochs=10, ", "", ["vaekit.fit(epochs)"]),
        ("model, data", "data, model", ["vaekit.fit(model)", "vaekit.fit(data)"]),  # another order
        ("data, *, epochs=10", "*, data, epochs=10", ["vaekit.fit(data)"]),  # by name alone
        (", **more", "", ["vaekit.fit(more)"]),
        ("data, *", "data, new, *", ["vaekit.fit(new)"]),  # one more that must be given
        ("y=(1, 'a b')", "y=(1, 'b')", ["vaekit.load(y)"]),
        ("data, *", "data, new=1, *", []),  # what may be added
        ("epochs=10", "epochs=10, new=1", []),
        ("(x, ", "(x=0, ", []),
        ("vaekit.Run\n", "vaekit.Run\nvaekit.Run.more\n", []),
    ],
)
def test_a_change_that_breaks_programs_is_found(line: str, becomes: str, missing: list[str]) -> None:
    assert line in MADE
    found = broken(read(MADE), read(MADE.replace(line, becomes)))
    assert (
        untold(found, "# Changelog\n## [Unreleased]\n### Added\n- `load`, `Run.path`, `fit(epochs=)`\n")
        == missing
    )
    words = "- `fit`: `model`, `data`, `epochs`, `new` and `more` are others.\n- `Run.path`,\n  `load` and its `y` too.\n"
    assert not untold(found, f"# Changelog\n## [Unreleased]\n### Changed\n{words}")
    assert (
        untold(found, f"## [Unreleased]\n### Changed\n## 0.1\n### Changed\n{words}") == missing
    )  # an old version's


def test_the_listing_reads_defaults(api: Callable[[str], dict[str, str | None]]) -> None:
    """A few that are known, from the code alone."""
    assert api("vaekit.VAE")["latent_dim"] == "20" and api("vaekit.VAE")["shape"] is None
    assert api("vaekit.train.beta_vae")["beta"] == str(float(METHODS["beta-vae"].objective_options().beta))
    assert "seed" in api("vaekit.fit") and "vaekit.History.test" in read(FROZEN.read_text(encoding="utf-8"))


@pytest.fixture
def api() -> Callable[[str], dict[str, str | None]]:
    names = read(FROZEN.read_text(encoding="utf-8"))
    return lambda name: parameters(found) if (found := names[name]) is not None else {}


if __name__ == "__main__":
    listing = current()
    old = FROZEN.read_text(encoding="utf-8") if FROZEN.is_file() else ""
    if unsaid := untold(broken(read(old), read(listing)), CHANGELOG.read_text(encoding="utf-8")):
        sys.exit(f"CHANGELOG.md has no line under Changed or Removed of: {', '.join(unsaid)}")
    FROZEN.write_text(listing, encoding="utf-8")
