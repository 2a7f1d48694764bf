"""The program of docs/extending.md, run as it stands there."""

from __future__ import annotations

import importlib.util
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from scipy.stats import laplace

from vaekit import METHODS, VAE, SettingError, VaekitWarning, fit, load_data, load_run
from vaekit.distributions import LIKELIHOODS, build_likelihood
from vaekit.metrics import METRICS
from vaekit.networks import NETWORKS

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
TABLES = (METHODS, NETWORKS, LIKELIHOODS, METRICS)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The page's program as a module; what it added to the tables is taken out again."""
    before = [dict(table) for table in TABLES]
    path = tmp_path_factory.mktemp("extending") / "mine.py"
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path.write_text("\n\n".join(blocks), encoding="utf-8")
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
            table.update(entries)  # type: ignore[arg-type]


def test_each_table_gained_one_line(mine: ModuleType) -> None:
    assert [list(table)[-1] for table in TABLES] == ["mixture-rate", "linear", "laplace", "rate_error_nats"]


def test_it_trains_keeps_its_run_and_is_loaded_again(
    mine: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images = mine.train("mine")
    assert images.shape == (16, 1, 8, 8)
    run = load_run("mine")
    assert run.settings.method == "mixture-rate"
    assert run.model.arguments["components"] == 5
    assert run.settings.flat()["rate"] == 8.0
    assert run.summary.test.kl_nats == pytest.approx(8.0, abs=1.0)
    data = load_data("digits")
    mean = data.train.images.double().mean(0) / 255
    constant = (data.test.images / 255 - mean).abs() / 0.2 + math.log(2 * 0.2)
    assert run.summary.test.reconstruction_nats < constant.sum((1, 2, 3)).mean().item()


def test_what_is_loaded_is_what_was_trained(mine: ModuleType, tmp_path: Path) -> None:
    data = load_data("digits")
    model = mine.MixtureVAE(data.shape, components=3, latent_dim=2, network="linear", likelihood="laplace")
    fit(model, mine.TargetRate(rate=2.0), data, out=tmp_path / "run", epochs=1, progress="none", device="cpu")
    loaded = load_run(tmp_path / "run").model
    x = data.test.images[:5]
    assert torch.equal(loaded.reconstruct(x), model.reconstruct(x))  # type: ignore[attr-defined]
    draws = [m.sample(4, generator=torch.Generator().manual_seed(0)) for m in (model, loaded)]
    assert torch.equal(draws[0], draws[1])


def test_the_likelihood_is_scipys(mine: ModuleType) -> None:
    likelihood = build_likelihood("laplace", "real", (3,), scale=0.3)
    raw, x = torch.randn(4, 3), torch.randn(4, 3)
    expected = laplace.logpdf(x.numpy(), raw.numpy(), 0.3).sum(-1)
    torch.testing.assert_close(likelihood(raw).log_prob(x), torch.from_numpy(expected).float())


def test_an_option_of_a_part_is_an_option_of_every_method_that_has_such_a_part(mine: ModuleType) -> None:
    """The field alone was written: flag, type, range, file and constructor follow."""
    for name, entry in METHODS.items():
        assert ("scale" in entry.options()) == ("likelihood" in entry.options()), name
    objects = VAE((4,), pixels="real", likelihood=mine.Laplace(scale=0.3))
    for likelihood, options in (("laplace(scale=0.3)", {}), ("laplace", {"scale": 0.3})):
        model = VAE((4,), pixels="real", likelihood=likelihood, **options)
        assert model.arguments == objects.arguments
        assert model.arguments["scale"] == 0.3
    with pytest.raises(SettingError, match="scale must be above 0, not -1") as caught:
        mine.Laplace(scale=-1)
    assert caught.value.option == "scale"
    with pytest.warns(
        VaekitWarning, match="scale=0.3 has no effect with likelihood='gaussian': laplace has it"
    ):
        VAE((4,), pixels="real", likelihood="gaussian", scale=0.3)


def test_the_arguments_are_the_options(mine: ModuleType) -> None:
    entry = METHODS["mixture-rate"]
    model = mine.MixtureVAE((4,), pixels="real", latent_dim=2)
    assert set(entry.model_options.of(entry.overrides).flat()) == {
        "latent_dim", "network", "bias", "likelihood", "scale", "components",
    }  # fmt: skip
    assert model.arguments["components"] == 8
    assert mine.TargetRate().arguments == entry.objective_options().flat()
    with pytest.raises(SettingError, match=r"unknown option 'componets'. Did you mean components\?"):
        mine.MixtureVAE((4,), pixels="real", componets=3)


def test_it_serves_arrays_too(mine: ModuleType) -> None:
    torch.manual_seed(0)
    data = load_data(torch.randn(300, 2) @ torch.randn(2, 9), pixels="real")
    model = mine.MixtureVAE(data.shape, pixels=data.pixels, latent_dim=2, network="linear")
    history = fit(model, mine.TargetRate(), data, epochs=1, progress="none", device="cpu")
    assert history.summary.parameters == (9 * 4 + 4) + (2 * 9 + 9) + 8 + 2 * 8 * 2


def test_the_program_is_a_command_line(mine: ModuleType, tmp_path: Path) -> None:
    words = [
        "train",
        "mixture-rate",
        "--data",
        "digits",
        "--rate",
        "3",
        "--epochs",
        "1",
        "--components",
        "4",
        "--scale",
        "0.3",
    ]
    command = [sys.executable, str(mine.__file__), *words, "--out", "run", "--device", "cpu"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    run = load_run(tmp_path / "run")
    assert (run.settings.flat()["rate"], run.settings.flat()["components"]) == (3.0, 4)
    assert (run.settings.flat()["likelihood"], run.settings.flat()["network"]) == ("laplace", "linear")
    assert run.settings.flat()["scale"] == 0.3
    assert run.model.likelihood.scale == 0.3  # type: ignore[attr-defined]
    for words in (
        ["sample", "run"],
        ["reconstruct", "run"],
        ["evaluate", "run", "--samples", "5", "--skip-quality"],
    ):
        command = [sys.executable, str(mine.__file__), *words]
        used = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
        assert used.returncode == 0, used.stderr
    command = [
        sys.executable,
        str(mine.__file__),
        "train",
        "vae",
        "--data",
        "digits",
        "--likelihood",
        "laplace",
        "--scale",
        "0",
    ]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert refused.returncode == 2
    assert refused.stderr == "vaekit: error: --scale must be above 0, not 0.0.\n"
    command = [sys.executable, str(mine.__file__), "train", "mixture-rate", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert "number of normals in the prior" in " ".join(shown.split())
