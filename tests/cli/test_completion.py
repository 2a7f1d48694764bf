"""What shells complete, asked of bash itself, against the tables of options."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vaekit.cli.completion import completion
from vaekit.cli.main import COMMANDS, main
from vaekit.config.likelihood_parts import LIKELIHOODS
from vaekit.config.methods import METHODS
from vaekit.core import SettingError

BASH = shutil.which("bash")
ITS = {name: command.options for name, command in COMMANDS.items()}
needs_bash = pytest.mark.skipif(BASH is None, reason="bash is not here")


def completed(typed: str) -> list[str]:
    """What bash offers for the last word of what was typed; one that ends in a space begins a new word."""
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    script = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _vaekit; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    assert BASH is not None
    done = subprocess.run(
        [BASH, "-c", f"{completion('bash', ITS)}\n{script}"], capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.split()


@needs_bash
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("vaekit tr", ["train"]),
        ("vaekit sweep vae --gri", ["--grid"]),
        ("vaekit train beta-t", ["beta-tcvae"]),
        ("vaekit train vae --latent-d", ["--latent-dim"]),
        ("vaekit train vae --fro", ["--from"]),
        ("vaekit train gan --likelih", []),
        ("vaekit train vqvae --network pa", ["patches"]),
        ("vaekit sample --temp", ["--temperature"]),
        ("vaekit prior --compo", ["--components"]),
        ("vaekit help expl", ["explore"]),
        ("vaekit completion z", ["zsh"]),
    ],
)
def test_bash_offers(typed: str, offered: list[str]) -> None:
    assert completed(typed) == offered


@needs_bash
def test_words_are_those_of_the_tables(tmp_path, monkeypatch) -> None:
    assert completed("vaekit train ") == list(METHODS)
    assert completed("vaekit ") == [*COMMANDS, "help", "completion"]
    assert set(completed("vaekit train vae --likelihood ")) == {"auto", *LIKELIHOODS}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my run").mkdir()
    assert completed("vaekit sample my") == ["my", "run"]  # a file, one word of the shell


IN_TERMINAL = {  # shell -> how it is begun so that it completes, without anybody's own settings
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}


def shown_after(shell: str, script: Path, typed: str, wanted: str, seconds: float = 15.0) -> str:
    """What a shell in a terminal of its own shows once somebody has typed, up to where the wanted text is there."""
    import pty

    child, handle = pty.fork()
    if child == 0:
        os.chdir(script.parent)
        own = {
            "HOME": str(script.parent),
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            "PS1": "$ ",
            "INPUTRC": "/dev/null",
        }
        os.execvpe(IN_TERMINAL[shell][0], IN_TERMINAL[shell], own)
    shown, until, asked = b"", time.monotonic() + seconds, False
    try:
        os.write(handle, f"source ./{script.name}; echo re''ady\n".encode())
        while wanted.encode() not in shown.replace(b"\x07", b"") and time.monotonic() < until:
            if select.select([handle], [], [], 0.1)[0]:
                shown += os.read(handle, 10_000)
            if b"ready" in shown and not asked:
                os.write(handle, f"{typed}\t".encode())
                asked = True
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(handle)
    return shown.decode(errors="replace")


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")
@pytest.mark.parametrize("shell", IN_TERMINAL)
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("vaekit tr", "vaekit train"),
        ("vaekit train vae --likelihood categ", "--likelihood categorical"),
        ("vaekit sample my", "vaekit sample my_run"),
    ],
)
def test_in_a_terminal_the_tabulator_completes(shell: str, typed: str, wanted: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    (tmp_path / "my_run").mkdir()
    script = tmp_path / "script"
    script.write_text(completion(shell, ITS), encoding="utf-8")
    assert wanted in shown_after(shell, script, typed, wanted)


def test_another_shell_is_one_line(capsys) -> None:
    with pytest.raises(SettingError, match=r"unknown shell 'fish'\. Choices: bash, zsh"):
        completion("fish", ITS)
    assert main(["completion"]) == 2
    assert "Choices: bash, zsh" in capsys.readouterr().err
    assert main(["completion", "zsh"]) == 0
    assert "bashcompinit" in capsys.readouterr().out
