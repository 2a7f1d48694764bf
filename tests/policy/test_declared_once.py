"""An option is declared once: default, range and help are those of one field, and everything else is made from it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vaekit
from vaekit.cli import command_options
from vaekit.config.fields import Options, rule_of
from vaekit.config.likelihood_parts import LIKELIHOODS
from vaekit.config.methods import METHODS, PRIORS
from vaekit.config.network_parts import GRID_NETWORKS, NETWORKS
from vaekit.config.optimizer_parts import OPTIMIZERS
from vaekit.config.options import DataSettings, FitSettings
from vaekit.config.quantizer_parts import QUANTIZERS
from vaekit.config.schedule_parts import SCHEDULES
from vaekit.data import load_data
from vaekit.training.fit import fit

SOURCE = Path(vaekit.__file__).parent
TABLES = (LIKELIHOODS, NETWORKS, GRID_NETWORKS, QUANTIZERS, OPTIMIZERS, SCHEDULES)
EVERY = {**METHODS, **PRIORS}
PARTS = {kind.__name__: kind for table in TABLES for kind in table.values()}
SECTIONS: dict[str, type[Options]] = {
    **{section.__name__: section for entry in EVERY.values() for section in entry.sections().values()},
    **PARTS,
    **{
        name: kind
        for name, kind in vars(command_options).items()
        if isinstance(kind, type) and issubclass(kind, Options) and kind is not Options
    },
}
CALLED: dict[str, tuple[Callable[..., Any], type[Options]]] = {
    "fit": (fit, FitSettings),
    "load_data": (load_data, DataSettings),
    **{f"{name}: model": (entry.model_class(), entry.model_options) for name, entry in EVERY.items()},
    **{
        f"{name}: objective": (entry.objective_class(), entry.objective_options)
        for name, entry in EVERY.items()
    },
}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_option_has_its_text_and_a_default_that_fits(name: str) -> None:
    for field in dataclasses.fields(SECTIONS[name]):
        assert rule_of(field).help, f"{field.name} has no help"
    needed = {flag.name: "given" for flag in SECTIONS[name].flags() if flag.default is dataclasses.MISSING}
    SECTIONS[name](**needed)


@pytest.mark.parametrize("case", CALLED)
def test_arguments_are_the_fields(case: str) -> None:
    """With the same defaults, in the same order, and explained in the docstring."""
    called, section = CALLED[case]
    parameters = inspect.signature(called).parameters
    defaults = {
        flag.name: flag.default for flag in section.flags() if flag.default is not dataclasses.MISSING
    }
    assert {name: parameters[name].default for name in defaults} == defaults
    fields = [field.name for field in dataclasses.fields(section) if field.name in parameters]
    assert [name for name in parameters if name in fields] == fields
    doc = (called.__init__ if inspect.isclass(called) else called).__doc__ or ""
    assert all(f"\n    {name}: " in doc for name in defaults)


@pytest.mark.parametrize("name", EVERY)
def test_options_are_flat(name: str) -> None:
    options = EVERY[name].options()
    assert len(options) == len(set(options)), "two sections share a name"
    assert EVERY[name].overrides.keys() <= set(options)


def with_defaults(arguments: ast.arguments) -> list[str]:
    """Names of the parameters that have a default."""
    placed = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [a.arg for a in placed] + [a.arg for a, default in named if default is not None]


@pytest.mark.parametrize("room", ["models", "objectives", "networks", "distributions", "training"])
def test_no_constructor_and_no_fit_gives_an_option_a_default_of_its_own(room: str) -> None:
    """That would be a second declaration. What the data decide is no option."""
    known = {name for section in SECTIONS.values() for name in section.names()} - {
        "data",
        "pixels",
        "classes",
        "seed",  # of a model's weights alone, None for torch's own generator; a run's is the option
        "encoder",  # modules of the user's own: those of the command line are files
        "decoder",
    }
    repeated = [
        f"{path.name}: {node.name}({name}=...)"
        for path in (SOURCE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name in ("__init__", "fit")
        for name in with_defaults(node.args)
        if name in known
    ]
    assert repeated in ([], ["fit.py: fit(out=...)", "fit.py: fit(start=...)"])


def test_a_second_declaration_would_be_found() -> None:
    tree = ast.parse("def f(self, a, beta=1.0, *, gamma, sigma=0.1): ...").body[0]
    assert isinstance(tree, ast.FunctionDef)
    assert with_defaults(tree.args) == ["beta", "sigma"]
