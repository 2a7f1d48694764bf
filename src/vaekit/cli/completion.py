"""`vaekit completion bash|zsh`: a script that completes commands, methods, options and the words that options take.

It is made once from the tables of options and holds them, so that a shell completes without starting Python. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vaekit.cli import command_options
from vaekit.cli.help import option_name
from vaekit.config.fields import Flag
from vaekit.config.methods import METHODS, PRIORS
from vaekit.core import choose

OF_METHODS = ("train", "sweep")  # commands whose second word is a method, which brings options

SHELLS = {  # shell -> what comes before the script of bash
    "bash": '# vaekit: eval "$(vaekit completion bash)", in ~/.bashrc for every shell',
    "zsh": '# vaekit: eval "$(vaekit completion zsh)", in ~/.zshrc for every shell\n'
    "autoload -U +X compinit bashcompinit && compinit -u && bashcompinit",
}

SCRIPT = """
_vaekit() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" key="${{COMP_WORDS[1]}}" words=""
    case "$key" in train|sweep) if [ "$COMP_CWORD" -gt 2 ]; then key="$key ${{COMP_WORDS[2]}}"; fi ;; esac
    case "$COMP_CWORD $key" in
        "1 "*) words="{commands}" ;;
        "2 train"|"2 sweep") words="{methods}" ;;
        "2 help") words="{commands}" ;;
        "2 completion") words="{shells}" ;;
    esac
    case "$key $before" in
{values}
    esac
    if [ -z "$words" ]; then
        case "$word" in
            -*) case "$key" in
{options}
            esac ;;
        esac
    fi
    if [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _vaekit vaekit
"""


def completion(shell: str, commands: Mapping[str, str]) -> str:
    """The script of a shell.

    Args:
        shell: bash or zsh.
        commands: name -> name of its options in `command_options`.

    Raises:
        SettingError: another shell.
    """
    choose(shell, SHELLS, "shell")
    flags = {name: flags_of(name, options) for name, options in commands.items() if name not in OF_METHODS}
    flags |= {
        f"{command} {name}": [*typed(name), *getattr(command_options, commands[command]).flags()]
        for command in OF_METHODS
        for name in METHODS
    }
    values = {
        f"{key} {option_name(flag.name)}": flag.choices
        for key, its in flags.items()
        for flag in its
        if flag.choices and not flag.positional
    }
    script = SCRIPT.format(
        commands=" ".join([*commands, "help", "completion"]),
        methods=" ".join(METHODS),
        shells=" ".join(SHELLS),
        values=cases(values, 8),
        options=cases({key: names(its) for key, its in flags.items()}, 16),
    )
    return f"{SHELLS[shell]}{script}"


def flags_of(command: str, options: str) -> list[Flag]:
    """Options of a command; of `prior` those of every prior."""
    own = list(getattr(command_options, options).flags())
    return [*own, *(flag for name in PRIORS for flag in typed(name))] if command == "prior" else own


def typed(method: str) -> list[Flag]:
    """Options of a method or prior that can be typed."""
    table = METHODS if method in METHODS else PRIORS
    return [flag for flags in table[method].flags().values() for flag in flags if not flag.decided]


def names(flags: Iterable[Flag]) -> list[str]:
    """`--help` and the options as they are typed, each once."""
    return list(dict.fromkeys(["--help", *(option_name(flag.name) for flag in flags if not flag.positional)]))


def cases(words: Mapping[str, Iterable[str]], indent: int) -> str:
    """Lines of a `case`: what is matched -> the words that can follow; equal ones together."""
    together: dict[str, list[str]] = {}
    for key, its in words.items():
        together.setdefault(" ".join(word for word in its if word != "custom"), []).append(f'"{key}"')
    return "\n".join(f'{" " * indent}{"|".join(keys)}) words="{its}" ;;' for its, keys in together.items())
