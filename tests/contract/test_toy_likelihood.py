"""A likelihood with an option of its own, registered with one line, passes every check and every command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from scipy.stats import laplace

from toy import SMALL, toy_data
from toy_likelihood import Laplace
from two_layers import TWO_LAYERS, TwoLayers
from vaekit import ELBO, VAE, VQVAE, SettingError, VaekitWarning, fit, load_run, resume
from vaekit.config import option
from vaekit.config.methods import METHODS
from vaekit.distributions import LIKELIHOODS
from vaekit.models import Autoencoder
from vaekit.testing import Check, checks_of, checks_of_likelihood


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line, and a model of the tests' own that takes likelihoods."""
    monkeypatch.setitem(LIKELIHOODS, "laplace", Laplace)
    monkeypatch.setitem(METHODS, "two-layers", TWO_LAYERS)


def all_checks() -> Iterator[tuple[str, Check]]:
    """Of the likelihood by itself, and in a model of each kind with `likelihood="laplace", spread=0.3`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LIKELIHOODS, "laplace", Laplace)
        patch.setitem(METHODS, "two-layers", TWO_LAYERS)
        for check in checks_of_likelihood("laplace(spread=0.3)"):
            yield f"alone: {check}", check
        for method in ("vae", "vqvae", "two-layers"):
            for check in checks_of(method, likelihood="laplace", spread=0.3):
                yield f"{method}: {check}", check


CHECKS = dict(all_checks())


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_it_passes(check: Check) -> None:
    check()


def test_it_is_scipys() -> None:
    model = VAE((3,), 2, pixels="real", likelihood=Laplace(spread=0.3))
    raw, x = torch.randn(4, 3), torch.randn(4, 3)
    expected = laplace.logpdf(x.numpy(), raw.numpy(), 0.3).sum(-1)
    torch.testing.assert_close(model.likelihood(raw).log_prob(x), torch.from_numpy(expected).float())


# On the command line --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "compare"])
def test_its_option_is_one_of_every_method_with_a_likelihood(terminal, command: str) -> None:
    with_likelihood = [name for name, entry in METHODS.items() if "likelihood" in entry.options()]
    assert len(with_likelihood) == len(METHODS) - 2 and "two-layers" in with_likelihood  # all but the GANs
    for words in [["train", name] for name in with_likelihood] if command == "train" else [["compare"]]:
        shown = " ".join(terminal(*words, "--help", "all").out.split())
        assert "--spread FLOAT laplace: mean absolute error that is expected (default: 0.1; above 0)" in shown
        more = ["--methods", "vae"] if command == "compare" else []
        refused = terminal(*words, *more, "--data", "digits", "--likelihood", "laplace", "--spread", 0)
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


@dataclass(frozen=True)
class Clashing(Laplace):
    """With an option that networks have too."""

    width: int = option(3, help="of its tails")


@dataclass(frozen=True)
class Differing(Laplace):
    """With an option of another type than that of other likelihoods."""

    sigma: str = option("small", help="in words")


@pytest.mark.parametrize(
    ("kind", "named"),
    [(Clashing, "have an option 'width'; rename one"), (Differing, "has different types in likelihood")],
)
def test_options_that_do_not_go_together_are_one_line(
    terminal, monkeypatch: pytest.MonkeyPatch, kind: type[Laplace], named: str
) -> None:
    monkeypatch.setitem(LIKELIHOODS, "laplace", kind)
    outcome = terminal("train", "vae", "--data", "digits")
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert named in outcome.err


# In Python ------------------------------------------------------------------------------------------

MODELS = {"vae": VAE, "vqvae": VQVAE, "two-layers": TwoLayers}


@pytest.mark.parametrize("method", MODELS)
@pytest.mark.parametrize(
    "given",
    [
        {"likelihood": Laplace(spread=0.3)},
        {"likelihood": "laplace(spread=0.3)"},
        {"likelihood": "laplace", "spread": 0.3},
    ],
    ids=["object", "text", "name"],
)
def test_however_it_is_given_it_is_at_the_model(method: str, given: dict) -> None:
    model: Autoencoder = MODELS[method]((1, 8, 8), **given)
    assert (model.likelihood.part, model.likelihood.spread) == (Laplace(spread=0.3), 0.3)
    assert (model.arguments["likelihood"], model.arguments["spread"]) == ("laplace", 0.3)
    assert type(model)(**model.arguments).arguments == model.arguments


@pytest.mark.parametrize("given", [Laplace(spread=0.3), "laplace(spread=0.3)"], ids=["object", "text"])
def test_a_run_of_python_keeps_it_when_loaded_and_resumed(given: object, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = VAE((1, 4, 4), 2, width=8, likelihood=given)
    stop = iter([None, "stopped"])
    fit(model, ELBO(), toy_data(), out=tmp_path / "run", epochs=2, batch_size=20, should_stop=lambda: next(stop), **SMALL)  # fmt: skip
    resume(tmp_path / "run", data=toy_data(), progress="none")
    run = load_run(tmp_path / "run")
    assert run.settings.model.likelihood == Laplace(spread=0.3)
    assert run.model.likelihood.part == Laplace(spread=0.3)  # type: ignore[attr-defined]
    assert run.summary is not None and run.summary.likelihood == "laplace"


def test_what_cannot_be_is_refused_before_anything_runs(tmp_path: Path) -> None:
    for wrong in (lambda: Laplace(spread=0.0), lambda: VAE((1, 4, 4), likelihood="laplace(spread=0.0)")):
        with pytest.raises(SettingError, match=r"^spread must be above 0, not 0\.0\.$"):
            wrong()
    with pytest.raises(SettingError, match=r"'laplace': unknown option 'spred'. Did you mean spread\?"):
        VAE((1, 4, 4), likelihood="laplace(spred=0.3)")
    with pytest.raises(SettingError, match="'laplace' is not defined on binary pixels"):
        VAE((1, 4, 4), pixels="binary", likelihood="laplace")
    with pytest.warns(
        VaekitWarning, match=r"spread=0\.3 has no effect with likelihood='bce': laplace has it"
    ):
        model = VAE((1, 4, 4), 2, width=8, likelihood="bce", spread=0.3)
    assert "spread" not in model.arguments
    fit(model, ELBO(), toy_data(), out=tmp_path / "run", epochs=1, **SMALL)
    assert "spread" not in (tmp_path / "run/config.json").read_text(encoding="utf-8")
