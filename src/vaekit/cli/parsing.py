"""From the words of a command line to the options of a command, with errors of one line. Imports no torch."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from vaekit.cli.help import option_name, show_help
from vaekit.config.fields import Flag, Options, of_choices
from vaekit.core import SettingError, near_miss

HELP = ("-h", "--help")

S = TypeVar("S", bound=Options)


def parse(command: str, section: type[S], words: Sequence[str], description: str = "") -> S:
    """A section of options from the command line.

    Prints the help and raises SystemExit(0) where the words ask for it.

    Args:
        command: what was typed so far, "vaekit sample".
        section: whose options may be given.
        words: what follows the command.
        description: first line of the help.

    Raises:
        SettingError: one line that names the option or value, and the remedy.
    """
    given = read(command, {"options": section.flags()}, words, description=description)
    return section.of(given)


def read(
    command: str,
    groups: Mapping[str, Iterable[Flag]],
    words: Sequence[str],
    description: str = "",
    elsewhere: Callable[[str], str] = lambda option: "",
    have: Iterable[str] = (),
) -> dict[str, Any]:
    """Reads the options of the command line: name -> value of the option's type.

    Args:
        command, words, description: as in `parse`.
        groups: options by the title that they have in the help; no two have one name.
        elsewhere: says where an option belongs that is none of these.
        have: names of options without a default that something else gives.

    Raises:
        SettingError: as in `parse`.
    """
    typed = {title: [flag for flag in flags if not flag.decided] for title, flags in groups.items()}
    if any(word in HELP for word in words):
        show_help(command, typed, description, everything="all" in words)
        raise SystemExit(0)
    flags = [flag for group in typed.values() for flag in group]
    given, placed = Words(command, flags, elsewhere).split(words)
    values = {flag.name: from_text(given[flag.name], flag) for flag in flags if flag.name in given}
    values |= by_place(command, [flag for flag in flags if flag.positional], placed)
    for flag in flags:
        if is_required(flag) and flag.name not in {*values, *have}:
            name = flag.name.upper() if flag.positional else option_name(flag.name)
            raise SettingError(f"{command} needs {name}; see {command} --help.")
    return values


class Words:
    """Takes a command line apart.

    Args:
        command: what was typed so far.
        flags: the options of the command.
        elsewhere: says where an option belongs that is none of these.
    """

    def __init__(self, command: str, flags: Sequence[Flag], elsewhere: Callable[[str], str]) -> None:
        self.command, self.elsewhere = command, elsewhere
        self.known = {option_name(flag.name): flag for flag in flags if not flag.positional}
        switches = [flag for flag in self.known.values() if flag.hint is bool]
        self.off = {f"--no-{option_name(flag.name)[2:]}": flag for flag in switches}

    def split(self, words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """Splits the words of the command line by option, as text
        (True or False for a switch, a list where several values may follow), and what is given by its place;
        the two may be mixed.

        Raises:
            SettingError: a name that is no option, an option without its value, a switch with one.
        """
        given: dict[str, Any] = {}
        placed: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                return given, placed + rest
            if not is_option(word):
                placed.append(word)
                continue
            name, equals, value = word.partition("=")
            name = name.replace("_", "-")
            flag = self._flag(name)
            if flag.hint is bool:
                if equals:
                    raise SettingError(f"{name} takes no value; it holds when it is given.")
                given[flag.name] = name not in self.off
                continue
            if not equals:
                if not rest or is_option(rest[0]):
                    raise SettingError(f"{name} needs a value; see {self.command} --help.")
                value = rest.pop(0)
            given[flag.name] = value
            if is_list(flag):
                while rest and not is_option(rest[0]):
                    given[flag.name] += f",{rest.pop(0)}"
        return given, placed

    def _flag(self, name: str) -> Flag:
        if name in self.known:
            return self.known[name]
        if name in self.off:
            return self.off[name]
        hint = self.elsewhere(name) or near_miss(name, self.known)
        raise SettingError(f"unknown option {name}.{hint} See {self.command} --help.")


def is_option(word: str) -> bool:
    """Returns whether a word is an option and not a value such as -1, -.5 or -."""
    return len(word) > 1 and word[0] == "-" and not (word[1].isdigit() or word[1] == ".")


def is_list(flag: Flag) -> bool:
    """Returns whether several values may follow."""
    return typing.get_origin(flag.hint) is tuple


def is_required(flag: Flag) -> bool:
    """Returns whether there is no default."""
    return flag.default is dataclasses.MISSING


def by_place(command: str, flags: Sequence[Flag], placed: list[str]) -> dict[str, Any]:
    """Values of the options that have no name on the command line.

    Raises:
        SettingError: there are more words than such options.
    """
    values: dict[str, Any] = {}
    for flag in flags:
        if is_list(flag):
            values[flag.name], placed = tuple(placed), []
        elif placed:
            values[flag.name], placed = placed[0], placed[1:]
    if placed:
        raise SettingError(f"{command}: unexpected argument {placed[0]!r}; see {command} --help.")
    return values


def from_text(text: Any, flag: Flag) -> Any:
    """The value that a word stands for.

    Raises:
        SettingError: names the option, the word and what would fit.
    """
    option, kinds = option_name(flag.name), typing.get_args(flag.hint) or (flag.hint,)
    if isinstance(text, bool):
        return text
    if not text.strip():
        raise SettingError(f"{option}: there is nothing in its value; give one, or leave {option} away.")
    if is_list(flag):
        return tuple(word for word in text.split(",") if word)
    if flag.choices and flag.hint is not str:
        return of_choices(option, text, flag.choices)
    if types.NoneType in kinds and text.lower() == "none":
        return None
    if int in kinds:
        return number(text, int, option, "a whole number")
    if float in kinds:
        return number(text, float, option, "a number")
    return text


def number(text: str, kind: type, option: str, wanted: str) -> Any:
    """Raises SettingError: the text is no such number, or none that is finite."""
    try:
        value = kind(text)
    except ValueError:
        raise SettingError(f"{option}: {text!r} is not {wanted}.") from None
    if not math.isfinite(value):
        raise SettingError(f"{option}: {text!r} is not a finite number.")
    return value
