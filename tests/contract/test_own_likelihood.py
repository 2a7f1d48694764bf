"""A likelihood with an option of its own, registered with one line, passes every check and every command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from scipy.stats import laplace

from own_likelihood import Laplace
from vaekit import VAE, load_run
from vaekit.config import option
from vaekit.config.methods import METHODS
from vaekit.distributions import LIKELIHOODS
from vaekit.testing import Check, checks_of

METHOD = dataclasses.replace(METHODS["vae"], overrides={"likelihood": "laplace", "spread": 0.3})
LIKELIHOODS["laplace"] = Laplace
METHODS["laplace-vae"] = METHOD
CHECKS = checks_of("laplace-vae")
del METHODS["laplace-vae"], LIKELIHOODS["laplace"]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """The one line, and a method whose default it is."""
    LIKELIHOODS["laplace"] = Laplace
    METHODS["laplace-vae"] = METHOD
    yield
    del METHODS["laplace-vae"], LIKELIHOODS["laplace"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_it_passes(check: Check) -> None:
    check()


def test_it_is_scipys() -> None:
    model = VAE((3,), 2, pixels="real", likelihood=Laplace(spread=0.3))
    raw, x = torch.randn(4, 3), torch.randn(4, 3)
    expected = laplace.logpdf(x.numpy(), raw.numpy(), 0.3).sum(-1)
    torch.testing.assert_close(model.likelihood(raw).log_prob(x), torch.from_numpy(expected).float())


@pytest.mark.parametrize(
    "method", [name for name, entry in METHODS.items() if "likelihood" in entry.options()]
)
def test_its_option_is_one_of_every_method_with_a_likelihood(terminal, method: str) -> None:
    shown = " ".join(terminal("train", method, "--help").out.split())
    assert "--spread FLOAT laplace: mean absolute error that is expected (default: 0.1; above 0)" in shown
    refused = terminal("train", method, "--data", "digits", "--likelihood", "laplace", "--spread", 0)
    assert (refused.status, refused.err) == (2, "vaekit: error: --spread must be above 0, not 0.0.\n")


def test_a_run_keeps_it(terminal) -> None:
    words = ["--data", "digits", "--width", 8, "--latent-dim", 2, "--epochs", 1, "--likelihood", "laplace"]
    assert terminal("train", "vae", *words, "--spread", 0.25, "--out", "run").status == 0
    stored = json.loads(Path("run/config.json").read_text(encoding="utf-8"))["settings"]
    assert (stored["likelihood"], stored["spread"], "sigma" in stored) == ("laplace", 0.25, False)
    assert load_run("run").settings.model.likelihood == Laplace(0.25)
    assert terminal("train", "vae", "--config", "run/config.json", "--out", "again").status == 0
    assert load_run("again").settings.model == load_run("run").settings.model
    said = terminal("train", "vae", "--config", "run/config.json", "--likelihood", "bce", "--out", "other")
    assert "note: --spread 0.25 has no effect with --likelihood bce: laplace has it." in said.err


@dataclasses.dataclass(frozen=True)
class Clashing(Laplace):
    """With an option that networks have too."""

    width: int = option(3, help="of its tails")


@dataclasses.dataclass(frozen=True)
class Differing(Laplace):
    """With an option of another type than that of other likelihoods."""

    sigma: str = option("small", help="in words")


@pytest.mark.parametrize(
    ("kind", "named"),
    [(Clashing, "have an option 'width'; rename one"), (Differing, "has different types in likelihood")],
)
def test_options_that_do_not_go_together_are_one_line(terminal, kind: type[Laplace], named: str) -> None:
    LIKELIHOODS["laplace"] = kind
    outcome = terminal("train", "vae", "--data", "digits")
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert named in outcome.err
