"""What shells complete, asked of bash itself, against the tables of options."""

from __future__ import annotations

import shutil
import subprocess

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


def test_another_shell_is_one_line(capsys) -> None:
    with pytest.raises(SettingError, match=r"unknown shell 'fish'\. Choices: bash, zsh"):
        completion("fish", ITS)
    assert main(["completion"]) == 2
    assert "Choices: bash, zsh" in capsys.readouterr().err
    assert main(["completion", "zsh"]) == 0
    assert "bashcompinit" in capsys.readouterr().out
