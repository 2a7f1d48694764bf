"""What is shown while a run goes on, where, and when nothing is."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from toy import SMALL, Hands, toy_data
from vaekit import load_data
from vaekit.core import SettingError
from vaekit.data import Data, Split
from vaekit.metrics import METRICS
from vaekit.models import GAN, VAE, VQVAE
from vaekit.models.code_prior import CodePrior
from vaekit.models.mixture import Mixture
from vaekit.objectives.adversarial import Adversarial
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import CodeLength, Density
from vaekit.objectives.vq import QuantizedReconstruction
from vaekit.runtime.screens import Lines
from vaekit.training.fit import fit
from vaekit.training.progress import Shown, ShowsTime, Silent, Timed, choose_progress
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


def test_none_shows_nothing_and_an_own_display_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(choose_progress("auto"), Shown)
    assert isinstance(choose_progress("none"), Silent)
    own = Silent()
    assert choose_progress(own) is own
    with pytest.raises(SettingError, match="progress"):
        choose_progress("bar")


def test_a_training_that_is_over_at_once_writes_nothing_without_a_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = SMALL | {"progress": "auto", "epochs": 1}
    fit(VAE((1, 4, 4), 2, width=8), ELBO(), toy_data(), **options)
    assert capfd.readouterr() == ("", "")


def scripted(shown: Any, hands: Hands, *, validation: int = 30, busy: int = 0, first: float = 0.0) -> Timed:
    """A run of ten epochs of eight steps: 0.5 s a step, 0.4 s for each 30 images that are measured."""
    data: Any = SimpleNamespace(validation=range(validation), test=range(60))
    timed = Timed(shown, data, 10, 8, clock=hands)
    timed.begin(10, 80, 0)
    if first:  # a validation before the first step
        hands.turn(first)
        timed.report("validation", 0, {"negative_elbo_nats": 3.0})
    for step in range(1, 81):
        hands.turn(0.5 + 20.0 * (step == busy))
        timed.advance(step)
        if step % 8 == 0 and validation:
            hands.turn(0.4 * validation / 30)
            timed.report("validation", step // 8, {"negative_elbo_nats": 2.0})
    hands.turn(0.4 * (validation + 60) / 30)  # the test split, and validation with the chosen weights
    timed.end()
    return timed


def test_a_validation_before_the_first_step_is_no_measure() -> None:
    """It fills memory and caches: here it takes twenty times as long as those to come."""
    assert scripted(None, Hands(), first=8.0).seconds == pytest.approx(
        8 + 80 * 0.5 + 10 * 0.4 + 1.2, rel=0.05
    )


class Noted(Silent):
    """Notes what it hears of time."""

    def __init__(self) -> None:
        self.forecasts: list[float] = []
        self.lefts: list[float] = []

    def forecast(self, seconds: float) -> None:
        self.forecasts.append(seconds)

    def left(self, seconds: float) -> None:
        self.lefts.append(seconds)


def test_the_forecast_and_what_is_left_are_those_of_a_known_run() -> None:
    hands, noted = Hands(), Noted()
    began = hands.now
    timed = scripted(noted, hands)
    taken = hands.now - began
    assert taken == pytest.approx(80 * 0.5 + 10 * 0.4 + 1.2)
    assert noted.forecasts == [pytest.approx(timed.seconds)]  # once
    assert timed.seconds == pytest.approx(taken, rel=0.05)  # before any validation was seen
    assert noted.lefts[-1] == pytest.approx(1.2 + 0.4)  # measured by then
    steps = range(80 - len(noted.lefts) + 1, 81)
    after = [taken - (0.5 * step + 0.4 * ((step - 1) // 8)) for step in steps]
    assert noted.lefts[8:] == pytest.approx(after[8:])  # from the first validation on
    assert isinstance(noted, ShowsTime) and not isinstance(Silent(), ShowsTime)


def test_a_busy_moment_does_not_change_the_forecast() -> None:
    taken = scripted(None, Hands()).seconds
    assert scripted(None, Hands(), busy=2).seconds == pytest.approx(taken + 20, rel=0.02)  # which has passed
    assert scripted(None, Hands(), validation=0).seconds == pytest.approx(80 * 0.5 + 0.8, rel=0.05)


def test_a_resumed_run_has_no_forecast_of_its_whole_time() -> None:
    hands, noted = Hands(), Noted()
    data: Any = SimpleNamespace(validation=[], test=[])
    timed = Timed(noted, data, 10, 8, clock=hands)
    timed.begin(10, 80, 40)
    for step in range(41, 50):
        hands.turn(1.0)
        timed.advance(step)
    assert noted.forecasts == [pytest.approx(40)] and timed.seconds is None


def test_lines_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, hands = io.StringIO(), Hands()
    monkeypatch.setattr(sys, "stderr", stream)
    scripted(Shown(Lines(hands), hands), hands)
    first, *between, last = stream.getvalue().splitlines()
    assert (first, last) == ("vaekit: about 46 s for 80 steps", "vaekit: 80 steps in 45 s, val −ELBO 2.00")
    assert len(between) == 7  # an epoch takes 4.4 s, and lines come no closer than 5
    for line in between:
        found = re.fullmatch(r"vaekit: epoch (\d+)/10, step (\d+) of 80, val −ELBO 2.00, (\d+) s left", line)
        assert found is not None
        epoch, step, left = map(int, found.groups())
        assert epoch == (step + 7) // 8
        assert left == pytest.approx(45.2 - (0.5 * step + 0.4 * (epoch - 1)), abs=0.51)


def test_a_forecast_changes_no_bit_of_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One whose forecast is made after its first step, and one that never has any."""
    kept = {}
    for name, enough in (("with", 0), ("without", 10**9)):
        monkeypatch.setattr("vaekit.runtime.stopwatch.ENOUGH", enough)
        monkeypatch.setattr("vaekit.runtime.stopwatch.WARMED", 0)
        monkeypatch.setattr("vaekit.runtime.stopwatch.PART_SECONDS", 0.0)
        torch.manual_seed(0)
        model = VAE((1, 4, 4), 2, width=8)
        history = fit(model, ELBO(), toy_data(), out=tmp_path / name, **SMALL)
        assert history.summary is not None
        assert (history.summary.forecast_seconds is not None) == (name == "with")
        weights = Path(tmp_path, name, "model.safetensors").read_bytes()
        kept[name] = weights, Path(tmp_path, name, "metrics.jsonl").read_bytes()
    assert kept["with"] == kept["without"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
@pytest.mark.parametrize("terminal", [True, False])
def test_a_shell_has_a_bar_and_a_pipe_has_lines(terminal: bool, tmp_path: Path) -> None:
    """In processes of their own: nothing is made up but the speed with which a run counts as long."""
    code = (
        "import vaekit.runtime.screens as s, vaekit.runtime.stopwatch as w, vaekit.training.progress as p; "
        "p.SOON = s.BETWEEN = w.WARMED = w.PART_SECONDS = w.SHARE = 0; "  # a fast machine has a forecast too
        "import vaekit; vaekit.train('vae', 'digits', likelihood='bce', epochs=8, batch_size=192, width=8, "
        "depth=1, device='cpu', out='run')"
    )
    master, slave = os.openpty() if terminal else os.pipe()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, env=environment,
        stdout=subprocess.PIPE, stderr=slave,
    ) as process:  # fmt: skip
        os.close(slave)
        text = b"".join(iter(lambda: read(master), b"")).decode()
        out = process.communicate()[0]
    assert (process.returncode, out) == (0, b"")
    assert ("\x1b[" in text, "\r" in text) == (terminal, terminal)
    assert re.search(r"epoch 8/8", text) and "−ELBO" in text and " left" in text
    if not terminal:
        lines = text.splitlines()
        assert all(line.startswith("vaekit: ") for line in lines)
        assert sum(re.fullmatch(r"vaekit: about \d+ s for 64 steps", line) is not None for line in lines) == 1
        assert re.match(r"vaekit: 64 steps in \d+ s, −ELBO [\d.]+", lines[-1])


def read(master: int) -> bytes:
    """What comes next; nothing at the end, which Linux makes an error of a terminal."""
    try:
        return os.read(master, 65536)
    except OSError:
        return b""


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
