"""A model with two layers of latents in one file passes every check and every command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from two_layers import TwoLayers, TwoLayersSettings
from vaekit.config.methods import METHODS, Method
from vaekit.config.objective_options import ELBOSettings
from vaekit.testing import Check, checks_of

METHOD = Method(
    TwoLayers,
    "vaekit.objectives.elbo:ELBO",
    TwoLayersSettings,
    ELBOSettings,
    "VAE with two layers of latents",
)
METHODS["two-layers"] = METHOD
CHECKS = checks_of("two-layers")
del METHODS["two-layers"]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    METHODS["two-layers"] = METHOD
    yield
    del METHODS["two-layers"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_hierarchy_passes(check: Check) -> None:
    check()
