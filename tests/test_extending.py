"""The program of docs/extending.md, run as it stands there."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vaekit import ELBO, METHODS, VAE, SettingError, fit, load_data, load_run
from vaekit.coding.exact_vae import exact_model
from vaekit.coding.of_networks import TRANSLATIONS
from vaekit.distributions import LIKELIHOODS
from vaekit.metrics import METRICS
from vaekit.models import capabilities
from vaekit.networks import NETWORKS
from vaekit.testing import checks_of

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "extending.md").read_text(encoding="utf-8")
PROGRAM = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
TABLES: tuple[dict[Any, Any], ...] = (METHODS, NETWORKS, LIKELIHOODS, METRICS, TRANSLATIONS)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The page's program as a module; what it added to the tables is taken out again."""
    before = [dict(table) for table in TABLES]
    path = tmp_path_factory.mktemp("extending") / "mine.py"
    path.write_text(PROGRAM, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("mine", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mine"] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["mine"]
        for table, entries in zip(TABLES, before, strict=True):
            table.clear()
            table.update(entries)


def test_each_table_gained_one_line(mine: ModuleType) -> None:
    last = [list(table)[-1] for table in TABLES]
    assert last == ["two-layers", "linear", "laplace", "rate_error_nats", mine.LinearMap]


@torch.no_grad()
def test_the_network_is_computed_in_whole_numbers(mine: ModuleType) -> None:
    model = VAE(
        (1, 4, 3), latent_dim=2, network="linear", likelihood="bernoulli", bias=False, pixels="binary"
    ).eval()
    z = torch.tensor([[1.5, -0.25], [0.0, 2.0]])
    found = exact_model(model).decoder.run({"z": (z * 4096).numpy()})["raw"] / 4096
    assert found == pytest.approx(model.decoder(z).flatten(1).numpy(), abs=1e-3)


@pytest.mark.parametrize("file", ["toy_likelihood.py", "two_layers.py"])
def test_the_page_shows_the_toys_of_the_contract_tests(file: str) -> None:
    """Class for class and function for function, so that what passes there is what is read here."""

    def definitions(text: str) -> dict[str, str]:
        nodes = [n for n in ast.parse(text).body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
        return {node.name: ast.unparse(node) for node in nodes}

    shown, toys = definitions(PROGRAM), definitions((TESTS / file).read_text(encoding="utf-8"))
    assert len(toys) > 1
    assert {name: shown.get(name) for name in toys} == toys


def test_the_table_of_protocols_is_complete() -> None:
    """Every protocol of `vaekit.models.capabilities` that is not itself a part of one, with all its methods."""
    found = {
        name: re.findall(r"`(\w+)`", methods)
        for name, methods in re.findall(r"^\| `(\w+)` \| (`.*?) \| .*\|$", PAGE, re.MULTILINE)
        if hasattr(capabilities, name)
    }
    protocols = {
        name: kind
        for name, kind in vars(capabilities).items()
        if getattr(kind, "_is_runtime_protocol", False) and kind.__module__ == capabilities.__name__
    }
    assert found.keys() == protocols.keys()
    for name, kind in protocols.items():
        methods = [key for key, value in vars(kind).items() if callable(value) and not key.startswith("_")]
        assert found[name] == methods, name


def test_the_table_of_needs_is_that_of_the_objectives() -> None:
    section = PAGE[PAGE.index("## An objective") :]
    listed = {}
    for names, needs in re.findall(r"^\| (`.*?) \| (`.*?) \|$", section, re.MULTILINE):
        listed |= dict.fromkeys(re.findall(r"`(\w+)`", names), re.findall(r"`(\w+)`", needs))
    kinds = {entry.objective_class() for name, entry in METHODS.items() if name != "two-layers"}
    assert {kind.__name__: [need.__name__ for need in kind.needs] for kind in kinds} == listed


@pytest.mark.parametrize(
    ("method", "options"),
    [("two-layers", {}), ("vae", {"likelihood": "laplace", "spread": 0.2, "network": "linear"})],
)
def test_the_method_passes_the_checks(mine: ModuleType, method: str, options: dict) -> None:
    """The commands are typed below, and checked with the same toys in tests/contract."""
    for check in checks_of(method, commands=False, **options):
        check()


def test_it_trains_keeps_its_run_and_is_loaded_again(
    mine: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images = mine.train("mine")
    assert images.shape == (16, 1, 8, 8)
    run = load_run("mine")
    assert run.settings.method == "two-layers"
    assert run.model.arguments["hidden"] == 64
    assert run.settings.flat()["rate"] == 8.0
    assert run.summary.test.kl_nats == pytest.approx(8.0, abs=1.0)
    data = load_data("digits")
    mean = data.train.images.double().mean(0) / 255
    constant = (data.test.images / 255 - mean).abs() / 0.2 + math.log(2 * 0.2)
    assert run.summary.test.reconstruction_nats < constant.sum((1, 2, 3)).mean().item()


def test_a_linear_network_is_what_it_says(mine: ModuleType) -> None:
    """Parameters by hand, on arrays; labels are inputs more."""
    data = load_data(torch.randn(300, 2) @ torch.randn(2, 9), pixels="real")
    model = VAE(data.shape, pixels=data.pixels, latent_dim=2, network=mine.Linear())
    history = fit(model, ELBO(), data, epochs=1, progress="none", device="cpu")
    assert history.summary.parameters == (9 * 4 + 4) + (2 * 9 + 9)
    with_labels = VAE((9,), pixels="real", latent_dim=2, classes=3, network="linear(bias=False)")
    assert sum(p.numel() for p in with_labels.parameters()) == (9 + 3) * 4 + (2 + 3) * 9


def test_the_arguments_are_the_options(mine: ModuleType) -> None:
    entry = METHODS["two-layers"]
    model = mine.TwoLayers((4, 1, 1), pixels="real")
    assert set(entry.model_options.of(entry.overrides).flat()) == {"hidden", "likelihood", "spread"}
    assert (model.arguments["hidden"], model.can_sample()) == (32, True)
    assert mine.TargetRate().arguments == entry.objective_options().flat()
    with pytest.raises(SettingError, match=r"unknown option 'hiden'. Did you mean hidden\?"):
        mine.TwoLayers((4, 1, 1), hiden=3)


def test_the_program_is_a_command_line(mine: ModuleType, tmp_path: Path) -> None:
    """It ends with what comes next, samples, and is evaluated with the quality of its samples."""

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(mine.__file__), *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")

    words = ["--data", "digits", "--rate", "3", "--epochs", "1", "--hidden", "16", "--spread", "0.3"]
    done = typed("train", "two-layers", *words, "--out", "run", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    following = done.stdout[done.stdout.index("next") :].split("\n")
    assert [line.split()[-2:] for line in following if line] == [
        ["explore", "run"], ["figures", "run"], ["reconstruct", "run"], ["sample", "run"],
    ]  # fmt: skip
    assert "rate error" in done.stdout
    run = load_run(tmp_path / "run")
    assert run.model.can_sample()
    flat = run.settings.flat()
    assert (flat["rate"], flat["hidden"], flat["likelihood"], flat["spread"]) == (3.0, 16, "laplace", 0.3)
    assert run.model.likelihood.spread == 0.3  # type: ignore[attr-defined]
    found = typed("evaluate", "run", "--samples", "5", "--json")
    assert found.returncode == 0, found.stderr
    values = json.loads(found.stdout)
    assert values["quality"]["images"]["compared"] > 0
    assert values["health"]["latent_dimensions"] == 10
    refused = typed("train", "vae", "--data", "digits", "--likelihood", "laplace", "--spread", "0")
    assert refused.returncode == 2
    assert refused.stderr == "vaekit: error: --spread must be above 0, not 0.0.\n"
    shown = " ".join(typed("train", "two-layers", "--help", "all").stdout.split())
    assert "units of each perceptron" in shown and "mean absolute error that is expected" in shown
