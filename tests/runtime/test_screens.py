"""What lines, a notebook and a terminal show, and which of them is chosen."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from vaekit.runtime.screens import Bar, Dark, Lines, Notebook, Standing, as_clock, choose_screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def standing(step: int, epochs: int = 1, steps: int = 100) -> Standing:
    epoch = -(-step * epochs // steps)
    return Standing(f"epoch {epoch}/{epochs}", step, steps, "step", "−ELBO 2.00", steps - step)


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The outputs of a notebook's cell, each with all texts that it had."""
    shown: list[list[str]] = []

    def display(content: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw and display_id and set(content) == {"text/plain"}
        texts = [content["text/plain"]]
        shown.append(texts)
        return SimpleNamespace(update=lambda content, *, raw: texts.append(content["text/plain"]))

    ipython, shell = ModuleType("IPython"), SimpleNamespace(kernel=object())
    inner = ModuleType("IPython.display")
    ipython.get_ipython, inner.display = lambda: shell, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return shown


def times_of_lines(
    monkeypatch: pytest.MonkeyPatch, epochs: int, seconds: float
) -> tuple[list[float], list[str]]:
    """When lines come of 100 steps that take so long together, and the lines."""
    stream, now = io.StringIO(), [0.0]
    monkeypatch.setattr(sys, "stderr", stream)
    lines, times = Lines(lambda: now[0]), []
    for step in range(1, 101):
        now[0] = step * seconds / 100
        before = stream.getvalue()
        lines.show(standing(step, epochs))
        times += [now[0]] * (stream.getvalue() != before)
    return times, stream.getvalue().splitlines()


def test_a_line_per_epoch_but_none_within_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    times, lines = times_of_lines(monkeypatch, epochs=50, seconds=100)  # two steps and two seconds each
    assert all(later - sooner >= 5 for sooner, later in pairwise(times))
    assert len(times) > 10
    assert lines[0] == "vaekit: epoch 3/50, step 5 of 100, −ELBO 2.00, 1 min 35 s left"
    times, lines = times_of_lines(monkeypatch, epochs=10, seconds=200)  # an epoch takes twenty
    assert [line.split(",")[0] for line in lines] == [f"vaekit: epoch {n}/10" for n in range(1, 11)]


def test_a_line_at_least_every_thirty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    times, lines = times_of_lines(monkeypatch, epochs=1, seconds=1000)
    gaps = [later - sooner for sooner, later in zip([0.0, *times], [*times, 1000.0], strict=True)]
    assert max(gaps) <= 30 and len(times) == len(lines)
    assert sum(gap >= 30 for gap in gaps) >= 32  # and no more often, the first apart


def test_what_is_over_at_once_has_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert times_of_lines(monkeypatch, epochs=100, seconds=4.9) == ([], [])
    lines = Lines(lambda: 0.0)
    lines.close("100 steps")
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
    lines.keep("about 4 s for 100 steps")
    lines.close("100 steps in 4 s")
    assert sys.stderr.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "vaekit: about 4 s for 100 steps",
        "vaekit: 100 steps in 4 s",
    ]


def test_a_reader_that_has_gone_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            tried.append(text)
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    lines = Lines()
    lines.keep("about 4 s")
    lines.close("done")
    assert len(tried) == 1


def test_a_notebook_has_one_output_that_is_rewritten(
    outputs: list[list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        notebook = choose_screen()
        assert isinstance(notebook, Notebook)
        notebook = Notebook(lambda: now[0])
        for step in range(1, 101):
            now[0] += 0.05
            notebook.show(standing(step))
            if step == 40:
                notebook.keep("about 5 s for 100 steps")
        notebook.close("100 steps in 5 s")
    (texts,) = outputs
    assert texts[0] == standing(1).line
    assert texts[-2].startswith("about 5 s for 100 steps\nepoch 1/1, step ")
    assert texts[-1] == "about 5 s for 100 steps\n100 steps in 5 s"
    assert len(texts) <= 5 / 0.25 + 3  # redrawn four times a second at most
    assert capfd.readouterr() == ("", "")


def test_a_notebook_without_work_has_no_output(outputs: list[list[str]]) -> None:
    Notebook().close("0 steps")
    assert not outputs


@pytest.mark.parametrize(
    ("stream", "term", "kind"),
    [(io.StringIO, "xterm", Lines), (Terminal, "xterm", Bar), (Terminal, "dumb", Lines), (lambda: None, "xterm", Dark)],
)  # fmt: skip
def test_the_screen_suits_where_standard_error_goes(
    stream: Callable[[], Any], term: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setenv("TERM", term)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert isinstance(choose_screen(), kind)


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    ipython = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    for shell in (None, SimpleNamespace()):  # imported only, or the terminal's shell
        ipython.get_ipython = lambda shell=shell: shell  # type: ignore[attr-defined]
        assert isinstance(choose_screen(), Bar)


def test_lines_on_a_terminal_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setitem(sys.modules, "rich.console", None)  # type: ignore[arg-type]
    assert isinstance(choose_screen(), Lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "--:--"), (0.0, "00:00"), (99.6, "01:40"), (3599.7, "1:00:00"), (7265.0, "2:01:05")],
)
def test_clock(seconds: float | None, text: str) -> None:
    assert as_clock(seconds) == text


def test_where_all_is_done_no_time_is_left() -> None:
    assert standing(99).line == "epoch 1/1, step 99 of 100, −ELBO 2.00, 1 s left"
    assert standing(100).line == "epoch 1/1, step 100 of 100, −ELBO 2.00"
