"""The command line as a whole: results, notes, errors of one line, exit statuses."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import vaekit
from vaekit.cli import main as cli
from vaekit.cli.main import COMMANDS, main
from vaekit.cli.output import Result
from vaekit.core import NonFiniteError, VaekitWarning


def replace_command(monkeypatch: pytest.MonkeyPatch, action) -> None:
    """`vaekit resume RUN` does this instead."""
    monkeypatch.setattr("vaekit.cli.commands.train.resume", lambda options: action())


@pytest.mark.parametrize("words", [["--help", "all"], ["help", "all"], ["-h", "--all"]])
def test_overview_has_a_line_for_each_command(terminal, words: list[str]) -> None:
    outcome = terminal(*words)
    assert outcome.status == 0 and outcome.err == ""
    for name, command in COMMANDS.items():
        line = next(line for line in outcome.out.splitlines() if line.startswith(f"  {name} "))
        assert line.endswith(command.summary) and command.usage in line


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_first_overview_names_every_command(terminal, words: list[str]) -> None:
    outcome = terminal(*words)
    assert outcome.status == 0 and outcome.err == ""
    named = set(outcome.out.replace(",", " ").split())
    assert {*COMMANDS} <= named
    often = [name for name, command in COMMANDS.items() if not command.seldom]
    assert all(f"\n  {name} " in outcome.out for name in often) and len(often) >= 12


def test_version(terminal) -> None:
    from importlib.metadata import version

    first, second = terminal("--version").out.splitlines()
    assert first == f"vaekit {vaekit.__version__}"
    assert f"torch {version('torch')}, numpy {version('numpy')}" in second


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("train", "sweep", "prior")])
def test_help_names_every_option_with_its_default(terminal, monkeypatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = terminal(command, "--help", "all")
    assert outcome.status == 0 and outcome.err == ""
    shown = " ".join(outcome.out.split())
    for name, default in {"sample": [("--count", "64"), ("--seed", "0"), ("--temperature", "1")]}.get(
        command, []
    ):
        assert name in shown and f"(default: {default}" in shown
    assert "--json" in shown and "None" not in shown


def test_help_of_a_method_shows_its_own_defaults(terminal, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = " ".join(terminal("train", "beta-vae", "--help", "all").out.split())
    assert "--beta FLOAT weight of the KL term (default: 4; at least 0)" in shown
    assert "--beta" not in terminal("train", "ae", "--help", "all").out.replace("--beta1", "").replace(
        "--beta2", ""
    )


def test_help_wins_over_errors(terminal) -> None:
    assert terminal("sample", "--bogus", "--help").status == 0


def test_json_is_one_object_and_alone(terminal, vae_run: Path) -> None:
    outcome = terminal("sample", vae_run, "--count", 3, "--out", "s.npz", "--json")
    assert outcome.err == "" and outcome.out.count("\n") == 1
    assert json.loads(outcome.out) == {"run": str(vae_run), "out": "s.npz", "images": 3, "seed": 0}


def test_errors_leave_standard_output_empty(terminal) -> None:
    outcome = terminal("sample", "nowhere")
    assert (outcome.status, outcome.out) == (2, "")


def test_a_failure_is_one_line_and_status_1(terminal, monkeypatch) -> None:
    def fail() -> Result:
        raise NonFiniteError("kl_nats is not finite\nat step 3")

    replace_command(monkeypatch, fail)
    outcome = terminal("resume", "run")
    assert outcome.status == 1 and outcome.err == "vaekit: error: kl_nats is not finite at step 3\n"


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 2), (errno.EACCES, 2), (errno.EROFS, 2), (errno.EPERM, 2)]
)
def test_errors_of_the_file_system_name_file_and_remedy(
    terminal, monkeypatch, number: int, status: int
) -> None:
    def fail() -> Result:
        raise OSError(number, os.strerror(number), "some/file")

    replace_command(monkeypatch, fail)
    outcome = terminal("resume", "run")
    assert outcome.status == status and len(outcome.errors) == 1
    assert "some/file" in outcome.err and "--out" in outcome.err


def test_bugs_keep_their_traceback(terminal, monkeypatch) -> None:
    def fail() -> Result:
        raise ZeroDivisionError

    replace_command(monkeypatch, fail)
    with pytest.raises(ZeroDivisionError):
        terminal("resume", "run")


def test_a_missing_package_says_how_to_get_it(terminal, monkeypatch) -> None:
    def fail() -> Result:
        raise ModuleNotFoundError("No module named 'pooch'", name="pooch")

    replace_command(monkeypatch, fail)
    outcome = terminal("resume", "run")
    assert outcome.status == 1
    assert outcome.err == "vaekit: error: this needs the package pooch: pip install 'vaekit[all]'\n"


def test_ctrl_c_is_130(terminal, monkeypatch) -> None:
    def fail() -> Result:
        raise KeyboardInterrupt

    replace_command(monkeypatch, fail)
    outcome = terminal("resume", "run")
    assert (outcome.status, outcome.err) == (130, "vaekit: error: interrupted\n")


def test_notes_are_one_line_once_on_standard_error(terminal, monkeypatch) -> None:
    def warn() -> Result:
        for _ in range(2):
            warnings.warn("3 images\nconverted", VaekitWarning, stacklevel=1)
        return Result({}, "done")

    replace_command(monkeypatch, warn)
    outcome = terminal("resume", "run")
    assert outcome.err == "vaekit: note: 3 images converted\n" and outcome.out == "done\n"


def test_exit_status_of_a_command_is_passed_on(terminal, monkeypatch) -> None:
    replace_command(monkeypatch, lambda: Result({}, "stopped", 143))
    assert terminal("resume", "run").status == 143


def test_text_is_not_taken_for_markup(terminal, monkeypatch) -> None:
    replace_command(monkeypatch, lambda: Result({}, "runs/[red]/a :smile: " + "x" * 300))
    assert terminal("resume", "run").out == "runs/[red]/a :smile: " + "x" * 300 + "\n"


def test_a_closed_pipe_is_no_traceback() -> None:
    reader = f"{sys.executable} -c ''"
    line = f"{sys.executable} -m vaekit train vae --help | {reader}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX locale")
def test_any_name_can_be_said_in_any_locale(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "vaekit", "data", "Übergrößen – 数"]
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(words, capture_output=True, cwd=tmp_path, env=environment, timeout=120)
    assert done.returncode == 2
    assert "Übergrößen – 数" in done.stderr.decode("utf-8")


def test_main_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vaekit", "trian"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "vaekit: error: unknown command 'trian'. Did you mean train? See vaekit --help.\n"


def test_arguments_of_the_process_are_the_default(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["vaekit", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("vaekit ")


def test_every_command_can_be_resolved() -> None:
    for command in COMMANDS.values():
        assert callable(cli._resolve(f"commands.{command.run}"))
        assert callable(cli._resolve(f"reading:{command.read}"))
