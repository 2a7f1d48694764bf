"""What is new is written in one place: the test adds it there, and it is seen everywhere else.

A number or a term of one's own, and its one entry of METRICS: tests/contract/test_shown_numbers.py.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from vaekit import ELBO, METHODS, VAE, Method, SettingError, load_run
from vaekit.config import option, options_of
from vaekit.config.likelihood_parts import Gaussian
from vaekit.config.objective_options import ELBOSettings
from vaekit.core import Loss
from vaekit.data import Factor, Split
from vaekit.distributions import LIKELIHOODS
from vaekit.evaluation.factors.disentanglement import MEASURES, disentanglement
from vaekit.evaluation.outliers import SCORES, Setting
from vaekit.evaluation.table import rows
from vaekit.explorer.material import settings
from vaekit.metrics import METRICS, Metric
from vaekit.models import Model
from vaekit.reports.run import page
from vaekit.runs.load import Run

SMALL = ["--data", "digits", "--width", 8, "--latent-dim", 2, "--epochs", 1, "--device", "cpu"]


def check_it_is_everywhere(terminal: Any, command: list[object], name: str, help: str) -> Run:
    """An option `name` with the default 0.5, below 1, is in the help, checked, and kept as 0.25 with a run."""
    flag = f"--{name.replace('_', '-')}"
    shown = " ".join(terminal(*command, "--help", "all").out.split())
    assert f"{flag} FLOAT {help}" in shown
    assert "0.5; from 0 to below 1)" in shown.partition(flag)[2].partition("--")[0]
    refused = terminal(*command, *SMALL, flag, 1, "--out", "run")
    assert (refused.status, refused.err) == (
        2, f"vaekit: error: {flag} must be from 0 to below 1, not 1.0.\n",
    )  # fmt: skip
    assert not Path("run").exists()
    assert terminal(*command, *SMALL, flag, 0.25, "--out", "run").status == 0
    stored = json.loads(Path("run/config.json").read_text(encoding="utf-8"))
    assert stored["settings"][name] == 0.25
    run = load_run("run")
    assert run.settings.flat()[name] == 0.25
    report = page(run, {}, {})
    assert f"{name} = 0.25" in report and f"{flag} 0.25" in report
    assert f"<th><code>{name}</code></th><td><code>0.25</code></td>" in report
    assert {"name": name, "value": "0.25", "changed": True} in settings(run)
    assert terminal(command[0], command[1], "--config", "run/config.json", "--out", "again").status == 0
    assert load_run("again").settings.flat()[name] == 0.25
    return run


@dataclass(frozen=True)
class Tilted(Gaussian):
    """A likelihood that is there, and one field more."""

    tilt: float = option(0.5, at_least=0, below=1, help="how far it leans")


def test_an_option_of_a_likelihood(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIKELIHOODS, "gaussian", Tilted)
    run = check_it_is_everywhere(
        terminal, ["train", "vae", "--likelihood", "gaussian"], "tilt",
        "gaussian: how far it leans",
    )  # fmt: skip
    assert run.model.arguments["tilt"] == 0.25
    assert run.model.likelihood.part == Tilted(tilt=0.25)  # type: ignore[attr-defined]
    assert VAE((1, 4, 4), likelihood="gaussian(tilt=0.1)").arguments["tilt"] == 0.1
    with pytest.raises(SettingError, match="tilt must be from 0 to below 1, not 2"):
        VAE((1, 4, 4), likelihood="gaussian", tilt=2)


@dataclass(frozen=True)
class LeaningSettings(ELBOSettings):
    """One field more."""

    lean: float = option(0.5, at_least=0, below=1, help="weight of the lean")


class Leaning(ELBO):
    """An option and a term of its own."""

    @options_of(LeaningSettings)
    def __init__(self, options: LeaningSettings) -> None:
        super().__init__(options)
        self.lean = options.lean

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        loss = super().forward(model, x, y, values)
        lean = self.lean * loss.terms["kl_nats"]
        return Loss(loss.total + lean.mean(), {**loss.terms, "lean_nats": lean})


def test_an_option_and_a_term_of_an_objective(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an entry of METRICS, a term is shown by its name and the unit of its ending."""
    vae = METHODS["vae"]
    method = Method(VAE, Leaning, vae.model_options, LeaningSettings, "a VAE that leans")
    monkeypatch.setitem(METHODS, "leaning", method)
    run = check_it_is_everywhere(terminal, ["train", "leaning"], "lean", "weight of the lean")
    assert run.summary is not None
    test = run.summary.test.figures
    assert test["lean_nats"] == pytest.approx(0.25 * test["kl_nats"], rel=1e-5)
    shown = terminal("train", "leaning", *SMALL, "--lean", 0.25, "--out", "third").out
    line = next(line.split() for line in shown.splitlines() if line.startswith("lean "))
    assert line[-3:] == ["nats", "per", "image"] and float(line[2]) == pytest.approx(
        test["lean_nats"], abs=0.006
    )


def ink(split: Split, setting: Setting) -> Tensor:
    return split.images.double().flatten(1).mean(1)


def test_a_score_of_images(terminal, vae_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCORES, "ink", ink)
    words = ["score", vae_run, "--split", "test", "--scores", "ink", "--by", "ink", "--out", "s.csv"]
    assert terminal(*words).status == 0
    with Path("s.csv").open(encoding="utf-8") as lines:
        found = [float(row["ink"]) for row in csv.DictReader(lines)]
    images = load_run(vae_run).load_data().test.images
    expected = np.sort(images.numpy().reshape(len(images), -1).mean(1))[::-1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_measure_of_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What computes it in one line, what says what it is in another."""
    monkeypatch.setitem(MEASURES, "width", lambda table, seed: {"width": float(np.ptp(table.latents))})
    monkeypatch.setitem(METRICS, "width", Metric("width of the codes", "", "From end to end.", "lower"))
    codes = np.random.default_rng(0).random((1000, 2))
    record = disentanglement(codes, codes, (Factor("a", None), Factor("b", None))).as_dict()
    assert record["width"] == np.ptp(codes)
    row = next(row for row in rows({"images": 1000, "disentanglement": record}) if row.key == "width")
    assert (row.label, row.text) == ("width of the codes", f"{np.ptp(codes):.2f}")
    assert row.meaning.lower().startswith("from end to end")
