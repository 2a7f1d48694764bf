"""What is shown while a run goes on, where, and when nothing is."""

from __future__ import annotations

import io
import re
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from rich.console import Console

from toy import SMALL, toy_data
from vaekit import load_data
from vaekit.data import Data, Split
from vaekit.metrics import METRICS
from vaekit.models import GAN, VAE, VQVAE
from vaekit.models.code_prior import CodePrior
from vaekit.models.mixture import Mixture
from vaekit.objectives.adversarial import Adversarial
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import CodeLength, Density
from vaekit.objectives.vq import QuantizedReconstruction
from vaekit.training.fit import fit
from vaekit.training.progress import Bar, Silent, choose_progress
from vaekit.training.resume import resume


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown_by(run: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a run writes to a terminal on standard error."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(
        "rich.console.Console",
        lambda **given: Console(**given, force_terminal=True, width=80, color_system=None),
    )
    run()
    return terminal.getvalue()


def test_silent_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert isinstance(choose_progress("auto"), Silent)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    assert isinstance(choose_progress("auto"), Bar)  # a notebook


def test_a_bar_on_a_terminal_unless_not_wanted_or_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(choose_progress("auto"), Bar)
    assert isinstance(choose_progress("none"), Silent)
    own = Silent()
    assert choose_progress(own) is own
    monkeypatch.setitem(sys.modules, "rich.console", None)  # type: ignore[arg-type]
    assert isinstance(choose_progress("auto"), Silent)


def test_training_without_a_terminal_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = SMALL | {"progress": "auto", "epochs": 1}
    fit(VAE((1, 4, 4), 2, width=8), ELBO(), toy_data(), **options)
    assert capfd.readouterr() == ("", "")


def test_a_bar_writes_to_standard_error_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    torch.manual_seed(0)
    model, histories = VAE((1, 4, 4), 2, width=8), []
    options: dict[str, Any] = SMALL | {"progress": "auto", "batch_size": 16, "epochs": 4}
    asked = iter([None] * 7 + ["stop"])

    def run() -> None:
        stop = lambda: next(asked)  # noqa: E731
        histories.append(fit(model, ELBO(), toy_data(), out=tmp_path / "run", should_stop=stop, **options))

    text = shown_by(run, monkeypatch)
    assert capsys.readouterr().out == ""
    last = re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", text).replace("\r", "\n").strip().splitlines()[-1]
    metrics = histories[0].metrics
    validation = [line for line in metrics if line.split == "validation"][-1].values
    train = [line for line in metrics if line.split == "train"][-1].values
    assert " 67%" in last
    assert "epoch 3/4" in last
    for expected in (
        f"−ELBO {train['negative_elbo_nats']:.2f}",
        f"dist {train['reconstruction_nats']:.2f}",
        f"rate {train['kl_nats']:.2f}",
        f"val −ELBO {validation['negative_elbo_nats']:.2f}",
    ):
        assert expected in last
    text = shown_by(lambda: resume(tmp_path / "run", data=toy_data()), monkeypatch)
    assert " 100%" in text
    assert " 0%" not in text  # it goes on where it was
    assert capsys.readouterr().out == ""


def test_every_name_that_is_shown_is_one_that_is_reported() -> None:
    images, rows = toy_data(), torch.randn(40, 3)
    grids = torch.randint(3, (40, 1, 2, 2)).float()
    codes = Data("codes", Split(grids[:30]), Split(grids[:0]), Split(grids[30:]), "real")
    runs = [
        (VAE((1, 4, 4), 2, width=8), ELBO(), images),
        (
            VQVAE((1, 4, 4), downsample=2, codes=8, code_dim=2, width=8, depth=1),
            QuantizedReconstruction(),
            images,
        ),
        (GAN((1, 4, 4), 2, width=8), Adversarial(), images),
        (
            CodePrior((1, 2, 2), width=8, depth=1, heads=2, codes=3),
            CodeLength(),
            codes,
        ),
        (Mixture((3,), 2), Density(), load_data(rows, pixels="real")),
    ]
    reported: set[str] = set()
    for model, objective, data in runs:
        history = fit(model, objective, data, epochs=1, **SMALL | {"weights": "last"})
        reported |= set(history.metrics[0].values)
    assert {key for key, metric in METRICS.items() if metric.short} <= reported
