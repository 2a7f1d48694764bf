"""An option is declared once: each section of settings has the arguments of what it configures."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from vaekit.cli.main import main
from vaekit.cli.parsing import field_docs
from vaekit.config.methods import METHODS, PRIORS
from vaekit.config.options import DataSettings, FitSettings
from vaekit.core import DataError
from vaekit.data import load_data
from vaekit.training.fit import fit

# Arguments for Python only: objects, and what the data or the folder say.
PYTHON_ONLY = {
    "load_data": {"labels"},
    "fit": {"model", "objective", "data", "out", "method", "progress", "should_stop"},
    "model": {"shape", "pixels", "classes", "encoder", "decoder"},
    "objective": set[str](),
}
PAIRS: dict[str, tuple[type, Callable[..., Any], set[str]]] = {
    "load_data": (DataSettings, load_data, PYTHON_ONLY["load_data"]),
    "fit": (FitSettings, fit, PYTHON_ONLY["fit"]),
}
for name, method in {**METHODS, **PRIORS}.items():
    decided = PYTHON_ONLY["model"] - {field.name for field in dataclasses.fields(method.model_options)}
    PAIRS[f"{name}: model"] = (method.model_options, method.model_class(), decided)
    PAIRS[f"{name}: objective"] = (
        method.objective_options,
        method.objective_class(),
        PYTHON_ONLY["objective"],
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_section_mirrors_signature(pair: str) -> None:
    section, configured, python_only = PAIRS[pair]
    declared = {field.name: field.default for field in dataclasses.fields(section)}
    declared = {k: inspect.Parameter.empty if v is dataclasses.MISSING else v for k, v in declared.items()}
    parameters = inspect.signature(configured).parameters
    taken = {name: p.default for name, p in parameters.items() if name not in python_only}
    assert declared == taken
    assert list(declared) == list(taken), "same names in another order"


@pytest.mark.parametrize("method", METHODS)
def test_options_are_flat_and_explained(method: str) -> None:
    options = METHODS[method].options()
    assert len(options) == len(set(options)), "two sections share a name"
    for section in METHODS[method].sections().values():
        unexplained = {field.name for field in dataclasses.fields(section)} - field_docs(section).keys()
        assert not unexplained


@pytest.mark.parametrize("method", METHODS)
def test_overrides_are_options(method: str) -> None:
    assert METHODS[method].overrides.keys() <= set(METHODS[method].options())


WORDS = {  # what may be said of a source: words of the command line, and the argument of load_data
    "--data-dir here": ("data_dir", "here"),
    "--image-size 48x64": ("image_size", "48x64"),
    "--fit pad": ("fit", "pad"),
    "--layout NHWC": ("layout", "NHWC"),
    "--images-key a": ("images_key", "a"),
    "--labels-key b": ("labels_key", "b"),
    "--pixels unit": ("pixels", "unit"),
    "--binarize static": ("binarize", "static"),
    "--validation 0.25": ("validation", 0.25),
}


def test_vaekit_data_has_the_options_of_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reaches `load_data` under its name."""
    given: dict[str, Any] = {}

    def load(**arguments: Any) -> None:
        given.update(arguments)
        raise DataError("seen.")

    monkeypatch.setattr("vaekit.data.load_data", load)
    wanted = dict(WORDS.values())
    assert wanted.keys() | {"data"} == inspect.signature(load_data).parameters.keys() - {"labels"}
    assert main(["data", "digits", *(word for words in WORDS for word in words.split())]) == 2
    assert given == {"data": "digits"} | wanted
